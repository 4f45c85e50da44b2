//! The ports in memory. Clones share what they hold, so a test keeps one and gives the other away.

mod bus;
mod clock;
mod deliveries;
mod endpoints;
mod generator;
mod jobs;
mod ledger;
mod meters;
mod queue;
mod receiver;
mod registers;
mod renderer;
mod rewrap;
mod secrets;
mod store;

pub use bus::RecordingBus;
pub use clock::TestClock;
pub use deliveries::InMemoryDeliveries;
pub use endpoints::InMemoryEndpoints;
pub use generator::{Loss, ReadyClip};
pub use jobs::InMemoryJobs;
pub use ledger::InMemoryLedger;
pub use meters::InMemoryMeters;
pub use queue::RecordingQueue;
pub use receiver::{Answer, RecordingReceiver};
pub use registers::InMemoryRegisters;
pub use renderer::ReadyVideo;
pub use rewrap::PassThrough;
pub use secrets::InMemorySecrets;
pub use store::InMemoryStore;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What clones of a fake share.
#[derive(Debug, Default)]
struct Shared<T>(Arc<Mutex<T>>);

impl<T> Shared<T> {
    fn of(value: T) -> Self {
        Self(Arc::new(Mutex::new(value)))
    }

    /// Held for one look or one change, and never while waiting.
    fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}
