use std::collections::VecDeque;
use std::time::Duration;

use ports::{SendError, WebhookAnswer, WebhookRequest, WebhookSender};

use super::Shared;

/// What a receiver answers once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// This status.
    Status(u16),
    /// This status, and this text.
    Says(u16, &'static str),
    /// This status, and not to come back before this time.
    RetryAfter(u16, Duration),
    /// Nothing; it got the request all the same.
    Nothing,
}

#[derive(Debug, Default)]
struct Calls {
    script: VecDeque<Answer>,
    requests: Vec<WebhookRequest>,
}

/// A receiver of webhooks that keeps what it is sent, and answers 200 where it was not told otherwise.
#[derive(Clone, Debug, Default)]
pub struct RecordingReceiver(Shared<Calls>);

impl RecordingReceiver {
    /// A receiver that gives these answers first.
    pub fn answering(script: impl IntoIterator<Item = Answer>) -> Self {
        let script = script.into_iter().collect();
        Self(Shared::of(Calls { script, requests: Vec::new() }))
    }

    /// Every request, in order.
    pub fn requests(&self) -> Vec<WebhookRequest> {
        self.0.lock().requests.clone()
    }
}

impl WebhookSender for RecordingReceiver {
    async fn post(&self, request: &WebhookRequest) -> Result<WebhookAnswer, SendError> {
        let mut calls = self.0.lock();
        calls.requests.push(request.clone());
        let (status, retry_after, body) =
            match calls.script.pop_front().unwrap_or(Answer::Status(200)) {
                Answer::Status(status) => (status, None, ""),
                Answer::Says(status, body) => (status, None, body),
                Answer::RetryAfter(status, after) => (status, Some(after), ""),
                Answer::Nothing => return Err(SendError("connection reset".into())),
            };
        Ok(WebhookAnswer { status, retry_after, body: body.to_owned() })
    }
}
