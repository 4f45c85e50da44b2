//! What can be done about a job from outside: have it tried again, or call it off.

use domain::{AttemptState, FailureKind, Job, JobState, ObjectKey, Stage, Step, keys};
use events::{LtxRequest, ObjectCreated};

use crate::{
    Chronicle, ChronicleError, Clock, EventPublisher, Head, History, JobStore, Ledger, LedgerError,
    MessageSender, ObjectStore, QueueError, Stepped, StoreError,
};

/// Something broke. What was stored by then is set going by the sweep.
#[derive(Debug, thiserror::Error)]
pub enum RecourseError {
    /// The job could not be written or announced.
    #[error("job")]
    Chronicle(#[from] ChronicleError),
    /// The ledger failed.
    #[error("ledger")]
    Ledger(#[from] LedgerError),
    /// The bucket failed.
    #[error("media bucket")]
    Store(#[from] StoreError),
    /// A queue failed.
    #[error("queue")]
    Queue(#[from] QueueError),
    /// The message could not be written.
    #[error("message")]
    Message(#[from] serde_json::Error),
}

/// Why a failed job is not tried again. The text is for the person who asks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAgain {
    /// It has not failed.
    #[error("it is {0}: only a failed job can be tried again")]
    State(JobState),
    /// It was refused, and would be again.
    #[error("it was refused, and would be again: {0}")]
    Refused(String),
    /// There is nothing to begin with.
    #[error("its photo is not there: start a new job")]
    NoPhoto,
    /// Nobody knows whether it is paid for.
    #[error("it is not known whether order {0} was taken: an operator decides that first")]
    Unknown(u32),
}

/// Tries jobs again and calls them off.
#[derive(Debug)]
pub struct Recourse<S, J, P, C, L, Q> {
    /// Name of the media bucket.
    pub bucket: String,
    /// The media bucket.
    pub store: S,
    /// Jobs and what is announced of them.
    pub chronicle: Chronicle<J, P, C>,
    /// What was ordered.
    pub ledger: L,
    /// Where notifications of uploads go.
    pub ingest_queue: Q,
    /// Where orders go.
    pub ltx_queue: Q,
    /// Where notifications of clips go.
    pub render_queue: Q,
}

impl<S, J, P, C, L, Q> Recourse<S, J, P, C, L, Q>
where
    S: ObjectStore,
    J: JobStore + History,
    P: EventPublisher,
    C: Clock,
    L: Ledger,
    Q: MessageSender,
{
    /// The stage that a failed job would be tried again from. The object is the truth: it is the
    /// first whose artefact is not there.
    ///
    /// # Errors
    /// [`RecourseError`].
    pub async fn stage_of(&self, job: &Job) -> Result<Stage, RecourseError> {
        if self.store.head(&keys::clip(job.id)).await?.is_some() {
            return Ok(Stage::Render);
        }
        let photo = self.store.head(&keys::photo(job.id)).await?;
        Ok(if photo.is_some() && job.photo.is_some() { Stage::Ltx } else { Stage::Ingest })
    }

    /// Whether a job can be tried again by whoever asked for it, and from which stage.
    ///
    /// # Errors
    /// [`RecourseError`]; the inner error is for the person who asks.
    pub async fn may_retry(&self, job: &Job) -> Result<Result<Stage, NotAgain>, RecourseError> {
        if job.state != JobState::Failed {
            return Ok(Err(NotAgain::State(job.state)));
        }
        if let Some(failure) = job.failure.as_ref()
            && failure.kind == FailureKind::Refused
        {
            return Ok(Err(NotAgain::Refused(failure.reason.clone())));
        }
        let stage = self.stage_of(job).await?;
        match stage {
            Stage::Ingest if self.store.head(&job.upload_key).await?.is_none() => {
                return Ok(Err(NotAgain::NoPhoto));
            }
            Stage::Ltx => {
                let attempts = self.ledger.attempts(job.id).await?;
                let unknown = attempts.last().filter(|one| one.state == AttemptState::Unknown);
                if let Some(unknown) = unknown {
                    return Ok(Err(NotAgain::Unknown(unknown.number)));
                }
            }
            _ => {}
        }
        Ok(Ok(stage))
    }

    /// Claims a failed job and sets its stage going. Of several who do so at once, one does.
    ///
    /// # Errors
    /// [`RecourseError`]; once it is claimed, the sweep sets it going if this does not.
    pub async fn retry(&self, job: &Job, stage: Stage, by: &str) -> Result<Stepped, RecourseError> {
        let step = Step::Redrive { stage, by: by.to_owned() };
        let stepped = self.chronicle.step(job, &step).await?;
        let Stepped::Now(job) = &stepped else { return Ok(stepped) };
        match stage {
            Stage::Ltx => {
                let request = serde_json::to_string(&LtxRequest::of_job(job))?;
                self.ltx_queue.send(&request, Some(&job.trace_id)).await?;
            }
            Stage::Ingest => self.notify_again(&self.ingest_queue, job, &job.upload_key).await?,
            _ => self.notify_again(&self.render_queue, job, &keys::clip(job.id)).await?,
        }
        Ok(stepped)
    }

    /// Calls a job off. What is under way at a provider is called off there, where that can be done.
    ///
    /// # Errors
    /// [`RecourseError`]; once it is stored, the sweep has the provider told if this does not.
    pub async fn cancel(&self, job: &Job) -> Result<Stepped, RecourseError> {
        let stepped = self.chronicle.step(job, &Step::Cancel).await?;
        if let Stepped::Now(job) = &stepped
            && job.state == JobState::Cancelled
        {
            // Whoever looks at it next calls the provider off; that may as well be now.
            let request = serde_json::to_string(&LtxRequest::look_now(job, None))?;
            self.ltx_queue.send(&request, Some(&job.trace_id)).await?;
        }
        Ok(stepped)
    }

    async fn notify_again(
        &self,
        queue: &Q,
        job: &Job,
        key: &ObjectKey,
    ) -> Result<(), RecourseError> {
        let head = self.store.head(key).await?;
        let Head { etag, size_bytes, .. } =
            head.ok_or_else(|| StoreError::NotFound { key: key.clone() })?;
        let created =
            ObjectCreated { bucket: self.bucket.clone(), key: key.clone(), etag, size_bytes };
        Ok(queue.send(&created.to_notification(), Some(&job.trace_id)).await?)
    }
}
