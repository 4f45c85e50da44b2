//! What becomes of requests to fetch.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use domain::{
    Branding, FailureKind, Job, JobId, JobState, ObjectKey, RenderId, Rerender, Stage, Step, keys,
};
use events::{FetchItem, FetchRequest, FetchedAs, ObjectCreated};
use guard::{Fetcher, Guard, Limits};
use ports::{Chronicle, HandleRecord, Handled, StoreError};
use testkit::{Fuse, Fused, InMemoryJobs, InMemoryStore, Moment, RecordingBus, TestClock, samples};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::{Fetch, FetchFunctionError};

type Handler = Fetch<Fused<InMemoryStore>, Fused<InMemoryJobs>, Fused<RecordingBus>, TestClock>;

/// A server that says the same to everybody.
struct Elsewhere {
    root: String,
    asked: Arc<AtomicUsize>,
}

impl Elsewhere {
    async fn saying(answer: impl Into<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let root = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = Arc::new(AtomicUsize::new(0));
        let (answer, counted) = (answer.into(), asked.clone());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let mut request = [0; 2048];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(&answer).await;
            }
        });
        Self { root, asked }
    }

    async fn with(media_type: &str, body: &str) -> Self {
        let length = body.len();
        Self::saying(format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {media_type}\r\ncontent-length: {length}\r\n\
             connection: close\r\n\r\n{body}"
        ))
        .await
    }

    async fn status(status: &str) -> Self {
        Self::saying(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"))
            .await
    }

    fn at(&self, path: &str) -> String {
        format!("{}/{path}?token=secret", self.root)
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// Everything that outlives a delivery.
struct World {
    store: InMemoryStore,
    jobs: InMemoryJobs,
    bus: RecordingBus,
    job: Job,
}

impl World {
    fn knowing(job: Job) -> Self {
        let jobs = InMemoryJobs::default().with(&job);
        Self { store: InMemoryStore::default(), jobs, bus: RecordingBus::default(), job }
    }

    /// A job of the API whose photo is awaited.
    fn pending() -> Self {
        let id = JobId::of_request("user#u", "r-1");
        let key = keys::upload(id, "villa.jpg").expect("a key");
        let order = samples::job().order;
        Self::knowing(Job::new(id, samples::BUCKET, key, order, samples::AT))
    }

    /// A job whose video is to be made again.
    fn rerendering() -> (Self, RenderId) {
        let rendered = samples::job_in(JobState::Rendered);
        let render_id = RenderId::of_request(rendered.id, "again");
        let rerender = Rerender { render_id, branding: Branding::default() };
        let job = rendered.after(&Step::Rerender(rerender), samples::AT).expect("legal");
        (Self::knowing(job), render_id)
    }

    fn item(&self, used_as: FetchedAs, from: &str) -> FetchItem {
        let to = match used_as {
            FetchedAs::Photo => self.job.upload_key.to_string(),
            FetchedAs::Logo => "logos/u/j/logo.png".to_owned(),
            FetchedAs::Music => "music/u/j/calm.mp3".to_owned(),
        };
        FetchItem { used_as, from: from.to_owned(), to }
    }

    /// The key of the request for these things, which is there now.
    fn request(&mut self, what: &str, items: Vec<FetchItem>) -> ObjectKey {
        let key = keys::fetch_request(self.job.id, what);
        let render_id = (what != "photo").then(|| what.to_owned());
        let request = FetchRequest { job_id: self.job.id.to_string(), items, render_id };
        let json = serde_json::to_vec(&request).expect("JSON");
        self.store = self.store.clone().with(key.as_str(), json);
        key
    }

    fn fetch_on(&self, fuse: &Fuse) -> Handler {
        let quick = Limits { idle: Duration::from_secs(2), ..Limits::default() };
        Fetch {
            bucket: samples::BUCKET.to_owned(),
            store: Fused::new(self.store.clone(), fuse),
            chronicle: Chronicle {
                jobs: Fused::new(self.jobs.clone(), fuse),
                bus: Fused::new(self.bus.clone(), fuse),
                clock: TestClock::default(),
            },
            elsewhere: Fetcher::new(Guard::with_loopback(), quick),
            max_photo_bytes: 20,
            may_take: Duration::from_millis(300),
        }
    }

    async fn deliver(&self, key: &ObjectKey) -> Result<Handled, FetchFunctionError> {
        self.fetch_on(&Fuse::never()).handle(&created(key)).await
    }

    fn now(&self) -> Job {
        self.jobs.job(self.job.id).expect("a job")
    }

    /// Stage and kind of the failure, and its sentence.
    fn failure(&self) -> (Stage, FailureKind, String) {
        let failure = self.now().failure.expect("a failure");
        (failure.stage, failure.kind, failure.reason)
    }
}

fn created(key: &ObjectKey) -> Vec<ObjectCreated> {
    let (bucket, etag) = (samples::BUCKET.to_owned(), "e".to_owned());
    vec![ObjectCreated { bucket, key: key.clone(), etag, size_bytes: 1 }]
}

#[tokio::test]
async fn a_photo_and_what_goes_on_it_arrive_and_the_request_is_gone() {
    let photo = Elsewhere::with("image/jpeg; charset=binary", "jpeg").await;
    let logo = Elsewhere::with("image/png", "png").await;
    let mut world = World::pending();
    let items = vec![
        world.item(FetchedAs::Photo, &photo.at("villa.jpg")),
        world.item(FetchedAs::Logo, &logo.at("logo.png")),
    ];
    let key = world.request("photo", items);

    let handled = world.deliver(&key).await.expect("handled");

    assert_eq!(handled, Handled::Done);
    assert_eq!(world.store.content(&world.job.upload_key).as_deref(), Some(&b"jpeg"[..]));
    assert_eq!(world.store.keys(), ["logos/u/j/logo.png", world.job.upload_key.as_str()]);
    assert_eq!(world.now().state, JobState::Pending);
}

#[tokio::test]
async fn what_is_in_our_bucket_is_copied_and_nobody_is_asked() {
    let mut world = World::pending();
    world.store = world.store.clone().with("photos/earlier.jpg", "jpeg");
    let ours = world.item(FetchedAs::Photo, "s3://media/photos/earlier.jpg");
    let key = world.request("photo", vec![ours]);

    world.deliver(&key).await.expect("handled");

    assert_eq!(world.store.content(&world.job.upload_key).as_deref(), Some(&b"jpeg"[..]));
}

#[tokio::test]
async fn what_cannot_be_used_ends_the_job_with_the_reason_and_without_the_address() {
    let cases = [
        (Elsewhere::status("404 Not Found").await, "status 404"),
        (Elsewhere::with("text/html", "<p>").await, "text/html"),
        (Elsewhere::with("image/jpeg", "more bytes than are taken").await, "more than 20 bytes"),
        (
            Elsewhere::saying(
                "HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/latest/meta-data\r\n\
             content-length: 0\r\nconnection: close\r\n\r\n",
            )
            .await,
            "https",
        ),
    ];
    for (elsewhere, expected) in cases {
        let mut world = World::pending();
        let photo = world.item(FetchedAs::Photo, &elsewhere.at("villa.jpg"));
        let key = world.request("photo", vec![photo]);

        world.deliver(&key).await.expect("handled");

        let (stage, kind, reason) = world.failure();
        assert_eq!((stage, kind), (Stage::Fetch, FailureKind::Refused), "{reason}");
        assert!(reason.starts_with("the photo cannot be used: "), "{reason}");
        assert!(reason.contains(expected) && !reason.contains("token"), "{reason}");
        assert_eq!(world.store.keys(), [""; 0]);
    }
}

#[tokio::test]
async fn what_drips_is_refused_before_the_function_is_cut_off() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 2048]).await;
            let head = b"HTTP/1.1 200 OK\r\ncontent-type: image/jpeg\r\ncontent-length: 9\r\n\r\n";
            let _ = stream.write_all(head).await;
            for _ in 0..9 {
                let _ = stream.write_all(b"x").await;
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    });
    let mut world = World::pending();
    let photo = world.item(FetchedAs::Photo, &format!("http://{address}/villa.jpg"));
    let key = world.request("photo", vec![photo]);

    world.deliver(&key).await.expect("handled");

    let (stage, kind, reason) = world.failure();
    assert_eq!((stage, kind), (Stage::Fetch, FailureKind::Refused));
    assert!(reason.contains("upload it instead"), "{reason}");
}

