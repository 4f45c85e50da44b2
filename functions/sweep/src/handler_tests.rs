//! What one sweep brings to an end, and what it leaves alone.

use std::time::Duration;

use aws::s3_event;
use domain::{Caps, FailureKind, Job, JobId, JobState, ObjectKey, Stage, VideoMade, keys};
use events::{LtxRequest, ObjectCreated, announce_creation};
use ports::{Chronicle, Content, JobStore, ObjectMeta, ObjectStore};
use testkit::{
    Fuse, Fused, InMemoryJobs, InMemoryLedger, InMemoryMeters, InMemoryStore, Moment, RecordingBus,
    RecordingQueue, TestClock, samples,
};

use crate::{Patience, Sweep, SweepError, Swept};

mod measuring;
mod removal_and_renewal;

const SECOND: Duration = Duration::from_secs(1);
const NUDGE: Duration = Duration::from_mins(10);
const GIVE_UP: Duration = Duration::from_hours(6);
const EXPIRE: Duration = Duration::from_hours(24);

type Sweeper = Sweep<
    Fused<InMemoryStore>,
    Fused<InMemoryJobs>,
    Fused<RecordingBus>,
    TestClock,
    Fused<RecordingQueue>,
    Fused<InMemoryMeters>,
    Fused<InMemoryLedger>,
>;

/// Everything that outlives a sweep.
struct World {
    store: InMemoryStore,
    jobs: InMemoryJobs,
    bus: RecordingBus,
    clock: TestClock,
    meters: InMemoryMeters,
    ledger: InMemoryLedger,
    fetch_queue: RecordingQueue,
    ingest_queue: RecordingQueue,
    ltx_queue: RecordingQueue,
    render_queue: RecordingQueue,
}

impl World {
    fn new() -> Self {
        let clock = TestClock::default();
        Self {
            store: InMemoryStore::timed_by(&clock),
            jobs: InMemoryJobs::default(),
            bus: RecordingBus::default(),
            clock,
            meters: InMemoryMeters::default(),
            ledger: InMemoryLedger::default(),
            fetch_queue: RecordingQueue::default(),
            ingest_queue: RecordingQueue::default(),
            ltx_queue: RecordingQueue::default(),
            render_queue: RecordingQueue::default(),
        }
    }

    /// The row of [`samples::job`] is in `state`.
    fn in_state(state: JobState) -> Self {
        Self::new().knowing(&samples::job_in(state))
    }

    fn knowing(self, job: &Job) -> Self {
        Self { jobs: self.jobs.with(job), ..self }
    }

    fn with(self, key: &str, content: &str) -> Self {
        Self { store: self.store.with(key, content), ..self }
    }

    async fn with_clip(self) -> Self {
        let user = samples::clip_made().to_metadata();
        self.put(&keys::clip(samples::job().id), user).await;
        self
    }

    async fn with_video(self) -> Self {
        self.put(&keys::video(samples::job().id), video_made().to_metadata()).await;
        self
    }

    async fn put(&self, key: &ObjectKey, user: std::collections::HashMap<String, String>) {
        let meta = ObjectMeta { content_type: String::new(), user };
        self.store.put(key, Content::Bytes(b"stored"), &meta).await.expect("stored");
    }

    fn sweep(&self) -> Sweeper {
        self.sweep_on(&Fuse::never())
    }

    /// One sweep in a process that may die.
    fn sweep_on(&self, fuse: &Fuse) -> Sweeper {
        Sweep {
            bucket: samples::BUCKET.to_owned(),
            store: Fused::new(self.store.clone(), fuse),
            chronicle: Chronicle {
                jobs: Fused::new(self.jobs.clone(), fuse),
                bus: Fused::new(self.bus.clone(), fuse),
                clock: self.clock.clone(),
            },
            meters: Fused::new(self.meters.clone(), fuse),
            ledger: Fused::new(self.ledger.clone(), fuse),
            caps: Caps::NONE,
            fetch_queue: Fused::new(self.fetch_queue.clone(), fuse),
            ingest_queue: Fused::new(self.ingest_queue.clone(), fuse),
            ltx_queue: Fused::new(self.ltx_queue.clone(), fuse),
            render_queue: Fused::new(self.render_queue.clone(), fuse),
            patience: Patience { nudge_after: NUDGE, expire_after: EXPIRE, give_up_after: GIVE_UP },
        }
    }

