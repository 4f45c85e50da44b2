//! The ledger of paid work.

use std::future::Future;

use domain::{Attempt, JobId};

use crate::{Created, Replaced, Source};

/// The ledger failed or could not be reached.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} the ledger of job {job}")]
pub struct LedgerError {
    /// What was to be done.
    pub action: &'static str,
    /// The job.
    pub job: JobId,
    /// What the ledger said.
    pub source: Source,
}

/// Attempts at paid work. What was written is read by the next call.
pub trait Ledger: Send + Sync {
    /// Every attempt for `job`, oldest first.
    ///
    /// # Errors
    /// [`LedgerError`].
    fn attempts(
        &self,
        job: JobId,
    ) -> impl Future<Output = Result<Vec<Attempt>, LedgerError>> + Send;

    /// Writes down a new attempt, unless one with its job and number is there.
    ///
    /// # Errors
    /// [`LedgerError`].
    fn open(&self, attempt: &Attempt) -> impl Future<Output = Result<Created, LedgerError>> + Send;

    /// Stores `after` if the row still has the revision of `before`.
    ///
    /// # Errors
    /// [`LedgerError`].
    fn replace(
        &self,
        before: &Attempt,
        after: &Attempt,
    ) -> impl Future<Output = Result<Replaced, LedgerError>> + Send;
}
