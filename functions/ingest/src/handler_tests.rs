//! What becomes of uploads.

use domain::{FailureKind, Job, JobId, JobState, ObjectKey, Photo, Stage, keys};
use events::{
    JobFailed, LtxRequest, ObjectCreated, PhotoAccepted, PhotoRefused, announce_creation,
};
use film::PhotoLimits;
use ports::{Chronicle, HandleRecord, Handled, JobStore, ObjectStore};
use testkit::{
    Fuse, Fused, InMemoryJobs, InMemoryStore, Moment, RecordingBus, RecordingQueue, TestClock,
    samples,
};

use crate::upload;
use crate::{Ingest, IngestError};

const KEY: &str = "uploads/villa.jpg";
const API_JOB: &str = "0192f0c1-7e57-7abc-8def-001122334455";
const API_KEY: &str = "uploads/0192f0c1-7e57-7abc-8def-001122334455/villa.jpg";

type Handler = Ingest<
    Fused<InMemoryStore>,
    Fused<InMemoryJobs>,
    Fused<RecordingBus>,
    TestClock,
    Fused<RecordingQueue>,
>;

/// Everything that outlives a delivery.
#[derive(Default)]
struct World {
    store: InMemoryStore,
    jobs: InMemoryJobs,
    bus: RecordingBus,
    clock: TestClock,
    ltx_queue: RecordingQueue,
}

impl World {
    fn of(store: InMemoryStore) -> Self {
        Self { store, ..Self::default() }
    }

    fn with_photo() -> Self {
        Self::of(InMemoryStore::default().with(KEY, samples::photo_jpeg(640, 480)))
    }

    fn with_options(options: &[(&str, &str)]) -> Self {
        let jpeg = samples::photo_jpeg(640, 480);
        Self::of(InMemoryStore::default().with_meta(KEY, jpeg, "image/jpeg", options))
    }

    fn with_sidecar(json: impl AsRef<[u8]>) -> Self {
        let world = Self::with_options(&[("title", "from the metadata")]);
        Self::of(world.store.with(format!("{KEY}.json"), json))
    }

    fn knowing(self, job: &Job) -> Self {
        Self { jobs: self.jobs.with(job), ..self }
    }

    fn ingest(&self) -> Handler {
        self.ingest_on(&Fuse::never())
    }

    /// One delivery in a process that may die.
    fn ingest_on(&self, fuse: &Fuse) -> Handler {
        Ingest {
            store: Fused::new(self.store.clone(), fuse),
            chronicle: Chronicle {
                jobs: Fused::new(self.jobs.clone(), fuse),
                bus: Fused::new(self.bus.clone(), fuse),
                clock: self.clock.clone(),
            },
            ltx_queue: Fused::new(self.ltx_queue.clone(), fuse),
            limits: PhotoLimits::default(),
        }
    }

    /// What the bucket says of the object that is at `at` now.
    async fn created(&self, at: &str) -> ObjectCreated {
        let head = self.store.head(&key(at)).await.expect("head").expect("an object");
        let (etag, size_bytes) = (head.etag, head.size_bytes);
        ObjectCreated { bucket: samples::BUCKET.to_owned(), key: key(at), etag, size_bytes }
    }

    /// The only job there is.
    fn job(&self) -> Job {
        let jobs = self.jobs.all();
        assert_eq!(jobs.len(), 1, "{jobs:?}");
        jobs[0].clone()
    }

    fn reason(&self) -> String {
        self.job().failure.expect("a reason").reason
    }

    fn orders(&self) -> Vec<LtxRequest> {
        let sent = self.ltx_queue.sent();
        sent.iter().map(|body| serde_json::from_str(body).expect("an order")).collect()
    }
}

fn key(text: &str) -> ObjectKey {
    ObjectKey::new(text).expect("a key")
}

/// The job of `created`, as an earlier delivery has left it.
fn job_of(created: &ObjectCreated) -> Job {
    upload::job(created, samples::job().order, samples::AT)
}

