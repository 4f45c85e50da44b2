//! The keys with which fal signs.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ports::Source;
use ring::signature::{ED25519, UnparsedPublicKey};
use serde::Deserialize;

/// Size of a public key, in bytes. Source: RFC 8032 §5.1.5.
const KEY_BYTES: usize = 32;
/// Size of a signature, in bytes. Source: RFC 8032 §5.1.6.
pub(super) const SIGNATURE_BYTES: usize = 64;

/// Public keys of the kind that fal signs with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PublicKeys(Vec<[u8; KEY_BYTES]>);

/// There is nothing to verify with.
#[derive(Debug, thiserror::Error)]
#[error("no Ed25519 key among {0} keys")]
struct NoneAmong(usize);

/// Source: RFC 7517 §5; RFC 8037 §2.
#[derive(Deserialize)]
struct Jwks {
    keys: Vec<Jwk>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: Option<String>,
    crv: Option<String>,
    x: Option<String>,
}

impl PublicKeys {
    /// Reads a JWKS. Keys of other kinds are passed over.
    ///
    /// # Errors
    /// If it is none, or has no key that can be used.
    pub(super) fn read(text: &[u8]) -> Result<Self, Source> {
        let Jwks { keys } = serde_json::from_slice(text)?;
        let usable: Vec<_> = keys.iter().filter_map(public_key).collect();
        if usable.is_empty() { Err(NoneAmong(keys.len()).into()) } else { Ok(Self(usable)) }
    }

    /// Whether any of the keys made this signature.
    pub(super) fn signed(&self, signed: &[u8], signature: &[u8]) -> bool {
        let fits = |key| UnparsedPublicKey::new(&ED25519, key).verify(signed, signature).is_ok();
        self.0.iter().any(fits)
    }
}

fn public_key(jwk: &Jwk) -> Option<[u8; KEY_BYTES]> {
    let is = |value: &Option<String>, wanted| value.as_deref().is_none_or(|value| value == wanted);
    if !is(&jwk.kty, "OKP") || !is(&jwk.crv, "Ed25519") {
        return None;
    }
    URL_SAFE_NO_PAD.decode(jwk.x.as_deref()?.trim_end_matches('=')).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const X: &str = "ebVWLo_mVPlAeLES6KmLp5AfhTrmlb7X4OORC60ElmQ";

    #[test]
    fn keys_of_other_kinds_are_passed_over() {
        let text = format!(
            r#"{{"keys":[{{"kty":"RSA","n":"AQAB"}},{{"kty":"OKP","crv":"X25519","x":"{X}"}},
            {{"kty":"OKP","crv":"Ed25519","x":"AAAA"}},{{"kty":"OKP","x":"{X}="}}]}}"#
        );

        assert_eq!(PublicKeys::read(text.as_bytes()).expect("a key").0.len(), 1);
        for none in ["", "{}", "{\"keys\":[]}", "{\"keys\":[{\"kty\":\"RSA\"}]}"] {
            assert!(PublicKeys::read(none.as_bytes()).is_err(), "{none}");
        }
    }
}
