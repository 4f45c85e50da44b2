//! The jobs of somebody.

use std::future::Future;

use domain::{Job, JobId, JobState, Timestamp};

use crate::JobStoreError;

/// The owner of jobs that nobody in particular asked for, in listings and meters.
pub const NOBODY: &str = "-";

/// Whose job it is, in listings and meters.
pub fn owner_of(job: &Job) -> &str {
    job.order.user_id.as_deref().filter(|id| !id.is_empty()).unwrap_or(NOBODY)
}

/// Which jobs of an owner.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Only those in this state; none: in any but `deleted`.
    pub state: Option<JobState>,
    /// Only those created at or after this.
    pub from: Option<Timestamp>,
    /// Only those created before this.
    pub until: Option<Timestamp>,
}

/// A place in a listing: right behind this job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// When the job was created.
    pub created_at: Timestamp,
    /// The job.
    pub job: JobId,
}

impl Place {
    /// The place right behind `job`.
    pub const fn behind(job: &Job) -> Self {
        Self { created_at: job.created_at, job: job.id }
    }
}

/// A part of a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The jobs, the newest first.
    pub jobs: Vec<Job>,
    /// Where the next part begins; none: this was the last.
    pub next: Option<Place>,
}

impl Page {
    /// The first `limit` of `jobs`, which are all there are, or at least one more than that.
    pub fn of(mut jobs: Vec<Job>, limit: usize) -> Self {
        let more = jobs.len() > limit;
        jobs.truncate(limit);
        let next = jobs.last().filter(|_| more).map(Place::behind);
        Self { jobs, next }
    }
}

/// Lists jobs by owner.
pub trait JobListing: Send + Sync {
    /// Up to `limit` jobs of `owner` (see [`NOBODY`]) that are `wanted`, the newest first, behind
    /// `after`. May lag behind the newest writes.
    ///
    /// # Errors
    /// [`JobStoreError`].
    fn of_owner(
        &self,
        owner: &str,
        wanted: &Wanted,
        after: Option<Place>,
        limit: usize,
    ) -> impl Future<Output = Result<Page, JobStoreError>> + Send;
}