#[tokio::test]
async fn a_photo_is_accepted_and_its_clip_ordered() {
    let world = World::with_photo();
    let created = world.created(KEY).await;
    let id = JobId::of_object(samples::BUCKET, KEY, &created.etag);

    let handled = world.ingest().handle(&vec![created]).await.expect("handled");

    let job = world.job();
    assert_eq!((handled, job.id, job.state), (Handled::Done, id, JobState::Queued));
    assert_eq!(world.orders(), [LtxRequest::of_job(&job)]);
    assert_eq!(world.bus.detail_types(), ["JobCreated.v1", "PhotoAccepted.v1"]);
    let fact = &world.bus.facts::<PhotoAccepted>()[0].fact;
    assert_eq!((fact.width, fact.height), (640, 480));
    assert_eq!(fact.photo_url_s3, format!("s3://{}/photos/{id}.jpg", samples::BUCKET));
}

#[tokio::test]
async fn an_accepted_photo_is_stored_with_what_is_known_of_it() {
    let world = World::with_photo();

    world.ingest().handle(&vec![world.created(KEY).await]).await.expect("handled");

    let job = world.job();
    let head = world.store.head(&keys::photo(job.id)).await.expect("head").expect("a photo");
    assert_eq!(head.meta.content_type, "image/jpeg");
    assert_eq!(Photo::from_metadata(&head.meta.user), job.photo);
    assert_eq!(job.photo.map(|photo| (photo.width, photo.height)), Some((640, 480)));
}

#[tokio::test]
async fn a_file_that_is_no_photo_is_a_refusal_and_not_a_fault() {
    let world = World::of(InMemoryStore::default().with(KEY, "<p>not a photo</p>"));

    let handled = world.ingest().handle(&vec![world.created(KEY).await]).await.expect("handled");

    let failure = world.job().failure.expect("a reason");
    assert_eq!(handled, Handled::Done);
    assert_eq!((failure.stage, failure.kind), (Stage::Ingest, FailureKind::Refused));
    assert_eq!(world.bus.detail_types(), ["JobCreated.v1", "PhotoRefused.v1", "JobFailed.v1"]);
    assert_eq!(world.bus.facts::<PhotoRefused>()[0].fact.reason, failure.reason);
    assert_eq!(world.bus.facts::<JobFailed>()[0].fact.kind, "refused");
    assert_eq!(world.store.keys(), [KEY]);
    assert_eq!(world.orders(), []);
}

#[tokio::test]
async fn a_photo_that_is_too_large_is_refused() {
    let world = World::with_photo();
    let limits = PhotoLimits { max_bytes: 100, ..PhotoLimits::default() };
    let ingest = Ingest { limits, ..world.ingest() };

    ingest.handle(&vec![world.created(KEY).await]).await.expect("handled");

    assert!(world.reason().contains("are accepted"), "{}", world.reason());
    assert_eq!(world.orders(), []);
}

#[tokio::test]
async fn a_repeat_changes_nothing_and_orders_again_what_the_ledger_orders_once() {
    let world = World::with_photo();
    let created = vec![world.created(KEY).await];

    world.ingest().handle(&created).await.expect("handled");
    let (job, published) = (world.job(), world.bus.published());
    world.ingest().handle(&created).await.expect("handled again");

    assert_eq!((world.job(), world.bus.published()), (job.clone(), published));
    assert_eq!(world.orders(), [LtxRequest::of_job(&job), LtxRequest::of_job(&job)]);
}

#[tokio::test]
async fn a_bucket_that_fails_is_a_fault_and_the_next_delivery_does_the_work() {
    let world = World::with_photo();
    let created = vec![world.created(KEY).await];
    let fuse = Fuse::new(4, Moment::Before);

    let fault = world.ingest_on(&fuse).handle(&created).await.expect_err("the photo is not stored");
    world.ingest().handle(&created).await.expect("handled");

    assert!(matches!(fault, IngestError::Store(_)), "{fault:?}");
    assert!(!Handler::is_hopeless(&fault));
    assert_eq!(world.job().state, JobState::Queued);
    assert_eq!(world.bus.detail_types(), ["JobCreated.v1", "PhotoAccepted.v1"]);
}

