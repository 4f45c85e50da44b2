//! `fetch`: what jobs need from elsewhere.

use domain::{JobId, JobOrder, JobState, RenderId, Rerender, Step, keys};
use events::{FetchItem, FetchRequest, FetchedAs, RenderRequest};
use ports::{Content, ObjectMeta, ObjectStore};
use testkit::samples;

use crate::events::{From, Message, batch};
use crate::stage::{Put, Stage};

/// Writes a request to fetch; what S3 tells of it.
async fn request(stage: &Stage, job: JobId, what: &str, items: Vec<FetchItem>) -> Put {
    let render_id = RenderId::parse(what).ok().map(|id| id.to_string());
    let request = FetchRequest { job_id: job.to_string(), items, render_id };
    let json = serde_json::to_vec(&request).expect("JSON");
    stage.put(keys::fetch_request(job, what).as_str(), &json, &[]).await
}

fn item(used_as: FetchedAs, from: &str, to: &str) -> FetchItem {
    FetchItem { used_as, from: from.to_owned(), to: to.to_owned() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_photo_of_our_own_bucket_is_put_where_the_chain_begins() {
    let stage = Stage::new().await;
    let fetch = stage.setup("fetch").start().await;
    let photo = stage.put_photo("photos/earlier.jpg").await;
    let upload = "uploads/wanted/villa.jpg";
    let job = stage.begin(upload, JobOrder::default(), &[]).await;
    let from = format!("s3://{}/{}", photo.bucket, photo.key);
    let wanted =
        request(&stage, job.id, "photo", vec![item(FetchedAs::Photo, &from, upload)]).await;

    let batch = batch("fetch", &[Message::new("m", wanted.told(From::Sam))]);
    assert_eq!(fetch.failed_of(&batch).await, [""; 0], "{}", fetch.written());

    assert_eq!(stage.keys("uploads/wanted/").await, [upload]);
    assert_eq!(stage.keys("fetch-requests/").await, [""; 0], "what is done is removed");
    let [told] = &stage.take_some("ingest").await[..] else { panic!("one notification") };
    assert!(told.body.contains(upload), "{}", told.body);
    // The notification comes again, and there is nothing to do.
    assert_eq!(fetch.failed_of(&batch).await, [""; 0], "{}", fetch.written());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_mixed_batch_exactly_the_bad_records_come_again_and_no_address_of_ours_is_asked() {
    let stage = Stage::new().await;
    let fetch = stage.setup("fetch").start().await;
    let upload = "uploads/inside/villa.jpg";
    let job = stage.begin(upload, JobOrder::default(), &[]).await;
    let inside = vec![item(FetchedAs::Photo, "https://127.0.0.1/latest/meta-data", upload)];
    let inside = request(&stage, job.id, "photo", inside).await;
    let unreadable = stage.put(keys::fetch_request(job.id, "other").as_str(), b"{}", &[]).await;
    let unasked = stage.put_photo("uploads/stray.jpg").await;

    let failed = fetch
        .failed_of(&batch(
            "fetch",
            &[
                Message::new("inside", inside.told(From::Sam)),
                Message::new("unreadable", unreadable.told(From::Crate)),
                Message::new("not a request", unasked.told(From::Sam)),
                Message::new("not JSON", "{"),
            ],
        ))
        .await;

    assert_eq!(failed, ["unreadable", "not a request", "not JSON"]);
    let job = stage.job(job.id).await;
    let reason = job.failure.expect("a failure").reason;
    assert_eq!(job.state, JobState::Failed);
    assert!(reason.starts_with("the photo cannot be used"), "{reason}");
    assert_eq!(stage.keys("uploads/inside/").await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_there_for_a_rendering_sets_it_going() {
    let stage = Stage::new().await;
    let fetch = stage.setup("fetch").start().await;
    let mut steps = samples::steps_to(&samples::job(), JobState::Rendered);
    let id = JobId::of_object(&stage.home.bucket_name(), "uploads/villa.jpg", "e");
    let Rerender { render_id, branding } = samples::rerender(id, "again");
    steps.push(Step::Rerender(Rerender { render_id, branding }));
    let job = stage.begin("uploads/villa.jpg", samples::job().order, &steps).await;
    assert_eq!(job.id, id);
    for (from, to) in
        [("logos/house.png", "logos/user-1/logo.png"), ("music/house.mp3", "music/user-1/a.mp3")]
    {
        let key = domain::ObjectKey::new(from).expect("a key");
        let put = stage.home.bucket().put(&key, Content::Bytes(b"x"), &ObjectMeta::default()).await;
        put.expect("put");
        assert_eq!(stage.keys(to).await, [""; 0]);
    }
    let ours = |key: &str| format!("s3://{}/{key}", stage.home.bucket_name());
    let wanted = request(
        &stage,
        id,
        &render_id.to_string(),
        vec![
            item(FetchedAs::Logo, &ours("logos/house.png"), "logos/user-1/logo.png"),
            item(FetchedAs::Music, &ours("music/house.mp3"), "music/user-1/a.mp3"),
        ],
    )
    .await;

    let batch = batch("fetch", &[Message::new("m", wanted.told(From::Crate))]);
    assert_eq!(fetch.failed_of(&batch).await, [""; 0], "{}", fetch.written());

    assert_eq!(stage.keys("logos/user-1/").await, ["logos/user-1/logo.png"]);
    assert_eq!(stage.keys("music/user-1/").await, ["music/user-1/a.mp3"]);
    let requested = RenderRequest::key(id, render_id).to_string();
    assert_eq!(stage.keys("render-requests/").await, [requested]);
}
