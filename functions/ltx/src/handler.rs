//! From an order to a stored clip.

use std::path::PathBuf;
use std::time::Duration;

use domain::{ClipMade, Failure, FailureKind, Job, JobState, Stage, Step, keys};
use events::LtxRequest;
use ports::{
    Chronicle, ChronicleError, Clock, EventPublisher, HandleRecord, Handled, History, JobStore,
    Ledger, ObjectStore, Stepped, VideoGenerator,
};

use crate::LtxError;

/// When to look at an order that came before its photo.
const PHOTO_WAIT: Duration = Duration::from_secs(5);

/// When to stop trying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Broken orders, looks and collections before the job is given up.
    pub max_faults: u32,
    /// How long an order may be on its way before its answer counts as lost.
    pub submit_grace: Duration,
}

/// Has clips filmed.
#[derive(Debug)]
pub struct Ltx<S, J, P, C, L, G> {
    /// The media bucket.
    pub store: S,
    /// Jobs and what is announced of them.
    pub chronicle: Chronicle<J, P, C>,
    /// What was ordered and paid.
    pub ledger: L,
    /// Who can film; the first is the default.
    pub generators: Vec<G>,
    /// When to stop trying.
    pub limits: Limits,
    /// Where photos and clips lie on their way.
    pub work: PathBuf,
}

impl<S, J, P, C, L, G> HandleRecord for Ltx<S, J, P, C, L, G>
where
    S: ObjectStore,
    J: JobStore + History,
    P: EventPublisher,
    C: Clock,
    L: Ledger,
    G: VideoGenerator,
{
    type Record = LtxRequest;
    type Error = LtxError;

    async fn handle(&self, request: &LtxRequest) -> Result<Handled, LtxError> {
        let job = self.chronicle.read(request.job()?).await?;
        match job.state {
            JobState::Pending => Ok(Handled::NotYet { after: PHOTO_WAIT }),
            JobState::Queued | JobState::Generating => self.serve(job).await,
            // Somebody else has brought it further, or to an end.
            _ => Ok(Handled::Done),
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

impl<S, J, P, C, L, G> Ltx<S, J, P, C, L, G>
where
    S: ObjectStore,
    J: JobStore + History,
    P: EventPublisher,
    C: Clock,
    L: Ledger,
    G: VideoGenerator,
{
    async fn serve(&self, job: Job) -> Result<Handled, LtxError> {
        let stored = self.store.head(&keys::clip(job.id)).await?;
        if let Some(clip) = stored.and_then(|head| ClipMade::from_metadata(&head.meta.user)) {
            return self.finish(&job, clip).await;
        }
        let attempts = self.ledger.attempts(job.id).await?;
        if let Some(open) = attempts.last().filter(|attempt| !attempt.state.is_end()) {
            return self.follow_up(&job, open).await;
        }
        let wanted = job.order.clip.provider.as_deref();
        let Some(generator) = self.generator(wanted) else {
            let known: Vec<_> = self.generators.iter().map(VideoGenerator::name).collect();
            let wanted = wanted.unwrap_or("a default");
            let reason = format!("there is no provider {wanted:?} here, only {}", known.join(", "));
            return self.fail(&job, FailureKind::Refused, &reason, None).await;
        };
        let job = match job.state {
            JobState::Queued => {
                let step = Step::StartGenerating { provider: generator.name().to_owned() };
                match self.chronicle.step(&job, &step).await? {
                    Stepped::Now(job) => job,
                    Stepped::Not(job) if job.state == JobState::Generating => job,
                    Stepped::Not(_) => return Ok(Handled::Done),
                }
            }
            _ => job,
        };
        self.follow_ledger(&job, generator, &attempts).await
    }

    pub(crate) fn generator(&self, wanted: Option<&str>) -> Option<&G> {
        match wanted {
            Some(name) => self.generators.iter().find(|generator| generator.name() == name),
            None => self.generators.first(),
        }
    }

    /// The clip is stored: settles the ledger, then the row.
    pub(crate) async fn finish(&self, job: &Job, clip: ClipMade) -> Result<Handled, LtxError> {
        self.settle_stored(job, &clip.provider_job).await?;
        self.chronicle.step(job, &Step::StoreClip(clip)).await?;
        Ok(Handled::Done)
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
        self.chronicle.step(job, &Step::Fail(failure)).await?;
        Ok(Handled::Done)
    }
}