#[tokio::test]
async fn an_event_that_the_bus_did_not_take_is_published_by_the_next_delivery() {
    let world = World::with_photo();
    let created = vec![world.created(KEY).await];
    let fuse = Fuse::new(6, Moment::Before);

    let fault = world.ingest_on(&fuse).handle(&created).await.expect_err("the bus is down");
    world.ingest().handle(&created).await.expect("handled");

    assert!(matches!(fault, IngestError::Chronicle(_)), "{fault:?}");
    assert_eq!(world.bus.detail_types(), ["JobCreated.v1", "PhotoAccepted.v1"]);
}

#[tokio::test]
async fn an_order_that_was_not_sent_is_sent_by_the_next_delivery() {
    let world = World::with_photo();
    let created = vec![world.created(KEY).await];
    let fuse = Fuse::new(8, Moment::Before);

    let fault = world.ingest_on(&fuse).handle(&created).await.expect_err("the queue is down");
    let (state, ordered) = (world.job().state, world.orders());
    world.ingest().handle(&created).await.expect("handled");

    assert!(matches!(fault, IngestError::Queue(_)), "{fault:?}");
    assert_eq!((state, ordered), (JobState::Queued, vec![]));
    assert_eq!(world.orders(), [LtxRequest::of_job(&world.job())]);
}

#[tokio::test]
async fn a_photo_that_an_earlier_delivery_has_stored_is_not_made_again() {
    let world = World::with_photo();
    let created = world.created(KEY).await;
    let job = job_of(&created);
    let meta = [("width", "320"), ("height", "240"), ("worked-ms", "7")];
    let stored =
        world.store.with_meta(keys::photo(job.id).as_str(), "earlier", "image/jpeg", &meta);
    let world = World::of(stored).knowing(&job);

    world.ingest().handle(&vec![created]).await.expect("handled");

    assert_eq!(world.store.content(&keys::photo(job.id)), Some(b"earlier".to_vec()));
    assert_eq!(world.job().photo, Some(Photo { width: 320, height: 240, worked_ms: 7 }));
    assert_eq!(world.orders().len(), 1);
}

#[tokio::test]
async fn a_photo_that_was_stored_is_accepted_though_its_upload_is_gone() {
    let world = World::with_photo();
    let created = vec![world.created(KEY).await];
    let fuse = Fuse::new(4, Moment::After);

    world.ingest_on(&fuse).handle(&created).await.expect_err("died after storing the photo");
    world.store.remove(&key(KEY));
    world.ingest().handle(&created).await.expect("handled");

    assert_eq!(world.job().state, JobState::Queued);
    assert_eq!(world.orders().len(), 1);
}

#[tokio::test]
async fn a_photo_that_was_deleted_before_it_was_read_is_refused() {
    let world = World::with_photo();
    let created = vec![world.created(KEY).await];
    world.store.remove(&key(KEY));

    let handled = world.ingest().handle(&created).await.expect("handled");

    assert_eq!((handled, world.job().state), (Handled::Done, JobState::Failed));
    assert!(world.reason().contains("deleted"), "{}", world.reason());
}

#[tokio::test]
async fn a_photo_that_was_replaced_is_refused_and_the_newer_one_is_a_job_of_its_own() {
    let world = World::with_photo();
    let older = world.created(KEY).await;
    let world = World::of(world.store.with(KEY, samples::photo_jpeg(800, 600)));
    let newer = world.created(KEY).await;
    let ids = [&older, &newer].map(upload::job_id);

    world.ingest().handle(&vec![newer]).await.expect("handled");
    world.ingest().handle(&vec![older]).await.expect("handled late");

    let [older, newer] = ids.map(|id| world.jobs.job(id).expect("a job"));
    assert_eq!((older.state, newer.state), (JobState::Failed, JobState::Queued));
    assert!(older.failure.expect("a reason").reason.contains("replaced"));
    assert_eq!(world.orders(), [LtxRequest::of_job(&newer)]);
}

#[tokio::test]
async fn a_photo_replaced_under_a_key_of_the_api_is_the_job_that_the_api_made() {
    let store = InMemoryStore::default();
    let world = World::of(store.with_meta(API_KEY, samples::photo_jpeg(64, 64), "", &[]));
    let created = world.created(API_KEY).await;
    let job = job_of(&created);
    let world = World::of(world.store.with(API_KEY, samples::photo_jpeg(800, 600))).knowing(&job);

    world.ingest().handle(&vec![created]).await.expect("handled");

    assert_eq!(world.job().id.to_string(), API_JOB);
    assert_eq!((world.job().state, world.job().order), (JobState::Queued, job.order));
    assert_eq!(world.job().photo.map(|photo| photo.width), Some(800));
}

