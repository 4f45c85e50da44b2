//! Posting webhooks.

use std::future::Future;
use std::time::Duration;

use crate::Source;

/// One delivery attempt: exactly these bytes are sent. Its `Debug` leaves the address out.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookRequest {
    /// Where to.
    pub url: String,
    /// Header names and values.
    pub headers: Vec<(&'static str, String)>,
    /// The signed bytes.
    pub body: Vec<u8>,
}

impl std::fmt::Debug for WebhookRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebhookRequest").field("headers", &self.headers).finish_non_exhaustive()
    }
}

/// What the receiver answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookAnswer {
    /// HTTP status. Redirects are not followed.
    pub status: u16,
    /// `retry-after`, in seconds or as a date, if it was given.
    pub retry_after: Option<Duration>,
    /// The beginning of its body, as text: 1 KiB at most.
    pub body: String,
}

/// There was no answer.
#[derive(Debug, thiserror::Error)]
#[error("no answer from the webhook endpoint")]
pub struct SendError(#[source] pub Source);

/// Posts webhooks.
pub trait WebhookSender: Send + Sync {
    /// Posts once and waits for the answer, not longer than its time limit.
    ///
    /// # Errors
    /// [`SendError`] if there was no answer; the receiver may have got it all the same.
    fn post(
        &self,
        request: &WebhookRequest,
    ) -> impl Future<Output = Result<WebhookAnswer, SendError>> + Send;
}
