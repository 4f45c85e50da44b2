//! The order for a clip, as a message on queue `ltx`.

use domain::{ClipOptions, Job, JobId, Resolution, keys};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Looks of a clip. What is absent has the stage's default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LtxOptions {
    /// Length, in seconds: 6, 8, 10, 12, 14, 16, 18 or 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<u32>,
    /// Size of the picture, in pixels: `1920x1080`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<String>,
    /// Frames per second: 24, 25, 48 or 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fps: Option<u32>,
    /// `dolly_in`, `dolly_out`, `dolly_left`, `dolly_right`, `jib_up`, `jib_down` or `static`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub camera_motion: Option<String>,
    /// Who is to film it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
}

impl LtxOptions {
    /// The same in our own types.
    ///
    /// # Errors
    /// [`domain::InvalidClipOptions`] if such a clip is not on offer.
    pub fn to_clip_options(&self) -> Result<ClipOptions, domain::InvalidClipOptions> {
        let standard = ClipOptions::default();
        let resolution = self.resolution.as_deref().map(Resolution::parse).transpose()?;
        let options = ClipOptions {
            duration_secs: self.duration.unwrap_or(standard.duration_secs),
            resolution: resolution.unwrap_or(standard.resolution),
            frame_rate: self.fps.unwrap_or(standard.frame_rate),
            camera_motion: self.camera_motion.clone(),
            provider: self.provider.clone(),
        };
        options.check()?;
        Ok(options)
    }
}

impl From<&ClipOptions> for LtxOptions {
    fn from(options: &ClipOptions) -> Self {
        Self {
            duration: Some(options.duration_secs),
            resolution: Some(options.resolution.to_string()),
            fps: Some(options.frame_rate),
            camera_motion: options.camera_motion.clone(),
            provider: options.provider.clone(),
        }
    }
}

/// A clip is wanted for a job.
///
/// Sent by `ingest`, consumed by `ltx`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LtxRequest {
    /// The job; also `videos.id`.
    pub job_id: String,
    /// Who asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The villa, room or product in the photo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub property_id: Option<String>,
    /// Key of the accepted photo in the media bucket.
    pub photo_key: String,
    /// What the clip is to show, in words.
    #[serde(default)]
    pub prompt: String,
    /// What the clip is to look like.
    #[serde(default)]
    pub options: LtxOptions,
}

/// The order cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum InvalidLtxRequest {
    /// It names no job.
    #[error("order for a clip")]
    JobId(#[from] domain::InvalidId),
}

impl LtxRequest {
    /// The order for `job`.
    pub fn of_job(job: &Job) -> Self {
        Self {
            job_id: job.id.to_string(),
            user_id: job.order.user_id.clone(),
            property_id: job.order.property_id.clone(),
            photo_key: keys::photo(job.id).to_string(),
            prompt: job.order.prompt.clone(),
            options: LtxOptions::from(&job.order.clip),
        }
    }

    /// The job it is for.
    ///
    /// # Errors
    /// [`InvalidLtxRequest`] if `jobId` is not an id.
    pub fn job(&self) -> Result<JobId, InvalidLtxRequest> {
        Ok(JobId::parse(&self.job_id)?)
    }
}
