//! When keys are fetched, and what happens when they cannot be.

use std::time::Duration;

use domain::Timestamp;
use futures::future::join_all;
use serde_json::json;
use testkit::samples::AT;

use super::test_keys::{Issuer, TestKey, claims, claims_with};
use super::{NotBelieved, Verifier};

fn after(secs: u64) -> Timestamp {
    AT.plus(Duration::from_secs(secs))
}

/// A token that is good for years.
fn token(key: TestKey, id: &str) -> String {
    key.sign(Some(id), &claims_with("exp", json!(4_000_000_000_u64)))
}

async fn is_believed(verifier: &Verifier, token: &str, now: Timestamp) -> bool {
    verifier.verify(token, now).await.is_ok()
}

#[tokio::test]
async fn keys_are_kept_for_ten_minutes() {
    let issuer = Issuer::default().then(Some(vec![TestKey::EcOne.public("one")]));
    let (verifier, token) = (issuer.believed(false), token(TestKey::EcOne, "one"));

    for secs in [0, 1, 599] {
        assert!(is_believed(&verifier, &token, after(secs)).await);
    }
    assert_eq!(issuer.asked(), 1);
    assert!(is_believed(&verifier, &token, after(600)).await);
    assert_eq!(issuer.asked(), 2);
}

#[tokio::test]
async fn a_new_key_is_found_when_a_token_names_it() {
    let (one, two) = (TestKey::EcOne.public("one"), TestKey::EcTwo.public("two"));
    let issuer = Issuer::default()
        .then(Some(vec![one.clone()]))
        .then(Some(vec![one, two.clone()]))
        .then(Some(vec![two]));
    let verifier = issuer.believed(false);
    let (old, new) = (token(TestKey::EcOne, "one"), token(TestKey::EcTwo, "two"));

    assert!(is_believed(&verifier, &old, after(0)).await);
    assert!(is_believed(&verifier, &new, after(31)).await);
    assert!(is_believed(&verifier, &old, after(32)).await);
    assert_eq!(issuer.asked(), 2);

    let removed = verifier.verify(&old, after(700)).await;
    assert!(matches!(removed, Err(NotBelieved::UnknownKey)), "{removed:?}");
}

#[tokio::test]
async fn a_flood_of_unknown_keys_is_one_fetch() {
    let issuer = Issuer::default().then(Some(vec![TestKey::EcOne.public("one")]));
    let verifier = issuer.believed(true);
    let tokens: Vec<_> = (0..50).map(|n| token(TestKey::EcTwo, &format!("made up {n}"))).collect();

    let flood = join_all(tokens.iter().map(|token| verifier.verify(token, after(0)))).await;

    assert!(flood.iter().all(Result::is_err));
    assert_eq!(issuer.asked(), 1);
    join_all(tokens.iter().map(|token| verifier.verify(token, after(29)))).await;
    assert_eq!(issuer.asked(), 1);
    join_all(tokens.iter().map(|token| verifier.verify(token, after(30)))).await;
    assert_eq!(issuer.asked(), 2);
}

#[tokio::test]
async fn a_token_of_the_secret_asks_nobody() {
    let issuer = Issuer::default().then(None);
    let verifier = issuer.believed(true);

    assert!(is_believed(&verifier, &TestKey::Secret.sign(Some("old"), &claims()), AT).await);
    assert_eq!(issuer.asked(), 0);
}

#[tokio::test]
async fn the_last_good_set_serves_for_a_day() {
    let one = vec![TestKey::EcOne.public("one")];
    let issuer = Issuer::default().then(Some(one.clone())).then(None);
    let (verifier, token) = (issuer.believed(false), token(TestKey::EcOne, "one"));
    assert!(is_believed(&verifier, &token, after(0)).await);

    assert!(is_believed(&verifier, &token, after(3_600)).await);
    assert!(is_believed(&verifier, &token, after(24 * 3_600 - 1)).await);
    let day_later = verifier.verify(&token, after(24 * 3_600)).await;

    assert!(matches!(day_later, Err(NotBelieved::NoKeys(_))), "{day_later:?}");
}

#[tokio::test]
async fn an_issuer_that_is_down_is_asked_again_soon_but_not_by_everybody() {
    let one = vec![TestKey::EcOne.public("one")];
    let issuer = Issuer::default().then(None).then(Some(one));
    let (verifier, token) = (issuer.believed(false), token(TestKey::EcOne, "one"));

    let down = join_all((0..20).map(|_| verifier.verify(&token, after(0)))).await;

    assert!(down.iter().all(|answer| matches!(answer, Err(NotBelieved::NoKeys(_)))));
    assert_eq!(issuer.asked(), 1);
    assert!(is_believed(&verifier, &token, after(2)).await);
}

#[tokio::test]
async fn keys_that_cannot_be_used_are_passed_over() {
    let with = |name: &str, value: serde_json::Value| {
        let mut jwk = TestKey::EcOne.public("one");
        jwk[name] = value;
        jwk
    };
    let short = json!({ "kty": "RSA", "kid": "one", "n": "AQAB", "e": "AQAB" });
    let secret = json!({ "kty": "oct", "kid": "one", "k": "c2VjcmV0" });
    let token = token(TestKey::EcOne, "one");

    for jwk in [
        with("use", json!("enc")),
        with("alg", json!("ES384")),
        with("crv", json!("P-384")),
        with("kid", json!(7)),
        TestKey::Ed.public("one"),
        short,
        secret,
        json!("no key"),
    ] {
        let two = TestKey::EcTwo.public("two");
        let verifier = Issuer::default().then(Some(vec![jwk.clone(), two])).believed(false);
        assert!(!is_believed(&verifier, &token, AT).await, "{jwk}");

        let alone = Issuer::default().then(Some(vec![jwk])).believed(false);
        let answer = alone.verify(&token, AT).await;
        assert!(matches!(answer, Err(NotBelieved::NoKeys(_))), "{answer:?}");
    }
}
