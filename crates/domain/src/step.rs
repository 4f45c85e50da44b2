//! What can happen to a job, and when.

use serde::{Deserialize, Serialize};

use crate::{Failure, FailureKind, JobId, JobState, Photo, RenderId, Rerender, Resolution, Stage};

/// A clip that is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClipMade {
    /// Who filmed it.
    pub provider: String,
    /// The provider's name for the work.
    pub provider_job: String,
    /// Length, in seconds.
    pub duration_secs: u32,
    /// Size of the picture.
    pub resolution: Resolution,
    /// Time spent on it by us, in milliseconds; waiting for the provider is not in it.
    pub worked_ms: u64,
}

/// A video that is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VideoMade {
    /// Which rendering it is.
    pub render_id: RenderId,
    /// Length, in milliseconds.
    pub duration_ms: u64,
    /// Time spent on it, in milliseconds.
    pub worked_ms: u64,
}

/// One thing that happens to a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The photo can be used and is stored.
    AcceptPhoto(Photo),
    /// A clip is about to be ordered.
    StartGenerating {
        /// Who is to film it.
        provider: String,
    },
    /// The clip is stored.
    StoreClip(ClipMade),
    /// The video is about to be made.
    StartRendering {
        /// Which rendering it is.
        render_id: RenderId,
    },
    /// The video is stored.
    StoreVideo(VideoMade),
    /// Its clip is to be rendered again, with something else on top. If that fails or is called off,
    /// the video stays as it is.
    Rerender(Rerender),
    /// It ends without a video.
    Fail(Failure),
    /// Somebody calls it off.
    Cancel,
    /// Its owner has it removed.
    Delete,
    /// The photo did not come in time.
    Expire,
    /// Somebody has the failed stage tried again: beside another rendering and removal the only way
    /// out of an end.
    Redrive {
        /// What is tried again: `Ingest`, `Ltx` or `Render`.
        stage: Stage,
        /// Who decided it.
        by: String,
    },
}

/// Such a thing cannot happen to a job in this state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("job {job} is {state}, so it cannot {step}")]
pub struct IllegalStep {
    /// The job.
    pub job: JobId,
    /// Its state.
    pub state: JobState,
    /// What was to happen.
    pub step: &'static str,
}

impl Step {
    /// The table of legal transitions: in which states this can happen, and what follows.
    ///
    /// The object is the truth, so a stored clip or video may be found before the row says that
    /// work on it began.
    const fn transition(&self) -> (&'static [JobState], JobState) {
        use JobState::{
            Cancelled, Deleted, Expired, Failed, Generating, LtxDone, Pending, Queued, Rendered,
            Rendering,
        };
        const UNDER_WAY: &[JobState] = &[Pending, Queued, Generating, LtxDone, Rendering];
        match self {
            Self::AcceptPhoto(_) => (&[Pending], Queued),
            Self::StartGenerating { .. } => (&[Queued], Generating),
            Self::StoreClip(_) => (&[Queued, Generating], LtxDone),
            Self::StartRendering { .. } => (&[LtxDone], Rendering),
            Self::StoreVideo(_) => (&[LtxDone, Rendering], Rendered),
            Self::Rerender(_) => (&[Rendered, Failed], LtxDone),
            Self::Delete => (&[Rendered, Failed, Cancelled, Expired], Deleted),
            Self::Fail(_) => (UNDER_WAY, Failed),
            Self::Cancel => (UNDER_WAY, Cancelled),
            Self::Expire => (&[Pending], Expired),
            Self::Redrive { stage: Stage::Ingest, .. } => (&[Failed], Pending),
            Self::Redrive { stage: Stage::Ltx, .. } => (&[Failed], Queued),
            Self::Redrive { stage: Stage::Render, .. } => (&[Failed], LtxDone),
            Self::Redrive { .. } => (&[], Failed),
        }
    }

    /// The state that follows `state`, or none if this cannot happen then.
    pub fn after(&self, state: JobState) -> Option<JobState> {
        let (from, to) = self.transition();
        from.contains(&state).then_some(to)
    }

    /// How many facts it announces: each takes one number of the job's sequence.
    pub fn announces(&self) -> u64 {
        match self {
            // A refused photo is a fact of its own, beside the end of the job.
            Self::Fail(Failure { stage: Stage::Ingest, kind: FailureKind::Refused, .. }) => 2,
            _ => 1,
        }
    }

    /// The verb, for messages.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::AcceptPhoto(_) => "have its photo accepted",
            Self::StartGenerating { .. } => "start generating",
            Self::StoreClip(_) => "have its clip stored",
            Self::StartRendering { .. } => "start rendering",
            Self::StoreVideo(_) => "have its video stored",
            Self::Rerender(_) => "be rendered again",
            Self::Delete => "be deleted",
            Self::Fail(_) => "fail",
            Self::Cancel => "be cancelled",
            Self::Expire => "expire",
            Self::Redrive { .. } => "be tried again",
        }
    }
}