#[tokio::test]
async fn another_bucket_is_not_read() {
    let mut world = World::pending();
    let theirs = world.item(FetchedAs::Photo, "s3://payroll/2026.jpg");
    let key = world.request("photo", vec![theirs]);

    world.deliver(&key).await.expect("handled");

    assert_eq!(world.failure().2, "the photo is in a bucket that is not ours");
}

#[tokio::test]
async fn a_server_that_does_not_answer_now_is_asked_again_and_given_up_in_the_end() {
    let busy = Elsewhere::status("503 Service Unavailable").await;
    let mut world = World::pending();
    let photo = world.item(FetchedAs::Photo, &busy.at("villa.jpg"));
    let key = world.request("photo", vec![photo]);

    let fault = world.deliver(&key).await.expect_err("later");
    let again = world.deliver(&key).await;
    assert!(matches!(fault, FetchFunctionError::Elsewhere(_)), "{fault:?}");
    assert!(!Handler::is_hopeless(&fault) && again.is_err());
    assert_eq!((busy.asked(), world.now().state), (2, JobState::Pending));

    let fetch = world.fetch_on(&Fuse::never());
    fetch.give_up(&created(&key), "503").await.expect("given up");

    assert_eq!(world.failure().1, FailureKind::Fault);
    assert_eq!(world.store.keys(), [""; 0]);
}

