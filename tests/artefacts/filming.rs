//! `ltx` and `render`: from a photo to a video, with the real ffmpeg.

use std::time::Duration;

use domain::{
    AttemptState, Branding, ClipOptions, Job, JobId, JobOrder, JobState, MicroUsd, ObjectKey,
    Resolution, Step, keys,
};
use events::{LtxRequest, RenderRequest};
use fake_providers::{Fake, KEY_LTX, Name, Switches, sample_clip};
use ports::{Content, Ledger, ObjectMeta, ObjectStore};
use testkit::samples;

use crate::deployed::Deployed;
use crate::events::{From, Message, batch};
use crate::stage::{Put, Stage, until};

/// A clip that is filmed in no time.
pub(crate) const SMALL: ClipOptions = ClipOptions {
    duration_secs: Some(1),
    resolution: Some(Resolution { width: 320, height: 180 }),
    frame_rate: Some(12),
    camera_motion: None,
    provider: None,
    model: None,
    seed: None,
    audio: None,
    reuse: None,
};

/// An order for a small clip.
pub(crate) fn order() -> JobOrder {
    JobOrder { clip: SMALL, ..samples::job().order }
}

/// A job whose photo is accepted, and the order for its clip.
pub(crate) async fn queued(stage: &Stage, key: &str, order: JobOrder) -> (Job, Message) {
    let [accepted] = &samples::steps_to(&samples::job(), JobState::Queued)[..] else {
        panic!("one step")
    };
    let job = stage.begin(key, order, std::slice::from_ref(accepted)).await;
    stage.put_photo(keys::photo(job.id).as_str()).await;
    let request = serde_json::to_string(&LtxRequest::of_job(&job)).expect("JSON");
    (job, Message::new(key, request))
}

