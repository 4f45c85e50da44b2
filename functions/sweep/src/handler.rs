//! One sweep.

use std::time::Duration;

use domain::{Caps, ClipMade, Failure, FailureKind, Job, JobState, Stage, Step, VideoMade, keys};
use events::{LtxRequest, ObjectCreated};
use ports::{
    Chain, Chronicle, Clock, EventPublisher, History, JobStore, Ledger, MessageSender, Meters,
    Metric, ObjectStore, Spent, Stepped, bytes_meter, erase, owner_of, spent,
};

use crate::SweepError;

/// How many rows of a state one sweep looks at; the longest-waiting come first.
const ROWS: usize = 1000;

/// When a deleted job is forgotten. Longer than a presigned upload is good, and than a stage may be at
/// work on what it has begun: nothing arrives for it after that.
pub const FORGET_AFTER: Duration = Duration::from_hours(24);

/// How long things may take before the sweep looks into them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// How long nothing may happen to an upload, a job or an event before it is set going again.
    pub nudge_after: Duration,
    /// How long a photo may be awaited.
    pub expire_after: Duration,
    /// How long nothing may happen to a job before it ends as failed.
    pub give_up_after: Duration,
}

/// What one sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Events that had been stored and not published.
    pub published: usize,
    /// Uploads whose notification was sent again.
    pub uploads: usize,
    /// Requests for things from elsewhere whose notification was sent again.
    pub fetches: usize,
    /// Jobs that were set going again, or whose row caught up with their objects.
    pub nudged: usize,
    /// Jobs that ended because nothing happened to them.
    pub ended: usize,
    /// Deleted jobs of which something had been left.
    pub erased: usize,
}

/// Brings every job to an end.
#[derive(Debug)]
pub struct Sweep<S, J, P, C, Q, M, L> {
    /// Name of the media bucket.
    pub bucket: String,
    /// The media bucket.
    pub store: S,
    /// Jobs and what is announced of them.
    pub chronicle: Chronicle<J, P, C>,
    /// What is used.
    pub meters: M,
    /// What was ordered and paid.
    pub ledger: L,
    /// What may be spent.
    pub caps: Caps,
    /// Where requests for things from elsewhere go.
    pub fetch_queue: Q,
    /// Where notifications of uploads go.
    pub ingest_queue: Q,
    /// Where orders go.
    pub ltx_queue: Q,
    /// Where notifications of clips go.
    pub render_queue: Q,
    /// How long things may take.
    pub patience: Patience,
}

