//! Sums that grow with what somebody uses, and stop at what they may.

use std::future::Future;

use domain::{Day, Timestamp};

use crate::Source;

/// A meter failed or could not be reached.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} meter {name}")]
pub struct MeterError {
    /// What was to be done.
    pub action: &'static str,
    /// Name of the meter.
    pub name: String,
    /// What went wrong.
    pub source: Source,
}

/// What became of a wish to use more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metered {
    /// It is counted; the meter stands at this now.
    Counted(u64),
    /// It would be more than the limit, and is not counted.
    Over,
}

/// Meters by name. What was counted is read by the next call.
pub trait Meters: Send + Sync {
    /// Adds `amount` unless the meter would then stand above `limit`; atomic. A meter that has
    /// expired begins at 0; `expires` is taken when it begins.
    ///
    /// # Errors
    /// [`MeterError`].
    fn count(
        &self,
        name: &str,
        amount: u64,
        limit: Option<u64>,
        expires: Option<Timestamp>,
    ) -> impl Future<Output = Result<Metered, MeterError>> + Send;

    /// Takes `amount` back, down to 0.
    ///
    /// # Errors
    /// [`MeterError`].
    fn give_back(
        &self,
        name: &str,
        amount: u64,
    ) -> impl Future<Output = Result<(), MeterError>> + Send;

    /// What the meter stands at; 0 if nothing was counted.
    ///
    /// # Errors
    /// [`MeterError`].
    fn read(&self, name: &str) -> impl Future<Output = Result<u64, MeterError>> + Send;
}

/// The meter of the jobs that `owner` has begun in a day.
pub fn jobs_meter(owner: &str, day: Day) -> String {
    format!("jobs#{owner}#{day}")
}

/// The meter of the bytes that `owner` has announced to upload, and has not had removed.
pub fn bytes_meter(owner: &str) -> String {
    format!("bytes#{owner}")
}
