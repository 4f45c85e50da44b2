//! Why an upload could not be processed. The record is delivered again.

use domain::ObjectKey;
use ports::{ChronicleError, QueueError, StoreError};

/// A fault. A photo that cannot be used is not one: it is announced.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// The notification that triggers this function let a foreign key through.
    #[error("{0} is not an upload key")]
    NotAnUpload(ObjectKey),
    /// The media bucket failed.
    #[error("media bucket")]
    Store(#[from] StoreError),
    /// The job could not be written or announced.
    #[error("job")]
    Chronicle(#[from] ChronicleError),
    /// The clip could not be ordered.
    #[error("order of the clip")]
    Queue(#[from] QueueError),
    /// The order could not be encoded.
    #[error("message for queue ltx")]
    Encode(#[from] serde_json::Error),
    /// The normaliser stopped without an answer.
    #[error("photo normaliser")]
    Normaliser(#[from] tokio::task::JoinError),
}
