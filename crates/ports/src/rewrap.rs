//! Judging and rewrapping what a provider delivered.

use std::future::Future;
use std::path::Path;
use std::time::Duration;

use domain::Resolution;

use crate::Source;

/// A clip that was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rewrapped {
    /// Length, in milliseconds.
    pub duration_ms: u64,
    /// Size of the picture.
    pub resolution: Resolution,
}

/// There is no clip to store.
#[derive(Debug, thiserror::Error)]
pub enum RewrapError {
    /// What was delivered is not the clip; the text says what it is.
    #[error("what was delivered cannot be used: {0}")]
    Unplayable(String),
    /// Something broke on our side.
    #[error("the clip could not be judged")]
    Fault(#[source] Source),
}

/// Judges clips.
pub trait Rewrap: Send + Sync {
    /// Judges whether `from` is a video that can be played to its end and lasts about as long as
    /// `expected`, and writes it to `to` with its index in front, so that it plays while it loads.
    ///
    /// # Errors
    /// [`RewrapError`]; `to` may then hold a part.
    fn rewrap(
        &self,
        from: &Path,
        expected: Duration,
        keep_audio: bool,
        to: &Path,
    ) -> impl Future<Output = Result<Rewrapped, RewrapError>> + Send;
}
