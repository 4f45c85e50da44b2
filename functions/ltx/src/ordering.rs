//! The ledger and the waiting protocol: intended, submitted, collected.
//!
//! What costs money is written down before it is ordered, so that every redelivery, whatever was
//! lost before it, finds out here what may follow.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use domain::{Attempt, AttemptState, ClipMade, FailureKind, Job, keys};
use ports::{
    Chain, ClipOrder, Clock, Content, Created, EventPublisher, Handled, History, JobStore, Ledger,
    Look, ObjectMeta, ObjectStore, ProviderJob, Replaced, SubmitError, Submitted, VideoGenerator,
};

use crate::LtxError;
use crate::handler::{FAULT, Ltx};

/// When to look again at another invocation's order.
const BUSY_WAIT: Duration = Duration::from_secs(2);
/// When to look again at an order whose answer was lost.
const UNKNOWN_WAIT: Duration = Duration::from_mins(5);

const LATE: &str = "the clip was not ready in time";
const UNKNOWN: &str = "it could not be found out whether the clip was ordered";

impl<S, J, P, C, L, G> Ltx<S, J, P, C, L, G>
where
    S: ObjectStore,
    J: JobStore + History,
    P: EventPublisher,
    C: Clock,
    L: Ledger,
    G: VideoGenerator,
{
    /// Does what follows from an attempt that has not ended. It is for whoever was chosen then,
    /// whoever is the default by now.
    pub(crate) async fn follow_up(
        &self,
        job: &Job,
        attempt: &Attempt,
    ) -> Result<Handled, LtxError> {
        if attempt.state == AttemptState::Unknown {
            return self.hold(job, attempt).await;
        }
        let Some(generator) = self.generator(Some(&attempt.provider)) else {
            let (number, provider) = (attempt.number, attempt.provider.clone());
            return Err(LtxError::NotHere { attempt: number, provider });
        };
        if attempt.state == AttemptState::Intended {
            self.after_interruption(job, generator, attempt).await
        } else {
            self.look(job, generator, attempt).await
        }
    }

    /// Does what follows from attempts that have ended.
    pub(crate) async fn follow_ledger(
        &self,
        job: &Job,
        generator: &G,
        attempts: &[Attempt],
    ) -> Result<Handled, LtxError> {
        let Some(newest) = attempts.last() else {
            return self.order(job, generator, 1).await;
        };
        match newest.state {
            AttemptState::NotTaken => self.order_again(job, generator, attempts).await,
            AttemptState::Failed => {
                let reason = newest.note.as_deref().unwrap_or(FAULT);
                let kind = match reason {
                    FAULT => FailureKind::Fault,
                    LATE => FailureKind::Late,
                    _ => FailureKind::Refused,
                };
                self.fail(job, kind, reason, None).await
            }
            _ => {
                let cause = format!("attempt {} is {}, no clip", newest.number, newest.state);
                self.fail(job, FailureKind::Fault, FAULT, Some(&cause)).await
            }
        }
    }

    async fn order_again(
        &self,
        job: &Job,
        generator: &G,
        attempts: &[Attempt],
    ) -> Result<Handled, LtxError> {
        let faults: u32 = attempts.iter().map(|attempt| attempt.faults).sum();
        let late = attempts.iter().any(|attempt| attempt.is_late(self.chronicle.clock.now()));
        let note = attempts.last().and_then(|attempt| attempt.note.as_deref());

        if faults >= self.limits.max_faults {
            return self.fail(job, FailureKind::Fault, FAULT, note).await;
        }
        if late {
            return self.fail(job, FailureKind::Late, LATE, note).await;
        }
        let number = attempts.last().map_or(0, |attempt| attempt.number) + 1;
        self.order(job, generator, number).await
    }

    /// Writes the intention down, then orders. What can break without an order comes before both:
    /// an intention that nothing followed would count as unknown.
    async fn order(&self, job: &Job, generator: &G, number: u32) -> Result<Handled, LtxError> {
        let (_work, photo) = self.fetch_photo(job).await?;
        let now = self.chronicle.clock.now();
        let deadline = now.plus(generator.time_limit());
        let quoted = generator.quote(&job.order.clip);
        let attempt = Attempt::intend(job.id, number, generator.name(), quoted, now, deadline);

        match self.ledger.open(&attempt).await? {
            Created::New => self.submit(job, generator, &attempt, photo).await,
            Created::Exists => Ok(Handled::NotYet { after: BUSY_WAIT }),
        }
    }

    /// The attempt is written down and its answer is not: another invocation may be at it, or one
    /// has died in between.
    async fn after_interruption(
        &self,
        job: &Job,
        generator: &G,
        attempt: &Attempt,
    ) -> Result<Handled, LtxError> {
        if generator.resubmits_safely() {
            let (_work, photo) = self.fetch_photo(job).await?;
            return self.submit(job, generator, attempt, photo).await;
        }
        let age = self.chronicle.clock.now().since(attempt.intended_at);
        if age < self.limits.submit_grace {
            return Ok(Handled::NotYet { after: self.limits.submit_grace.saturating_sub(age) });
        }
        self.lose(attempt, "interrupted between order and answer".to_owned()).await
    }

    async fn submit(
        &self,
        job: &Job,
        generator: &G,
        attempt: &Attempt,
        photo: PathBuf,
    ) -> Result<Handled, LtxError> {
        let order = clip_order(job, attempt, photo);

        match generator.submit(&order).await {
            Ok(Submitted::Accepted(ProviderJob(provider_job))) => {
                let submitted = attempt.submitted(&provider_job)?;
                self.write(attempt, &submitted).await?;
                // Boxed, as the two together are too large a future to move about.
                Box::pin(self.look(job, generator, &submitted)).await
            }
            Ok(Submitted::Refused(refusal)) => {
                self.settle(attempt, AttemptState::Failed, Some(refusal.0.clone())).await?;
                self.fail(job, FailureKind::Refused, &refusal.0, None).await
            }
            Ok(Submitted::Later(after)) => {
                self.settle(attempt, AttemptState::NotTaken, None).await?;
                Ok(Handled::NotYet { after })
            }
            Err(SubmitError::NotTaken(source)) => {
                let cause = Chain(source.as_ref()).to_string();
                let failed = attempt.with_fault(cause);
                self.write(attempt, &failed).await?;
                self.settle(&failed, AttemptState::NotTaken, failed.note.clone()).await?;
                Err(LtxError::Submit { provider: generator.name(), source })
            }
            Err(SubmitError::Lost(source)) if generator.resubmits_safely() => {
                let provider = generator.name();
                self.note_fault(job, attempt, LtxError::Submit { provider, source }).await
            }
            Err(SubmitError::Lost(source)) => {
                let cause = Chain(source.as_ref()).to_string();
                self.lose(attempt, cause).await
            }
        }
    }

    /// Looks before it judges: a clip that is ready is collected, however late.
    async fn look(&self, job: &Job, generator: &G, attempt: &Attempt) -> Result<Handled, LtxError> {
        let work = self.workspace()?;
        let order = clip_order(job, attempt, work.path().join("photo.jpg"));
        let provider_job = ProviderJob(attempt.provider_job.clone().unwrap_or_default());
        let late = attempt.is_late(self.chronicle.clock.now());

        match generator.look(&order, &provider_job).await {
            Ok(Look::Ready) => self.collect(job, generator, attempt, &order).await,
            Ok(Look::Failed(refusal)) => {
                self.settle(attempt, AttemptState::Failed, Some(refusal.0.clone())).await?;
                self.fail(job, FailureKind::Refused, &refusal.0, None).await
            }
            Ok(Look::Pending(after)) if !late => Ok(Handled::NotYet { after }),
            Err(error) if !late => self.note_fault(job, attempt, error.into()).await,
            Ok(Look::Pending(_)) | Err(_) => {
                self.settle(attempt, AttemptState::Failed, Some(LATE.to_owned())).await?;
                self.fail(job, FailureKind::Late, LATE, attempt.note.as_deref()).await
            }
        }
    }

    async fn collect(
        &self,
        job: &Job,
        generator: &G,
        attempt: &Attempt,
        order: &ClipOrder,
    ) -> Result<Handled, LtxError> {
        let began = Instant::now();
        let provider_job = ProviderJob(attempt.provider_job.clone().unwrap_or_default());
        let clip_path = order.photo.with_file_name("clip.mp4");

        self.store.fetch(&keys::photo(job.id), &order.photo).await?;
        if let Err(error) = generator.collect(order, &provider_job, &clip_path).await {
            return self.note_fault(job, attempt, error.into()).await;
        }
        let clip = ClipMade {
            provider: attempt.provider.clone(),
            provider_job: provider_job.0,
            duration_secs: order.options.duration_secs,
            resolution: order.options.resolution,
            worked_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        };
        let meta = ObjectMeta { content_type: "video/mp4".to_owned(), user: clip.to_metadata() };
        self.store.put(&keys::clip(job.id), Content::File(&clip_path), &meta).await?;
        self.finish(job, clip).await
    }

    /// Something broke that costs nothing to try again: counted, and tried again up to a limit.
    async fn note_fault(
        &self,
        job: &Job,
        attempt: &Attempt,
        error: LtxError,
    ) -> Result<Handled, LtxError> {
        let cause = Chain(&error).to_string();
        let attempt_now = attempt.with_fault(cause.clone());
        self.write(attempt, &attempt_now).await?;
        if attempt_now.faults < self.limits.max_faults {
            return Err(error);
        }
        tracing::error!(job.id = %job.id, error = %cause, "job {} is given up", job.id);
        self.settle(&attempt_now, AttemptState::Failed, Some(FAULT.to_owned())).await?;
        self.fail(job, FailureKind::Fault, FAULT, Some(&cause)).await
    }

    /// The answer was lost: from here on only a look by a person or by a later answer decides.
    async fn lose(&self, attempt: &Attempt, note: String) -> Result<Handled, LtxError> {
        let (job, number) = (attempt.job, attempt.number);
        tracing::error!(job.id = %job, attempt = number, %note, "order of job {job} is unknown");
        self.settle(attempt, AttemptState::Unknown, Some(note)).await?;
        Ok(Handled::NotYet { after: UNKNOWN_WAIT })
    }

    async fn hold(&self, job: &Job, attempt: &Attempt) -> Result<Handled, LtxError> {
        if attempt.is_late(self.chronicle.clock.now()) {
            return self.fail(job, FailureKind::Unknown, UNKNOWN, attempt.note.as_deref()).await;
        }
        Ok(Handled::NotYet { after: UNKNOWN_WAIT })
    }

    /// The clip of `provider_job` is stored: so its attempt has succeeded.
    pub(crate) async fn settle_stored(
        &self,
        job: &Job,
        provider_job: &str,
    ) -> Result<(), LtxError> {
        for attempt in self.ledger.attempts(job.id).await? {
            let is_its = attempt.provider_job.as_deref() == Some(provider_job);
            if is_its && !attempt.state.is_end() {
                self.settle(&attempt, AttemptState::Succeeded, None).await?;
            }
        }
        Ok(())
    }

    async fn settle(
        &self,
        attempt: &Attempt,
        state: AttemptState,
        note: Option<String>,
    ) -> Result<(), LtxError> {
        let settled = attempt.settled(state, note, self.chronicle.clock.now())?;
        self.write(attempt, &settled).await
    }

    async fn write(&self, before: &Attempt, after: &Attempt) -> Result<(), LtxError> {
        match self.ledger.replace(before, after).await? {
            Replaced::Done => Ok(()),
            Replaced::Conflict => Err(LtxError::Contended { attempt: before.number }),
        }
    }

    /// The accepted photo as a file, which is there as long as its folder.
    async fn fetch_photo(&self, job: &Job) -> Result<(tempfile::TempDir, PathBuf), LtxError> {
        let work = self.workspace()?;
        let photo = work.path().join("photo.jpg");
        self.store.fetch(&keys::photo(job.id), &photo).await?;
        Ok((work, photo))
    }

    fn workspace(&self) -> Result<tempfile::TempDir, LtxError> {
        Ok(tempfile::tempdir_in(&self.work)?)
    }
}

fn clip_order(job: &Job, attempt: &Attempt, photo: PathBuf) -> ClipOrder {
    ClipOrder {
        job: job.id,
        attempt: attempt.number,
        prompt: job.order.prompt.clone(),
        options: job.order.clip.clone(),
        photo,
    }
}
