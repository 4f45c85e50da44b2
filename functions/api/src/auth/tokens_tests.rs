//! Which tokens are believed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use testkit::samples::AT;

use super::test_keys::{ISSUER, Issuer, RSA_PUBLIC_PEM, SECRET, TestKey, claims, claims_with};
use super::{JwtSecret, NotBelieved, Verifier};

/// Lists a key of each kind, also of one that is not taken.
fn issuer() -> Issuer {
    let keys = [(TestKey::EcOne, "ec"), (TestKey::Rsa, "rsa"), (TestKey::Ed, "ed")];
    Issuer::default().then(Some(keys.map(|(key, id)| key.public(id)).to_vec()))
}

async fn verify(token: &str) -> Result<String, NotBelieved> {
    issuer().believed(true).verify(token, AT).await
}

/// What becomes of a genuine token with these claims.
async fn with(name: &str, value: Value) -> Result<String, NotBelieved> {
    verify(&TestKey::EcOne.sign(Some("ec"), &claims_with(name, value))).await
}

#[tokio::test]
async fn a_genuine_token_is_its_users() {
    for token in [
        TestKey::EcOne.sign(Some("ec"), &claims()),
        TestKey::Rsa.sign(Some("rsa"), &claims()),
        TestKey::Secret.sign(None, &claims()),
        TestKey::Secret.sign(Some("legacy"), &claims()),
    ] {
        assert_eq!(verify(&token).await.expect("believed"), "user-1");
    }
    assert_eq!(with("is_anonymous", json!(true)).await.expect("believed"), "user-1");
    assert_eq!(with("aud", json!(["authenticated", "x"])).await.expect("believed"), "user-1");
}

#[tokio::test]
async fn a_token_of_somebody_elses_key_is_not_believed() {
    let other_secret = EncodingKey::from_secret(b"another secret of thirty-two byte");
    let forged = encode(&Header::new(Algorithm::HS256), &claims(), &other_secret).expect("signed");

    let ec = verify(&TestKey::EcTwo.sign(Some("ec"), &claims())).await;
    let unknown = verify(&TestKey::EcTwo.sign(Some("made up"), &claims())).await;
    let hs = verify(&forged).await;

    assert!(matches!(ec, Err(NotBelieved::Signature)), "{ec:?}");
    assert!(matches!(unknown, Err(NotBelieved::Algorithm)), "{unknown:?}");
    assert!(matches!(hs, Err(NotBelieved::Signature)), "{hs:?}");
}

#[tokio::test]
async fn a_changed_token_is_not_believed() {
    let token = TestKey::EcOne.sign(Some("ec"), &claims());
    let parts: Vec<_> = token.split('.').collect();
    let other = URL_SAFE_NO_PAD.encode(claims_with("sub", json!("user-2")).to_string());

    let changed = verify(&format!("{}.{other}.{}", parts[0], parts[2])).await;

    assert!(matches!(changed, Err(NotBelieved::Signature)), "{changed:?}");
    for unreadable in ["", ".", "..", "a.b.c", "a.b.c.d", &token[..40]] {
        let answer = verify(unreadable).await;
        assert!(matches!(answer, Err(NotBelieved::Unreadable)), "{unreadable}: {answer:?}");
    }
    let long = verify(&format!("{token}{}", "A".repeat(20_000))).await;
    assert!(matches!(long, Err(NotBelieved::Unreadable)));
}

#[tokio::test]
async fn a_public_key_is_never_a_secret() {
    let bodies = RSA_PUBLIC_PEM.lines().filter(|line| !line.starts_with("-----"));
    let der = base64::engine::general_purpose::STANDARD.decode(bodies.collect::<String>());
    let modulus = TestKey::Rsa.public("rsa")["n"].as_str().expect("text").to_owned();

    for secret in [RSA_PUBLIC_PEM.as_bytes(), &der.expect("base64"), modulus.as_bytes()] {
        for id in [Some("rsa".to_owned()), Some("made up".to_owned()), None] {
            let header = Header { kid: id, ..Header::new(Algorithm::HS256) };
            let key = EncodingKey::from_secret(secret);
            let confused = encode(&header, &claims(), &key).expect("signed");

            assert!(verify(&confused).await.is_err());
            assert!(issuer().believed(false).verify(&confused, AT).await.is_err());
        }
    }
}

#[tokio::test]
async fn the_algorithm_is_that_of_the_key() {
    let verifier = issuer().believed(true);
    let known = verifier.verify(&TestKey::EcOne.sign(Some("ec"), &claims()), AT).await;
    assert!(known.is_ok());
    let secret_under_a_listed_id = TestKey::Secret.sign(Some("ec"), &claims());
    let rsa_under_ec = TestKey::Rsa.sign(Some("ec"), &claims());
    let header = Header { kid: Some("rsa".to_owned()), ..Header::new(Algorithm::RS512) };
    let other_hash = encode(&header, &claims(), &TestKey::Rsa.private()).expect("signed");
    let header = Header::new(Algorithm::HS512);
    let other_hmac = EncodingKey::from_secret(SECRET.as_bytes());
    let other_hmac = encode(&header, &claims(), &other_hmac).expect("signed");

    for token in [secret_under_a_listed_id, rsa_under_ec, other_hash, other_hmac] {
        let answer = verifier.verify(&token, AT).await;
        assert!(matches!(answer, Err(NotBelieved::Algorithm)), "{answer:?}");
    }
}

