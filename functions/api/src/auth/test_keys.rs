//! Keys that sign nothing but tests, and tokens signed with them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::future::BoxFuture;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use ports::Source;
use serde_json::{Value, json};
use testkit::samples::AT;

use super::{FetchKeys, JwtSecret, KeySet, Verifier};

pub(crate) const ISSUER: &str = "https://abc.supabase.co/auth/v1";
pub(crate) const SECRET: &str = "a secret that is thirty-two bytes";
pub(crate) const RSA_PUBLIC_PEM: &str = include_str!("test_keys/rsa-public.pem");

/// A private key, and its algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TestKey {
    EcOne,
    EcTwo,
    Rsa,
    Ed,
    Secret,
}

impl TestKey {
    pub(crate) fn algorithm(self) -> Algorithm {
        match self {
            Self::EcOne | Self::EcTwo => Algorithm::ES256,
            Self::Rsa => Algorithm::RS256,
            Self::Ed => Algorithm::EdDSA,
            Self::Secret => Algorithm::HS256,
        }
    }

    pub(crate) fn private(self) -> EncodingKey {
        match self {
            Self::EcOne => EncodingKey::from_ec_der(&der(include_str!("test_keys/ec-one.pem"))),
            Self::EcTwo => EncodingKey::from_ec_der(&der(include_str!("test_keys/ec-two.pem"))),
            Self::Rsa => EncodingKey::from_rsa_der(&der(include_str!("test_keys/rsa.pem"))),
            Self::Ed => EncodingKey::from_ed_der(&der(include_str!("test_keys/ed.pem"))),
            Self::Secret => EncodingKey::from_secret(SECRET.as_bytes()),
        }
    }

    /// As a JWKS lists it.
    pub(crate) fn public(self, id: &str) -> Value {
        let jwk = Jwk::from_encoding_key(&self.private(), self.algorithm()).expect("a key");
        let mut jwk = serde_json::to_value(jwk).expect("JSON");
        jwk["kid"] = json!(id);
        jwk["use"] = json!("sig");
        jwk
    }

    /// A token with these claims, that names the key `id`.
    pub(crate) fn sign(self, id: Option<&str>, claims: &Value) -> String {
        let header = Header { kid: id.map(str::to_owned), ..Header::new(self.algorithm()) };
        encode(&header, claims, &self.private()).expect("signed")
    }
}

fn der(pem: &str) -> Vec<u8> {
    let lines = pem.lines().filter(|line| !line.starts_with("-----"));
    STANDARD.decode(lines.collect::<String>()).expect("base64")
}

/// The claims of a user who has just signed in.
pub(crate) fn claims() -> Value {
    let now = AT.epoch_ms() / 1000;
    json!({
        "iss": ISSUER,
        "aud": "authenticated",
        "sub": "user-1",
        "role": "authenticated",
        "iat": now,
        "exp": now + 3600,
        "is_anonymous": false,
    })
}

/// The claims of [`claims`] with one changed; null: left out.
pub(crate) fn claims_with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    let all = claims.as_object_mut().expect("an object");
    if value.is_null() {
        all.remove(name)
    } else {
        all.insert(name.to_owned(), value)
    };
    claims
}

/// An issuer that answers with one set after the other, the last for ever.
#[derive(Clone, Debug, Default)]
pub(crate) struct Issuer(Arc<Mutex<(VecDeque<Option<Value>>, usize)>>);

impl Issuer {
    /// Answers with these keys; none: does not answer.
    pub(crate) fn then(self, keys: Option<Vec<Value>>) -> Self {
        let set = keys.map(|keys| json!({ "keys": keys }));
        self.0.lock().expect("not poisoned").0.push_back(set);
        self
    }

    /// How often it was asked.
    pub(crate) fn asked(&self) -> usize {
        self.0.lock().expect("not poisoned").1
    }

    /// Who believes it, and the legacy secret if `secret`.
    pub(crate) fn believed(&self, secret: bool) -> Verifier {
        let secret = JwtSecret::parse(SECRET).filter(|_| secret);
        let (issuer, audience) = (Some(ISSUER.to_owned()), "authenticated".to_owned());
        Verifier::new(secret.as_ref(), Some(KeySet::new(self.clone())), issuer, audience)
    }
}

impl FetchKeys for Issuer {
    fn fetch(&self) -> BoxFuture<'_, Result<Vec<u8>, Source>> {
        let mut state = self.0.lock().expect("not poisoned");
        state.1 += 1;
        let next = if state.0.len() > 1 { state.0.pop_front() } else { state.0.front().cloned() };
        let answer = next.flatten().ok_or_else(|| "connection refused".into());
        Box::pin(async move {
            // Others get their turn while a fetch is under way.
            tokio::task::yield_now().await;
            answer.map(|set| set.to_string().into_bytes())
        })
    }
}
