//! What arrives broken, and what breaks.

use std::path::{Path, PathBuf};
use std::time::Duration;

use domain::{FailureKind, Job, JobState, ObjectKey, Stage, keys};
use film::Ffmpeg;
use ports::{Content, DeliveryState, Endpoints, ObjectMeta, ObjectStore};
use render::FilmRenderer;
use stillmotion::home;
use testkit::{Answer, ReadyClip, Rng, samples};

use crate::ministack::{Clients, Keys};
use crate::world::{Parts, World};

fn reason(job: &Job) -> &str {
    job.failure.as_ref().map_or("", |failure| failure.reason.as_str())
}

/// A PNG that says it is 30,000 pixels wide and high, and holds next to nothing.
fn png_bomb() -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut header = b"IHDR".to_vec();
    header.extend(30_000_u32.to_be_bytes());
    header.extend(30_000_u32.to_be_bytes());
    header.extend([8, 6, 0, 0, 0]);
    for chunk in [&header[..], b"IDAT", b"IEND"] {
        let length = u32::try_from(chunk.len() - 4).expect("a small chunk");
        png.extend(length.to_be_bytes());
        png.extend(chunk);
        png.extend(crc32(chunk).to_be_bytes());
    }
    png
}

/// Source: PNG specification, annex D.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { 0xedb8_8320 ^ (crc >> 1) } else { crc >> 1 };
    let add = |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), step);
    !bytes.iter().fold(!0, add)
}

#[tokio::test]
async fn a_photo_that_cannot_be_used_ends_its_job_with_a_reason_and_disturbs_nobody() {
    let parts = Parts::default();
    let world = World::with(&parts).await;
    let jpeg = samples::photo_jpeg(640, 480);

    let empty = world.upload_bytes("empty.jpg", b"").await;
    let bomb = world.upload_bytes("bomb.png", &png_bomb()).await;
    let text = world.upload_bytes("text.jpg", b"this is not a photo, whatever its name").await;
    let truncated = world.upload_bytes("truncated.jpg", &jpeg[..jpeg.len() / 2]).await;
    let good = world.upload_bytes("good.jpg", &jpeg).await;

    for (id, says) in [(empty, "empty"), (bomb, "30000"), (text, "JPEG"), (truncated, "")] {
        let job = world.ended(id).await;
        let failure = job.failure.as_ref().expect("a reason");
        assert_eq!(
            (job.state, failure.stage, failure.kind),
            (JobState::Failed, Stage::Ingest, FailureKind::Refused),
            "{failure:?}"
        );
        assert!(reason(&job).replace(',', "").contains(says), "{}", reason(&job));
    }
    assert_eq!(world.ended(good).await.state, JobState::Rendered);
    world.drained().await;
    for id in [empty, bomb, text, truncated, good] {
        world.assert_whole_history_told(&parts, id, "bad photos").await;
    }
    assert_eq!(world.messages_in("ingest-dead").await, 0, "nothing was retried");
}

#[tokio::test]
async fn a_photo_deleted_before_it_is_read_is_accounted_for() {
    let parts = Parts::default();
    let mut world = World::new().await;
    let id = world.upload("deleted.jpg").await;
    let client = s3_client(&world);
    let delete = client.delete_object().bucket(world.home.bucket_name());
    delete.key("uploads/deleted.jpg").send().await.expect("deleted");

    world.start(&parts).await;
    let job = world.ended(id).await;

    assert_eq!(job.state, JobState::Failed);
    assert!(reason(&job).contains("deleted before it could be read"), "{}", reason(&job));
}

fn s3_client(world: &World) -> aws_sdk_s3::Client {
    let keys = Keys::new(home::ACCESS_KEY, home::SECRET_KEY);
    Clients::at(world.home.endpoint(), &keys).s3
}

