//! A job: one photo on its way to becoming a video.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::{
    ClipMade, ClipOptions, IllegalStep, JobId, JobState, ObjectKey, RenderId, Step, Timestamp,
    TraceId, VideoMade,
};

/// A stage of the chain; also the name of the function that is it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Takes orders.
    Api,
    /// Fetches what is elsewhere.
    Fetch,
    /// Makes the photo usable.
    Ingest,
    /// Has the clip filmed.
    Ltx,
    /// Makes the video.
    Render,
    /// Tells everybody who asked.
    Notify,
    /// Brings every job to an end.
    Sweep,
}

impl Stage {
    /// The name of the function.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Fetch => "fetch",
            Self::Ingest => "ingest",
            Self::Ltx => "ltx",
            Self::Render => "render",
            Self::Notify => "notify",
            Self::Sweep => "sweep",
        }
    }
}

impl std::fmt::Display for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// What goes on top of the clip.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Branding {
    /// The large words.
    pub title: Option<String>,
    /// The smaller words.
    pub subtitle: Option<String>,
    /// Key of the logo.
    pub logo_key: Option<ObjectKey>,
    /// Key of the music.
    pub music_key: Option<ObjectKey>,
    /// Name of the theme; none: `default`.
    pub theme: Option<String>,
}

/// What somebody asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobOrder {
    /// Who asked; none for a photo that was dropped in.
    pub user_id: Option<String>,
    /// The villa, room or product in the photo.
    pub property_id: Option<String>,
    /// What the clip is to show, in words.
    pub prompt: String,
    /// What the clip is to look like.
    pub clip: ClipOptions,
    /// What goes on top of it.
    pub branding: Branding,
}

/// Another rendering of a clip that is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rerender {
    /// Which rendering it is.
    pub render_id: RenderId,
    /// What is to go on top of the clip.
    pub branding: Branding,
}

/// A photo that was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Photo {
    /// Width after turning upright, in pixels.
    pub width: u32,
    /// Height after turning upright, in pixels.
    pub height: u32,
    /// Time spent on it, in milliseconds.
    pub worked_ms: u64,
}

/// Which kind of no ended a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FailureKind {
    /// What was asked for cannot be done; asking again will not help.
    Refused,
    /// Something broke, more often than we retry.
    Fault,
    /// It was not known in time whether the paid work exists.
    Unknown,
    /// A deadline passed.
    Late,
}

/// Why a job ended without a video.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Where it ended.
    pub stage: Stage,
    /// Which kind of no it was.
    pub kind: FailureKind,
    /// One sentence for the person who asked.
    pub reason: String,
    /// The chain of causes, for the engineer; stays in the row and is not announced.
    pub cause: Option<String>,
}

/// One photo on its way to becoming a video.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Identity.
    pub id: JobId,
    /// How far it is.
    pub state: JobState,
    /// Number of the newest fact about it; grows with every step and never goes back.
    pub seq: u64,
    /// What was asked for.
    pub order: JobOrder,
    /// The bucket that everything is in.
    pub bucket: String,
    /// Where the photo arrives.
    pub upload_key: ObjectKey,
    /// Ties together what is logged about it.
    pub trace_id: TraceId,
    /// The accepted photo.
    pub photo: Option<Photo>,
    /// The stored clip.
    pub clip: Option<ClipMade>,
    /// The stored video.
    pub video: Option<VideoMade>,
    /// Why there is none.
    pub failure: Option<Failure>,
    /// The rendering that is to take the place of the video, or of none.
    #[serde(default)]
    pub rerender: Option<Rerender>,
    /// What its owner announced to upload for it, in bytes; 0: nothing was announced.
    #[serde(default)]
    pub upload_bytes: u64,
    /// When an operator last had it tried again after it had failed.
    #[serde(default)]
    pub redriven_at: Option<Timestamp>,
    /// When it became known.
    pub created_at: Timestamp,
    /// When the newest step happened.
    pub updated_at: Timestamp,
}

impl Job {
    /// A job whose photo is awaited, or has just arrived. Its creation is fact 1.
    pub fn new(
        id: JobId,
        bucket: &str,
        upload_key: ObjectKey,
        order: JobOrder,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            state: JobState::Pending,
            seq: 1,
            order,
            bucket: bucket.to_owned(),
            upload_key,
            trace_id: TraceId::of_job(id),
            photo: None,
            clip: None,
            video: None,
            failure: None,
            rerender: None,
            upload_bytes: 0,
            redriven_at: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// The job after `step`.
    ///
    /// # Errors
    /// [`IllegalStep`] if that cannot happen in its state.
    pub fn after(&self, step: &Step, now: Timestamp) -> Result<Self, IllegalStep> {
        let illegal = || IllegalStep { job: self.id, state: self.state, step: step.name() };
        let state = step.after(self.state).filter(|_| self.allows(step)).ok_or_else(illegal)?;

        let mut job = self.clone();
        // A video that is there is not lost because another one could not be made.
        let keeps_video = self.rerender.is_some() && self.video.is_some();
        job.state = match step {
            Step::Fail(_) | Step::Cancel if keeps_video => JobState::Rendered,
            _ => state,
        };
        job.seq += step.announces();
        job.updated_at = now.max(self.updated_at);
        match step {
            Step::AcceptPhoto(photo) => job.photo = Some(*photo),
            Step::StoreClip(clip) => job.clip = Some(clip.clone()),
            Step::StoreVideo(video) => {
                job.video = Some(video.clone());
                if let Some(rerender) = job.rerender.take() {
                    job.order.branding = rerender.branding;
                }
            }
            Step::Rerender(rerender) => {
                job.failure = None;
                job.rerender = Some(rerender.clone());
            }
            Step::Fail(_) | Step::Cancel if keeps_video => job.rerender = None,
            Step::Fail(failure) => job.failure = Some(failure.clone()),
            // What never came takes no room; whoever counted it has read it before this step.
            Step::Expire => job.upload_bytes = 0,
            Step::Delete => {
                let JobOrder { user_id, property_id, .. } = job.order;
                job.order = JobOrder { user_id, property_id, ..JobOrder::default() };
                job.failure = None;
                job.rerender = None;
            }
            Step::Redrive { .. } => {
                job.failure = None;
                job.redriven_at = Some(job.updated_at);
            }
            Step::StartGenerating { .. } | Step::StartRendering { .. } | Step::Cancel => {}
        }
        Ok(job)
    }

    /// What the state alone does not tell.
    fn allows(&self, step: &Step) -> bool {
        match step {
            Step::Rerender(_) => self.clip.is_some(),
            // A rendering that was begun before another one was asked for comes too late.
            Step::StoreVideo(video) => {
                self.rerender.as_ref().is_none_or(|wanted| wanted.render_id == video.render_id)
            }
            _ => true,
        }
    }

    /// The rendering that its clip, with this entity tag, is to become.
    pub fn wanted_render(&self, clip_etag: &str) -> RenderId {
        let wanted = self.rerender.as_ref().map(|rerender| rerender.render_id);
        wanted.unwrap_or_else(|| RenderId::of_clip(self.id, clip_etag))
    }

    /// What is to go on top of its clip.
    pub fn wanted_branding(&self) -> &Branding {
        self.rerender.as_ref().map_or(&self.order.branding, |rerender| &rerender.branding)
    }
}
