//! The ledger of paid work, and the limits on it.

use std::future::Future;

use domain::{Account, Attempt, Booking, Caps, Day, JobId, OverCap};

use crate::{Replaced, Source};

/// The ledger failed or could not be reached.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} the ledger of {about}")]
pub struct LedgerError {
    /// What was to be done.
    pub action: &'static str,
    /// The job, day or account.
    pub about: String,
    /// What the ledger said.
    pub source: Source,
}

/// Whether an attempt was written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    /// It is there now, and its accounts hold what it may cost.
    New,
    /// One with its job and number was there already, and still is as it was.
    Exists,
    /// Nothing was written: it would pass a limit.
    Over(OverCap),
}

/// Attempts at paid work, and the accounts that limit it. What was written is read by the next call.
///
/// An attempt and its booking are written together or not at all: what accounts hold is always the
/// sum of [`Attempt::booking`] over the attempts of their time.
pub trait Ledger: Send + Sync {
    /// Every attempt for `job`, oldest first.
    ///
    /// # Errors
    /// [`LedgerError`].
    fn attempts(
        &self,
        job: JobId,
    ) -> impl Future<Output = Result<Vec<Attempt>, LedgerError>> + Send;

    /// Writes down a new attempt and books it, unless one with its job and number is there or a
    /// limit would be passed.
    ///
    /// # Errors
    /// [`LedgerError`]; also when others keep writing the same accounts.
    fn open(
        &self,
        attempt: &Attempt,
        caps: &Caps,
    ) -> impl Future<Output = Result<Opened, LedgerError>> + Send;

    /// Stores `after`, and books what it differs in, if the row still has the revision of `before`.
    ///
    /// # Errors
    /// [`LedgerError`].
    fn replace(
        &self,
        before: &Attempt,
        after: &Attempt,
    ) -> impl Future<Output = Result<Replaced, LedgerError>> + Send;

    /// Every attempt that was written down on `day`, oldest first. May lag behind the newest writes.
    ///
    /// # Errors
    /// [`LedgerError`].
    fn of_day(&self, day: Day) -> impl Future<Output = Result<Vec<Attempt>, LedgerError>> + Send;

    /// How many attempts are unknown, of whatever day. May lag behind the newest writes.
    ///
    /// # Errors
    /// [`LedgerError`].
    fn unknown(&self) -> impl Future<Output = Result<usize, LedgerError>> + Send;

    /// What an account holds.
    ///
    /// # Errors
    /// [`LedgerError`].
    fn booked(
        &self,
        account: &Account,
    ) -> impl Future<Output = Result<Booking, LedgerError>> + Send;
}
