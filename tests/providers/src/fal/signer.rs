//! Signatures of fal's webhooks.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::media::hex;

/// Signs with a key of which the public half is shown, or with one that nobody knows.
#[derive(Debug)]
pub(crate) struct Signer {
    current: Ed25519KeyPair,
    /// Shown too, and no longer used: receivers have to try every key.
    retired: Ed25519KeyPair,
    stranger: Ed25519KeyPair,
}

impl Signer {
    /// With keys that come from 32 bytes.
    pub(crate) fn new(seed: &[u8; 32]) -> io::Result<Self> {
        let other = |label: &str| Sha256::new().chain_update(seed).chain_update(label).finalize();
        Ok(Self {
            current: pair(seed)?,
            retired: pair(&other("retired"))?,
            stranger: pair(&other("stranger"))?,
        })
    }

    /// The keys of the JWKS.
    pub(crate) fn public_keys(&self) -> Value {
        let key = |pair: &Ed25519KeyPair| {
            let x = URL_SAFE_NO_PAD.encode(pair.public_key());
            json!({"kty": "OKP", "crv": "Ed25519", "x": x})
        };
        json!([key(&self.retired), key(&self.current)])
    }

    /// The headers of a delivery.
    pub(crate) fn headers(
        &self,
        known: bool,
        (id, user): (&str, &str),
        timestamp_secs: i64,
        body: &str,
    ) -> Vec<(&'static str, String)> {
        let hash = hex(&Sha256::digest(body));
        let message = format!("{id}\n{user}\n{timestamp_secs}\n{hash}");
        let pair = if known { &self.current } else { &self.stranger };
        vec![
            ("x-fal-webhook-request-id", id.to_owned()),
            ("x-fal-webhook-user-id", user.to_owned()),
            ("x-fal-webhook-timestamp", timestamp_secs.to_string()),
            ("x-fal-webhook-signature", hex(pair.sign(message.as_bytes()).as_ref())),
        ]
    }
}

fn pair(seed: &[u8]) -> io::Result<Ed25519KeyPair> {
    Ed25519KeyPair::from_seed_unchecked(seed).map_err(|error| io::Error::other(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_answer_comes_out() {
        let seed = std::array::from_fn(|index| u8::try_from(index + 1).expect("small"));
        let signer = Signer::new(&seed).expect("keys");
        let body = r#"{"request_id":"req-1","status":"OK","payload":{}}"#;
        let headers = signer.headers(true, ("req-1", "user-1"), 1_790_000_000, body);

        let x = signer.public_keys()[1]["x"].take();
        assert_eq!(x, "ebVWLo_mVPlAeLES6KmLp5AfhTrmlb7X4OORC60ElmQ");
        assert_eq!(
            headers[3].1,
            "50da8134670b2d183b0e7990fdc15eaf790b11a0643783b814f49acd6393a24f\
             05dffdacff5827e5b837c2e7106df7064b064830bd89a504d00e56935f7abb03"
        );
    }
}
