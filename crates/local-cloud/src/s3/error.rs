//! Why S3 did not start, and why an operation did not succeed.

use std::io;
use std::path::PathBuf;

use s3s::S3Error;

/// S3 did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The folder for content files could not be made.
    #[error("cannot use the folder {}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The index of objects could not be opened.
    #[error("cannot open the index of objects {}", file.display())]
    Index {
        /// The database file.
        file: PathBuf,
        /// What `SQLite` said.
        source: rusqlite::Error,
    },
}

/// An operation did not succeed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// The client is told no, in the words of S3.
    #[error("refused")]
    Refused(#[from] S3Error),
    /// The index failed.
    #[error("index of objects")]
    Index(#[from] rusqlite::Error),
    /// A content file failed.
    #[error("content file")]
    Content(#[from] io::Error),
    /// A stored value is not what was stored.
    #[error("stored value")]
    Stored(#[from] serde_json::Error),
    /// The blocking part of the operation panicked or was cut off.
    #[error("unfinished operation")]
    Unfinished(#[from] tokio::task::JoinError),
}

impl From<StoreError> for S3Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Refused(refusal) => refusal,
            fault => {
                // The answer says no more than that; here is the cause.
                tracing::error!(error = &fault as &dyn std::error::Error, "an S3 operation failed");
                Self::internal_error(fault)
            }
        }
    }
}