#[tokio::test]
async fn what_no_delivery_can_help_goes_to_the_dead_letter_queue_and_the_rest_is_done() {
    let parts = Parts::default();
    let world = World::with(&parts).await;
    let foreign = |key: &str| {
        let key = ObjectKey::new(key).expect("a key");
        samples::s3_notification(&world.home.bucket_name(), &key, "e", 1)
    };

    for queue in ["ingest", "ltx", "render", "notify", "deliver"] {
        world.send(queue, "{ this is not JSON").await;
    }
    world.send("ingest", &foreign("photos/elsewhere.jpg")).await;
    world.send("render", &foreign("ltx-videos/notes.txt")).await;
    world.send("ltx", r#"{"jobId": "none", "photoKey": "photos/none.jpg"}"#).await;
    world.send("notify", r#"{"source": "s", "detail-type": "t", "detail": {}}"#).await;
    let good = world.upload("good.jpg").await;

    assert_eq!(world.ended(good).await.state, JobState::Rendered);
    world.drained_with(Duration::from_secs(1)).await;
    for queue in ["ingest-dead", "ltx-dead", "render-dead", "notify-dead"] {
        assert_eq!(world.messages_in(queue).await, 2, "{queue}");
    }
}

#[tokio::test]
async fn the_test_event_of_s3_is_ignored() {
    let world = World::with(&Parts::default()).await;

    world.send("ingest", r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"}"#).await;
    world.drained().await;

    assert_eq!(world.messages_in("ingest-dead").await, 0);
}

#[tokio::test]
async fn one_sweep_after_lost_events_no_upload_is_unaccounted_for() {
    let parts = Parts::default();
    let world = World::with(&parts).await;
    let mut rng = Rng::fresh();
    let lost: Vec<String> = (0..40)
        .filter(|n| rng.chance(5) || *n == 7)
        .map(|n| format!("uploads/lost-{n}.jpg"))
        .collect();
    let names = lost.clone();
    world.cloud().faults().lose_events(move |key| names.iter().any(|name| name == key));

    let mut ids = Vec::new();
    for n in 0..40 {
        ids.push(world.upload(&format!("lost-{n}.jpg")).await);
    }
    world.cloud().faults().keep_events();
    world.drained().await;
    let mut unheard = 0;
    for id in &ids {
        unheard += usize::from(world.job(*id).await.is_none());
    }
    let swept = world.sweep().await;

    assert_eq!((unheard, swept.uploads), (lost.len(), lost.len()));
    for id in ids {
        world.ended(id).await;
    }
}

#[tokio::test]
async fn a_lost_event_of_a_clip_is_found_by_the_sweep() {
    let parts = Parts::default();
    let world = World::with(&parts).await;
    world.cloud().faults().lose_events(|key| key.starts_with("ltx-videos/"));

    let id = world.upload("lost-clip.jpg").await;
    world.drained().await;
    assert_eq!(world.job(id).await.map(|job| job.state), Some(JobState::LtxDone));
    world.sweep().await;
    world.ended(id).await;
    world.drained().await;

    world.assert_rendered_once(&parts, id, "lost clip event").await;
}

#[tokio::test]
async fn a_photo_that_never_comes_expires_and_one_that_stands_still_is_given_up() {
    let parts = Parts::default();
    let mut world = World::new().await;
    let clock = world.clock.clone();
    let chronicle =
        ports::Chronicle { jobs: world.home.jobs(), bus: world.home.bus(), clock: clock.clone() };
    let awaited = samples::job_named("awaited");
    let now = ports::Clock::now(&clock);
    let awaited = Job { created_at: now, updated_at: now, ..awaited };
    chronicle.begin(awaited.clone()).await.expect("begun");
    world.start(&parts).await;

    world.advance(Duration::from_hours(25));
    let swept = world.sweep().await;
    world.drained().await;

    assert_eq!(swept.ended, 1);
    assert_eq!(world.job(awaited.id).await.map(|job| job.state), Some(JobState::Expired));
    world.assert_whole_history_told(&parts, awaited.id, "expired").await;
}

#[tokio::test]
async fn a_refusal_by_the_provider_is_an_end_with_its_reason() {
    let refusing = ReadyClip::new("").refusing("the photo shows something that is not allowed");
    let parts = Parts::default().with_generator(refusing);
    let world = World::with(&parts).await;

    let id = world.upload("refused.jpg").await;
    let job = world.ended(id).await;
    world.drained().await;

    assert_eq!(reason(&job), "the photo shows something that is not allowed");
    assert_eq!(parts.generator.billed(id), 0);
    world.assert_whole_history_told(&parts, id, "refused by the provider").await;
}

#[tokio::test]
async fn a_provider_that_takes_its_time_is_looked_at_again_and_paid_once() {
    let slow = ReadyClip::new("a clip").pending_for(40, Duration::from_secs(1));
    let parts = Parts::default().with_generator(slow.busy(2, Duration::from_secs(1)));
    let world = World::with(&parts).await;

    let id = world.upload("slow.jpg").await;
    world.ended_with(id, Duration::from_millis(500)).await;
    world.drained().await;

    world.assert_rendered_once(&parts, id, "a slow provider").await;
    assert_eq!(parts.generator.submits(), 3, "turned away twice");
}

#[tokio::test]
async fn a_receiver_that_is_down_is_tried_again() {
    let down = [Answer::Status(503), Answer::Nothing, Answer::Status(302)];
    let parts = Parts {
        receiver: testkit::RecordingReceiver::answering(down),
        generator: ReadyClip::new("").refusing("no"),
        ..Parts::default()
    };
    let world = World::with(&parts).await;

    let id = world.upload("told.jpg").await;
    world.ended(id).await;
    world.drained_with(Duration::from_mins(1)).await;

    let states: Vec<_> =
        world.deliveries(id).await.into_iter().map(|delivery| delivery.state).collect();
    assert_eq!(states, [DeliveryState::Delivered; 3], "created, accepted, failed");
    assert_eq!(parts.receiver.requests().len(), 3 + 3, "three answers were tried again");
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_told_nothing_more_and_the_bus_hears_of_it() {
    let parts = Parts {
        receiver: testkit::RecordingReceiver::answering([Answer::Status(410)]),
        generator: ReadyClip::new("").refusing("no"),
        ..Parts::default()
    };
    let world = World::with(&parts).await;

    let id = world.upload("told.jpg").await;
    world.ended(id).await;
    world.drained_with(Duration::from_mins(1)).await;

    let endpoint = world.home.endpoints().get(None, "test").await.expect("read");
    let disabled = endpoint.and_then(|endpoint| endpoint.disabled).expect("disabled");
    assert!(disabled.announced && disabled.reason.contains("410"), "{disabled:?}");
    let states: Vec<_> =
        world.deliveries(id).await.into_iter().map(|delivery| delivery.state).collect();
    assert!(states.contains(&DeliveryState::GivenUp), "{states:?}");
    assert!(!states.contains(&DeliveryState::Waiting), "{states:?}");
}

/// A folder with programs of the given text as `ffmpeg`, and one that says what is asked as `ffprobe`.
fn fake_ffmpeg(folder: &Path, script: &str) -> Ffmpeg {
    use std::os::unix::fs::PermissionsExt;
    let path = folder.join("ffmpeg");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a script");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("executable");
    Ffmpeg::new(path.clone(), path).with_time_limit(Duration::from_millis(500))
}

async fn fails_to_render(ffmpeg: Ffmpeg) -> Job {
    let plain = Parts::default();
    let parts = Parts {
        renderer: FilmRenderer::new(ffmpeg),
        generator: plain.generator,
        receiver: plain.receiver,
        fuse: plain.fuse,
        dies_telling: true,
    };
    let mut world = World::new().await;
    world.start(&parts).await;
    let id = world.upload("unlucky.jpg").await;
    let job = world.ended_with(id, Duration::from_millis(200)).await;
    world.drained_with(Duration::from_secs(2)).await;
    assert_eq!(world.messages_in("render-dead").await, 1, "kept where a person sees it");
    job
}

fn cause(job: &Job) -> &str {
    job.failure.as_ref().and_then(|failure| failure.cause.as_deref()).unwrap_or_default()
}

#[tokio::test]
async fn a_crashing_ffmpeg_is_a_fault_with_its_own_last_words() {
    let folder = tempfile::tempdir().expect("a folder");
    let ffmpeg = fake_ffmpeg(folder.path(), "echo 'moov atom not found' >&2; exit 69");

    let job = fails_to_render(ffmpeg).await;

    let kind = job.failure.as_ref().map(|failure| failure.kind);
    assert_eq!(kind, Some(FailureKind::Fault));
    assert!(cause(&job).contains("moov atom not found"), "{}", cause(&job));
    assert!(!reason(&job).contains("moov"), "people are not told of atoms");
}

#[tokio::test]
async fn a_missing_ffmpeg_is_a_fault_that_names_it() {
    let nowhere = PathBuf::from("/nonexistent/ffmpeg");

    let job = fails_to_render(Ffmpeg::new(nowhere.clone(), nowhere)).await;

    assert!(cause(&job).contains("/nonexistent/ffmpeg"), "{}", cause(&job));
}

#[tokio::test]
async fn a_hanging_ffmpeg_is_bounded_in_time_and_leaves_no_orphan() {
    let folder = tempfile::tempdir().expect("a folder");
    let pids = folder.path().join("pids");
    let script = format!("echo $$ >> {}; exec sleep 600", pids.display());

    let job = fails_to_render(fake_ffmpeg(folder.path(), &script)).await;

    assert!(cause(&job).contains("sleep") || !cause(&job).is_empty(), "{}", cause(&job));
    let pids = std::fs::read_to_string(pids).expect("it ran");
    for pid in pids.lines() {
        let command = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        assert_ne!(command.trim(), "sleep", "process {pid} is still there");
    }
}

#[tokio::test]
async fn a_full_disk_in_the_media_step_is_a_fault_that_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = "echo 'av_interleaved_write_frame(): No space left on device' >&2; exit 1";

    let job = fails_to_render(fake_ffmpeg(folder.path(), script)).await;

    assert!(cause(&job).to_lowercase().contains("space"), "{}", cause(&job));
}

#[tokio::test]
async fn a_missing_logo_is_left_out() {
    let parts = Parts::default();
    let world = World::with(&parts).await;
    let key = ObjectKey::new("uploads/0192f0c1-7e57-7abc-8def-0011223344aa/a.jpg").expect("a key");
    let wishes = br#"{"logo": "logos/none.png", "title": "x"}"#;
    let sidecar = keys::sidecar(&key).expect("a key");
    let bucket = world.home.bucket();
    bucket.put(&sidecar, Content::Bytes(wishes), &ObjectMeta::default()).await.expect("put");
    let photo = samples::photo_jpeg(640, 480);
    bucket.put(&key, Content::Bytes(&photo), &ObjectMeta::default()).await.expect("put");

    let job = world.ended(keys::job_of_upload(&key).expect("an id")).await;

    assert_eq!(job.state, JobState::Rendered);
    assert_eq!(parts.renderer.orders().first().map(|order| order.logo.clone()), Some(None));
}
