//! The judge that asks `ffmpeg`.

use std::path::Path;
use std::time::Duration;

use domain::Resolution;
use film::{ClipError, Ffmpeg, rewrap};
use ports::{Rewrap, RewrapError, Rewrapped};

/// Judges and rewraps with the clip work of `film`.
#[derive(Clone, Debug)]
pub struct FilmRewrap {
    ffmpeg: Ffmpeg,
}

impl FilmRewrap {
    /// Judges with this `ffmpeg`.
    pub const fn new(ffmpeg: Ffmpeg) -> Self {
        Self { ffmpeg }
    }
}

impl Rewrap for FilmRewrap {
    async fn rewrap(
        &self,
        from: &Path,
        expected: Duration,
        keep_audio: bool,
        to: &Path,
    ) -> Result<Rewrapped, RewrapError> {
        let clip = rewrap(&self.ffmpeg, from, Some(expected), keep_audio, to).await;
        let clip = clip.map_err(|error| match error {
            ClipError::Unplayable(what) => RewrapError::Unplayable(what),
            fault => RewrapError::Fault(fault.into()),
        })?;
        let resolution = Resolution { width: clip.width, height: clip.height };
        Ok(Rewrapped { duration_ms: clip.duration_ms, resolution })
    }
}
