//! From an order to a stored clip.

use std::path::PathBuf;
use std::time::Duration;

use domain::{Attempt, ClipMade, Failure, FailureKind, Job, JobState, Stage, Step, keys};
use events::{Heard, LtxRequest};
use ports::{
    Chain, Chronicle, ChronicleError, GenerationRefusal, HandleRecord, Handled, Ledger,
    ObjectStore, Quote, Stepped, VideoGenerator, about,
};

use crate::{LtxError, Parts, Policy};

/// When to look at an order that came before its photo.
const PHOTO_WAIT: Duration = Duration::from_secs(5);

/// Has clips filmed.
#[derive(Debug)]
pub struct Ltx<P: Parts> {
    /// The media bucket.
    pub store: P::Store,
    /// Jobs and what is announced of them.
    pub chronicle: Chronicle<P::Jobs, P::Bus, P::Clock>,
    /// What was ordered and paid.
    pub ledger: P::Ledger,
    /// Lines before providers, and stored clips by what was ordered.
    pub registers: P::Registers,
    /// Who can film; the first is the default.
    pub generators: Vec<P::Generator>,
    /// Who judges what was delivered.
    pub rewrap: P::Rewrap,
    /// What may be spent, and when to stop trying.
    pub policy: Policy,
    /// Where photos and clips lie on their way.
    pub work: PathBuf,
}

impl<P: Parts> HandleRecord for Ltx<P> {
    type Record = LtxRequest;
    type Error = LtxError;

    async fn handle(&self, request: &LtxRequest) -> Result<Handled, LtxError> {
        let id = request.job()?;
        about(id);
        let job = self.chronicle.read(id).await?;
        match job.state {
            JobState::Pending => Ok(Handled::NotYet { after: PHOTO_WAIT }),
            JobState::Queued | JobState::Generating => {
                let served = Box::pin(self.serve(job, request.heard.as_ref())).await;
                if request.once { only_once(request, served) } else { served }
            }
            // Somebody else has brought it further, or to an end.
            _ => Box::pin(self.wind_up(&job)).await,
        }
    }

    fn is_hopeless(fault: &LtxError) -> bool {
        matches!(fault, LtxError::Request(_) | LtxError::Chronicle(ChronicleError::NoJob(_)))
    }

    async fn give_up(&self, request: &LtxRequest, cause: &str) -> Result<(), LtxError> {
        let job = self.chronicle.read(request.job()?).await?;
        // A job whose clip is stored is a later stage's.
        if job.state <= JobState::Generating {
            self.fail(&job, FailureKind::Fault, FAULT, Some(cause)).await?;
        }
        Ok(())
    }
}

pub(crate) const FAULT: &str = "the clip could not be filmed because of a fault on our side";

impl<P: Parts> Ltx<P> {
    async fn serve(&self, job: Job, heard: Option<&Heard>) -> Result<Handled, LtxError> {
        // In this order: an attempt has succeeded only after its clip is stored, so whoever reads of the
        // success finds the clip.
        let attempts = self.ledger.attempts(job.id).await?;
        if let Some(clip) = self.stored_clip(&job).await? {
            return self.finish(&job, clip).await;
        }
        if let Some(heard) = heard
            && let Some(handled) = Box::pin(self.adopt(&job, &attempts, heard)).await?
        {
            return Ok(handled);
        }
        if let Some(open) = open_attempt(&attempts) {
            return Box::pin(self.follow_up(&job, &attempts, open)).await;
        }
        let (generator, quote) = match self.choose(&job, &attempts) {
            Ok(choice) => choice,
            Err(refusal) => {
                return self.fail(&job, FailureKind::Refused, &refusal.reason, None).await;
            }
        };
        Box::pin(self.follow_ledger(&job, generator, &quote, &attempts)).await
    }

    /// The clip of the job, if it is stored.
    pub(crate) async fn stored_clip(&self, job: &Job) -> Result<Option<ClipMade>, LtxError> {
        let stored = self.store.head(&keys::clip(job.id)).await?;
        Ok(stored.and_then(|head| ClipMade::from_metadata(&head.meta.user)))
    }

