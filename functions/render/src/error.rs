//! Why a clip could not be made into a video. The record is delivered again.

use domain::ObjectKey;
use ports::{ChronicleError, Source, StoreError};

/// A fault. Branding that cannot be used is not one: it is announced.
#[derive(Debug, thiserror::Error)]
pub enum RenderFunctionError {
    /// The notification that triggers this function let a foreign key through.
    #[error("{0} is not the clip of a job")]
    NotAClip(ObjectKey),
    /// The clip was deleted, or was never stored by us.
    #[error("there is no clip of ours at {0}")]
    NoClip(ObjectKey),
    /// Logo or music is still on its way here.
    #[error("what goes on the video is still being fetched")]
    StillFetched,
    /// The media bucket failed.
    #[error("media bucket")]
    Store(#[from] StoreError),
    /// The job could not be written or announced.
    #[error("job")]
    Chronicle(#[from] ChronicleError),
    /// The video could not be made.
    #[error("renderer")]
    Renderer(#[source] Source),
    /// There is no room for the video on its way.
    #[error("temporary folder")]
    Work(#[from] std::io::Error),
}
