//! What becomes of orders.

use std::time::Duration;

use domain::{Attempt, AttemptState, ClipMade, FailureKind, Job, JobState, MicroUsd, Stage, keys};
use events::{JobFailed, LtxDone, LtxRequest};
use ports::{Chronicle, Content, HandleRecord, Handled, ObjectMeta, ObjectStore};
use tempfile::TempDir;
use testkit::{
    Fuse, Fused, InMemoryJobs, InMemoryLedger, InMemoryStore, Loss, Moment, ReadyClip,
    RecordingBus, TestClock, samples,
};

use crate::{Limits, Ltx, LtxError};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_hours(1);
const GRACE: Duration = Duration::from_mins(10);
/// When an order is looked at again whose answer was lost.
const UNKNOWN: Handled = Handled::NotYet { after: Duration::from_mins(5) };

type Handler = Ltx<
    Fused<InMemoryStore>,
    Fused<InMemoryJobs>,
    Fused<RecordingBus>,
    TestClock,
    Fused<InMemoryLedger>,
    Fused<ReadyClip>,
>;

/// Everything that outlives a delivery.
struct World {
    store: InMemoryStore,
    jobs: InMemoryJobs,
    bus: RecordingBus,
    clock: TestClock,
    ledger: InMemoryLedger,
    generators: Vec<ReadyClip>,
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
            generators: vec![generator.clone()],
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
            generators: generators.map(|generator| Fused::new(generator, fuse)).collect(),
            limits: Limits { max_faults: 3, submit_grace: GRACE },
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

#[tokio::test]
async fn an_order_becomes_a_stored_clip() {
    let generator = ReadyClip::new("clip");
    let world = World::with(&generator);

    let handled = world.deliver().await.expect("handled");

    let job = world.job();
    assert_eq!((handled, job.state), (Handled::Done, JobState::LtxDone));
    assert_eq!(world.clip().as_deref(), Some(&b"clip"[..]));
    assert_eq!(world.bus.detail_types(), ["GenerationStarted.v1", "LtxDone.v1"]);
    let meta = &world.bus.facts::<LtxDone>()[0].fact.meta;
    assert_eq!((meta.provider.as_str(), meta.ltx_job_id.as_str()), ("ready", "ready-1"));
    assert_eq!((meta.duration, meta.resolution.as_str()), (6, "1920x1080"));
}

#[tokio::test]
async fn a_clip_is_stored_with_what_is_known_of_it() {
    let world = World::with(&ReadyClip::new("clip"));

    world.deliver().await.expect("handled");

    let key = keys::clip(samples::job().id);
    let head = world.store.head(&key).await.expect("head").expect("a clip");
    assert_eq!(head.meta.content_type, "video/mp4");
    assert_eq!(ClipMade::from_metadata(&head.meta.user), world.job().clip);
}

#[tokio::test]
async fn an_order_is_in_the_ledger_with_its_price_and_its_end() {
    let generator = ReadyClip::new("clip").quoting(MicroUsd(40_000)).limited_to(HOUR);
    let world = World::with(&generator);

    world.deliver().await.expect("handled");

    let attempts = world.ledger.all();
    assert_eq!(world.attempts(), [(1, AttemptState::Succeeded, 0)]);
    assert_eq!(attempts[0].provider_job.as_deref(), Some("ready-1"));
    assert_eq!(attempts[0].quoted, MicroUsd(40_000));
    assert_eq!(attempts[0].deadline, samples::AT.plus(HOUR));
    assert_eq!(attempts[0].settled_at, Some(samples::AT));
}

#[tokio::test]
async fn an_order_is_written_down_before_it_leaves() {
    let generator = ReadyClip::new("clip");
    let world = World::with(&generator);
    let fuse = Fuse::new(5, Moment::Before);

    world.ltx_on(&fuse).handle(&order()).await.expect_err("died before the order left");

    assert_eq!(world.attempts(), [(1, AttemptState::Intended, 0)]);
    assert_eq!(generator.submits(), 0);
}

#[tokio::test]
async fn what_cannot_be_written_down_is_not_ordered() {
    let generator = ReadyClip::new("clip");
    let world = World::with(&generator);
    let fuse = Fuse::new(4, Moment::Before);

    let fault = world.ltx_on(&fuse).handle(&order()).await.expect_err("the ledger is down");
    let submits = generator.submits();
    world.deliver().await.expect("handled");

    assert!(matches!(fault, LtxError::Ledger(_)), "{fault:?}");
    assert_eq!((submits, generator.billed_in_all()), (0, 1));
    assert_eq!(world.job().state, JobState::LtxDone);
}

#[tokio::test]
async fn a_bucket_that_fails_before_the_order_leaves_nothing_in_the_ledger() {
    let generator = ReadyClip::new("clip");
    let world = World::with(&generator);
    let photo = keys::photo(samples::job().id);
    world.store.remove(&photo);

    let fault = world.deliver().await.expect_err("there is no photo");
    let attempts = world.attempts();
    let put = world.store.put(&photo, Content::Bytes(b"photo"), &ObjectMeta::default()).await;
    let handled = world.deliver().await.expect("handled");

    put.expect("stored");
    assert!(matches!(fault, LtxError::Store(_)), "{fault:?}");
    assert_eq!((attempts, handled), (vec![], Handled::Done));
    assert_eq!(generator.billed_in_all(), 1);
}

#[tokio::test]
async fn a_repeat_after_the_clip_is_stored_changes_nothing() {
    let generator = ReadyClip::new("clip");
    let world = World::with(&generator);

    world.deliver().await.expect("handled");
    let before = (world.job(), world.bus.published(), world.ledger.all());
    let handled = world.deliver().await.expect("handled again");

    assert_eq!((world.job(), world.bus.published(), world.ledger.all()), before);
    assert_eq!((handled, generator.submits()), (Handled::Done, 1));
}

#[tokio::test]
async fn a_lost_answer_is_unknown_and_not_an_error() {
    let generator = ReadyClip::new("clip").losing_answers(1, Loss::AfterTaking);
    let world = World::with(&generator);

    let handled = world.deliver().await.expect("handled");

    assert_eq!(handled, UNKNOWN);
    assert_eq!(world.attempts(), [(1, AttemptState::Unknown, 0)]);
    assert_eq!(world.ledger.all()[0].note.as_deref(), Some("connection reset"));
    assert_eq!(world.job().state, JobState::Generating);
}

#[tokio::test]
async fn an_unknown_order_is_never_submitted_again_and_ends_as_unknown_at_its_deadline() {
    let generator = ReadyClip::new("clip").losing_answers(1, Loss::AfterTaking).limited_to(HOUR);
    let world = World::with(&generator);

    let until_deadline = world.deliver_for(60).await;
    let state = world.job().state;
    let at_deadline = world.deliver().await.expect("handled");

    assert!(until_deadline.iter().all(|handled| matches!(handled, Ok(UNKNOWN))));
    assert_eq!((state, at_deadline), (JobState::Generating, Handled::Done));
    assert_eq!(world.end().0, FailureKind::Unknown);
    assert_eq!(world.attempts(), [(1, AttemptState::Unknown, 0)]);
    assert_eq!((generator.submits(), generator.billed_in_all()), (1, 1));
}

#[tokio::test]
async fn an_order_that_was_lost_on_its_way_there_is_not_guessed_at_either() {
    let generator = ReadyClip::new("clip").losing_answers(1, Loss::BeforeTaking);
    let world = World::with(&generator);

    world.deliver_for(16).await;

    assert_eq!(world.end().0, FailureKind::Unknown);
    assert_eq!((generator.submits(), generator.billed_in_all()), (1, 0));
}

#[tokio::test]
async fn an_order_that_somebody_may_still_be_making_is_waited_for() {
    let generator = ReadyClip::new("clip");
    let job = samples::job_in(JobState::Generating);
    let world = World::of(&job, &generator).with_attempt(&samples::attempt(job.id));
    world.clock.advance(SECOND);

    let handled = world.deliver().await.expect("handled");

    assert_eq!(handled, not_yet(GRACE.saturating_sub(SECOND)));
    assert_eq!(world.attempts(), [(1, AttemptState::Intended, 0)]);
    assert_eq!(generator.submits(), 0);
}

#[tokio::test]
async fn an_order_that_was_interrupted_is_unknown_after_the_grace() {
    let generator = ReadyClip::new("clip");
    let world = World::with(&generator);
    let fuse = Fuse::new(6, Moment::Before);

    world.ltx_on(&fuse).handle(&order()).await.expect_err("died before the answer was stored");
    world.clock.advance(GRACE);
    let handled = world.deliver().await.expect("handled");

    assert_eq!(handled, UNKNOWN);
    assert_eq!(world.attempts(), [(1, AttemptState::Unknown, 0)]);
    assert_eq!((generator.submits(), generator.billed_in_all()), (1, 1));
}

#[tokio::test]
async fn an_interrupted_order_is_made_again_where_that_is_safe() {
    let generator = ReadyClip::new("clip").safe_to_resubmit();
    let world = World::with(&generator);
    let fuse = Fuse::new(6, Moment::Before);

    world.ltx_on(&fuse).handle(&order()).await.expect_err("died before the answer was stored");
    let handled = world.deliver().await.expect("handled");

    assert_eq!((handled, world.job().state), (Handled::Done, JobState::LtxDone));
    assert_eq!(world.attempts(), [(1, AttemptState::Succeeded, 0)]);
    assert_eq!((generator.submits(), generator.billed_in_all()), (2, 1));
}

#[tokio::test]
async fn an_order_whose_answer_is_lost_is_made_again_where_that_is_safe() {
    let generator = ReadyClip::new("clip").safe_to_resubmit();
    let generator = generator.losing_answers(1, Loss::AfterTaking);
    let world = World::with(&generator);

    world.deliver().await.expect_err("the answer is lost");
    let handled = world.deliver().await.expect("handled");

    assert_eq!((handled, world.job().state), (Handled::Done, JobState::LtxDone));
    assert_eq!(world.attempts(), [(1, AttemptState::Succeeded, 1)]);
    assert_eq!((generator.submits(), generator.billed_in_all()), (2, 1));
}

#[tokio::test]
async fn answers_that_are_lost_again_and_again_end_as_a_fault_even_where_that_is_safe() {
    let generator = ReadyClip::new("clip").safe_to_resubmit();
    let generator = generator.losing_answers(9, Loss::AfterTaking);
    let world = World::with(&generator);

    world.deliver_for(3).await;

    assert_eq!(world.end().0, FailureKind::Fault);
    assert_eq!(world.attempts(), [(1, AttemptState::Failed, 3)]);
    assert_eq!((generator.submits(), generator.billed_in_all()), (3, 1));
}

#[tokio::test]
async fn an_order_that_was_not_taken_is_a_fault_and_a_new_attempt_follows() {
    let generator = ReadyClip::new("clip").unreachable(1);
    let world = World::with(&generator);

    let fault = world.deliver().await.expect_err("not taken");
    let handled = world.deliver().await.expect("handled");

    assert!(matches!(fault, LtxError::Submit { provider: "ready", .. }), "{fault:?}");
    assert_eq!(handled, Handled::Done);
    let expected = [(1, AttemptState::NotTaken, 1), (2, AttemptState::Succeeded, 0)];
    assert_eq!(world.attempts(), expected);
    assert_eq!(generator.billed_in_all(), 1);
}

#[tokio::test]
async fn orders_that_are_never_taken_end_as_a_fault_after_as_many_as_we_allow() {
    let generator = ReadyClip::new("clip").unreachable(9);
    let world = World::with(&generator);

    world.deliver_for(3).await;
    let handled = world.deliver().await.expect("handled");

    assert_eq!((handled, generator.submits()), (Handled::Done, 3));
    assert_eq!(world.end().0, FailureKind::Fault);
    let cause = world.job().failure.and_then(|failure| failure.cause);
    assert_eq!(cause.as_deref(), Some("connection refused"));
}

#[tokio::test]
async fn a_busy_provider_is_asked_again_when_it_says_and_that_is_no_fault() {
    let generator = ReadyClip::new("clip").busy(1, 30 * SECOND);
    let world = World::with(&generator);

    let busy = world.deliver().await.expect("handled");
    let handled = world.deliver().await.expect("handled");

    assert_eq!((busy, handled), (not_yet(30 * SECOND), Handled::Done));
    let expected = [(1, AttemptState::NotTaken, 0), (2, AttemptState::Succeeded, 0)];
    assert_eq!(world.attempts(), expected);
}

#[tokio::test]
async fn a_provider_that_is_busy_until_the_deadline_is_late() {
    let generator = ReadyClip::new("clip").busy(u32::MAX, 60 * SECOND).limited_to(HOUR);
    let world = World::with(&generator);

    world.deliver_for(61).await;

    assert_eq!(world.end().0, FailureKind::Late);
    assert_eq!(generator.submits(), 60);
}

#[tokio::test]
async fn a_clip_that_is_not_ready_is_looked_at_again_when_the_provider_says() {
    let generator = ReadyClip::new("clip").pending_for(2, 5 * SECOND);
    let world = World::with(&generator);

    let first = world.deliver().await.expect("handled");
    let second = world.deliver().await.expect("handled");
    let third = world.deliver().await.expect("handled");

    assert_eq!([first, second, third], [not_yet(5 * SECOND), not_yet(5 * SECOND), Handled::Done]);
    assert_eq!((generator.submits(), generator.billed_in_all()), (1, 1));
    assert_eq!(world.bus.detail_types(), ["GenerationStarted.v1", "LtxDone.v1"]);
}

#[tokio::test]
async fn a_look_that_breaks_is_a_fault_that_is_counted() {
    let generator = ReadyClip::new("clip").failing_to_look(1);
    let world = World::with(&generator);

    let fault = world.deliver().await.expect_err("the look breaks");
    let attempts = world.attempts();
    world.deliver().await.expect("handled");

    assert!(matches!(fault, LtxError::Look(_)), "{fault:?}");
    assert_eq!(attempts, [(1, AttemptState::Submitted, 1)]);
    assert_eq!(world.job().state, JobState::LtxDone);
    assert_eq!(generator.billed_in_all(), 1);
}

#[tokio::test]
async fn looks_that_break_again_and_again_end_as_a_fault() {
    let generator = ReadyClip::new("clip").failing_to_look(9);
    let world = World::with(&generator);

    let handled = world.deliver_for(3).await;

    assert!(matches!(handled[..], [Err(_), Err(_), Ok(Handled::Done)]), "{handled:?}");
    assert_eq!(world.end().0, FailureKind::Fault);
    assert_eq!(world.attempts(), [(1, AttemptState::Failed, 3)]);
    let cause = world.job().failure.and_then(|failure| failure.cause).expect("a cause");
    assert!(cause.contains("ready-1") && cause.contains("connection reset"), "{cause}");
}

#[tokio::test]
async fn a_download_that_breaks_stores_nothing_and_is_made_again() {
    let generator = ReadyClip::new("clip").failing_to_collect(1);
    let world = World::with(&generator);

    let fault = world.deliver().await.expect_err("the download breaks");
    let clip = world.clip();
    world.deliver().await.expect("handled");

    assert!(matches!(fault, LtxError::Collect(_)), "{fault:?}");
    assert_eq!((clip, world.clip()), (None, Some(b"clip".to_vec())));
    assert_eq!((generator.submits(), generator.billed_in_all()), (1, 1));
}

#[tokio::test]
async fn a_clip_that_is_ready_is_collected_however_late() {
    let generator = ReadyClip::new("clip").pending_for(1, SECOND);
    let world = World::with(&generator);

    world.deliver().await.expect("handled");
    world.clock.advance(24 * HOUR);
    let handled = world.deliver().await.expect("handled");

    assert_eq!((handled, world.job().state), (Handled::Done, JobState::LtxDone));
    assert_eq!(world.attempts(), [(1, AttemptState::Succeeded, 0)]);
}

#[tokio::test]
async fn a_clip_that_is_not_ready_at_the_deadline_is_late() {
    let generator = ReadyClip::new("clip").pending_for(u32::MAX, SECOND).limited_to(HOUR);
    let world = World::with(&generator);

    world.deliver_for(60).await;
    let state = world.job().state;
    let handled = world.deliver().await.expect("handled");

    assert_eq!((state, handled), (JobState::Generating, Handled::Done));
    assert_eq!(world.end(), (FailureKind::Late, "the clip was not ready in time".to_owned()));
    assert_eq!(world.attempts(), [(1, AttemptState::Failed, 0)]);
}

#[tokio::test]
async fn an_order_that_the_provider_refuses_is_a_refusal_with_its_words() {
    let generator = ReadyClip::new("").refusing("the photo shows a person");
    let world = World::with(&generator);

    let handled = world.deliver().await.expect("handled");

    assert_eq!(handled, Handled::Done);
    assert_eq!(world.end(), (FailureKind::Refused, "the photo shows a person".to_owned()));
    assert_eq!(world.bus.detail_types(), ["GenerationStarted.v1", "JobFailed.v1"]);
    assert_eq!(world.bus.facts::<JobFailed>()[0].fact.reason, "the photo shows a person");
    assert_eq!(world.attempts(), [(1, AttemptState::Failed, 0)]);
    assert_eq!(generator.billed_in_all(), 0);
}

#[tokio::test]
async fn work_that_the_provider_breaks_off_is_a_refusal_with_its_words() {
    let generator = ReadyClip::new("").failing("the clip shows a person");
    let world = World::with(&generator);

    let handled = world.deliver().await.expect("handled");

    assert_eq!(handled, Handled::Done);
    assert_eq!(world.end(), (FailureKind::Refused, "the clip shows a person".to_owned()));
    assert_eq!(world.attempts(), [(1, AttemptState::Failed, 0)]);
    assert_eq!(world.clip(), None);
}

#[tokio::test]
async fn a_refusal_that_only_reached_the_ledger_ends_the_job_with_the_next_delivery() {
    let generator = ReadyClip::new("").refusing("the photo shows a person");
    let world = World::with(&generator);
    let fuse = Fuse::new(7, Moment::Before);

    world.ltx_on(&fuse).handle(&order()).await.expect_err("died before the end was written");
    let state = world.job().state;
    world.deliver().await.expect("handled");

    assert_eq!(state, JobState::Generating);
    assert_eq!(world.end(), (FailureKind::Refused, "the photo shows a person".to_owned()));
    assert_eq!(generator.submits(), 1);
}

#[tokio::test]
async fn lateness_that_only_reached_the_ledger_is_lateness_with_the_next_delivery() {
    let generator = ReadyClip::new("").pending_for(u32::MAX, SECOND);
    let world = World::with(&generator);
    world.deliver().await.expect("handled");
    world.clock.advance(HOUR);
    let fuse = Fuse::new(2, Moment::Before);

    world.ltx_on(&fuse).handle(&order()).await.expect_err("died before the end was written");
    world.deliver().await.expect("handled");

    assert_eq!(world.end().0, FailureKind::Late);
}

#[tokio::test]
async fn a_clip_that_is_there_is_not_ordered_and_its_attempt_has_succeeded() {
    let generator = ReadyClip::new("other");
    let (job, made) = (samples::job_in(JobState::Generating), samples::clip_made());
    let attempt = samples::attempt(job.id).submitted(&made.provider_job).expect("taken");
    let world = World::of(&job, &generator).with_attempt(&attempt).with_clip(&made).await;

    let handled = world.deliver().await.expect("handled");

    assert_eq!((handled, world.job().state), (Handled::Done, JobState::LtxDone));
    assert_eq!((world.job().clip, world.clip()), (Some(made), Some(b"stored".to_vec())));
    assert_eq!(world.attempts(), [(1, AttemptState::Succeeded, 0)]);
    assert_eq!(generator.submits(), 0);
}

#[tokio::test]
async fn a_clip_that_only_reached_the_bucket_is_announced_by_the_next_delivery() {
    let generator = ReadyClip::new("clip");
    let world = World::with(&generator);
    let fuse = Fuse::new(8, Moment::After);

    world.ltx_on(&fuse).handle(&order()).await.expect_err("died after storing the clip");
    let handled = world.deliver().await.expect("handled");

    assert_eq!((handled, world.job().state), (Handled::Done, JobState::LtxDone));
    assert_eq!(world.bus.detail_types(), ["GenerationStarted.v1", "LtxDone.v1"]);
    assert_eq!(world.attempts(), [(1, AttemptState::Succeeded, 0)]);
    assert_eq!(generator.billed_in_all(), 1);
}

#[tokio::test]
async fn an_object_of_a_strangers_in_the_place_of_the_clip_is_none() {
    let generator = ReadyClip::new("clip");
    let world = World::with(&generator);
    let key = keys::clip(samples::job().id);
    let strangers = world.store.put(&key, Content::Bytes(b"?"), &ObjectMeta::default()).await;

    world.deliver().await.expect("handled");

    strangers.expect("stored");
    assert_eq!(world.clip(), Some(b"clip".to_vec()));
    assert_eq!(generator.billed_in_all(), 1);
}

#[tokio::test]
async fn a_provider_is_chosen_by_its_name() {
    let (first, second) = (ReadyClip::new("first"), ReadyClip::new("clip").named("second"));
    let mut job = samples::job_in(JobState::Queued);
    job.order.clip.provider = Some("second".to_owned());
    let world = World { generators: vec![first.clone(), second], ..World::of(&job, &first) };

    world.deliver().await.expect("handled");

    assert_eq!(world.ledger.all()[0].provider, "second");
    assert_eq!((world.clip(), first.submits()), (Some(b"clip".to_vec()), 0));
}

#[tokio::test]
async fn a_provider_that_is_not_here_is_a_refusal_that_names_those_that_are() {
    let (first, second) = (ReadyClip::new(""), ReadyClip::new("").named("second"));
    let mut job = samples::job_in(JobState::Queued);
    job.order.clip.provider = Some("sora".to_owned());
    let world = World { generators: vec![first.clone(), second], ..World::of(&job, &first) };

    let handled = world.deliver().await.expect("handled");

    let reason = r#"there is no provider "sora" here, only ready, second"#;
    assert_eq!((handled, world.end()), (Handled::Done, (FailureKind::Refused, reason.to_owned())));
    assert_eq!((world.ledger.all(), first.submits()), (vec![], 0));
}

#[tokio::test]
async fn an_order_is_followed_up_with_whoever_took_it_when_the_default_changes() {
    let before = ReadyClip::new("clip").pending_for(1, SECOND);
    let now = ReadyClip::new("other").named("now").safe_to_resubmit();
    let world = World::with(&before);

    world.deliver().await.expect("handled");
    let world = World { generators: vec![now.clone(), before.clone()], ..world };
    let handled = world.deliver().await.expect("handled");

    assert_eq!((handled, world.clip()), (Handled::Done, Some(b"clip".to_vec())));
    assert_eq!((now.submits(), before.billed_in_all()), (0, 1));
}

#[tokio::test]
async fn an_order_with_a_provider_that_is_gone_is_a_fault_and_never_made_elsewhere() {
    let before = ReadyClip::new("clip").pending_for(1, SECOND);
    let now = ReadyClip::new("other").named("now");
    let world = World::with(&before);

    world.deliver().await.expect("handled");
    let world = World { generators: vec![now.clone()], ..world };
    let fault = world.deliver().await.expect_err("nobody to ask");

    assert_eq!(fault.to_string(), r#"attempt 1 is with provider "ready", which is not here"#);
    assert_eq!((now.submits(), world.job().state), (0, JobState::Generating));
    assert_eq!(world.attempts(), [(1, AttemptState::Submitted, 0)]);
}

#[tokio::test]
async fn an_order_for_a_job_that_has_ended_is_done() {
    let generator = ReadyClip::new("clip");
    let world = World::of(&samples::job_in(JobState::Cancelled), &generator);

    let handled = world.deliver().await.expect("handled");

    assert_eq!((handled, world.job().state), (Handled::Done, JobState::Cancelled));
    assert_eq!((world.ledger.all(), generator.submits()), (vec![], 0));
}

#[tokio::test]
async fn an_order_that_comes_before_its_photo_waits() {
    let generator = ReadyClip::new("clip");
    let world = World::of(&samples::job(), &generator);

    let handled = world.deliver().await.expect("handled");

    assert_eq!((handled, world.job()), (not_yet(5 * SECOND), samples::job()));
    assert_eq!(generator.submits(), 0);
}

#[tokio::test]
async fn an_order_that_names_no_job_of_ours_is_hopeless() {
    let world = World::with(&ReadyClip::new(""));
    let nameless = LtxRequest { job_id: "villa".to_owned(), ..order() };
    let foreign = LtxRequest::of_job(&samples::job_named("foreign"));

    let nameless = world.ltx().handle(&nameless).await.expect_err("no id");
    let foreign = world.ltx().handle(&foreign).await.expect_err("no job");

    assert!(Handler::is_hopeless(&nameless), "{nameless:?}");
    assert!(Handler::is_hopeless(&foreign), "{foreign:?}");
}

#[tokio::test]
async fn giving_up_ends_the_job_and_keeps_the_cause_to_ourselves() {
    let world = World::of(&samples::job_in(JobState::Generating), &ReadyClip::new(""));

    world.ltx().give_up(&order(), "disk full").await.expect("given up");

    assert_eq!(world.end().0, FailureKind::Fault);
    let cause = world.job().failure.and_then(|failure| failure.cause);
    assert_eq!(cause.as_deref(), Some("disk full"));
    assert_eq!(world.bus.detail_types(), ["JobFailed.v1"]);
    assert!(!world.bus.published()[0].detail.contains("disk full"));
}

#[tokio::test]
async fn giving_up_leaves_a_job_alone_whose_clip_is_stored() {
    let world = World::of(&samples::job_in(JobState::Rendering), &ReadyClip::new(""));

    world.ltx().give_up(&order(), "the bus is down").await.expect("given up");

    assert_eq!(world.job(), samples::job_in(JobState::Rendering));
    assert_eq!(world.bus.published(), []);
}
