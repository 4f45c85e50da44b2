//! Webhooks over HTTP.

use std::time::Duration;

use ports::{SendError, WebhookAnswer, WebhookRequest, WebhookSender};
use reqwest::header::RETRY_AFTER;
use reqwest::redirect::Policy;

/// How long a receiver may take to answer.
///
/// Source: Standard Webhooks specification, "Operational considerations": 15 to 30 s.
const TIME_LIMIT: Duration = Duration::from_secs(15);

/// Posts with `reqwest`.
#[derive(Clone, Debug)]
pub struct HttpSender {
    client: reqwest::Client,
}

impl HttpSender {
    /// A sender that follows no redirects.
    ///
    /// # Errors
    /// If the TLS library cannot be set up.
    pub fn new() -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .redirect(Policy::none())
            .timeout(TIME_LIMIT)
            .user_agent("stillmotion-webhooks/1")
            .build()?;
        Ok(Self { client })
    }
}

impl WebhookSender for HttpSender {
    async fn post(&self, request: &WebhookRequest) -> Result<WebhookAnswer, SendError> {
        let mut post = self.client.post(&request.url).body(request.body.clone());
        for (name, value) in &request.headers {
            post = post.header(*name, value);
        }
        // The address may hold somebody's token: it stays out of the error.
        let answer = post.send().await.map_err(|error| SendError(error.without_url().into()))?;
        let retry_after = answer.headers().get(RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
        Ok(WebhookAnswer {
            status: answer.status().as_u16(),
            retry_after: retry_after.map(Duration::from_secs),
        })
    }
}
