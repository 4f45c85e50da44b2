//! Webhooks of Replicate.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::Timestamp;
use ports::{NotGenuine, Notice, Source};
use ring::hmac;
use serde::Deserialize;

use super::{check_time, header};
use crate::http::{Base, Http};
use crate::key::Key;
use crate::refusal::Unexpected;

/// What secrets begin with.
const PREFIX: &str = "whsec_";
/// Shortest secret, in bytes. Source: Standard Webhooks specification, "Signature scheme".
const MIN_SECRET_BYTES: usize = 24;
/// What signatures of this kind begin with.
const VERSION: &str = "v1,";

/// The secret is none. It is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("secret number {number} of webhooks is not whsec_ and base64 of at least 24 bytes")]
pub struct InvalidSecret {
    /// Which one, from 1.
    pub number: usize,
}

/// Verifies what Replicate posts.
///
/// Source: Standard Webhooks specification; Replicate docs, "Verify webhooks". The reference library
/// reads the system's clock, so the rule is written out here.
#[derive(Clone)]
pub struct ReplicateVerifier {
    secrets: Vec<hmac::Key>,
}

impl std::fmt::Debug for ReplicateVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReplicateVerifier").field("secrets", &self.secrets.len()).finish()
    }
}

#[derive(Deserialize)]
struct Body {
    id: String,
}

impl ReplicateVerifier {
    /// Believes what is signed with any of these: several while a secret is replaced. Believes
    /// nothing if there is none.
    ///
    /// # Errors
    /// [`InvalidSecret`] names the first that is none.
    pub fn new(secrets: &[Key]) -> Result<Self, InvalidSecret> {
        let read = |(index, secret): (usize, &Key)| {
            secret_key(secret.expose()).ok_or(InvalidSecret { number: index + 1 })
        };
        Ok(Self { secrets: secrets.iter().enumerate().map(read).collect::<Result<_, _>>()? })
    }

    /// Reads the webhook that came with these headers, if it is Replicate's and of now.
    ///
    /// # Errors
    /// [`NotGenuine`].
    pub fn verify(
        &self,
        headers: &[(String, String)],
        body: &[u8],
        now: Timestamp,
    ) -> Result<Notice, NotGenuine> {
        let id = header(headers, "webhook-id")?;
        let secs = header(headers, "webhook-timestamp")?;
        let signatures = header(headers, "webhook-signature")?;
        check_time(secs, now)?;
        let signed = [id.as_bytes(), b".", secs.as_bytes(), b".", body].concat();
        if !self.signed(&signed, signatures) {
            return Err(NotGenuine::Forged);
        }
        let body: Body = serde_json::from_slice(body).map_err(NotGenuine::Unreadable)?;
        Ok(Notice { id: id.to_owned(), provider_job: body.id })
    }

    /// Whether any of the signatures is one of ours. Compares in constant time.
    fn signed(&self, signed: &[u8], signatures: &str) -> bool {
        let codes = signatures.split_whitespace().filter_map(|text| text.strip_prefix(VERSION));
        let mut codes = codes.filter_map(|code| STANDARD.decode(code).ok());
        codes.any(|code| self.secrets.iter().any(|key| hmac::verify(key, signed, &code).is_ok()))
    }
}

