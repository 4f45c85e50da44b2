//! One SQS queue: sending, and deciding when a message comes back.

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{MessageAttributeValue, QueueAttributeName};
use domain::TraceId;
use futures::FutureExt as _;
use ports::{MessageSender, QueueError, Source, Visibility};

/// Longest time that a message can be hidden for, in seconds: the 12 hours count from its receipt,
/// and a function may have had it for 15 minutes by then.
///
/// Source: Amazon SQS API Reference, "`ChangeMessageVisibility`".
const LONGEST_SECS: u64 = 12 * 3600 - 15 * 60;

/// Message attribute that names the trace of the job that a message is about. Not `AWSTraceHeader`,
/// which is X-Ray's own: see `docs/LOGGING.md`.
pub(crate) const TRACE_ID: &str = "traceId";

/// One SQS queue.
#[derive(Clone, Debug)]
pub struct SqsQueue {
    client: Client,
    url: String,
}

impl SqsQueue {
    pub(crate) fn new(client: Client, url: String) -> Self {
        Self { client, url }
    }

    /// How many messages wait in it, about.
    ///
    /// # Errors
    /// [`QueueError`].
    pub async fn waiting(&self) -> Result<u64, QueueError> {
        let wanted = QueueAttributeName::ApproximateNumberOfMessages;
        let request = self.client.get_queue_attributes().queue_url(&self.url);
        let answer = request.attribute_names(wanted.clone()).send().boxed().await;
        let answer = answer.map_err(|error| self.failed("count the messages of", error))?;
        let count = answer.attributes().and_then(|all| all.get(&wanted)?.parse().ok());
        Ok(count.unwrap_or_default())
    }

    /// Whether the queue answers.
    ///
    /// # Errors
    /// What it, or the way to it, said.
    pub async fn reach(&self) -> Result<(), Source> {
        let wanted = QueueAttributeName::QueueArn;
        let request = self.client.get_queue_attributes().queue_url(&self.url);
        request.attribute_names(wanted).send().boxed().await?;
        Ok(())
    }

    fn failed(&self, action: &'static str, source: impl Into<Source>) -> QueueError {
        QueueError { action, queue: self.url.clone(), source: source.into() }
    }
}

impl MessageSender for SqsQueue {
    async fn send(&self, body: &str, trace: Option<&TraceId>) -> Result<(), QueueError> {
        let failed = |error| self.failed("send to", error);
        let request = self.client.send_message().queue_url(&self.url).message_body(body);
        let request = match trace {
            Some(trace) => request.message_attributes(TRACE_ID, told(trace).map_err(failed)?),
            None => request,
        };
        request.send().boxed().await.map_err(|error| self.failed("send to", error))?;
        Ok(())
    }
}

impl Visibility for SqsQueue {
    async fn hide(&self, receipt_handle: &str, after: Duration) -> Result<(), QueueError> {
        let request = self.client.change_message_visibility().queue_url(&self.url);
        request
            .receipt_handle(receipt_handle)
            .visibility_timeout(whole_secs(after))
            .send()
            .boxed()
            .await
            .map_err(|error| self.failed("hide a message of", error))?;
        Ok(())
    }
}

fn told(trace: &TraceId) -> Result<MessageAttributeValue, Source> {
    let value = MessageAttributeValue::builder().data_type("String").string_value(trace.as_str());
    Ok(value.build()?)
}

/// Rounded up: sooner than asked would be too soon.
fn whole_secs(after: Duration) -> i32 {
    let secs = after.as_secs() + u64::from(after.subsec_nanos() > 0);
    i32::try_from(secs.min(LONGEST_SECS)).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_hidden_for_whole_seconds_and_not_for_too_many() {
        assert_eq!(whole_secs(Duration::ZERO), 0);
        assert_eq!(whole_secs(Duration::from_millis(1)), 1);
        assert_eq!(whole_secs(Duration::from_secs(7)), 7);
        assert_eq!(whole_secs(Duration::from_hours(12)), 42_300);
    }
}