#[tokio::test]
async fn no_algorithm_and_edwards_curves_are_refused() {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    for header in [
        json!({ "alg": "none" }),
        json!({ "alg": "none", "kid": "ec" }),
        json!({ "alg": "NONE", "kid": "rsa" }),
        json!({ "kid": "ec" }),
    ] {
        for signature in ["", "AAAA"] {
            let token = format!("{}.{}.{signature}", part(header.clone()), part(claims()));
            let answer = verify(&token).await;
            assert!(matches!(answer, Err(NotBelieved::Unreadable)), "{header}: {answer:?}");
        }
    }
    let ed = issuer().believed(false).verify(&TestKey::Ed.sign(Some("ed"), &claims()), AT).await;
    assert!(matches!(ed, Err(NotBelieved::UnknownKey)), "{ed:?}");
}

#[tokio::test]
async fn a_critical_extension_that_is_not_known_is_refused() {
    let crit = Some(vec!["b64".to_owned()]);
    let header = Header { kid: Some("ec".to_owned()), crit, ..Header::new(Algorithm::ES256) };
    let token = encode(&header, &claims(), &TestKey::EcOne.private()).expect("signed");

    assert!(matches!(verify(&token).await, Err(NotBelieved::Unreadable)));
}

#[tokio::test]
async fn a_token_is_good_for_its_time_and_half_a_minute() {
    let now = AT.epoch_ms() / 1000;

    assert!(with("exp", json!(now - 30)).await.is_ok());
    assert!(matches!(with("exp", json!(now - 31)).await, Err(NotBelieved::Expired)));
    assert!(matches!(with("exp", Value::Null).await, Err(NotBelieved::Claim("exp"))));
    assert!(matches!(with("exp", json!("never")).await, Err(NotBelieved::Unreadable)));
    assert!(with("nbf", json!(now + 30)).await.is_ok());
    assert!(matches!(with("nbf", json!(now + 31)).await, Err(NotBelieved::NotYet)));
}

#[tokio::test]
async fn a_token_of_another_issuer_or_audience_is_refused() {
    for issuer in [json!("https://evil.example/auth/v1"), json!("supabase"), json!(7), Value::Null]
    {
        let answer = with("iss", issuer.clone()).await;
        assert!(matches!(answer, Err(NotBelieved::Issuer)), "{issuer}: {answer:?}");
    }
    for audience in [json!("anon"), json!(["a", "b"]), json!([]), Value::Null] {
        let answer = with("aud", audience.clone()).await;
        assert!(matches!(answer, Err(NotBelieved::Audience)), "{audience}: {answer:?}");
    }
}

#[tokio::test]
async fn a_key_of_a_project_is_no_user() {
    let legacy = json!({
        "iss": "supabase", "ref": "abc", "role": "service_role", "aud": "authenticated",
        "iat": 1, "exp": 4_000_000_000_u64,
    });
    let secret = JwtSecret::parse(SECRET);
    let anybody = Verifier::new(secret.as_ref(), None, None, "authenticated".to_owned());

    let answer = anybody.verify(&TestKey::Secret.sign(None, &legacy), AT).await;

    assert!(matches!(answer, Err(NotBelieved::NoUser)), "{answer:?}");
    for subject in [json!(""), json!("-"), json!("a b"), json!("x".repeat(129)), Value::Null] {
        let answer = with("sub", subject.clone()).await;
        assert!(matches!(answer, Err(NotBelieved::NoUser)), "{subject}: {answer:?}");
    }
    for role in [json!("anon"), json!("service_role"), Value::Null] {
        assert!(matches!(with("role", role).await, Err(NotBelieved::NoUser)));
    }
}

#[tokio::test]
async fn the_issuer_is_unchecked_only_if_it_is_not_set_up() {
    let secret = JwtSecret::parse(SECRET);
    let anybody = Verifier::new(secret.as_ref(), None, None, "authenticated".to_owned());
    let token = TestKey::Secret.sign(None, &claims_with("iss", json!("https://x.example")));

    assert!(anybody.verify(&token, AT).await.is_ok());
    assert!(matches!(verify(&token).await, Err(NotBelieved::Issuer)));
}

#[tokio::test]
async fn what_is_told_of_a_token_has_nothing_of_it() {
    let token = TestKey::EcOne.sign(Some("ec"), &claims_with("iss", json!("https://x.example")));

    let told = format!("{0} {0:?}", verify(&token).await.expect_err("refused"));

    assert!(token.split('.').all(|part| !told.contains(part)) && !told.contains("x.example"));
    assert!(ISSUER.starts_with("https://") && !told.contains(ISSUER));
}