fn secret_key(secret: &str) -> Option<hmac::Key> {
    let encoded = secret.strip_prefix(PREFIX)?;
    let bytes = STANDARD.decode(encoded).ok().filter(|bytes| bytes.len() >= MIN_SECRET_BYTES)?;
    Some(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
}

/// The secret could not be asked for.
#[derive(Debug, thiserror::Error)]
#[error("cannot fetch the secret of Replicate's webhooks")]
pub struct SecretUnavailable(#[source] Source);

#[derive(Deserialize)]
struct Answered {
    key: String,
}

/// The secret with which Replicate signs an account's webhooks.
///
/// Source: Replicate docs, `GET /v1/webhooks/default/secret`.
///
/// # Errors
/// [`SecretUnavailable`].
pub async fn fetch_replicate_secret(
    http: &Http,
    base: &Base,
    key: &Key,
) -> Result<Key, SecretUnavailable> {
    let url = base.at(&["webhooks", "default", "secret"]);
    let asked = http.exchange(http.get(url).bearer_auth(key.expose())).await;
    let answer = asked.map_err(|unanswered| SecretUnavailable(unanswered.into_source()))?;
    if !answer.status.is_success() {
        return Err(SecretUnavailable(Unexpected::of(&answer).into()));
    }
    let answered: Answered = answer.json().map_err(|error| SecretUnavailable(error.into()))?;
    Ok(Key::new(answered.key))
}

#[cfg(test)]
mod tests {
    use standardwebhooks::Webhook;

    use super::*;
    use crate::webhook::samples;

    const SECRET: &str = "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";
    const OTHER: &str = "whsec_ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICA=";
    const BODY: &[u8] = br#"{"id":"p1","status":"succeeded"}"#;
    const SIGNATURE: &str = "v1,+UJ5qdiLcBLfUR3GyufxFuTp3e9E9Uipma4up1Bgt8o=";

    fn verifier(secrets: &[&str]) -> ReplicateVerifier {
        let secrets: Vec<_> = secrets.iter().map(|secret| Key::new(*secret)).collect();
        ReplicateVerifier::new(&secrets).expect("secrets")
    }

    fn headers(signature: &str) -> Vec<(String, String)> {
        samples::headers(&[
            ("Webhook-Id", "msg_0001"),
            ("webhook-timestamp", "1790000000"),
            ("WEBHOOK-SIGNATURE", signature),
        ])
    }

    fn verify(secrets: &[&str], signature: &str) -> Result<Notice, NotGenuine> {
        verifier(secrets).verify(&headers(signature), BODY, samples::SIGNED_AT)
    }

    #[test]
    fn the_known_answer_is_believed() {
        let notice = verify(&[SECRET], SIGNATURE).expect("signed");

        assert_eq!(notice, Notice { id: "msg_0001".to_owned(), provider_job: "p1".to_owned() });
    }

    #[test]
    fn any_signature_and_any_secret_will_do() {
        let other = Webhook::new(OTHER).and_then(|key| key.sign("msg_0001", 1_790_000_000, BODY));
        let both = format!("{} {SIGNATURE}", other.as_deref().expect("a secret"));

        assert!(verify(&[SECRET], &both).is_ok());
        assert!(verify(&[OTHER], &both).is_ok());
        assert!(verify(&[OTHER, SECRET], SIGNATURE).is_ok());
        assert!(verify(&[SECRET], &format!("v1a,AAAA v2,AAAA v1,? {SIGNATURE}")).is_ok());
    }

    #[test]
    fn what_was_changed_or_signed_by_others_is_forged() {
        let forged = |answer| matches!(answer, Err(NotGenuine::Forged));
        let later = samples::headers(&[
            ("webhook-id", "msg_0001"),
            ("webhook-timestamp", "1790000001"),
            ("webhook-signature", SIGNATURE),
        ]);
        let mut renamed = headers(SIGNATURE);
        renamed[0].1 = "msg_0002".to_owned();
        let judge = |headers: &[(String, String)], body: &[u8]| {
            verifier(&[SECRET]).verify(headers, body, samples::SIGNED_AT)
        };

        assert!(forged(judge(&headers(SIGNATURE), b"{\"id\":\"p2\",\"status\":\"succeeded\"}")));
        assert!(forged(judge(&headers(SIGNATURE), &[BODY, b" "].concat())));
        assert!(forged(judge(&later, BODY)));
        assert!(forged(judge(&renamed, BODY)));
        assert!(forged(verify(&[OTHER], SIGNATURE)));
        assert!(forged(verify(&[], SIGNATURE)));
        assert!(forged(verify(&[SECRET], "v1, nothing")));
        assert!(forged(verify(&[SECRET], &SIGNATURE.replace("v1,", "v2,"))));
        assert!(forged(verify(&[SECRET], &SIGNATURE.replace("t8o=", ""))));
    }

    #[test]
    fn what_is_missing_is_unsigned() {
        for missing in 0..3 {
            let mut headers = headers(SIGNATURE);
            headers.remove(missing);
            let answer = verifier(&[SECRET]).verify(&headers, BODY, samples::SIGNED_AT);
            assert!(matches!(answer, Err(NotGenuine::Unsigned)), "{missing}");
        }
    }

    #[test]
    fn what_is_not_of_now_is_stale() {
        let at = |now| verifier(&[SECRET]).verify(&headers(SIGNATURE), BODY, now);
        let earlier = Timestamp::from_epoch_ms(1_789_999_699_000);

        assert!(at(samples::seconds_later(300)).is_ok());
        assert!(matches!(at(samples::seconds_later(301)), Err(NotGenuine::Stale)));
        assert!(matches!(at(earlier), Err(NotGenuine::Stale)));
    }

    #[test]
    fn what_is_signed_and_not_understood_is_told_apart() {
        let body: &[u8] = b"\xff{}";
        let key = secret_key(SECRET).expect("a secret");
        let code = hmac::sign(&key, &[b"msg_0001.1790000000.", body].concat());
        let signature = format!("v1,{}", STANDARD.encode(code));

        let answer = verifier(&[SECRET]).verify(&headers(&signature), body, samples::SIGNED_AT);

        assert!(matches!(answer, Err(NotGenuine::Unreadable(_))));
    }

    #[test]
    fn a_secret_that_anybody_could_guess_is_none() {
        for secret in ["whsec_", "whsec_AAAA", "whsec_?", &SECRET["whsec_".len()..]] {
            let made = ReplicateVerifier::new(&[Key::new(SECRET), Key::new(secret)]);
            assert_eq!(made.err(), Some(InvalidSecret { number: 2 }), "{secret}");
        }
    }
}
