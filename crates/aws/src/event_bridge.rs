//! Facts on an `EventBridge` bus.

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::primitives::DateTime;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use events::Event;
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
        let at = i64::try_from(event.occurred_at.epoch_ms()).unwrap_or(i64::MAX);
        let entry = PutEventsRequestEntry::builder()
            .event_bus_name(&self.bus)
            .source(&event.source)
            .detail_type(&event.detail_type)
            .detail(&event.detail)
            .time(DateTime::from_millis(at))
            .build();
        let failed = |source| PublishError { detail_type: event.detail_type.clone(), source };
        self.put(entry).await.map_err(failed)
    }
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
    async fn a_broken_bus_is_a_fault() {
        let rule = mock!(Client::put_events)
            .then_error(|| PutEventsError::InternalException(InternalException::builder().build()));
        let bus = EventBridge::new(mock_client!(aws_sdk_eventbridge, [&rule]), "b".into());

        assert!(bus.publish(&event()).await.is_err());
    }
}