async fn content(stage: &Stage, key: &ObjectKey) -> Vec<u8> {
    stage.home.bucket().get(key, 64 << 20).await.expect("an object")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_photo_is_filmed_once_and_of_a_mixed_batch_exactly_the_bad_records_come_again() {
    let stage = Stage::new().await;
    let ltx = stage.setup("ltx").start().await;
    let (job, good) = queued(&stage, "uploads/villa.jpg", order()).await;
    let stranger = JobId::of_object("b", "k", "e");
    let unknown = format!(r#"{{"jobId":"{stranger}","photoKey":"photos/{stranger}.jpg"}}"#);
    let all =
        batch("ltx", &[Message::new("unknown job", unknown), good, Message::new("no order", "{}")]);

    let failed = ltx.failed_of(&all).await;

    assert_eq!(failed, ["unknown job", "no order"], "{}", ltx.written());
    let clip = content(&stage, &keys::clip(job.id)).await;
    assert_eq!(&clip[4..8], b"ftyp", "it is an MP4");
    assert_eq!(stage.job(job.id).await.state, JobState::LtxDone);
    assert_eq!(ltx.failed_of(&all).await, ["unknown job", "no order"]);
    let attempts = stage.home.ledger().attempts(job.id).await.expect("the ledger");
    let states: Vec<_> = attempts.iter().map(|attempt| attempt.state).collect();
    assert_eq!(states, [AttemptState::Succeeded]);
    assert_eq!(ltx.left_behind(), [""; 0]);
    let [told] = &stage.take_some("render").await[..] else { panic!("one notification") };
    assert!(told.body.contains(keys::clip(job.id).as_str()), "{}", told.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prices_are_those_of_the_registry_that_the_stage_names() {
    let stage = Stage::new().await;
    let dearer = include_str!("../../crates/providers/registry.toml")
        .replace(r#"per_second = "0.06""#, r#"per_second = "0.99""#);
    stage.put("settings/registry.toml", dearer.as_bytes(), &[]).await;
    let clip = sample_clip(6, 320, 180).await.expect("a clip");
    let fake = Fake::start(clip).await.expect("a fake");
    let setup = stage.setup("ltx").with("PROVIDER_REGISTRY_KEY", "settings/registry.toml");
    let setup = setup.with("LTX_API_KEY", KEY_LTX).with("LTX_BASE_URL", fake.base(Name::Ltx));
    let ltx = setup.start().await;
    let provided = JobOrder { clip: ClipOptions::default(), ..order() };
    let (job, message) = queued(&stage, "uploads/villa.jpg", provided).await;

    ltx.failed_of(&batch("ltx", &[message])).await;

    let attempts = stage.home.ledger().attempts(job.id).await.expect("the ledger");
    assert_eq!(attempts[0].quoted, MicroUsd(6 * 990_000), "{}", ltx.written());
}

/// Gives an order to `ltx` until it is done with it.
async fn served(ltx: &Deployed, message: &Message) {
    until("the order is done with", async || {
        let failed = ltx.failed_of(&batch("ltx", std::slice::from_ref(message))).await;
        if failed.is_empty() {
            return Some(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        None
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_is_asked_once_looked_at_until_it_is_ready_and_called_off_when_nobody_waits() {
    let stage = Stage::new().await;
    let clip = sample_clip(6, 320, 180).await.expect("a clip");
    let fake = Fake::start(clip).await.expect("a fake");
    fake.set(Name::Ltx, Switches { latency_ms: 200, ..Switches::default() });
    let setup = stage.setup("ltx").with("LTX_API_KEY", KEY_LTX);
    let ltx =
        setup.with("LTX_BASE_URL", fake.base(Name::Ltx)).with("CAP_DAY_USD", "100").start().await;
    let provided = JobOrder { clip: ClipOptions::default(), ..order() };
    let (job, message) = queued(&stage, "uploads/villa.jpg", provided.clone()).await;

    // A look is a record that comes again: the program has ordered and waits.
    let failed = ltx.failed_of(&batch("ltx", std::slice::from_ref(&message))).await;
    assert_eq!(failed, ["uploads/villa.jpg"], "{}", ltx.written());
    served(&ltx, &message).await;

    assert_eq!(stage.job(job.id).await.state, JobState::LtxDone, "{}", ltx.written());
    assert_eq!(fake.bill(Name::Ltx).orders, 1);
    assert_eq!(stage.keys("delivered/").await, [""; 0], "what was delivered is tidied up");

    // An equal order is not filmed again.
    let (twin, message) = queued(&stage, "uploads/twin.jpg", provided.clone()).await;
    assert_eq!(ltx.failed_of(&batch("ltx", &[message])).await, [""; 0], "{}", ltx.written());
    let attempts = stage.home.ledger().attempts(twin.id).await.expect("the ledger");
    assert_eq!(attempts[0].reused_from, Some(job.id));
    assert_eq!(stage.job(twin.id).await.state, JobState::LtxDone);
    assert_eq!(fake.bill(Name::Ltx).orders, 1);

    let order = JobOrder { prompt: "another".to_owned(), ..provided };
    let (cancelled, message) = queued(&stage, "uploads/cancelled.jpg", order).await;
    fake.set(Name::Ltx, Switches { latency_ms: 600_000, ..Switches::default() });
    assert_eq!(ltx.failed_of(&batch("ltx", std::slice::from_ref(&message))).await.len(), 1);
    let row = stage.job(cancelled.id).await;
    stage.chronicle().step(&row, &Step::Cancel).await.expect("cancelled");
    ltx.failed_of(&batch("ltx", &[message])).await;
    assert_eq!(stage.job(cancelled.id).await.state, JobState::Cancelled);

    // A provider that refuses ends the job with its reason.
    let order = JobOrder { prompt: "refused".to_owned(), ..order_of_ltx() };
    fake.change(Name::Ltx, |switches| {
        switches.latency_ms = 0;
        switches.outcome = serde_json::from_value(
            serde_json::json!({ "fail": { "kind": "moderation", "at_submit": false } }),
        )
        .expect("an outcome");
    });
    let (refused, message) = queued(&stage, "uploads/refused.jpg", order).await;
    served(&ltx, &message).await;
    let refused = stage.job(refused.id).await;
    assert_eq!(refused.state, JobState::Failed, "{refused:?}");
    assert_eq!(ltx.left_behind(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn above_a_limit_nothing_is_ordered() {
    let stage = Stage::new().await;
    let fake = Fake::start(b"a clip".to_vec()).await.expect("a fake");
    let setup = stage.setup("ltx").with("LTX_API_KEY", KEY_LTX).with("CAP_DAY_CLIPS", "1");
    let ltx = setup.with("LTX_BASE_URL", fake.base(Name::Ltx)).start().await;
    for (key, orders) in [("uploads/one.jpg", 1), ("uploads/two.jpg", 1)] {
        let order = JobOrder { prompt: key.to_owned(), ..order_of_ltx() };
        let (_, message) = queued(&stage, key, order).await;

        let failed = ltx.failed_of(&batch("ltx", &[message])).await;

        assert!(failed.len() <= 1, "{failed:?}");
        assert_eq!(fake.bill(Name::Ltx).orders, orders, "{key}");
    }
}

fn order_of_ltx() -> JobOrder {
    JobOrder { clip: ClipOptions::default(), ..order() }
}

/// A job with a clip, and what S3 tells of that.
async fn filmed(stage: &Stage, key: &str, branding: Branding) -> (Job, Put) {
    let mut steps = samples::steps_to(&samples::job(), JobState::LtxDone);
    steps.truncate(3);
    let job = stage.begin(key, JobOrder { branding, ..order() }, &steps).await;
    let clip = sample_clip(1, 320, 180).await.expect("a clip");
    let key = keys::clip(job.id);
    let user = samples::clip_made().to_metadata();
    let meta = ObjectMeta { content_type: "video/mp4".to_owned(), user };
    let etag = stage.home.bucket().put(&key, Content::Bytes(&clip), &meta).await.expect("put");
    let (bucket, size_bytes) = (stage.home.bucket_name(), clip.len() as u64);
    (job, Put { bucket, key: key.to_string(), etag, size_bytes })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clip_becomes_a_video_and_another_one_with_other_words() {
    let stage = Stage::new().await;
    let render = stage.setup("render").start().await;
    let samples_folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../samples");
    for (key, file) in [("logos/house.png", "logo.png"), ("music/house.mp3", "music.mp3")] {
        let bytes = std::fs::read(format!("{samples_folder}/{file}")).expect("a sample");
        stage.put(key, &bytes, &[]).await;
    }
    let branding = Branding {
        title: Some("Vila São João · 別荘".to_owned()),
        subtitle: Some("by the sea".to_owned()),
        logo_key: Some(ObjectKey::new("logos/house.png").expect("a key")),
        music_key: Some(ObjectKey::new("music/house.mp3").expect("a key")),
        ..Branding::default()
    };
    let (job, clip) = filmed(&stage, "uploads/villa.jpg", branding).await;
    let (plain, plain_clip) = filmed(&stage, "uploads/plain.jpg", Branding::default()).await;
    let mut stray = clip.clone();
    stray.key = keys::clip(JobId::of_object("b", "k", "e")).to_string();
    let all = batch(
        "render",
        &[
            Message::new("branded", clip.told(From::Sam)),
            Message::new("nobody's", stray.told(From::Crate)),
            Message::new("plain", plain_clip.told(From::Sam)),
            Message::new("not JSON", "ltx-videos/villa.mp4"),
        ],
    );

    let failed = render.failed_of(&all).await;

    assert_eq!(failed, ["nobody's", "not JSON"], "{}", render.written());
    for id in [job.id, plain.id] {
        assert_eq!(stage.job(id).await.state, JobState::Rendered);
        assert_eq!(&content(&stage, &keys::video(id)).await[4..8], b"ftyp");
        assert_eq!(&content(&stage, &keys::poster(id)).await[..2], b"\xff\xd8");
    }
    let first = content(&stage, &keys::video(job.id)).await;
    assert!(first != content(&stage, &keys::video(plain.id)).await, "the words are on it");

    let rerender = samples::rerender(job.id, "again");
    let render_id = rerender.render_id;
    let row = stage.job(job.id).await;
    stage.chronicle().step(&row, &Step::Rerender(rerender)).await.expect("asked for");
    let request = serde_json::to_vec(&RenderRequest::of(job.id, render_id)).expect("JSON");
    let wish = stage.put(RenderRequest::key(job.id, render_id).as_str(), &request, &[]).await;

    let wish = batch("render", &[Message::new("m", wish.told(From::Crate))]);
    assert_eq!(render.failed_of(&wish).await, [""; 0], "{}", render.written());

    let video = stage.job(job.id).await.video.expect("a video");
    assert_eq!(video.render_id, render_id);
    assert!(content(&stage, &keys::video(job.id)).await != first, "it is another one");
    assert_eq!(stage.keys(&format!("renders/{}/", job.id)).await.len(), 3, "the first is kept");
    assert_eq!(render.left_behind(), [""; 0]);
}
