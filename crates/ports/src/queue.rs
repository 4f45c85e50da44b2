//! Queues.

use std::future::Future;
use std::time::Duration;

use domain::TraceId;

use crate::Source;

/// The queue failed or could not be reached.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} queue {queue}")]
pub struct QueueError {
    /// What was to be done.
    pub action: &'static str,
    /// The queue.
    pub queue: String,
    /// What it said.
    pub source: Source,
}

/// Sends messages to one queue.
pub trait MessageSender: Send + Sync {
    /// Returns once the queue holds `body`; delivery is at least once, in any order. Whoever receives it
    /// is told the `trace` of the job that it is about, if that is known.
    ///
    /// # Errors
    /// [`QueueError`].
    fn send(
        &self,
        body: &str,
        trace: Option<&TraceId>,
    ) -> impl Future<Output = Result<(), QueueError>> + Send;
}

/// Decides when a received message is delivered again.
pub trait Visibility: Send + Sync {
    /// Hides the message for `after`, at most 12 hours, from now on.
    ///
    /// # Errors
    /// [`QueueError`].
    fn hide(
        &self,
        receipt_handle: &str,
        after: Duration,
    ) -> impl Future<Output = Result<(), QueueError>> + Send;
}
