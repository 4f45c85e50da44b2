//! Samples of what the chain works on. Small, valid, and the same every time.

use std::io::Cursor;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use domain::{
    Attempt, Branding, ClipMade, ClipOptions, ClipSpec, EventId, Failure, FailureKind, Intent, Job,
    JobId, JobOrder, JobState, MicroUsd, ObjectKey, Photo, RenderId, Rerender, Resolution, Stage,
    Step, Timestamp, VideoMade,
};
use events::{Announcement, WebhookEndpointDisabled};
use image::{ImageFormat, Rgb, RgbImage};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use ports::{Bound, ClipOrder, Delivery, DeliveryState, Endpoint, SigningSecret, WebhookSecret};
use serde_json::json;
use sha2::{Digest, Sha256};

/// The instant at which samples happen: 2026-11-20T10:00:00Z.
pub const AT: Timestamp = Timestamp::from_epoch_ms(1_795_168_800_000);

/// The bucket that samples are in.
pub const BUCKET: &str = "media";

/// What S3 leaves as it is in the keys of its notifications; a space becomes a plus.
const IN_NOTIFICATION: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'*').remove(b' ');

/// A photo: JPEG, a gradient.
///
/// # Panics
/// If it has no pixels, or too many for a JPEG.
pub fn photo_jpeg(width: u32, height: u32) -> Vec<u8> {
    let shade = |at: u32, of: u32| u8::try_from(at * 255 / of.max(1)).unwrap_or(u8::MAX);
    let photo =
        RgbImage::from_fn(width, height, |x, y| Rgb([shade(x, width), shade(y, height), 128]));
    let mut jpeg = Cursor::new(Vec::new());
    photo.write_to(&mut jpeg, ImageFormat::Jpeg).expect("a size that fits in a JPEG");
    jpeg.into_inner()
}

/// A job that has just become known.
pub fn job() -> Job {
    job_named("villa")
}

/// As [`job`]; other names are other jobs.
///
/// # Panics
/// If the name is longer than a key.
pub fn job_named(name: &str) -> Job {
    let key = ObjectKey::new(format!("uploads/{name}.jpg")).expect("a short name");
    let order = JobOrder {
        user_id: Some("user-1".to_owned()),
        property_id: Some("property-1".to_owned()),
        prompt: "slow dolly in over the pool".to_owned(),
        clip: ClipOptions::default(),
        branding: Branding { title: Some("Villa Azul".to_owned()), ..Branding::default() },
    };
    Job::new(JobId::of_object(BUCKET, key.as_str(), "e1"), BUCKET, key, order, AT)
}

/// As [`job`], by the time it is in `state`.
///
/// # Panics
/// Never: the steps are legal.
pub fn job_in(state: JobState) -> Job {
    led_to(job(), state)
}

/// A new job after everything that leads to `state`.
///
/// # Panics
/// If `job` is not pending.
pub fn led_to(job: Job, state: JobState) -> Job {
    let steps = steps_to(&job, state);
    steps.iter().fold(job, |job, step| job.after(step, job.updated_at).expect("a legal step"))
}

/// What leads a new job to `state`.
pub fn steps_to(job: &Job, state: JobState) -> Vec<Step> {
    let render_id = RenderId::of_clip(job.id, "c1");
    let accepted = Step::AcceptPhoto(Photo { width: 1920, height: 1080, worked_ms: 12 });
    let generating = Step::StartGenerating { provider: "ready".to_owned() };
    let clip = Step::StoreClip(clip_made());
    let rendering = Step::StartRendering { render_id };
    let video = Step::StoreVideo(VideoMade { render_id, duration_ms: 6_000, worked_ms: 900 });
    match state {
        JobState::Pending => vec![],
        JobState::Queued => vec![accepted],
        JobState::Generating => vec![accepted, generating],
        JobState::LtxDone => vec![accepted, generating, clip],
        JobState::Rendering => vec![accepted, generating, clip, rendering],
        JobState::Rendered => vec![accepted, generating, clip, rendering, video],
        JobState::Failed => vec![Step::Fail(failure(Stage::Ingest, FailureKind::Refused))],
        JobState::Cancelled => vec![Step::Cancel],
        JobState::Expired => vec![Step::Expire],
        JobState::Deleted => vec![Step::Cancel, Step::Delete],
    }
}

/// A clip that is stored.
pub fn clip_made() -> ClipMade {
    ClipMade {
        provider: "ready".to_owned(),
        provider_job: "ready-1".to_owned(),
        duration_secs: 6,
        resolution: Resolution { width: 1920, height: 1080 },
        worked_ms: 40,
    }
}

/// An end without a video.
pub fn failure(stage: Stage, kind: FailureKind) -> Failure {
    Failure { stage, kind, reason: "the photo is too small".to_owned(), cause: None }
}

/// The first attempt for a job: an hour to its deadline.
pub fn attempt(job: JobId) -> Attempt {
    Attempt::intend(intent(job), AT)
}

/// What [`attempt`] is about to order: a clip for 36 cents, for the user of [`job`](fn@job).
pub fn intent(job: JobId) -> Intent {
    Intent {
        job,
        number: 1,
        user: Some("user-1".to_owned()),
        provider: "ready".to_owned(),
        spec: clip_spec(),
        quoted: MicroUsd(360_000),
        deadline: AT.plus(Duration::from_hours(1)),
    }
}

