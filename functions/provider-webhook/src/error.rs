//! Why a post could not be dealt with. The provider posts it again.

use ports::{JobStoreError, LedgerError, QueueError, RegisterError};

/// A fault. A post that is not believed is not one.
#[derive(Debug, thiserror::Error)]
pub enum ProviderWebhookError {
    /// The table of jobs failed.
    #[error("table of jobs")]
    Jobs(#[from] JobStoreError),
    /// The ledger failed.
    #[error("ledger")]
    Ledger(#[from] LedgerError),
    /// It could not be found out or written down whether the post is a repeat.
    #[error("posts that were heard")]
    Register(#[from] RegisterError),
    /// The queue failed.
    #[error("queue ltx")]
    Queue(#[from] QueueError),
    /// The wish could not be written.
    #[error("wish for a look")]
    Json(#[from] serde_json::Error),
}
