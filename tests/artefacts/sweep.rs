//! `sweep`: every job comes to an end.

use std::time::Duration;

use domain::{Job, JobId, JobOrder, JobState, ObjectKey, Step, keys};
use events::{FetchItem, FetchRequest, FetchedAs, announce_creation};
use ports::{
    Chronicle, Clock, Content, JobStore, Meters, ObjectMeta, ObjectStore, SystemClock, bytes_meter,
};
use testkit::{TestClock, samples};

use crate::events::{From, scheduled};
use crate::stage::{Stage, all_of};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_lost_is_set_going_again() {
    let stage = Stage::new().await;
    let sweep = stage.setup("sweep").among_old_objects().start().await;
    // A lost upload, a lost order, a lost clip, a lost request, an event that nobody was told.
    stage.put_photo("uploads/lost.jpg").await;
    let steps = samples::steps_to(&samples::job(), JobState::LtxDone);
    let order = || samples::job().order;
    let queued = stage.begin("uploads/queued.jpg", order(), &steps[..1]).await;
    let filmed = stage.begin("uploads/filmed.jpg", order(), &steps).await;
    let user = samples::clip_made().to_metadata();
    let meta = ObjectMeta { content_type: "video/mp4".to_owned(), user };
    let clip = keys::clip(filmed.id);
    stage.home.bucket().put(&clip, Content::Bytes(b"clip"), &meta).await.expect("put");
    let waiting = stage.begin("uploads/waiting/villa.jpg", order(), &[]).await;
    let item = FetchItem {
        used_as: FetchedAs::Photo,
        from: "https://photos.example/villa.jpg".to_owned(),
        to: waiting.upload_key.to_string(),
    };
    let request =
        FetchRequest { job_id: waiting.id.to_string(), items: vec![item], render_id: None };
    let request = serde_json::to_vec(&request).expect("JSON");
    stage.put(keys::fetch_request(waiting.id, "photo").as_str(), &request, &[]).await;
    let mut rerendered = samples::steps_to(&samples::job(), JobState::Rendered);
    let id = JobId::of_object(&stage.home.bucket_name(), "uploads/again.jpg", "e");
    rerendered.push(Step::Rerender(samples::rerender(id, "again")));
    stage.begin("uploads/again.jpg", order(), &rerendered).await;
    let silent = job_at("uploads/silent.jpg", &stage, SystemClock.now());
    stage.home.jobs().create(&silent, &announce_creation(&silent)).await.expect("a row");
    for queue in ["ingest", "render", "fetch"] {
        // What S3 itself has told of these is lost.
        stage.take_some(queue).await;
    }
    stage.take("notify").await;

    for from in [From::Sam, From::Crate] {
        let answer = sweep.invoke(&scheduled(from)).await;
        assert!(answer.is_ok(), "{answer:?}\n{}", sweep.written());
    }

    for (queue, about) in [
        ("ingest", "uploads/lost.jpg"),
        ("ltx", &queued.id.to_string()),
        ("render", clip.as_str()),
        ("fetch", &format!("fetch-requests/{}", waiting.id)),
    ] {
        let bodies: Vec<_> = stage.take_some(queue).await.into_iter().map(|it| it.body).collect();
        assert!(bodies.iter().any(|body| body.contains(about)), "{queue}: {bodies:?}");
    }
    let told = stage.take_some("notify").await;
    assert!(told.iter().any(|it| it.body.contains(&silent.id.to_string())), "{told:?}");
}

fn job_at(key: &str, stage: &Stage, at: domain::Timestamp) -> Job {
    let bucket = stage.home.bucket_name();
    let id = JobId::of_object(&bucket, key, "e");
    Job::new(id, &bucket, ObjectKey::new(key).expect("a key"), samples::job().order, at)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_never_comes_ends_and_what_was_deleted_long_ago_is_forgotten() {
    let stage = Stage::new().await;
    let setup = stage.setup("sweep").with("EXPIRE_AFTER_SECS", "0");
    let sweep = setup.with("GIVE_UP_AFTER_SECS", "0").among_old_objects().start().await;
    let announced = job_at("uploads/never/villa.jpg", &stage, SystemClock.now());
    let announced = Job { upload_bytes: 10, ..announced };
    let never = stage.chronicle().begin(announced).await.expect("begun");
    let steps = samples::steps_to(&samples::job(), JobState::Generating);
    let stuck = stage.begin("uploads/stuck.jpg", JobOrder::default(), &steps).await;
    let meter = bytes_meter(ports::owner_of(&never));
    stage.home.meters().count(&meter, 10, None, None).await.expect("counted");

    let long_ago = SystemClock.now().epoch_ms() - 25 * 3_600_000;
    let clock = TestClock::at(domain::Timestamp::from_epoch_ms(long_ago));
    let past = Chronicle { jobs: stage.home.jobs(), bus: stage.home.bus(), clock: clock.clone() };
    let deleted = past.begin(job_at("uploads/deleted.jpg", &stage, clock.now())).await;
    let deleted = past.step(&deleted.expect("begun"), &Step::Cancel).await.expect("stepped").job();
    clock.advance(Duration::from_secs(1));
    past.step(&deleted, &Step::Delete).await.expect("stepped");
    for prefix in all_of(deleted.id, "user-1") {
        stage.put_photo(&format!("{prefix}left")).await;
    }
    let stray = keys::fetch_request(never.id, "photo").to_string();
    stage.put_photo(&stray).await;

    let answer = sweep.invoke(&scheduled(From::Crate)).await;

    assert!(answer.is_ok(), "{answer:?}\n{}", sweep.written());
    assert_eq!(stage.job(never.id).await.state, JobState::Expired);
    assert_eq!(stage.home.meters().read(&meter).await.expect("a meter"), 0, "it is given back");
    assert_eq!(stage.job(stuck.id).await.state, JobState::Failed);
    let listed = stage.home.jobs().in_state(JobState::Deleted, 10).await.expect("listed");
    assert_eq!((listed.len(), stage.history(deleted.id).await.len()), (0, 0), "it is forgotten");
    for prefix in all_of(deleted.id, "user-1") {
        assert_eq!(stage.keys(&prefix).await, [""; 0], "nothing of it is left");
    }
    assert!(!stage.keys("fetch-requests/").await.contains(&stray), "nobody waits for it");
}
