//! The bus.

use std::future::Future;

use events::{Announcement, Event};

use crate::Source;

/// The bus did not take an event.
#[derive(Debug, thiserror::Error)]
#[error("cannot publish {detail_type}")]
pub struct PublishError {
    /// `detail-type` of the event.
    pub detail_type: String,
    /// What the bus said.
    pub source: Source,
}

/// Puts facts on the bus.
pub trait EventPublisher: Send + Sync {
    /// Returns once the bus has accepted `event`; delivery is at least once, in any order.
    ///
    /// # Errors
    /// [`PublishError`] if the bus did not take it.
    fn publish(&self, event: &Event) -> impl Future<Output = Result<(), PublishError>> + Send;

    /// As [`EventPublisher::publish`], for a fact that is about no job.
    ///
    /// # Errors
    /// [`PublishError`] if the bus did not take it.
    fn announce(
        &self,
        announcement: &Announcement,
    ) -> impl Future<Output = Result<(), PublishError>> + Send;
}
