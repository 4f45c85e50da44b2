//! The outbox: events that were committed with their objects and are on their way to a queue.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use tokio_util::sync::CancellationToken;

use super::error::StoreError;
use super::event::{self, Creation, Requester};
use super::index;
use super::objects::Object;
use super::store::Store;

/// A queue that takes the bodies of S3 events.
pub(crate) trait QueueSink: Send + Sync + 'static {
    /// Puts one message on `queue`; when it returns, the message is stored.
    ///
    /// # Errors
    /// [`SinkError`] if the queue did not take it; the event is offered again.
    fn send(&self, queue: &str, body: String) -> Result<(), SinkError>;
}

/// A queue did not take an event.
#[derive(Debug, thiserror::Error)]
#[error("queue {queue} did not take the event")]
pub(crate) struct SinkError {
    /// The name of the queue.
    pub(crate) queue: String,
    /// What the queue said.
    pub(crate) source: Box<dyn Error + Send + Sync>,
}

/// Rows that are taken from the outbox at once.
const BATCH: usize = 100;

/// How long to wait before events are offered again that a queue did not take.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// Writes down the events about `object`, in the transaction that commits it.
pub(crate) fn record(
    connection: &Connection,
    store: &Store,
    object: &Object,
    creation: Creation,
    requester: &Requester,
) -> Result<(), StoreError> {
    if store.lose_events.as_ref().is_some_and(|lose| lose(&object.key)) {
        return Ok(());
    }
    let notifications = store.notifications.get(&object.bucket).map_or(&[][..], Vec::as_slice);
    for notification in notifications.iter().filter(|it| event::wants(it, &object.key)) {
        let sequencer = index::next(connection, "sequencer")?;
        let body = event::body(&store.region, notification, object, creation, requester, sequencer);
        connection
            .prepare_cached("INSERT INTO outbox (queue, body) VALUES (?1, ?2)")?
            .execute((&notification.queue, body.to_string()))?;
    }
    Ok(())
}

