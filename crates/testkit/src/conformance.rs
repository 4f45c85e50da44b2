//! What the documentation of the ports promises, asserted on any implementation.
//!
//! Every run works under identities of its own, so that it can share a backend with others. What a
//! port says may lag behind is waited for.

mod delivery_log;
mod endpoints;
mod event_publisher;
mod job_listing;
mod job_store;
mod ledger;
mod message_sender;
mod meters;
mod object_store;
mod registers;
mod secret_source;
mod uploads;

pub use delivery_log::delivery_log;
pub use endpoints::endpoints;
pub use event_publisher::event_publisher;
pub use job_listing::job_listing;
pub use job_store::job_store;
pub use ledger::ledger;
pub use message_sender::message_sender;
pub use meters::meters;
pub use object_store::{object_store, object_store_pages};
pub use registers::registers;
pub use secret_source::secret_source;
pub use uploads::{uploads, uploads_are_bound};

use std::future::Future;
use std::time::Duration;

use domain::Job;
use uuid::Uuid;

use crate::samples;

/// How many try the same thing at the same time.
const RACERS: usize = 16;
/// How long an answer may lag behind, in looks of [`PAUSE`].
const LOOKS: usize = 200;
/// Time between looks.
const PAUSE: Duration = Duration::from_millis(50);

/// A text that no other run has.
fn unique() -> String {
    Uuid::new_v4().to_string()
}

/// A job that no other run has.
fn unique_job() -> Job {
    samples::job_named(&unique())
}

/// Looks until what is seen is as expected.
async fn eventually<T, F>(what: &str, look: impl Fn() -> F, expected: impl Fn(&T) -> bool) -> T
where
    T: std::fmt::Debug,
    F: Future<Output = T>,
{
    let mut seen = look().await;
    for _ in 0..LOOKS {
        if expected(&seen) {
            return seen;
        }
        tokio::time::sleep(PAUSE).await;
        seen = look().await;
    }
    assert!(expected(&seen), "{what}: after {:?} still {seen:?}", PAUSE * 200);
    seen
}
