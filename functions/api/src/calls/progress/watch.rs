//! Looking at a job until there is something new.

use std::sync::Arc;
use std::time::Duration;

use domain::JobId;
use ports::{JobStore, JobStoreError};
use tokio::time::Instant;

use crate::fact_view::{FactView, facts_behind};
use crate::{Api, Parts};

/// The pause between two looks, and the one for as long as somebody has only just begun to look.
const PAUSE: Duration = Duration::from_secs(1);
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const FIRST: Duration = Duration::from_secs(1);

/// What is new about a job.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct News {
    /// The facts that had not been seen, in order and without gaps.
    pub(super) facts: Vec<FactView>,
    /// The newest fact that has been seen by now.
    pub(super) seq: u64,
    /// The state after it.
    pub(super) state: String,
    /// Whether nothing follows unless somebody asks for it.
    pub(super) ended: bool,
}

/// Looks at a job again and again.
pub(super) struct Watch<P: Parts> {
    /// The front door.
    pub(super) api: Arc<Api<P>>,
    job: JobId,
    after: u64,
    began: Instant,
}

impl<P: Parts> Watch<P> {
    /// Begins to look for what is behind the fact `after` of `job`.
    pub(super) fn new(api: Arc<Api<P>>, job: JobId, after: u64) -> Self {
        Self { api, job, after, began: Instant::now() }
    }

    /// What is new by now; none if the job is not even a name any more.
    ///
    /// # Errors
    /// [`JobStoreError`].
    pub(super) async fn look(&mut self) -> Result<Option<News>, JobStoreError> {
        let jobs = &self.api.chronicle.jobs;
        let Some(job) = jobs.get(self.job).await? else { return Ok(None) };
        let facts = facts_behind(jobs, &job, self.after).await?;
        let newest = facts.last();
        let state = newest.map_or_else(|| job.state.to_string(), |fact| fact.state.clone());
        // A number that was never given out is set right.
        let seq = newest.map_or_else(|| self.after.min(job.seq), |fact| fact.seq);
        self.after = seq;
        // What happened after the row was read is in the facts: then the row is older than they.
        let ended = job.state.is_end() && seq == job.seq;
        Ok(Some(News { facts, seq, state, ended }))
    }

    /// Lets the usual time pass until the next look; false: it is `over` before.
    pub(super) async fn pause(&self, over: Duration) -> bool {
        let pause = if self.began.elapsed() < FIRST { FIRST_PAUSE } else { PAUSE };
        let (next, end) = (Instant::now() + pause, self.began + over);
        tokio::time::sleep_until(next.min(end)).await;
        next < end
    }

    /// What is new as soon as something is, or when that cannot be any more, or after `limit`.
    ///
    /// # Errors
    /// [`JobStoreError`].
    pub(super) async fn wait(mut self, limit: Duration) -> Result<Option<News>, JobStoreError> {
        loop {
            let news = self.look().await?;
            let goes_on = news.as_ref().is_some_and(|news| news.facts.is_empty() && !news.ended);
            if !goes_on || limit.is_zero() {
                return Ok(news);
            }
            if !self.pause(limit).await {
                return self.look().await;
            }
        }
    }
}