/// Offers what is in the outbox to `sink` until it is stopped.
///
/// A row is deleted after the queue took it, so an event arrives at least once.
pub(crate) async fn deliver(store: Arc<Store>, sink: Arc<dyn QueueSink>, stop: CancellationToken) {
    loop {
        let round = tokio::task::spawn_blocking({
            let (store, sink, stop) = (Arc::clone(&store), Arc::clone(&sink), stop.clone());
            move || empty(&store, sink.as_ref(), &stop)
        });
        let complete = match round.await {
            Ok(Ok(complete)) => complete,
            Ok(Err(error)) => {
                tracing::error!(error = &error as &dyn Error, "the outbox of S3 events failed");
                false
            }
            Err(error) => {
                tracing::error!(%error, "the delivery of S3 events was interrupted");
                false
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = store.outbox.notified() => {}
            () = tokio::time::sleep(RETRY_AFTER), if !complete => {}
        }
    }
}

/// Offers every row once; returns whether all were taken.
fn empty(
    store: &Store,
    sink: &dyn QueueSink,
    stop: &CancellationToken,
) -> Result<bool, StoreError> {
    let mut complete = true;
    let mut after = 0;
    while !stop.is_cancelled() {
        let rows = store.index.read(|connection| rows_after(connection, after))?;
        let Some(last) = rows.last() else {
            break;
        };
        after = last.id;
        let offered = rows.len();
        let taken: Vec<i64> = rows.into_iter().filter_map(|row| offer(sink, row)).collect();
        complete &= taken.len() == offered;
        store.index.write(|transaction| forget(transaction, &taken))?;
    }
    Ok(complete)
}

struct OutboxRow {
    id: i64,
    queue: String,
    body: String,
}

fn rows_after(connection: &Connection, after: i64) -> Result<Vec<OutboxRow>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT id, queue, body FROM outbox WHERE id > ?1 ORDER BY id LIMIT ?2")?;
    let rows = statement.query_map((after, BATCH), |row| {
        Ok(OutboxRow { id: row.get(0)?, queue: row.get(1)?, body: row.get(2)? })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn offer(sink: &dyn QueueSink, row: OutboxRow) -> Option<i64> {
    match sink.send(&row.queue, row.body) {
        Ok(()) => Some(row.id),
        Err(error) => {
            tracing::warn!(queue = row.queue, error = &error as &dyn Error, "an S3 event waits");
            None
        }
    }
}

fn forget(connection: &Connection, ids: &[i64]) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached("DELETE FROM outbox WHERE id = ?1")?;
    for id in ids {
        statement.execute([id])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::super::checksum::Algorithm;
    use super::super::commit::Commit;
    use super::super::conditions::WriteConditions;
    use super::super::kept::KeptHeaders;
    use super::super::store::now_ms;
    use super::super::{S3Config, body};
    use super::*;
    use crate::wiring::{Bucket, Notification};

    #[derive(Default)]
    struct Queues {
        closed: AtomicBool,
        taken: Mutex<Vec<(String, String)>>,
    }

    impl QueueSink for Queues {
        fn send(&self, queue: &str, body: String) -> Result<(), SinkError> {
            if self.closed.load(Ordering::SeqCst) {
                return Err(SinkError { queue: queue.to_owned(), source: "closed".into() });
            }
            self.taken.lock().expect("unpoisoned").push((queue.to_owned(), body));
            Ok(())
        }
    }

    impl Queues {
        fn taken(&self) -> Vec<(String, String)> {
            self.taken.lock().expect("unpoisoned").clone()
        }
    }

    fn config(data: &Path) -> S3Config {
        let notification = Notification {
            id: "ingest".to_owned(),
            prefix: "uploads/".to_owned(),
            suffix: None,
            queue: "ingest".to_owned(),
        };
        let bucket = Bucket {
            name: "media".to_owned(),
            notifications: vec![notification],
            cors_origins: Vec::new(),
        };
        S3Config {
            data: data.to_owned(),
            region: "eu-west-1".to_owned(),
            access_key: "local".to_owned(),
            secret_key: "local-secret".to_owned(),
            buckets: vec![bucket],
            lose_events: None,
        }
    }

    fn put(store: &Store, key: &str) -> Result<(), StoreError> {
        let received = body::Writer::new(store, Algorithm::Crc32).expect("a writer").finish();
        let object = Object {
            bucket: "media".to_owned(),
            key: key.to_owned(),
            content: received.draft.name().to_owned(),
            size: received.size,
            etag: received.etag(),
            modified_ms: now_ms(),
            headers: KeptHeaders::default(),
            checksum: None,
            part_sizes: None,
        };
        let conditions = WriteConditions {
            if_none_match: Some(s3s::dto::ETagCondition::Any),
            ..WriteConditions::default()
        };
        let requester = Requester::default();
        let commit = Commit { conditions, creation: Creation::Put, requester };
        store.commit(&object, received.draft, &commit, |_| Ok(()))
    }

    #[test]
    fn an_event_waits_for_its_queue_and_survives_a_restart() {
        let folder = tempfile::tempdir().expect("a folder");
        let queues = Queues { closed: AtomicBool::new(true), ..Queues::default() };
        let stop = CancellationToken::new();
        let store = Store::open(&config(folder.path())).expect("opened");
        put(&store, "uploads/a").expect("put");
        assert!(!empty(&store, &queues, &stop).expect("offered"));
        drop(store);

        queues.closed.store(false, Ordering::SeqCst);
        let store = Store::open(&config(folder.path())).expect("opened again");
        assert!(empty(&store, &queues, &stop).expect("offered"));
        assert!(empty(&store, &queues, &stop).expect("offered"));

        let [(queue, body)] = &queues.taken()[..] else { panic!("one event") };
        assert_eq!(queue, "ingest");
        assert!(body.contains("uploads/a"));
    }

    #[test]
    fn an_object_that_is_not_committed_has_no_event() {
        let folder = tempfile::tempdir().expect("a folder");
        let queues = Queues::default();
        let store = Store::open(&config(folder.path())).expect("opened");
        put(&store, "uploads/a").expect("put");
        put(&store, "uploads/a").expect_err("there is one already");
        put(&store, "elsewhere/a").expect("put");

        empty(&store, &queues, &CancellationToken::new()).expect("offered");

        assert_eq!(queues.taken().len(), 1);
    }

    #[tokio::test]
    async fn a_delivery_goes_on_by_itself_when_the_queue_is_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let queues = Arc::new(Queues { closed: AtomicBool::new(true), ..Queues::default() });
        let stop = CancellationToken::new();
        let store = Store::open(&config(folder.path())).expect("opened");
        let sink: Arc<dyn QueueSink> = Arc::<Queues>::clone(&queues);
        let delivery = tokio::spawn(deliver(Arc::clone(&store), sink, stop.clone()));
        put(&store, "uploads/a").expect("put");
        tokio::time::sleep(Duration::from_millis(50)).await;

        queues.closed.store(false, Ordering::SeqCst);
        while queues.taken().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        stop.cancel();
        delivery.await.expect("ended");

        assert_eq!(queues.taken().len(), 1);
    }
}