    async fn sweep_after(&self, idle: Duration) -> Swept {
        self.clock.advance(idle);
        self.sweep().run().await.expect("swept")
    }

    fn job(&self) -> Job {
        self.jobs.job(samples::job().id).expect("a job")
    }

    fn orders(&self) -> Vec<LtxRequest> {
        let sent = self.ltx_queue.sent();
        sent.iter().map(|body| serde_json::from_str(body).expect("an order")).collect()
    }

    /// What `ingest` is told of, as it reads it.
    fn uploads_told(&self) -> Vec<ObjectCreated> {
        told(&self.ingest_queue)
    }

    /// What `render` is told of, as it reads it.
    fn clips_told(&self) -> Vec<ObjectCreated> {
        told(&self.render_queue)
    }

    /// How many messages went to `ingest`, `ltx` and `render`.
    fn sent(&self) -> [usize; 3] {
        [&self.ingest_queue, &self.ltx_queue, &self.render_queue].map(|queue| queue.sent().len())
    }

    /// What the bucket would have said of the object that is at `at` now.
    async fn created(&self, at: &str) -> ObjectCreated {
        let key = ObjectKey::new(at).expect("a key");
        let head = self.store.head(&key).await.expect("head").expect("an object");
        let (etag, size_bytes) = (head.etag, head.size_bytes);
        ObjectCreated { bucket: samples::BUCKET.to_owned(), key, etag, size_bytes }
    }
}

fn told(queue: &RecordingQueue) -> Vec<ObjectCreated> {
    let sent = queue.sent();
    sent.iter().flat_map(|body| s3_event::objects_created(body).expect("a notification")).collect()
}

fn video_made() -> VideoMade {
    let render_id = domain::RenderId::of_clip(samples::job().id, "c1");
    VideoMade { render_id, duration_ms: 6_000, worked_ms: 900 }
}

/// The job of `created`, awaiting its photo.
fn awaited(created: &ObjectCreated) -> Job {
    let id = JobId::of_object(samples::BUCKET, created.key.as_str(), &created.etag);
    let order = samples::job().order;
    Job::new(id, samples::BUCKET, created.key.clone(), order, samples::AT)
}

#[tokio::test]
async fn an_event_that_was_stored_and_not_published_is_published_once() {
    let (world, job) = (World::new(), samples::job());
    world.jobs.create(&job, &announce_creation(&job)).await.expect("created");

    let first = world.sweep_after(NUDGE).await;
    let second = world.sweep_after(SECOND).await;

    assert_eq!((first.published, second.published), (1, 0));
    assert_eq!(world.bus.published(), [announce_creation(&job)]);
}

#[tokio::test]
async fn a_young_event_is_left_to_whoever_stored_it() {
    let (world, job) = (World::new(), samples::job());
    world.jobs.create(&job, &announce_creation(&job)).await.expect("created");

    let swept = world.sweep_after(NUDGE.saturating_sub(SECOND)).await;

    assert_eq!((swept, world.bus.published()), (Swept::default(), vec![]));
}

#[tokio::test]
async fn an_upload_that_nobody_has_heard_of_is_told_to_ingest() {
    let world = World::new().with("uploads/Vila São+1.jpg", "photo");

    let swept = world.sweep_after(NUDGE).await;

    assert_eq!(swept, Swept { uploads: 1, ..Swept::default() });
    assert_eq!(world.uploads_told(), [world.created("uploads/Vila São+1.jpg").await]);
    assert_eq!(world.sent(), [1, 0, 0]);
}

#[tokio::test]
async fn a_young_upload_is_left_to_its_notification() {
    let world = World::new().with("uploads/villa.jpg", "photo");

    let swept = world.sweep_after(NUDGE.saturating_sub(SECOND)).await;

    assert_eq!((swept, world.sent()), (Swept::default(), [0, 0, 0]));
}

