//! What is announced about a job.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::endpoint_disabled::WebhookEndpointDisabled;

/// The `detail-type` of every fact.
pub const DETAIL_TYPES: [&str; 15] = [
    JobCreated::DETAIL_TYPE,
    PhotoAccepted::DETAIL_TYPE,
    PhotoRefused::DETAIL_TYPE,
    GenerationStarted::DETAIL_TYPE,
    LtxDone::DETAIL_TYPE,
    RenderStarted::DETAIL_TYPE,
    Rendered::DETAIL_TYPE,
    RenderRequested::DETAIL_TYPE,
    RerenderFailed::DETAIL_TYPE,
    JobFailed::DETAIL_TYPE,
    JobCancelled::DETAIL_TYPE,
    JobExpired::DETAIL_TYPE,
    JobRedriven::DETAIL_TYPE,
    JobDeleted::DETAIL_TYPE,
    WebhookEndpointDisabled::DETAIL_TYPE,
];

/// The `detail-type` of every fact that is told beyond the bus: to endpoints of webhooks and to Supabase.
/// That work has begun is only history; that an endpoint was disabled is for rules of the bus.
pub const TOLD: [&str; 12] = [
    JobCreated::DETAIL_TYPE,
    PhotoAccepted::DETAIL_TYPE,
    PhotoRefused::DETAIL_TYPE,
    LtxDone::DETAIL_TYPE,
    Rendered::DETAIL_TYPE,
    RenderRequested::DETAIL_TYPE,
    RerenderFailed::DETAIL_TYPE,
    JobFailed::DETAIL_TYPE,
    JobCancelled::DETAIL_TYPE,
    JobExpired::DETAIL_TYPE,
    JobRedriven::DETAIL_TYPE,
    JobDeleted::DETAIL_TYPE,
];

/// What every fact carries beside itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Envelope {
    /// Identity of the fact, the same in every delivery: de-duplicate by it.
    pub id: String,
    /// Place of the fact in the history of its job, from 1. Facts may arrive in any order; this is
    /// the order in which they happened.
    pub seq: u64,
    /// When it happened: RFC 3339, UTC, milliseconds.
    pub occurred_at: String,
    /// The job; also `videos.id`.
    pub job_id: String,
    /// Who asked; absent for a photo that was dropped in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The villa, room or product in the photo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub property_id: Option<String>,
    /// Ties together what is logged about the job: 32 hexadecimal digits.
    pub trace_id: String,
}

/// The `detail` of an event: envelope and fact, side by side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Detail<F> {
    /// What every fact carries.
    #[serde(flatten)]
    pub envelope: Envelope,
    /// The fact itself.
    #[serde(flatten)]
    pub fact: F,
}

/// A fact that can be announced.
pub trait Fact: Serialize {
    /// `detail-type` of the event: a past-tense name and a version.
    const DETAIL_TYPE: &'static str;
}

macro_rules! fact {
    ($fact:ty, $detail_type:literal) => {
        impl Fact for $fact {
            const DETAIL_TYPE: &'static str = $detail_type;
        }
    };
}

/// A job is known; its photo is awaited or has just arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobCreated {
    /// Where the photo arrives: `s3://bucket/key`.
    pub upload_url_s3: String,
}
fact!(JobCreated, "JobCreated.v1");

/// The photo can be used: upright, without position or other metadata, in sRGB.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PhotoAccepted {
    /// Where the accepted photo is: `s3://bucket/key`.
    pub photo_url_s3: String,
    /// Its width, in pixels.
    pub width: u32,
    /// Its height, in pixels.
    pub height: u32,
    /// Time spent on it, in milliseconds.
    pub worked_ms: u64,
}
fact!(PhotoAccepted, "PhotoAccepted.v1");

/// The photo cannot be used. `JobFailed.v1` follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PhotoRefused {
    /// Where the photo is: `s3://bucket/key`.
    pub upload_url_s3: String,
    /// Why, in one sentence for the person who sent it.
    pub reason: String,
}
fact!(PhotoRefused, "PhotoRefused.v1");

/// A clip is being ordered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GenerationStarted {
    /// Who is to film it.
    pub provider: String,
}
fact!(GenerationStarted, "GenerationStarted.v1");

/// How a clip came to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClipMeta {
    /// The provider's name for the work.
    pub ltx_job_id: String,
    /// Length, in seconds.
    pub duration: u32,
    /// Size of the picture, in pixels: `1920x1080`.
    pub resolution: String,
    /// Who filmed it.
    pub provider: String,
}

/// The clip is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LtxDone {
    /// Where the accepted photo is: `s3://bucket/key`.
    pub photo_url_s3: String,
    /// Where the clip is: `s3://bucket/key`.
    pub ltx_video_url: String,
    /// How it came to be.
    pub meta: ClipMeta,
    /// Time spent on it by us, in milliseconds.
    pub worked_ms: u64,
}
fact!(LtxDone, "LtxDone.v1");

/// The video is being made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RenderStarted {
    /// Which rendering it is.
    pub render_id: String,
}
fact!(RenderStarted, "RenderStarted.v1");

/// The video is stored: the job has ended well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rendered {
    /// Where the accepted photo is: `s3://bucket/key`.
    pub photo_url_s3: String,
    /// Where the clip is: `s3://bucket/key`.
    pub ltx_video_url: String,
    /// Where the video is: `s3://bucket/key`.
    pub final_video_url: String,
    /// Where the picture that stands for it is: `s3://bucket/key`.
    pub poster_url: String,
    /// Which rendering it is.
    pub render_id: String,
    /// Length of the video, in milliseconds.
    pub duration_ms: u64,
    /// How the clip came to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<ClipMeta>,
    /// Time spent on it, in milliseconds.
    pub worked_ms: u64,
}
fact!(Rendered, "Rendered.v1");

/// The job has ended without a video.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobFailed {
    /// Where it ended: `fetch`, `ingest`, `ltx`, `render` or `sweep`.
    pub stage: String,
    /// `refused`: asking again will not help. `fault`: something broke, more often than we retry.
    /// `unknown`: it was not known in time whether the paid work exists. `late`: a deadline passed.
    pub kind: String,
    /// Why, in one sentence for the person who asked.
    pub reason: String,
}
fact!(JobFailed, "JobFailed.v1");

/// The clip is to be rendered again, with something else on top.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RenderRequested {
    /// Which rendering it is.
    pub render_id: String,
}
fact!(RenderRequested, "RenderRequested.v1");

/// The other rendering could not be made, or was called off: the video is as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RerenderFailed {
    /// Which rendering it was.
    pub render_id: String,
    /// Where it ended: `fetch`, `render`, `sweep`, or `api` if it was called off.
    pub stage: String,
    /// As in `JobFailed.v1`, or `cancelled`.
    pub kind: String,
    /// Why, in one sentence for the person who asked.
    pub reason: String,
}
fact!(RerenderFailed, "RerenderFailed.v1");

/// The owner had the job removed, with everything that was stored for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobDeleted {}
fact!(JobDeleted, "JobDeleted.v1");

/// Somebody called the job off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobCancelled {}
fact!(JobCancelled, "JobCancelled.v1");

/// Somebody has the job tried again, which had failed. Steps of the chain follow as if it had not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobRedriven {
    /// What is tried again: `ingest`, `ltx` or `render`.
    pub stage: String,
    /// Who decided it.
    pub by: String,
}
fact!(JobRedriven, "JobRedriven.v1");

/// The photo did not come in time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobExpired {
    /// Where the photo was awaited: `s3://bucket/key`.
    pub upload_url_s3: String,
}
fact!(JobExpired, "JobExpired.v1");
