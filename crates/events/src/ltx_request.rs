//! The order for a clip, as a message on queue `ltx`.

use domain::{ClipOptions, Job, JobId, Resolution, keys};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Looks of a clip. What is absent has the stage's default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LtxOptions {
    /// Length, in seconds: what the model has on offer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<u32>,
    /// Size of the picture, in pixels: `1920x1080`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<String>,
    /// Frames per second: what the model has on offer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fps: Option<u32>,
    /// `dolly_in`, `dolly_out`, `dolly_left`, `dolly_right`, `jib_up`, `jib_down` or `static`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub camera_motion: Option<String>,
    /// Who is to film it: `ltx`, `runway`, `replicate`, `fal` or `camera-move`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Name of the provider's model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Where chance begins, for models that let it be chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u32>,
    /// Whether the clip is to have sound of its own; not unless asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio: Option<bool>,
    /// Whether an equal clip that is stored already may be taken, at no cost; yes unless asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reuse: Option<bool>,
}

impl LtxOptions {
    /// The same in our own types.
    ///
    /// # Errors
    /// [`domain::InvalidClipOptions`] if such a clip is not on offer.
    pub fn to_clip_options(&self) -> Result<ClipOptions, domain::InvalidClipOptions> {
        let options = ClipOptions {
            duration_secs: self.duration,
            resolution: self.resolution.as_deref().map(Resolution::parse).transpose()?,
            frame_rate: self.fps,
            camera_motion: self.camera_motion.clone(),
            provider: self.provider.clone(),
            model: self.model.clone(),
            seed: self.seed,
            audio: self.audio,
            reuse: self.reuse,
        };
        options.check()?;
        Ok(options)
    }
}

impl From<&ClipOptions> for LtxOptions {
    fn from(options: &ClipOptions) -> Self {
        Self {
            duration: options.duration_secs,
            resolution: options.resolution.map(|resolution| resolution.to_string()),
            fps: options.frame_rate,
            camera_motion: options.camera_motion.clone(),
            provider: options.provider.clone(),
            model: options.model.clone(),
            seed: options.seed,
            audio: options.audio,
            reuse: options.reuse,
        }
    }
}

/// A provider said by itself that it has news of the work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Heard {
    /// Which attempt of the job it is about.
    pub attempt: u32,
    /// The provider's name for the work.
    pub provider_job: String,
}

/// A clip is wanted for a job.
///
/// Sent by `ingest`; by `provider-webhook` and the sweep to have a look taken now; consumed by `ltx`.
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
    /// Whether this is about one look, after which the message is done: another one waits.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub once: bool,
    /// What a provider said by itself, to be looked into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard: Option<Heard>,
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
            once: false,
            heard: None,
        }
    }

    /// The wish to have one look taken at `job` now, at what was `heard` if anything was.
    pub fn look_now(job: &Job, heard: Option<Heard>) -> Self {
        Self { once: true, heard, ..Self::of_job(job) }
    }

    /// The job it is for.
    ///
    /// # Errors
    /// [`InvalidLtxRequest`] if `jobId` is not an id.
    pub fn job(&self) -> Result<JobId, InvalidLtxRequest> {
        Ok(JobId::parse(&self.job_id)?)
    }
}