#[tokio::test]
async fn what_lies_beside_photos_is_no_upload() {
    let store = InMemoryStore::default();
    let world = World::of(store.with("uploads/a.jpg.json", "{}").with("uploads/summer/", ""));
    let uploads =
        vec![world.created("uploads/a.jpg.json").await, world.created("uploads/summer/").await];

    let handled = world.ingest().handle(&uploads).await.expect("handled");

    assert_eq!(handled, Handled::Done);
    assert_eq!((world.jobs.all(), world.bus.published()), (vec![], vec![]));
}

#[tokio::test]
async fn what_goes_with_the_photo_becomes_the_order() {
    let world = World::with_options(&[
        ("title", "Vila%20S%C3%A3o"),
        ("property-id", "p1"),
        ("duration", "8"),
    ]);

    world.ingest().handle(&vec![world.created(KEY).await]).await.expect("handled");

    let order = world.job().order;
    assert_eq!(order.branding.title.as_deref(), Some("Vila São"));
    assert_eq!((order.property_id.as_deref(), order.clip.duration_secs), (Some("p1"), Some(8)));
    assert_eq!(world.orders()[0].options.duration, Some(8));
}

#[tokio::test]
async fn options_in_a_file_beside_the_photo_count_before_those_that_go_with_it() {
    let world = World::with_sidecar(r#"{"title": "from the file"}"#);

    world.ingest().handle(&vec![world.created(KEY).await]).await.expect("handled");

    assert_eq!(world.job().order.branding.title.as_deref(), Some("from the file"));
}

#[tokio::test]
async fn an_option_that_is_not_on_offer_is_a_refusal_that_names_it() {
    let world = World::with_options(&[("duration", "700")]);

    let handled = world.ingest().handle(&vec![world.created(KEY).await]).await.expect("handled");

    assert_eq!((handled, world.job().state), (Handled::Done, JobState::Failed));
    assert!(world.reason().contains("700 s"), "{}", world.reason());
    assert_eq!(world.bus.facts::<PhotoRefused>()[0].fact.reason, world.reason());
    assert_eq!(world.orders(), []);
}

#[tokio::test]
async fn an_option_that_is_not_on_offer_is_refused_by_whichever_delivery_survives() {
    let world = World::with_options(&[("duration", "700")]);
    let created = vec![world.created(KEY).await];
    let fuse = Fuse::new(4, Moment::Before);

    world.ingest_on(&fuse).handle(&created).await.expect_err("died before the refusal");
    world.ingest().handle(&created).await.expect("handled");

    assert_eq!(world.job().state, JobState::Failed);
    assert!(world.reason().contains("700 s"), "{}", world.reason());
    assert_eq!(world.orders(), []);
}

#[tokio::test]
async fn options_that_cannot_be_read_are_a_refusal() {
    let world = World::with_sidecar(r#"{"titel": "misspelt"}"#);

    world.ingest().handle(&vec![world.created(KEY).await]).await.expect("handled");

    assert!(world.reason().contains("titel"), "{}", world.reason());
}

#[tokio::test]
async fn options_beyond_all_measure_are_a_refusal_and_not_a_fault() {
    let world = World::with_sidecar(vec![b' '; 65 * 1024]);

    let handled = world.ingest().handle(&vec![world.created(KEY).await]).await.expect("handled");

    assert_eq!((handled, world.job().state), (Handled::Done, JobState::Failed));
    assert!(world.reason().contains("options"), "{}", world.reason());
}

#[tokio::test]
async fn a_key_that_leaves_no_room_for_options_is_that_of_a_photo_all_the_same() {
    let long = format!("uploads/{}.jpg", "a".repeat(1010));
    let world = World::of(InMemoryStore::default().with(&long, samples::photo_jpeg(640, 480)));

    world.ingest().handle(&vec![world.created(&long).await]).await.expect("handled");

    assert_eq!((long.len(), world.job().state), (1022, JobState::Queued));
}

#[tokio::test]
async fn a_late_notification_leaves_a_job_alone_that_has_come_further() {
    let world = World::with_photo();
    let created = world.created(KEY).await;
    let job = samples::led_to(job_of(&created), JobState::Generating);
    let world = world.knowing(&job);

    let handled = world.ingest().handle(&vec![created]).await.expect("handled");

    assert_eq!((handled, world.job()), (Handled::Done, job));
    assert_eq!(world.orders(), []);
}

#[tokio::test]
async fn a_job_that_was_called_off_before_its_photo_came_stays_called_off() {
    let world = World::with_photo();
    let created = world.created(KEY).await;
    let world = world.knowing(&samples::led_to(job_of(&created), JobState::Cancelled));

    world.ingest().handle(&vec![created]).await.expect("handled");

    assert_eq!(world.job().state, JobState::Cancelled);
    assert_eq!((world.store.keys(), world.orders()), (vec![KEY.to_owned()], vec![]));
}

#[tokio::test]
async fn a_row_whose_creation_was_never_announced_is_announced_before_anything_else() {
    let world = World::with_photo();
    let created = world.created(KEY).await;
    let job = job_of(&created);
    world.jobs.create(&job, &announce_creation(&job)).await.expect("created");

    world.ingest().handle(&vec![created]).await.expect("handled");

    assert_eq!(world.bus.detail_types(), ["JobCreated.v1", "PhotoAccepted.v1"]);
}

#[tokio::test]
async fn every_photo_of_a_record_is_taken() {
    let store = InMemoryStore::default().with("uploads/text.jpg", "no photo");
    let world = World::of(store.with(KEY, samples::photo_jpeg(640, 480)));
    let uploads = vec![world.created("uploads/text.jpg").await, world.created(KEY).await];
    let ids = [upload::job_id(&uploads[0]), upload::job_id(&uploads[1])];

    world.ingest().handle(&uploads).await.expect("handled");

    let states = ids.map(|id| world.jobs.job(id).expect("a job").state);
    assert_eq!(states, [JobState::Failed, JobState::Queued]);
}

#[tokio::test]
async fn a_foreign_key_is_hopeless() {
    let world = World::of(InMemoryStore::default().with("photos/villa.jpg", "photo"));
    let foreign = vec![world.created("photos/villa.jpg").await];

    let fault = world.ingest().handle(&foreign).await.expect_err("not an upload");

    assert!(matches!(&fault, IngestError::NotAnUpload(key) if key.as_str() == "photos/villa.jpg"));
    assert!(Handler::is_hopeless(&fault));
    assert_eq!(world.jobs.all(), []);
}

#[tokio::test]
async fn giving_up_ends_the_job_and_keeps_the_cause_to_ourselves() {
    let world = World::with_photo();
    let created = world.created(KEY).await;
    let world = world.knowing(&job_of(&created));

    world.ingest().give_up(&vec![created], "disk full").await.expect("given up");

    let failure = world.job().failure.expect("a reason");
    assert_eq!((failure.stage, failure.kind), (Stage::Ingest, FailureKind::Fault));
    assert_eq!(failure.cause.as_deref(), Some("disk full"));
    assert_eq!(world.bus.detail_types(), ["JobFailed.v1"]);
    assert!(!world.bus.published()[0].detail.contains("disk full"));
}

#[tokio::test]
async fn giving_up_a_late_notification_leaves_the_job_to_the_stage_that_has_it() {
    let world = World::with_photo();
    let created = world.created(KEY).await;
    let job = samples::led_to(job_of(&created), JobState::Generating);
    let world = world.knowing(&job);

    world.ingest().give_up(&vec![created], "the bus is down").await.expect("given up");

    assert_eq!(world.job(), job);
}

#[tokio::test]
async fn giving_up_an_upload_that_nobody_has_heard_of_leaves_it_to_the_sweep() {
    let world = World::with_photo();

    let given_up = world.ingest().give_up(&vec![world.created(KEY).await], "disk full").await;

    given_up.expect("given up");
    assert_eq!((world.jobs.all(), world.bus.published()), (vec![], vec![]));
}