#[tokio::test]
async fn what_lies_beside_photos_is_no_upload() {
    let world = World::new().with("uploads/a.jpg.json", "{}").with("uploads/summer/", "");
    let world = world.with("photos/villa.jpg", "photo").with("logos/logo.png", "logo");

    let swept = world.sweep_after(NUDGE).await;

    assert_eq!((swept, world.sent()), (Swept::default(), [0, 0, 0]));
}

#[tokio::test]
async fn an_upload_whose_job_still_awaits_it_is_told_again() {
    let world = World::new().with("uploads/villa.jpg", "photo");
    let created = world.created("uploads/villa.jpg").await;
    let world = world.knowing(&awaited(&created));

    world.sweep_after(NUDGE).await;

    assert_eq!(world.uploads_told(), [created]);
}

#[tokio::test]
async fn an_upload_whose_job_has_come_further_is_not_told_again() {
    let world = World::new().with("uploads/villa.jpg", "photo");
    let created = world.created("uploads/villa.jpg").await;
    let world = world.knowing(&samples::led_to(awaited(&created), JobState::Failed));

    let swept = world.sweep_after(NUDGE).await;

    assert_eq!((swept, world.sent()), (Swept::default(), [0, 0, 0]));
}

#[tokio::test]
async fn an_upload_under_a_key_of_the_api_is_that_of_the_job_in_the_key() {
    let key = "uploads/0192f0c1-7e57-7abc-8def-001122334455/villa.jpg";
    let id = JobId::parse("0192f0c1-7e57-7abc-8def-001122334455").expect("an id");
    let world = World::new().with(key, "photo");
    let job = Job { id, ..awaited(&world.created(key).await) };
    let world = world.knowing(&samples::led_to(job, JobState::Cancelled));

    let swept = world.sweep_after(NUDGE).await;

    assert_eq!((swept, world.sent()), (Swept::default(), [0, 0, 0]));
}

#[tokio::test]
async fn uploads_beyond_the_first_page_are_found() {
    let world = World::new();
    let keys = (0..1001).map(|n| format!("uploads/{n:04}.jpg"));
    let store = keys.fold(world.store.clone(), |store, key| store.with(key, "photo"));
    let world = World { store, ..world };

    let swept = world.sweep_after(NUDGE).await;

    assert_eq!((swept.uploads, world.sent()), (1001, [1001, 0, 0]));
}

#[tokio::test]
async fn an_order_that_stands_still_is_sent_again() {
    let world = World::in_state(JobState::Queued);

    let swept = world.sweep_after(NUDGE).await;

    assert_eq!(swept, Swept { nudged: 1, ..Swept::default() });
    assert_eq!(world.orders(), [LtxRequest::look_now(&samples::job(), None)]);
    assert_eq!((world.job(), world.sent()), (samples::job_in(JobState::Queued), [0, 1, 0]));
}

#[tokio::test]
async fn a_clip_that_is_long_in_coming_is_asked_for_again() {
    let world = World::in_state(JobState::Generating);

    world.sweep_after(NUDGE).await;

    assert_eq!(world.orders(), [LtxRequest::look_now(&samples::job(), None)]);
}

#[tokio::test]
async fn a_young_job_is_left_to_its_stage() {
    let world = World::in_state(JobState::Generating).with_clip().await;

    let swept = world.sweep_after(NUDGE.saturating_sub(SECOND)).await;

    assert_eq!((swept, world.sent()), (Swept::default(), [0, 0, 0]));
    assert_eq!(world.job(), samples::job_in(JobState::Generating));
}

#[tokio::test]
async fn a_row_that_lags_behind_its_clip_catches_up_and_render_is_told() {
    let world = World::in_state(JobState::Generating).with_clip().await;

    let swept = world.sweep_after(NUDGE).await;

    assert_eq!(swept, Swept { nudged: 1, ..Swept::default() });
    assert_eq!(world.job().state, JobState::LtxDone);
    assert_eq!(world.job().clip, Some(samples::clip_made()));
    assert_eq!(world.bus.detail_types(), ["LtxDone.v1"]);
    let clip_key = keys::clip(samples::job().id);
    assert_eq!(world.clips_told(), [world.created(clip_key.as_str()).await]);
    assert_eq!(world.sent(), [0, 0, 1]);
}

