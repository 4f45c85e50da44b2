//! Making a video out of a clip, words, a logo and music.

use std::future::Future;
use std::path::{Path, PathBuf};

use crate::Source;

/// What goes on top of the clip.
#[derive(Clone, Debug, Default)]
pub struct RenderOrder {
    /// The clip.
    pub clip: PathBuf,
    /// The large words.
    pub title: Option<String>,
    /// The smaller words.
    pub subtitle: Option<String>,
    /// A picture.
    pub logo: Option<PathBuf>,
    /// A piece of music.
    pub music: Option<PathBuf>,
    /// Name of the theme; none: `default`.
    pub theme: Option<String>,
}

/// A video, and a picture that stands for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderOutput {
    /// The video: MP4, H.264 and AAC, index in front.
    pub video: PathBuf,
    /// The picture: JPEG.
    pub poster: PathBuf,
    /// Length of the video, in milliseconds.
    pub duration_ms: u64,
}

/// There is no video.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// What was asked for cannot be done; the text is for the person who asked.
    #[error("refused: {0}")]
    Refused(String),
    /// Something broke.
    #[error("the video could not be made")]
    Fault(#[source] Source),
}

/// Makes videos.
pub trait Renderer: Send + Sync {
    /// Makes the video in the folder `work`, which holds nothing else.
    ///
    /// # Errors
    /// [`RenderError`].
    fn render(
        &self,
        order: &RenderOrder,
        work: &Path,
    ) -> impl Future<Output = Result<RenderOutput, RenderError>> + Send;
}