impl<S, J, P, C, Q, M, L> Sweep<S, J, P, C, Q, M, L>
where
    S: ObjectStore,
    J: JobStore + History,
    P: EventPublisher,
    C: Clock,
    Q: MessageSender,
    M: Meters,
    L: Ledger,
{
    /// Sweeps once. What it starts is done by the stages; running it again does no harm. One thing
    /// that breaks does not keep the others from being swept.
    ///
    /// # Errors
    /// The first [`SweepError`]; what was left is for the next sweep.
    pub async fn run(&self) -> Result<Swept, SweepError> {
        let mut swept = Swept::default();
        let mut faults = Vec::new();
        // First: whoever watches is told even by a sweep that takes too long.
        self.tell_unknown_orders(&mut faults).await;
        self.tell_spending(&mut faults).await;
        self.publish_left_over(&mut swept, &mut faults).await;
        for state in JobState::ALL.into_iter().filter(|state| !state.is_end()) {
            match self.chronicle.jobs.in_state(state, ROWS).await {
                Ok(jobs) => self.look_into_all(&jobs, &mut swept, &mut faults).await,
                Err(fault) => faults.push(fault.into()),
            }
        }
        self.erase_deleted(&mut swept, &mut faults).await;
        self.recover_fetches(&mut swept, &mut faults).await;
        // Last: there may be very many.
        self.recover_uploads(&mut swept, &mut faults).await;
        let mut faults = faults.into_iter();
        let first = faults.next();
        for fault in faults {
            tracing::warn!(error = %Chain(&fault), "the sweep carried on");
        }
        first.map_or(Ok(swept), Err)
    }

    async fn tell_unknown_orders(&self, faults: &mut Vec<SweepError>) {
        match self.ledger.unknown().await {
            Ok(unknown) => {
                Metric::UnknownOrders.record(u32::try_from(unknown).unwrap_or(u32::MAX));
            }
            Err(fault) => faults.push(fault.into()),
        }
    }

    async fn tell_spending(&self, faults: &mut Vec<SweepError>) {
        match spent(&self.ledger, &self.caps, self.chronicle.clock.now()).await {
            Ok(spent) => {
                if let Some(percent) = spent.iter().filter_map(Spent::percent).max() {
                    Metric::SpentPercent.record(percent);
                }
            }
            Err(fault) => faults.push(fault.into()),
        }
    }

    async fn publish_left_over(&self, swept: &mut Swept, faults: &mut Vec<SweepError>) {
        let left_over = match self.chronicle.jobs.all_unpublished(ROWS).await {
            Ok(left_over) => left_over,
            Err(fault) => return faults.push(fault.into()),
        };
        for event in left_over {
            // A young one is being published by whoever stored it.
            if self.idle_since(event.occurred_at) < self.patience.nudge_after {
                continue;
            }
            match self.chronicle.publish(&event).await {
                Ok(()) => swept.published += 1,
                Err(fault) => faults.push(fault.into()),
            }
        }
    }

    /// Goes on where a removal broke off; and once nothing can arrive any more for what is deleted,
    /// removes what has, and forgets it.
    async fn erase_deleted(&self, swept: &mut Swept, faults: &mut Vec<SweepError>) {
        let deleted = match self.chronicle.jobs.in_state(JobState::Deleted, ROWS).await {
            Ok(deleted) => deleted,
            Err(fault) => return faults.push(fault.into()),
        };
        for job in deleted {
            match self.erase_if_due(&job).await {
                Ok(erased) => swept.erased += usize::from(erased),
                Err(fault) => faults.push(fault),
            }
        }
    }

    async fn erase_if_due(&self, job: &Job) -> Result<bool, SweepError> {
        let idle = self.idle_since(job.updated_at);
        let nudge_after = self.patience.nudge_after;
        let is_young = idle < nudge_after.saturating_mul(4);
        let is_settled = idle >= FORGET_AFTER;
        if idle < nudge_after || !(is_young || is_settled) {
            return Ok(false);
        }
        erase(&self.store, job).await?;
        if is_settled {
            self.chronicle.jobs.forget(job).await?;
        }
        Ok(true)
    }

    async fn look_into_all(&self, jobs: &[Job], swept: &mut Swept, faults: &mut Vec<SweepError>) {
        for job in jobs {
            if let Err(fault) = self.look_into(job, swept).await {
                faults.push(fault);
            }
        }
    }

    async fn look_into(&self, job: &Job, swept: &mut Swept) -> Result<(), SweepError> {
        let idle = self.idle_since(job.updated_at);
        if idle < self.patience.nudge_after {
            return Ok(());
        }
        if self.catch_up(job).await? {
            swept.nudged += 1;
        } else if job.state == JobState::Pending {
            swept.ended += usize::from(self.expire(job, idle).await?);
        } else if idle >= self.patience.give_up_after {
            self.give_up(job, idle).await?;
            swept.ended += 1;
        } else if matches!(job.state, JobState::Queued | JobState::Generating) {
            // One look: where the message that waits is not lost, there would be ever more of them.
            let request = serde_json::to_string(&LtxRequest::look_now(job, None))?;
            self.ltx_queue.send(&request, Some(&job.trace_id)).await?;
            swept.nudged += 1;
        }
        Ok(())
    }

    /// The object is the truth: where a clip or video is stored, the row follows. A clip without a
    /// video is announced to `render` again, until it is given up.
    async fn catch_up(&self, job: &Job) -> Result<bool, SweepError> {
        let video = self.store.head(&keys::video(job.id)).await?;
        let video = video.and_then(|head| VideoMade::from_metadata(&head.meta.user));
        let clip_key = keys::clip(job.id);
        let clip = self.store.head(&clip_key).await?;
        let made = clip.as_ref().and_then(|head| ClipMade::from_metadata(&head.meta.user));

        let mut row = job.clone();
        if let Some(made) = made {
            row = self.chronicle.step(&row, &Step::StoreClip(made)).await?.job();
        }
        if let Some(video) = video {
            row = self.chronicle.step(&row, &Step::StoreVideo(video)).await?.job();
        }
        if row.state.is_end() {
            return Ok(true);
        }
        let given_up = self.idle_since(row.updated_at) >= self.patience.give_up_after;
        if !given_up && self.awaits_fetch(&row).await? {
            return Ok(true);
        }
        match clip {
            Some(clip) if !given_up && job.state != JobState::Pending => {
                let created = ObjectCreated {
                    bucket: self.bucket.clone(),
                    key: clip_key,
                    etag: clip.etag,
                    size_bytes: clip.size_bytes,
                };
                self.render_queue.send(&created.to_notification(), Some(&job.trace_id)).await?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Ends a job whose photo never came, or was replaced by that of another job. One whose photo is
    /// there is on its way again already.
    async fn expire(&self, job: &Job, idle: Duration) -> Result<bool, SweepError> {
        if idle < self.patience.expire_after {
            return Ok(false);
        }
        let upload = self.store.head(&job.upload_key).await?;
        if upload.is_some_and(|head| self.job_of(&job.upload_key, &head.etag) == job.id) {
            return Ok(false);
        }
        if let Stepped::Now(_) = self.chronicle.step(job, &Step::Expire).await? {
            // It was counted when it was announced, and never came.
            self.meters.give_back(&bytes_meter(owner_of(job)), job.upload_bytes).await?;
        }
        Ok(true)
    }

    async fn give_up(&self, job: &Job, idle: Duration) -> Result<(), SweepError> {
        let failure = Failure {
            stage: Stage::Sweep,
            kind: FailureKind::Late,
            reason: "the video was not ready in time because of a fault on our side".to_owned(),
            cause: Some(format!("{} for {} s", job.state, idle.as_secs())),
        };
        let ended = self.chronicle.step(job, &Step::Fail(failure)).await?.job();
        if matches!(job.state, JobState::Queued | JobState::Generating) {
            // What may still be under way at a provider is called off there.
            let request = serde_json::to_string(&LtxRequest::look_now(&ended, None))?;
            self.ltx_queue.send(&request, Some(&job.trace_id)).await?;
        }
        Ok(())
    }

    pub(crate) fn idle_since(&self, at: domain::Timestamp) -> Duration {
        self.chronicle.clock.now().since(at)
    }
}