#[tokio::test]
async fn a_clip_whose_news_was_lost_is_told_to_render_again() {
    let world = World::in_state(JobState::LtxDone).with_clip().await;

    let swept = world.sweep_after(NUDGE).await;

    assert_eq!((swept.nudged, world.sent()), (1, [0, 0, 1]));
    assert_eq!(world.job(), samples::job_in(JobState::LtxDone));
}

#[tokio::test]
async fn a_rendering_that_broke_off_is_told_to_render_again() {
    let world = World::in_state(JobState::Rendering).with_clip().await;

    let swept = world.sweep_after(GIVE_UP.saturating_sub(SECOND)).await;

    assert_eq!((swept.nudged, world.sent()), (1, [0, 0, 1]));
    assert_eq!(world.job(), samples::job_in(JobState::Rendering));
}

#[tokio::test]
async fn a_row_that_lags_behind_its_video_catches_up() {
    let world = World::in_state(JobState::Rendering).with_clip().await.with_video().await;

    let swept = world.sweep_after(NUDGE).await;

    assert_eq!(swept, Swept { nudged: 1, ..Swept::default() });
    assert_eq!((world.job().state, world.job().video), (JobState::Rendered, Some(video_made())));
    assert_eq!(world.bus.detail_types(), ["Rendered.v1"]);
    assert_eq!(world.sent(), [0, 0, 0]);
}

#[tokio::test]
async fn a_row_that_lags_far_behind_catches_up_step_by_step() {
    let world = World::in_state(JobState::Queued).with_clip().await.with_video().await;

    world.sweep_after(GIVE_UP).await;

    assert_eq!(world.job().state, JobState::Rendered);
    assert_eq!(world.bus.detail_types(), ["LtxDone.v1", "Rendered.v1"]);
}

#[tokio::test]
async fn a_job_whose_photo_never_came_expires() {
    let world = World::in_state(JobState::Pending);

    let early = world.sweep_after(EXPIRE.saturating_sub(SECOND)).await;
    let swept = world.sweep_after(SECOND).await;

    assert_eq!(early, Swept::default());
    assert_eq!(swept, Swept { ended: 1, ..Swept::default() });
    assert_eq!(world.job().state, JobState::Expired);
    assert_eq!(world.bus.detail_types(), ["JobExpired.v1"]);
}

#[tokio::test]
async fn a_job_whose_photo_is_there_does_not_expire() {
    let world = World::new().with("uploads/villa.jpg", "photo");
    let job = awaited(&world.created("uploads/villa.jpg").await);
    let world = world.knowing(&job);

    let swept = world.sweep_after(EXPIRE).await;

    assert_eq!(swept, Swept { uploads: 1, ..Swept::default() });
    assert_eq!(world.jobs.job(job.id), Some(job));
}

#[tokio::test]
async fn a_job_whose_photo_was_replaced_by_that_of_another_job_expires() {
    let world = World::new().with("uploads/villa.jpg", "older");
    let older = awaited(&world.created("uploads/villa.jpg").await);
    let world = world.with("uploads/villa.jpg", "newer").knowing(&older);

    let swept = world.sweep_after(EXPIRE).await;

    assert_eq!(swept, Swept { uploads: 1, ended: 1, ..Swept::default() });
    assert_eq!(world.jobs.job(older.id).map(|job| job.state), Some(JobState::Expired));
    assert_eq!(world.uploads_told(), [world.created("uploads/villa.jpg").await]);
}

#[tokio::test]
async fn a_job_that_stands_still_for_too_long_is_late_and_its_order_is_called_off() {
    let world = World::in_state(JobState::Generating);

    let swept = world.sweep_after(GIVE_UP).await;

    let failure = world.job().failure.expect("a reason");
    assert_eq!(swept, Swept { ended: 1, ..Swept::default() });
    assert_eq!((failure.stage, failure.kind), (Stage::Sweep, FailureKind::Late));
    assert_eq!(failure.cause.as_deref(), Some("generating for 21600 s"));
    assert_eq!(world.bus.detail_types(), ["JobFailed.v1"]);
    // Whoever looks at a job that has ended calls off what is still under way for it.
    assert_eq!(world.orders(), [LtxRequest::look_now(&samples::job(), None)]);
}

