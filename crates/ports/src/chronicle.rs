//! Store, then announce.

use domain::{Job, JobId, Step};
use events::{Event, announce, announce_creation};

use crate::{
    Clock, Created, EventPublisher, History, JobStore, JobStoreError, Metric, PublishError,
    Replaced,
};

/// How often a step is tried when others write the same row at the same time.
const TRIES: usize = 8;

/// Something failed between deciding and announcing. What was stored is announced by the next
/// delivery or by the sweep.
#[derive(Debug, thiserror::Error)]
pub enum ChronicleError {
    /// The table of jobs failed.
    #[error("table of jobs")]
    Store(#[from] JobStoreError),
    /// The bus failed.
    #[error("event bus")]
    Publish(#[from] PublishError),
    /// Others kept writing the row.
    #[error("the row of job {0} keeps changing")]
    Contended(JobId),
    /// The row is gone.
    #[error("there is no job {0}")]
    NoJob(JobId),
}

/// What became of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stepped {
    /// It happened; this is the job after it.
    Now(Job),
    /// It could not happen any more, or not yet; this is the job as it is.
    Not(Job),
}

impl Stepped {
    /// The job as it is now, whatever happened.
    pub fn job(self) -> Job {
        match self {
            Self::Now(job) | Self::Not(job) => job,
        }
    }
}

/// Writes what happens to jobs: the row and its events in one transaction, then the bus.
#[derive(Clone, Debug)]
pub struct Chronicle<J, P, C> {
    /// Rows and their events.
    pub jobs: J,
    /// Where events go.
    pub bus: P,
    /// What time it is.
    pub clock: C,
}

impl<J: JobStore + History, P: EventPublisher, C: Clock> Chronicle<J, P, C> {
    /// Makes the row of a new job, or reads the one that is there, and announces what is left to
    /// announce.
    ///
    /// # Errors
    /// [`ChronicleError`].
    pub async fn begin(&self, job: Job) -> Result<Job, ChronicleError> {
        let event = announce_creation(&job);
        match self.jobs.create(&job, &event).await? {
            Created::New => {
                self.publish(&event).await?;
                Ok(job)
            }
            Created::Exists => self.read(job.id).await,
        }
    }

    /// The row of `job`, after announcing what an earlier, broken run has left unannounced.
    ///
    /// # Errors
    /// [`ChronicleError::NoJob`] if there is none.
    pub async fn read(&self, job: JobId) -> Result<Job, ChronicleError> {
        self.find(job).await?.ok_or(ChronicleError::NoJob(job))
    }

    /// As [`Chronicle::read`], where it may well be that there is none.
    ///
    /// # Errors
    /// [`ChronicleError`].
    pub async fn find(&self, job: JobId) -> Result<Option<Job>, ChronicleError> {
        let Some(job) = self.jobs.get(job).await? else { return Ok(None) };
        for event in self.jobs.unpublished(job.id).await? {
            self.publish(&event).await?;
        }
        Ok(Some(job))
    }

    /// Lets `step` happen to `job`, if it can; when somebody else was quicker, to the job as it is
    /// by then.
    ///
    /// # Errors
    /// [`ChronicleError`].
    pub async fn step(&self, job: &Job, step: &Step) -> Result<Stepped, ChronicleError> {
        let mut before = job.clone();
        for _ in 0..TRIES {
            let Ok(after) = before.after(step, self.clock.now()) else {
                return Ok(Stepped::Not(before));
            };
            let events = announce(&before, &after, step);
            if self.jobs.replace(&before, &after, &events).await? == Replaced::Done {
                if after.state.is_end() && !before.state.is_end() {
                    Metric::job_ended(&after);
                }
                for event in &events {
                    self.publish(event).await?;
                }
                return Ok(Stepped::Now(after));
            }
            before = self.jobs.get(job.id).await?.ok_or(ChronicleError::NoJob(job.id))?;
        }
        Err(ChronicleError::Contended(job.id))
    }

    /// Puts a stored event on the bus and notes that it is there.
    ///
    /// # Errors
    /// [`ChronicleError`].
    pub async fn publish(&self, event: &Event) -> Result<(), ChronicleError> {
        self.bus.publish(event).await?;
        self.jobs.mark_published(event).await?;
        Ok(())
    }
}