/// What is ordered where nobody wishes for anything.
pub fn clip_spec() -> ClipSpec {
    ClipSpec {
        model: "ready-1".to_owned(),
        duration_secs: 6,
        resolution: Resolution { width: 1920, height: 1080 },
        frame_rate: 24,
        camera_motion: None,
        seed: None,
        audio: false,
    }
}

/// The order for the clip of [`job`]; there is no photo at its path.
pub fn clip_order() -> ClipOrder {
    ClipOrder {
        job: job().id,
        attempt: 1,
        prompt: "slow dolly in over the pool".to_owned(),
        spec: clip_spec(),
        photo: PathBuf::from("photo.jpg"),
        photo_url: None,
    }
}

/// The first attempt to tell an endpoint that `job` exists; it failed.
pub fn delivery(job: JobId, endpoint: &str) -> Delivery {
    Delivery {
        event: EventId::of_fact(job, 1, "JobCreated.v1"),
        endpoint: endpoint.to_owned(),
        owner: None,
        job,
        detail_type: "JobCreated.v1".to_owned(),
        state: DeliveryState::Waiting,
        attempts: 1,
        first_at: AT,
        last_at: AT,
        next_at: Timestamp::from_epoch_ms(AT.epoch_ms() + 5_000),
        outcome: "500".to_owned(),
        body: "{}".to_owned(),
        status: Some(500),
        took_ms: Some(40),
        answer: "try later".to_owned(),
        replays: 0,
    }
}

/// Somebody who asked to be told everything; no owner: about everybody's jobs.
pub fn endpoint(owner: Option<&str>, id: &str) -> Endpoint {
    let secret = WebhookSecret::new("whsec_c3RpbGxtb3Rpb24gc2FtcGxlIHNlY3JldA==".to_owned());
    Endpoint {
        id: id.to_owned(),
        owner: owner.map(ToOwned::to_owned),
        url: "https://hooks.example/villa".to_owned(),
        events: Vec::new(),
        secrets: vec![SigningSecret { secret, until: None }],
        disabled: None,
        created_at: AT,
    }
}

/// The fact that an endpoint was disabled.
pub fn announcement(endpoint: &str) -> Announcement {
    WebhookEndpointDisabled::announce(endpoint, Some("user-1"), AT, "it answered 410")
}

/// The wish to have the clip of `job` rendered with another title; other requests are other
/// renderings.
pub fn rerender(job: JobId, request: &str) -> Rerender {
    let title = Some("Villa Azul, from May".to_owned());
    Rerender {
        render_id: RenderId::of_request(job, request),
        branding: Branding { title, ..Branding::default() },
    }
}

/// An upload of exactly these bytes; none: as a part.
pub fn bound_to(content: &[u8], content_type: Option<&str>) -> Bound {
    Bound {
        content_type: content_type.map(ToOwned::to_owned),
        size_bytes: content.len() as u64,
        sha256: BASE64_STANDARD.encode(Sha256::digest(content)),
    }
}

/// What S3 puts in a queue when an object is created, as text.
///
/// Source: Amazon S3 User Guide, "Event message structure".
pub fn s3_notification(bucket: &str, key: &ObjectKey, etag: &str, size_bytes: u64) -> String {
    let key = utf8_percent_encode(key.as_str(), IN_NOTIFICATION).to_string().replace(' ', "+");
    let record = json!({
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "eu-central-1",
        "eventTime": "2026-11-20T10:00:00.000Z",
        "eventName": "ObjectCreated:Put",
        "userIdentity": { "principalId": "AWS:AIDAEXAMPLE" },
        "requestParameters": { "sourceIPAddress": "203.0.113.7" },
        "responseElements": {
            "x-amz-request-id": "C3D13FE58DE4C810",
            "x-amz-id-2": "FMyUVURIY8/IgAtTv8xRjskZQpcIZ9KG4V5Wp6S7S/JRWeUWerMUE5JgHvANOjpD",
        },
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "ingest",
            "bucket": {
                "name": bucket,
                "ownerIdentity": { "principalId": "A3NL1KOZZKExample" },
                "arn": format!("arn:aws:s3:::{bucket}"),
            },
            "object": {
                "key": key,
                "size": size_bytes,
                "eTag": etag,
                "sequencer": "0055AED6DCD90281E5",
            },
        },
    });
    json!({ "Records": [record] }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_job_in_every_state() {
        for state in JobState::ALL {
            assert_eq!(job_in(state).state, state);
        }
    }

    #[test]
    fn a_photo_can_be_opened() {
        let photo = image::load_from_memory(&photo_jpeg(64, 36)).expect("a JPEG");

        assert_eq!((photo.width(), photo.height()), (64, 36));
    }

    #[test]
    fn keys_are_form_encoded_in_notifications() {
        let key = ObjectKey::new("uploads/a b+c/é.jpg").expect("valid");

        let body = s3_notification("media", &key, "e", 1);

        assert!(body.contains(r#""key":"uploads/a+b%2Bc/%C3%A9.jpg""#), "{body}");
    }
}
