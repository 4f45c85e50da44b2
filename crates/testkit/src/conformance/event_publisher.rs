use std::future::Future;

use events::{BusEvent, Event, announce_creation};
use ports::EventPublisher;
use serde_json::Value;

use super::{eventually, unique, unique_job};
use crate::samples;

/// Asserts the promises of [`EventPublisher`]; `received` tells every event that a rule for facts about
/// jobs has let through so far.
///
/// # Panics
/// On the first broken promise.
pub async fn event_publisher<F>(bus: &impl EventPublisher, received: impl Fn() -> F)
where
    F: Future<Output = Vec<BusEvent>>,
{
    let events = [unique_job(), unique_job()].map(|job| announce_creation(&job));
    for event in &events {
        bus.publish(event).await.expect("publish");
    }
    bus.publish(&events[0]).await.expect("publish again");
    bus.announce(&samples::announcement(&unique())).await.expect("announce");

    let expected = events.map(|event| on_the_bus(&event));
    let all = |seen: &Vec<BusEvent>| expected.iter().all(|event| seen.contains(event));
    eventually("events", received, all).await;
}

fn on_the_bus(event: &Event) -> BusEvent {
    BusEvent {
        source: event.source.clone(),
        detail_type: event.detail_type.clone(),
        detail: serde_json::from_str::<Value>(&event.detail).expect("details are JSON"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RecordingBus;

    #[tokio::test]
    async fn a_bus_in_memory() {
        let bus = RecordingBus::default();

        event_publisher(&bus, async || bus.published().iter().map(on_the_bus).collect()).await;
    }
}