#[tokio::test]
async fn another_rendering_is_asked_for_once_its_logo_is_there() {
    let logo = Elsewhere::with("image/png", "png").await;
    let (mut world, render) = World::rerendering();
    let item = world.item(FetchedAs::Logo, &logo.at("logo.png"));
    let key = world.request(&render.to_string(), vec![item]);

    world.deliver(&key).await.expect("handled");

    let request = keys::render_request(world.job.id, render);
    assert_eq!(world.store.keys(), ["logos/u/j/logo.png", request.as_str()]);
}

#[tokio::test]
async fn a_logo_that_cannot_be_used_leaves_the_video_as_it_is() {
    let gone = Elsewhere::status("410 Gone").await;
    let (mut world, render) = World::rerendering();
    let item = world.item(FetchedAs::Logo, &gone.at("logo.png"));
    let key = world.request(&render.to_string(), vec![item]);

    world.deliver(&key).await.expect("handled");

    let job = world.now();
    assert_eq!((job.state, job.rerender, job.failure), (JobState::Rendered, None, None));
    let told = world.bus.detail_types();
    assert_eq!(told, ["RerenderFailed.v1"]);
}

#[tokio::test]
async fn nobody_is_asked_for_a_job_that_has_ended() {
    let photo = Elsewhere::with("image/jpeg", "jpeg").await;
    let mut world = World::knowing(samples::job_in(JobState::Cancelled));
    let item = world.item(FetchedAs::Photo, &photo.at("villa.jpg"));
    let key = world.request("photo", vec![item]);

    world.deliver(&key).await.expect("handled");
    world.deliver(&key).await.expect("a repeat");

    assert_eq!((photo.asked(), world.store.keys().len()), (0, 0));
}

#[tokio::test]
async fn what_is_no_request_is_hopeless() {
    let world = World::pending();
    let foreign = ObjectKey::new("fetch-requests/notes.txt").expect("a key");
    let broken = keys::fetch_request(world.job.id, "photo");
    let world = World { store: world.store.clone().with(broken.as_str(), "{"), ..world };

    for key in [foreign, broken] {
        let fault = world.deliver(&key).await.expect_err("no request");
        assert!(Handler::is_hopeless(&fault), "{fault:?}");
    }
}

#[tokio::test]
async fn a_process_that_dies_at_any_step_leaves_nothing_undone() {
    for moment in [Moment::Before, Moment::After] {
        for step in 0..12 {
            let (mut world, render) = World::rerendering();
            let logo = Elsewhere::with("image/png", "png").await;
            let item = world.item(FetchedAs::Logo, &logo.at("logo.png"));
            let key = world.request(&render.to_string(), vec![item]);

            let fuse = Fuse::new(step, moment);
            let died = world.fetch_on(&fuse).handle(&created(&key)).await;
            world.deliver(&key).await.expect("the next delivery");

            let request = keys::render_request(world.job.id, render);
            assert_eq!(
                world.store.keys(),
                ["logos/u/j/logo.png", request.as_str()],
                "step {step} {moment:?}: {died:?}"
            );
        }
    }
}

#[test]
fn a_store_that_fails_is_a_fault() {
    let key = ObjectKey::new("fetch-requests/a/photo.json").expect("a key");
    let fault = FetchFunctionError::Store(StoreError::NotFound { key });

    assert!(!Handler::is_hopeless(&fault));
}