    /// Who is to film it, and what that would cost.
    fn choose(
        &self,
        job: &Job,
        attempts: &[Attempt],
    ) -> Result<(&P::Generator, Quote), GenerationRefusal> {
        let wanted = job.order.clip.provider.as_deref();
        let generator = self.generator(wanted).ok_or_else(|| {
            let known: Vec<_> = self.generators.iter().map(VideoGenerator::name).collect();
            let wanted = wanted.unwrap_or("a default");
            let known = known.join(", ");
            GenerationRefusal::of_input(format!(
                "there is no provider {wanted:?} here, only {known}"
            ))
        })?;
        if let Some((newest, other)) = self.taken_over(job, attempts) {
            let said = || newest.note.clone().unwrap_or_default();
            let first_refusal = |_| GenerationRefusal::of_input(said());
            return Ok((other, other.quote(&job.order.clip).map_err(first_refusal)?));
        }
        let quote = generator.quote(&job.order.clip);
        match (quote, self.failover(job)) {
            (Err(refusal), Some(other)) if refusal.over.is_about_provider() => {
                let quote = other.quote(&job.order.clip).map_err(|_| refusal)?;
                Ok((other, quote))
            }
            (quote, _) => Ok((generator, quote?)),
        }
    }

    /// Who has taken over from the default provider, or is to, and after which attempt.
    fn taken_over<'a>(
        &self,
        job: &Job,
        attempts: &'a [Attempt],
    ) -> Option<(&'a Attempt, &P::Generator)> {
        let newest = since_redrive(job, attempts).last()?;
        let other = self.failover(job).filter(|other| other.name() == newest.provider);
        Some((newest, other.or_else(|| self.failover_after(job, attempts))?))
    }

    /// The job, being generated; none if somebody else has brought it further.
    pub(crate) async fn start(
        &self,
        job: &Job,
        generator: &P::Generator,
    ) -> Result<Option<Job>, LtxError> {
        if job.state != JobState::Queued {
            return Ok(Some(job.clone()));
        }
        let step = Step::StartGenerating { provider: generator.name().to_owned() };
        Ok(match self.chronicle.step(job, &step).await? {
            Stepped::Now(job) => Some(job),
            Stepped::Not(job) => (job.state == JobState::Generating).then_some(job),
        })
    }

    pub(crate) fn generator(&self, wanted: Option<&str>) -> Option<&P::Generator> {
        match wanted {
            Some(name) => self.generators.iter().find(|generator| generator.name() == name),
            None => self.generators.first(),
        }
    }

    /// The clip is stored: settles the ledger, then the row, and calls off what else was under way.
    pub(crate) async fn finish(&self, job: &Job, clip: ClipMade) -> Result<Handled, LtxError> {
        self.settle_stored(job, &clip.provider_job).await?;
        let job = self.chronicle.step(job, &Step::StoreClip(clip)).await?.job();
        self.wind_up(&job).await
    }

    pub(crate) async fn fail(
        &self,
        job: &Job,
        kind: FailureKind,
        reason: &str,
        cause: Option<&str>,
    ) -> Result<Handled, LtxError> {
        let failure = Failure {
            stage: Stage::Ltx,
            kind,
            reason: reason.to_owned(),
            cause: cause.map(ToOwned::to_owned),
        };
        let job = self.chronicle.step(job, &Step::Fail(failure)).await?.job();
        self.wind_up(&job).await
    }
}

/// Whoever asked for one look has not taken the place of the message that waits. News of a provider
/// that could not be looked into are kept.
fn only_once(request: &LtxRequest, served: Result<Handled, LtxError>) -> Result<Handled, LtxError> {
    match served {
        Ok(_) => Ok(Handled::Done),
        Err(error) if request.heard.is_none() => {
            tracing::warn!(job.id = %request.job_id, error = %Chain(&error), "a look broke");
            Ok(Handled::Done)
        }
        Err(error) => Err(error),
    }
}

/// The attempts since an operator last had the job tried again; all, if nobody had.
pub(crate) fn since_redrive<'a>(job: &Job, attempts: &'a [Attempt]) -> &'a [Attempt] {
    let Some(redriven_at) = job.redriven_at else { return attempts };
    let first = attempts.iter().position(|attempt| attempt.intended_at >= redriven_at);
    first.map_or(&[], |first| &attempts[first..])
}

/// The attempt to go on with: one that is known to be under way, else the newest if it has not ended.
fn open_attempt(attempts: &[Attempt]) -> Option<&Attempt> {
    let submitted = |attempt: &&Attempt| attempt.state == domain::AttemptState::Submitted;
    let newest = attempts.last().filter(|attempt| !attempt.state.is_end());
    attempts.iter().find(submitted).or(newest)
}
