//! Rows of jobs, and what was announced about them.

use std::future::Future;

use domain::{Job, JobId, JobState};
use events::Event;

use crate::Source;

/// Whether a row was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Created {
    /// It is there now.
    New,
    /// One with this identity was there already, and still is as it was.
    Exists,
}

/// Whether a row was replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replaced {
    /// It is as asked now.
    Done,
    /// It was not as the caller had read it, and was left alone: read it again.
    Conflict,
}

/// The table of jobs failed or could not be reached.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} job {job}")]
pub struct JobStoreError {
    /// What was to be done.
    pub action: &'static str,
    /// The job, or `*` where it was about several.
    pub job: String,
    /// What the table said.
    pub source: Source,
}

/// Rows of jobs.
///
/// A row and the events that belong to its change are stored together or not at all.
pub trait JobStore: Send + Sync {
    /// The row of `job`, as the newest write left it.
    ///
    /// # Errors
    /// [`JobStoreError`].
    fn get(&self, job: JobId) -> impl Future<Output = Result<Option<Job>, JobStoreError>> + Send;

    /// Stores a new row and the event of its creation.
    ///
    /// # Errors
    /// [`JobStoreError`].
    fn create(
        &self,
        job: &Job,
        event: &Event,
    ) -> impl Future<Output = Result<Created, JobStoreError>> + Send;

    /// Stores `after` and `events` if the row still has the `seq` of `before`.
    ///
    /// # Errors
    /// [`JobStoreError`].
    fn replace(
        &self,
        before: &Job,
        after: &Job,
        events: &[Event],
    ) -> impl Future<Output = Result<Replaced, JobStoreError>> + Send;

    /// Forgets all of a deleted job but its name, which is kept for as long as messages about it may
    /// still arrive. Only [`JobStore::get`] finds it from then on.
    ///
    /// # Errors
    /// [`JobStoreError`].
    fn forget(&self, job: &Job) -> impl Future<Output = Result<(), JobStoreError>> + Send;

    /// Up to `limit` jobs in `state`, the one that has been there longest first. May lag behind
    /// the newest writes.
    ///
    /// # Errors
    /// [`JobStoreError`].
    fn in_state(
        &self,
        state: JobState,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Job>, JobStoreError>> + Send;
}

/// The events of jobs, stored with the change that they announce.
pub trait History: Send + Sync {
    /// Every event of `job`, in the order of the sequence.
    ///
    /// # Errors
    /// [`JobStoreError`].
    fn events(&self, job: JobId) -> impl Future<Output = Result<Vec<Event>, JobStoreError>> + Send;

    /// The events of `job` that are stored and not known to be published, in order.
    ///
    /// # Errors
    /// [`JobStoreError`].
    fn unpublished(
        &self,
        job: JobId,
    ) -> impl Future<Output = Result<Vec<Event>, JobStoreError>> + Send;

    /// Up to `limit` such events of all jobs, oldest first. May lag behind the newest writes.
    ///
    /// # Errors
    /// [`JobStoreError`].
    fn all_unpublished(
        &self,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Event>, JobStoreError>> + Send;

    /// Notes that the bus has accepted `event`.
    ///
    /// # Errors
    /// [`JobStoreError`].
    fn mark_published(
        &self,
        event: &Event,
    ) -> impl Future<Output = Result<(), JobStoreError>> + Send;
}
