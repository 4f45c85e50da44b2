//! What becomes of orders.

use std::time::Duration;

use domain::{Attempt, AttemptState, ClipMade, FailureKind, Job, JobState, MicroUsd, Stage, keys};
use events::{JobFailed, LtxDone, LtxRequest};
use ports::{Chronicle, Content, HandleRecord, Handled, ObjectMeta, ObjectStore};
use tempfile::TempDir;
use testkit::{
    Fuse, Fused, InMemoryJobs, InMemoryLedger, InMemoryRegisters, InMemoryStore, Loss, Moment,
    PassThrough, ReadyClip, RecordingBus, TestClock, samples,
};

use crate::{Ltx, LtxError, Policy, UnknownPolicy};

mod ends;
mod looks;
mod lost_answers;
mod money;
mod orders;
mod providers;
mod turns;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_hours(1);
const GRACE: Duration = Duration::from_mins(10);
/// When an order is looked at again whose answer was lost.
const UNKNOWN: Handled = Handled::NotYet { after: Duration::from_mins(5) };

type Handler = Ltx<(
    Fused<InMemoryStore>,
    Fused<InMemoryJobs>,
    Fused<RecordingBus>,
    TestClock,
    Fused<InMemoryLedger>,
    Fused<InMemoryRegisters>,
    Fused<ReadyClip>,
    Fused<PassThrough>,
)>;

/// Everything that outlives a delivery.
struct World {
    store: InMemoryStore,
    jobs: InMemoryJobs,
    bus: RecordingBus,
    clock: TestClock,
    ledger: InMemoryLedger,
    registers: InMemoryRegisters,
    generators: Vec<ReadyClip>,
    rewrap: PassThrough,
    policy: Policy,
    work: TempDir,
}

impl World {
    /// The photo of [`samples::job`] is accepted, and this is who films.
    fn with(generator: &ReadyClip) -> Self {
        Self::of(&samples::job_in(JobState::Queued), generator)
    }

    fn of(job: &Job, generator: &ReadyClip) -> Self {
        Self {
            store: InMemoryStore::default().with(keys::photo(job.id).as_str(), "photo"),
            jobs: InMemoryJobs::default().with(job),
            bus: RecordingBus::default(),
            clock: TestClock::default(),
            ledger: InMemoryLedger::default(),
            registers: InMemoryRegisters::default(),
            generators: vec![generator.clone()],
            rewrap: PassThrough::default(),
            policy: Policy {
                max_faults: 3,
                submit_grace: GRACE,
                hold_for: HOUR,
                reuse_for: None,
                ..Policy::default()
            },
            work: tempfile::tempdir().expect("a folder"),
        }
    }

    fn with_attempt(self, attempt: &Attempt) -> Self {
        Self { ledger: self.ledger.with(attempt), ..self }
    }

    async fn with_clip(self, clip: &ClipMade) -> Self {
        let meta = ObjectMeta { content_type: String::new(), user: clip.to_metadata() };
        let key = keys::clip(samples::job().id);
        self.store.put(&key, Content::Bytes(b"stored"), &meta).await.expect("stored");
        self
    }

    fn ltx(&self) -> Handler {
        self.ltx_on(&Fuse::never())
    }

    /// One delivery in a process that may die.
    fn ltx_on(&self, fuse: &Fuse) -> Handler {
        let generators = self.generators.iter().cloned();
        Ltx {
            store: Fused::new(self.store.clone(), fuse),
            chronicle: Chronicle {
                jobs: Fused::new(self.jobs.clone(), fuse),
                bus: Fused::new(self.bus.clone(), fuse),
                clock: self.clock.clone(),
            },
            ledger: Fused::new(self.ledger.clone(), fuse),
            registers: Fused::new(self.registers.clone(), fuse),
            generators: generators.map(|generator| Fused::new(generator, fuse)).collect(),
            rewrap: Fused::new(self.rewrap.clone(), fuse),
            policy: self.policy.clone(),
            work: self.work.path().to_owned(),
        }
    }

    async fn deliver(&self) -> Result<Handled, LtxError> {
        self.ltx().handle(&order()).await
    }

    /// Delivers once a minute, whatever comes of it.
    async fn deliver_for(&self, minutes: u32) -> Vec<Result<Handled, LtxError>> {
        let mut handled = Vec::new();
        for _ in 0..minutes {
            handled.push(self.deliver().await);
            self.clock.advance(60 * SECOND);
        }
        handled
    }

    fn job(&self) -> Job {
        self.jobs.job(samples::job().id).expect("a job")
    }

    /// Kind and reason of the job's end.
    fn end(&self) -> (FailureKind, String) {
        let failure = self.job().failure.expect("a reason");
        assert_eq!(failure.stage, Stage::Ltx);
        (failure.kind, failure.reason)
    }

    fn attempts(&self) -> Vec<(u32, AttemptState, u32)> {
        let attempts = self.ledger.all().into_iter();
        attempts.map(|attempt| (attempt.number, attempt.state, attempt.faults)).collect()
    }

    fn clip(&self) -> Option<Vec<u8>> {
        self.store.content(&keys::clip(samples::job().id))
    }
}

fn order() -> LtxRequest {
    LtxRequest::of_job(&samples::job())
}

fn not_yet(after: Duration) -> Handled {
    Handled::NotYet { after }
}
