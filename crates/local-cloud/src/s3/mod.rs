//! S3: the part of the embedded cloud that keeps objects.
//!
//! [`s3s`] speaks the wire protocol and checks signatures; this module keeps what it is told: rows in
//! `SQLite`, bytes in content files with random names. A key is never a path. Checksums are compared
//! before an object is committed, conditions are decided in the transaction that commits it, and the
//! event about it is a row of the same transaction.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::wiring::Bucket;

mod body;
mod buckets;
mod checksum;
mod commit;
mod complete;
mod conditions;
mod content;
mod copy;
mod cors;
mod error;
mod event;
mod front;
mod get;
mod index;
mod kept;
mod list;
mod multipart;
mod objects;
mod operations;
mod outbox;
mod parts;
mod signed;
mod store;

pub use error::StartError;
pub(crate) use front::S3Front;
pub(crate) use outbox::{QueueSink, SinkError};

/// Decides by its key whether the event about an object is lost. For tests only.
pub(crate) type LoseEvents = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// What the S3 part needs to start.
#[derive(Clone)]
pub(crate) struct S3Config {
    /// Data folder of the cloud; objects live in its folder `s3`.
    pub(crate) data: PathBuf,
    /// Region of every bucket.
    pub(crate) region: String,
    /// The one access key that may sign requests.
    pub(crate) access_key: String,
    /// Its secret.
    pub(crate) secret_key: String,
    /// Buckets that exist from the start, whom they notify and which browsers may use them.
    pub(crate) buckets: Vec<Bucket>,
    /// Loses the events of some objects, as a cloud on a bad day does. For tests only.
    pub(crate) lose_events: Option<LoseEvents>,
}

impl fmt::Debug for S3Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Config")
            .field("data", &self.data)
            .field("region", &self.region)
            .field("access_key", &self.access_key)
            .field("buckets", &self.buckets)
            .finish_non_exhaustive()
    }
}

/// A running S3: its HTTP front and the task that delivers events.
#[derive(Debug)]
pub(crate) struct S3Half {
    front: S3Front,
    stop: CancellationToken,
    delivery: JoinHandle<()>,
}

impl S3Half {
    /// The HTTP front; clones serve the same objects.
    pub(crate) fn front(&self) -> S3Front {
        self.front.clone()
    }

    /// Ends the delivery of events; what was not delivered is delivered after the next start.
    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        if let Err(error) = (&mut self.delivery).await {
            tracing::error!(%error, "the delivery of S3 events ended badly");
        }
    }
}

impl Drop for S3Half {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Opens the objects in the data folder and begins to deliver events to `sink`.
///
/// Must be called inside a tokio runtime: the delivery is a task, and so is the removal of content
/// files that no object refers to.
///
/// # Errors
/// [`StartError`] if the data folder cannot be used.
pub(crate) fn start(config: S3Config, sink: Arc<dyn QueueSink>) -> Result<S3Half, StartError> {
    let store = store::Store::open(&config)?;
    let stop = CancellationToken::new();

    tokio::task::spawn_blocking({
        let store = Arc::clone(&store);
        move || store.remove_orphans()
    });
    let delivery = tokio::spawn(outbox::deliver(Arc::clone(&store), sink, stop.clone()));
    let front = S3Front::new(store, config);
    Ok(S3Half { front, stop, delivery })
}
