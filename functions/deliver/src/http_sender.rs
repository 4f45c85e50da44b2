//! Webhooks over HTTP.

use std::time::{Duration, SystemTime};

use guard::Guard;
use ports::{SendError, WebhookAnswer, WebhookRequest, WebhookSender};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, Response};

/// How long a receiver may take to answer.
///
/// Source: Standard Webhooks specification, "Operational considerations": 15 to 30 s.
const TIME_LIMIT: Duration = Duration::from_secs(15);

/// How much of that it may take to be there at all.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// How much of an answer is read, in bytes.
const ANSWER_LIMIT: usize = 1024;

/// Posts to addresses that strangers named, with `reqwest` and behind the guard.
#[derive(Clone, Debug)]
pub struct HttpSender {
    guard: Guard,
    client: Client,
}

impl HttpSender {
    /// A sender that goes where `guard` lets it, and follows nobody elsewhere.
    ///
    /// # Errors
    /// If the TLS library cannot be set up.
    pub fn new(guard: Guard) -> Result<Self, reqwest::Error> {
        let client = guard
            .client()
            .timeout(TIME_LIMIT)
            .connect_timeout(CONNECT_LIMIT)
            .user_agent("stillmotion-webhooks/1")
            .build()?;
        Ok(Self { guard, client })
    }
}

impl WebhookSender for HttpSender {
    async fn post(&self, request: &WebhookRequest) -> Result<WebhookAnswer, SendError> {
        // Checked before every attempt: what was public when it was registered may be so no more.
        let url = self.guard.check(&request.url).map_err(|refusal| SendError(refusal.into()))?;
        let mut post = self.client.post(url).body(request.body.clone());
        for (name, value) in &request.headers {
            post = post.header(*name, value);
        }
        // The address may hold somebody's token: it stays out of the error.
        let answer = post.send().await.map_err(|error| SendError(error.without_url().into()))?;
        Ok(WebhookAnswer {
            status: answer.status().as_u16(),
            retry_after: retry_after(answer.headers(), SystemTime::now()),
            body: beginning_of(answer).await,
        })
    }
}

/// Seconds, or the moment until when to wait.
///
/// Source: RFC 9110 §10.2.3.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(secs) = text.parse() {
        return Some(Duration::from_secs(secs));
    }
    let until = httpdate::parse_http_date(text).ok()?;
    Some(until.duration_since(now).unwrap_or_default())
}

/// The first bytes of an answer, as text. What its status says stands, even if it breaks off.
async fn beginning_of(mut answer: Response) -> String {
    let mut bytes = Vec::new();
    while bytes.len() < ANSWER_LIMIT {
        let Ok(Some(chunk)) = answer.chunk().await else { break };
        bytes.extend_from_slice(&chunk[..chunk.len().min(ANSWER_LIMIT - bytes.len())]);
    }
    text(&bytes)
}

/// At most [`ANSWER_LIMIT`] bytes of text, without the character that the cut went through.
fn text(bytes: &[u8]) -> String {
    let whole = match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => &bytes[..error.valid_up_to()],
        _ => bytes,
    };
    let mut text = String::from_utf8_lossy(whole).into_owned();
    text.truncate(text.floor_char_boundary(ANSWER_LIMIT));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_told_in_seconds_or_as_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_717);
        let pause = |value: &str| {
            let value = value.parse().expect("a value");
            retry_after(&HeaderMap::from_iter([(RETRY_AFTER, value)]), now)
        };

        assert_eq!(pause("120"), Some(Duration::from_mins(2)));
        assert_eq!(pause("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::from_mins(1)));
        assert_eq!(pause("Sun, 06 Nov 1994 08:47:37 GMT"), Some(Duration::ZERO));
        assert_eq!([pause("soon"), pause("-1")], [None, None]);
    }

    #[test]
    fn an_answer_is_cut_between_characters() {
        let cut = ["x".repeat(1023), "é".to_owned()].concat();

        assert_eq!(text(&cut.as_bytes()[..1024]), "x".repeat(1023));
        assert_eq!(text(b"a\xffb"), "a\u{fffd}b");
        assert_eq!(text(&[0xff; 1024]).len(), 1023);
        assert_eq!(text("é".as_bytes()), "é");
    }
}