#[tokio::test]
async fn a_rendering_that_stands_still_for_too_long_is_late_though_its_clip_is_there() {
    let world = World::in_state(JobState::Rendering).with_clip().await;

    let swept = world.sweep_after(GIVE_UP).await;

    assert_eq!((swept.ended, world.sent()), (1, [0, 0, 0]));
    assert_eq!(world.job().failure.map(|failure| failure.kind), Some(FailureKind::Late));
}

#[tokio::test]
async fn a_clip_that_is_gone_is_waited_for_and_then_given_up() {
    let world = World::in_state(JobState::LtxDone);

    let waited = world.sweep_after(GIVE_UP.saturating_sub(SECOND)).await;
    let given_up = world.sweep_after(SECOND).await;

    assert_eq!((waited, given_up.ended), (Swept::default(), 1));
    assert_eq!(world.job().state, JobState::Failed);
}

#[tokio::test]
async fn a_job_that_has_ended_is_left_alone() {
    let world = World::in_state(JobState::Cancelled).with_clip().await.with_video().await;

    let swept = world.sweep_after(EXPIRE).await;

    assert_eq!((swept, world.sent()), (Swept::default(), [0, 0, 0]));
    assert_eq!(world.job(), samples::job_in(JobState::Cancelled));
}

#[tokio::test]
async fn sweeping_twice_says_the_same_and_changes_nothing_more() {
    let world = World::in_state(JobState::Generating).with("uploads/lost.jpg", "photo");
    let late = samples::led_to(samples::job_named("late"), JobState::Rendering);
    let world = world.knowing(&samples::job_named("awaited")).knowing(&late);

    world.sweep_after(EXPIRE).await;
    let (jobs, published, sent) = (world.jobs.all(), world.bus.published(), world.sent());
    let second = world.sweep_after(SECOND).await;

    assert_eq!((world.jobs.all(), world.bus.published()), (jobs, published));
    assert_eq!(second, Swept { uploads: 1, ..Swept::default() });
    assert_eq!((sent, world.sent()), ([1, 1, 0], [2, 1, 0]));
}

#[tokio::test]
async fn a_sweep_that_breaks_off_leaves_the_rest_to_the_next_one() {
    let world = World::in_state(JobState::Queued).with("uploads/lost.jpg", "photo");
    world.clock.advance(NUDGE);
    let fuse = Fuse::new(2, Moment::Before);

    let fault = world.sweep_on(&fuse).run().await.expect_err("the queue is down");
    let sent = world.sent();
    world.sweep().run().await.expect("swept");

    assert!(matches!(fault, SweepError::Queue(_)), "{fault:?}");
    assert_eq!((sent, world.sent()), ([0, 1, 0], [1, 2, 0]));
}

#[tokio::test]
async fn one_thing_that_breaks_does_not_keep_the_others_from_being_swept() {
    let queued = samples::led_to(samples::job_named("queued"), JobState::Queued);
    let world = World::in_state(JobState::LtxDone).with_clip().await.knowing(&queued);
    world.clock.advance(NUDGE);
    let dead = Fuse::new(1, Moment::Before);
    let ltx_queue = Fused::new(world.ltx_queue.clone(), &dead);

    let fault = Sweep { ltx_queue, ..world.sweep() }.run().await.expect_err("queue ltx is down");

    assert!(matches!(fault, SweepError::Queue(_)), "{fault:?}");
    assert_eq!(world.sent(), [0, 0, 1]);
}

#[tokio::test]
async fn an_end_that_the_bus_did_not_hear_of_is_published_by_a_later_sweep() {
    let world = World::in_state(JobState::Pending);
    world.clock.advance(EXPIRE);
    let fuse = Fuse::new(2, Moment::Before);

    world.sweep_on(&fuse).run().await.expect_err("the bus is down");
    let published = world.bus.detail_types();
    let swept = world.sweep_after(NUDGE).await;

    assert_eq!((published, swept), (vec![], Swept { published: 1, ..Swept::default() }));
    assert_eq!(world.bus.detail_types(), ["JobExpired.v1"]);
}
