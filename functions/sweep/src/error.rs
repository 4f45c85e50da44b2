//! Why a sweep broke off. The next one does what was left.

use ports::{ChronicleError, JobStoreError, LedgerError, MeterError, QueueError, StoreError};

/// A fault.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// The media bucket failed.
    #[error("media bucket")]
    Store(#[from] StoreError),
    /// The table of jobs failed.
    #[error("table of jobs")]
    Jobs(#[from] JobStoreError),
    /// A job could not be written or announced.
    #[error("job")]
    Chronicle(#[from] ChronicleError),
    /// A meter failed.
    #[error("meter")]
    Meter(#[from] MeterError),
    /// The ledger failed.
    #[error("ledger")]
    Ledger(#[from] LedgerError),
    /// A message could not be sent again.
    #[error("queue")]
    Queue(#[from] QueueError),
    /// A message could not be encoded.
    #[error("message for queue ltx")]
    Encode(#[from] serde_json::Error),
}
