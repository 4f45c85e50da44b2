//! Facts on an `EventBridge` bus.

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::primitives::DateTime;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use domain::Timestamp;
use events::{Announcement, Event};
use futures::FutureExt as _;
use ports::{EventPublisher, PublishError, Source};

/// One event bus.
#[derive(Clone, Debug)]
pub struct EventBridge {
    client: Client,
    bus: String,
}

/// The bus answered, and refused the entry.
#[derive(Debug, thiserror::Error)]
#[error("the bus refused the entry: {code}: {message}")]
struct RefusedEntry {
    code: String,
    message: String,
}

impl EventBridge {
    pub(crate) fn new(client: Client, bus: String) -> Self {
        Self { client, bus }
    }

    /// Whether the bus is there. It says nothing about whether events can be put on it.
    ///
    /// # Errors
    /// What it, or the way to it, said.
    pub async fn reach(&self) -> Result<(), Source> {
        self.client.describe_event_bus().name(&self.bus).send().boxed().await?;
        Ok(())
    }

    fn entry(
        &self,
        source: &str,
        detail_type: &str,
        occurred_at: Timestamp,
        detail: &str,
    ) -> PutEventsRequestEntry {
        let at = i64::try_from(occurred_at.epoch_ms()).unwrap_or(i64::MAX);
        PutEventsRequestEntry::builder()
            .event_bus_name(&self.bus)
            .source(source)
            .detail_type(detail_type)
            .detail(detail)
            .time(DateTime::from_millis(at))
            .build()
    }

    async fn put(&self, entry: PutEventsRequestEntry) -> Result<(), Source> {
        let answer = self.client.put_events().entries(entry).send().boxed().await?;
        // PutEvents answers 200 even when it refuses an entry.
        if answer.failed_entry_count() == 0 {
            return Ok(());
        }
        let entry = answer.entries().first();
        let text = |text: Option<&str>| text.unwrap_or("no reason given").to_owned();
        Err(Box::new(RefusedEntry {
            code: text(entry.and_then(|entry| entry.error_code())),
            message: text(entry.and_then(|entry| entry.error_message())),
        }))
    }
}

impl EventPublisher for EventBridge {
    async fn publish(&self, event: &Event) -> Result<(), PublishError> {
        let Event { source, detail_type, occurred_at, detail, .. } = event;
        let entry = self.entry(source, detail_type, *occurred_at, detail);
        self.put(entry).await.map_err(failed(detail_type))
    }

    async fn announce(&self, announcement: &Announcement) -> Result<(), PublishError> {
        let Announcement { source, detail_type, occurred_at, detail, .. } = announcement;
        let entry = self.entry(source, detail_type, *occurred_at, detail);
        self.put(entry).await.map_err(failed(detail_type))
    }
}

fn failed(detail_type: &str) -> impl FnOnce(Source) -> PublishError {
    move |source| PublishError { detail_type: detail_type.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use aws_sdk_eventbridge::operation::put_events::{PutEventsError, PutEventsOutput};
    use aws_sdk_eventbridge::types::PutEventsResultEntry;
    use aws_sdk_eventbridge::types::error::InternalException;
    use aws_smithy_mocks::{mock, mock_client};
    use ports::Chain;
    use testkit::samples;

    use super::*;

    /// [`samples::AT`], in milliseconds.
    const AT_MS: i64 = 1_795_168_800_000;

    fn event() -> Event {
        events::announce_creation(&samples::job())
    }

    #[tokio::test]
    async fn an_entry_that_is_refused_with_status_200_is_a_fault() {
        let rule = mock!(Client::put_events).then_output(|| {
            let entry = PutEventsResultEntry::builder()
                .error_code("ThrottlingException")
                .error_message("too many")
                .build();
            PutEventsOutput::builder().failed_entry_count(1).entries(entry).build()
        });
        let bus = EventBridge::new(mock_client!(aws_sdk_eventbridge, [&rule]), "b".into());

        let refused = bus.publish(&event()).await.expect_err("refused");

        assert_eq!(
            Chain(&refused).to_string(),
            "cannot publish JobCreated.v1: the bus refused the entry: ThrottlingException: too many"
        );
    }

    #[tokio::test]
    async fn the_entry_says_what_happened_and_when() {
        let expected = event();
        let rule = mock!(Client::put_events)
            .match_requests(move |request| {
                let entry = &request.entries()[0];
                entry.event_bus_name() == Some("b")
                    && entry.source() == Some("stillmotion.ingest")
                    && entry.detail_type() == Some("JobCreated.v1")
                    && entry.detail() == Some(expected.detail.as_str())
                    && entry.time() == Some(&DateTime::from_millis(AT_MS))
            })
            .then_output(|| PutEventsOutput::builder().failed_entry_count(0).build());
        let bus = EventBridge::new(mock_client!(aws_sdk_eventbridge, [&rule]), "b".into());

        bus.publish(&event()).await.expect("published");

        assert_eq!(rule.num_calls(), 1);
    }

    #[tokio::test]
    async fn what_is_about_no_job_is_announced_by_whom_it_says() {
        let rule = mock!(Client::put_events)
            .match_requests(|request| {
                let entry = &request.entries()[0];
                entry.source() == Some("stillmotion.deliver")
                    && entry.detail_type() == Some("WebhookEndpointDisabled.v1")
                    && entry.time() == Some(&DateTime::from_millis(AT_MS))
            })
            .then_output(|| PutEventsOutput::builder().failed_entry_count(0).build());
        let bus = EventBridge::new(mock_client!(aws_sdk_eventbridge, [&rule]), "b".into());

        bus.announce(&samples::announcement("we_1")).await.expect("announced");

        assert_eq!(rule.num_calls(), 1);
    }

    #[tokio::test]
    async fn a_broken_bus_is_a_fault() {
        let rule = mock!(Client::put_events)
            .then_error(|| PutEventsError::InternalException(InternalException::builder().build()));
        let bus = EventBridge::new(mock_client!(aws_sdk_eventbridge, [&rule]), "b".into());

        assert!(bus.publish(&event()).await.is_err());
    }
}
