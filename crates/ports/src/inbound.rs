//! The inbound side: one record of a batch, and what became of it.

use std::error::Error;
use std::future::Future;
use std::time::Duration;

/// What became of a record that was handled without a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handled {
    /// It is done.
    Done,
    /// What it waits for is not there yet: deliver it again after this time. Not an error.
    NotYet {
        /// How long to wait.
        after: Duration,
    },
}

/// Handles the records of a queue, one at a time, each possibly more than once.
pub trait HandleRecord: Send + Sync {
    /// What a record says.
    type Record: Send + Sync;
    /// A fault. A refusal is not one.
    type Error: Error + Send + Sync + 'static;

    /// Does what the record asks for. Doing it again changes nothing.
    ///
    /// # Errors
    /// A fault: deliver the record again.
    fn handle(
        &self,
        record: &Self::Record,
    ) -> impl Future<Output = Result<Handled, Self::Error>> + Send;

    /// Whether no further delivery can help, so that the record belongs where a person sees it.
    fn is_hopeless(_fault: &Self::Error) -> bool {
        false
    }

    /// Called after the last delivery failed, before the queue moves the record to its dead-letter
    /// queue: brings what the record was about to an end, with `cause` as the reason.
    ///
    /// # Errors
    /// A fault; the sweep brings it to an end later.
    fn give_up(
        &self,
        record: &Self::Record,
        cause: &str,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;
}
