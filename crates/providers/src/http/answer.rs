//! An answer that is here, whole.

use std::fmt;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Response, StatusCode};
use serde::de::DeserializeOwned;

use super::{Unanswered, lost};

/// Largest body that is read, in bytes.
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// A provider's answer. Its body may hold addresses that are secrets: it is not printed.
#[derive(Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, 1 MiB at most.
    pub body: Bytes,
}

/// The body is not what it should be. What it is instead is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an answer of status {status} that is not understood from line {line}, column {column}")]
pub struct NotUnderstood {
    /// The status.
    pub status: u16,
    /// Where it cannot be read, from 1.
    pub line: usize,
    /// Where in the line, from 1.
    pub column: usize,
}

#[derive(Debug, thiserror::Error)]
#[error("an answer of more than {MAX_BODY_BYTES} bytes")]
struct TooLarge;

impl Answer {
    /// The answer with the key blanked wherever it repeats it: nobody after this sees it.
    pub(super) fn without(mut self, key: Option<&str>) -> Self {
        let Some(key) = key.map(str::as_bytes).filter(|key| !key.is_empty()) else { return self };
        if !self.body.windows(key.len()).any(|part| part == key) {
            return self;
        }
        let mut body = Vec::with_capacity(self.body.len());
        let mut rest = &self.body[..];
        while let Some(at) = rest.windows(key.len()).position(|part| part == key) {
            body.extend_from_slice(&rest[..at]);
            body.extend_from_slice(b"(key)");
            rest = &rest[at + key.len()..];
        }
        body.extend_from_slice(rest);
        self.body = body.into();
        self
    }

    /// Reads the rest of an answer.
    pub(super) async fn read(mut response: Response) -> Result<Self, Unanswered> {
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(lost)? {
            if body.len() + chunk.len() > MAX_BODY_BYTES {
                return Err(Unanswered::Lost(TooLarge.into()));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Self { status, headers, body: body.freeze() })
    }

    /// What it says, as JSON.
    ///
    /// # Errors
    /// [`NotUnderstood`] if it does not say that.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, NotUnderstood> {
        serde_json::from_slice(&self.body).map_err(|error| NotUnderstood {
            status: self.status.as_u16(),
            line: error.line(),
            column: error.column(),
        })
    }

    /// A header, if it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// How long it asks us to wait, as far as that is obeyed.
    pub fn retry_after(&self) -> Option<Duration> {
        guard::retry_after(&self.headers)
    }

    /// Whether it is a page for people rather than an answer of an API.
    pub fn is_page(&self) -> bool {
        let text = self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        text.is_some_and(|text| text.to_ascii_lowercase().starts_with("text/html"))
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("status", &self.status).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(header: &'static str, value: &str) -> Answer {
        let mut headers = HeaderMap::new();
        headers.insert(header, value.parse().expect("a value"));
        let body = Bytes::from_static(b"https://signed.example.com/?sig=1");
        Answer { status: StatusCode::TOO_MANY_REQUESTS, headers, body }
    }

    #[test]
    fn a_key_that_is_repeated_is_blanked() {
        let mut told = answer("etag", "1");
        told.body = Bytes::from_static(br#"{"a":"id:k-1 is bad","b":"id:k-1"}"#);

        let told = told.without(Some("id:k-1"));

        assert_eq!(&told.body[..], br#"{"a":"(key) is bad","b":"(key)"}"#);
    }

    #[test]
    fn the_body_is_not_printed() {
        assert!(!format!("{:?}", answer("etag", "1")).contains("sig=1"));
    }
}
