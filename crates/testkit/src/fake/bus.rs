use events::{Announcement, Detail, Event, Fact};
use ports::{EventPublisher, PublishError};
use serde::de::DeserializeOwned;

use super::Shared;

/// A bus that keeps what is put on it.
#[derive(Clone, Debug, Default)]
pub struct RecordingBus {
    events: Shared<Vec<Event>>,
    announced: Shared<Vec<Announcement>>,
}

impl RecordingBus {
    /// Every event, in the order of publishing, repeats included.
    pub fn published(&self) -> Vec<Event> {
        self.events.lock().clone()
    }

    /// Everything that is about no job, in the order of announcing, repeats included.
    pub fn announced(&self) -> Vec<Announcement> {
        self.announced.lock().clone()
    }

    /// The `detail-type` of every event, in the order of publishing.
    pub fn detail_types(&self) -> Vec<String> {
        self.events.lock().iter().map(|event| event.detail_type.clone()).collect()
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
        self.events.lock().push(event.clone());
        Ok(())
    }

    async fn announce(&self, announcement: &Announcement) -> Result<(), PublishError> {
        self.announced.lock().push(announcement.clone());
        Ok(())
    }
}
