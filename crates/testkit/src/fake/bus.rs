use events::{Detail, Event, Fact};
use ports::{EventPublisher, PublishError};
use serde::de::DeserializeOwned;

use super::Shared;

/// A bus that keeps what is put on it.
#[derive(Clone, Debug, Default)]
pub struct RecordingBus(Shared<Vec<Event>>);

impl RecordingBus {
    /// Every event, in the order of publishing, repeats included.
    pub fn published(&self) -> Vec<Event> {
        self.0.lock().clone()
    }

    /// The `detail-type` of every event, in the order of publishing.
    pub fn detail_types(&self) -> Vec<String> {
        self.0.lock().iter().map(|event| event.detail_type.clone()).collect()
    }

    /// The facts of one kind, in the order of publishing.
    ///
    /// # Panics
    /// If one is not what its `detail-type` says.
    pub fn facts<F: Fact + DeserializeOwned>(&self) -> Vec<Detail<F>> {
        let events = self.published().into_iter();
        let events = events.filter(|event| event.detail_type == F::DETAIL_TYPE);
        events.map(|event| serde_json::from_str(&event.detail).expect("a fact")).collect()
    }
}

impl EventPublisher for RecordingBus {
    async fn publish(&self, event: &Event) -> Result<(), PublishError> {
        self.0.lock().push(event.clone());
        Ok(())
    }
}
