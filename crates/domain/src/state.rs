//! The states of a job.

use serde::{Deserialize, Serialize};

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Known, its photo is awaited.
    Pending,
    /// The photo was accepted; a clip is to be filmed.
    Queued,
    /// A clip was ordered.
    Generating,
    /// The clip is stored.
    LtxDone,
    /// The video is being made.
    Rendering,
    /// The video is stored.
    Rendered,
    /// It ended without a video, with a reason.
    Failed,
    /// Somebody called it off.
    Cancelled,
    /// The photo never came.
    Expired,
    /// Its owner had it removed; what is left is its name.
    Deleted,
}

impl JobState {
    /// Every state, in the order a job passes them; the ends are last.
    pub const ALL: [Self; 10] = [
        Self::Pending,
        Self::Queued,
        Self::Generating,
        Self::LtxDone,
        Self::Rendering,
        Self::Rendered,
        Self::Failed,
        Self::Cancelled,
        Self::Expired,
        Self::Deleted,
    ];

    /// Whether nothing follows.
    pub const fn is_end(self) -> bool {
        matches!(
            self,
            Self::Rendered | Self::Failed | Self::Cancelled | Self::Expired | Self::Deleted
        )
    }

    /// Reads the name on the wire.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// The name on the wire and in the tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Queued => "queued",
            Self::Generating => "generating",
            Self::LtxDone => "ltx_done",
            Self::Rendering => "rendering",
            Self::Rendered => "rendered",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Deleted => "deleted",
        }
    }
}

impl std::fmt::Display for JobState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}
