//! Webhooks of fal.

mod keys;

use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use domain::Timestamp;
use ports::{NotGenuine, Notice, Source};
use ring::digest;
use serde::Deserialize;

use self::keys::{PublicKeys, SIGNATURE_BYTES};
use super::{check_time, header};
use crate::http::{Base, Http, Unanswered};
use crate::refusal::Unexpected;

/// How long keys may be kept. Source: fal docs, "Webhooks".
const KEYS_LIVE: Duration = Duration::from_hours(24);
/// How long nobody is asked again: forged webhooks must not make us ask all the time.
const ASK_EVERY: Duration = Duration::from_mins(1);

/// Verifies what fal posts, with the keys that fal shows.
///
/// Keys are fetched when they are first needed, kept for a day, and fetched again when none fits, once
/// a minute at most.
///
/// Source: fal docs, "Webhooks", "Verifying your webhook".
#[derive(Debug)]
pub struct FalVerifier {
    http: Http,
    rest: Base,
    user: Option<String>,
    known: Mutex<Known>,
    asking: tokio::sync::Mutex<()>,
}

/// What is known of the keys.
#[derive(Clone, Debug, Default)]
struct Known {
    keys: PublicKeys,
    fetched: Option<Timestamp>,
    asked: Option<Timestamp>,
}

impl Known {
    fn is_fresh(&self, now: Timestamp) -> bool {
        self.fetched.is_some_and(|fetched| now.since(fetched) < KEYS_LIVE)
    }

    fn may_ask(&self, now: Timestamp) -> bool {
        self.asked.is_none_or(|asked| now.since(asked) >= ASK_EVERY)
    }
}

#[derive(Deserialize)]
struct Body {
    request_id: String,
}

/// The keys are asked for once a minute at most, and the last time there were none.
#[derive(Debug, thiserror::Error)]
#[error("they could not be fetched less than a minute ago")]
struct AskedJustNow;

impl FalVerifier {
    /// Believes whom the host `rest` names: [`Fal::REST_URL`](crate::Fal::REST_URL).
    /// `http` has to speak with that host.
    pub fn new(http: Http, rest: Base) -> Self {
        let (known, asking) = (Mutex::default(), tokio::sync::Mutex::default());
        Self { http, rest, user: None, known, asking }
    }

    /// Believes only what is sent for this user of fal. With the same keys fal signs for all.
    #[must_use]
    pub fn only_for(self, user: String) -> Self {
        Self { user: Some(user), ..self }
    }

    /// Reads the webhook that came with these headers, if it is fal's and of now.
    ///
    /// # Errors
    /// [`NotGenuine`].
    pub async fn verify(
        &self,
        headers: &[(String, String)],
        body: &[u8],
        now: Timestamp,
    ) -> Result<Notice, NotGenuine> {
        let id = header(headers, "x-fal-webhook-request-id")?;
        let user = header(headers, "x-fal-webhook-user-id")?;
        let secs = header(headers, "x-fal-webhook-timestamp")?;
        let signature = header(headers, "x-fal-webhook-signature")?;
        check_time(secs, now)?;
        if self.user.as_deref().is_some_and(|ours| ours != user) {
            return Err(NotGenuine::Forged);
        }
        let signature = unhex(signature).ok_or(NotGenuine::Forged)?;
        let hash = hex(digest::digest(&digest::SHA256, body).as_ref());
        let signed = format!("{id}\n{user}\n{secs}\n{hash}");
        self.check(signed.as_bytes(), &signature, now).await?;
        let body: Body = serde_json::from_slice(body).map_err(NotGenuine::Unreadable)?;
        Ok(Notice { id: id.to_owned(), provider_job: body.request_id })
    }

    async fn check(
        &self,
        signed: &[u8],
        signature: &[u8],
        now: Timestamp,
    ) -> Result<(), NotGenuine> {
        let known = self.known();
        if known.is_fresh(now) && known.keys.signed(signed, signature) {
            return Ok(());
        }
        let known = self.newer(now).await.map_err(NotGenuine::NoKeys)?;
        if known.keys.signed(signed, signature) { Ok(()) } else { Err(NotGenuine::Forged) }
    }

    /// Keys that are as new as may be asked for. Of many who need them, one asks.
    async fn newer(&self, now: Timestamp) -> Result<Known, Source> {
        let _asking = self.asking.lock().await;
        let known = self.known();
        if !known.may_ask(now) {
            return if known.is_fresh(now) { Ok(known) } else { Err(AskedJustNow.into()) };
        }
        self.update(|known| known.asked = Some(now));
        let keys = self.fetch().await?;
        self.update(|known| {
            known.keys = keys;
            known.fetched = Some(now);
        });
        Ok(self.known())
    }

    async fn fetch(&self) -> Result<PublicKeys, Source> {
        let url = self.rest.at(&[".well-known", "jwks.json"]);
        let asked = self.http.exchange(self.http.get(url)).await;
        let answer = asked.map_err(Unanswered::into_source)?;
        if !answer.status.is_success() {
            return Err(Unexpected::of(&answer).into());
        }
        PublicKeys::read(&answer.body)
    }

    fn known(&self) -> Known {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn update(&self, change: impl FnOnce(&mut Known)) {
        change(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A signature; none, if it is not that many bytes in hex.
fn unhex(text: &str) -> Option<[u8; SIGNATURE_BYTES]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * SIGNATURE_BYTES {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut bytes = [0; SIGNATURE_BYTES];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests;
