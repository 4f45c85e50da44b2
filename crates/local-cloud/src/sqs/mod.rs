//! SQS: standard queues that survive the process.

mod api;
mod catalog;
mod digest;
mod engine;
mod errors;
mod message;
mod move_task;
mod names;
mod receipt;
mod schema;
mod settings;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::faults::Faults;
use crate::s3::{QueueSink, SinkError};
use crate::wire::ApiError;
use crate::wiring;
use catalog::StoredQueue;
use engine::{DeadLetters, Engine};
use message::NewMessage;
pub(crate) use names::Names;
use settings::Settings;

/// How often messages are looked for that have outlived their queue's retention.
const EXPIRY_CHECK: Duration = Duration::from_hours(1);

/// All queues. Clones are the same queues.
#[derive(Clone, Debug)]
pub(crate) struct Sqs {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    engine: Engine,
    queues: RwLock<BTreeMap<String, Arc<Queue>>>,
    names: Names,
    clock: Clock,
    faults: Faults,
    stop: CancellationToken,
}

/// One queue while the cloud runs.
#[derive(Debug)]
struct Queue {
    stored: RwLock<StoredQueue>,
    id: i64,
    name: String,
    /// Wakes the receivers that wait.
    changed: Notify,
}

/// The queues could not be opened or brought to what the wiring says.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// Their database failed.
    #[error("the database of the queues")]
    Database(#[from] rusqlite::Error),
    /// A name that a queue cannot have.
    #[error("{0:?} cannot be the name of a queue")]
    BadName(String),
    /// The wiring names a dead-letter queue that does not exist.
    #[error("the dead-letter queue {dead_letter_queue} of queue {queue} does not exist")]
    NoDeadLetterQueue {
        /// The queue whose messages it should take.
        queue: String,
        /// The queue that is missing.
        dead_letter_queue: String,
    },
}

/// A message for a queue that does not exist, or whose database failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    #[error("there is no queue {0}")]
    NoSuchQueue(String),
    #[error("the database of the queues")]
    Database(#[from] rusqlite::Error),
}

impl Sqs {
    /// Opens the queues that are stored at `path`.
    pub(crate) fn open(
        path: &Path,
        names: Names,
        clock: Clock,
        faults: Faults,
        stop: CancellationToken,
    ) -> Result<Self, QueueError> {
        let engine = Engine::open(path)?;
        let queues = engine.queues()?.into_iter().map(Queue::new).collect();
        let queues = RwLock::new(queues);
        Ok(Self { inner: Arc::new(Inner { engine, queues, names, clock, faults, stop }) })
    }

    /// Creates what is missing of `queues` and sets what the wiring says.
    pub(crate) fn ensure(&self, queues: &[wiring::Queue]) -> Result<(), QueueError> {
        for queue in queues {
            if !names::is_valid(&queue.name) {
                return Err(QueueError::BadName(queue.name.clone()));
            }
            self.ensure_queue(queue)?;
        }
        for queue in queues {
            self.check_dead_letter_queue(queue)?;
        }
        Ok(())
    }

    fn ensure_queue(&self, queue: &wiring::Queue) -> Result<(), QueueError> {
        let Some(existing) = self.find(&queue.name) else {
            self.add(&queue.name, Settings::default().wired(queue))?;
            return Ok(());
        };
        let settings = existing.settings().wired(queue);
        if settings != existing.settings() {
            self.save(&existing, settings)?;
        }
        Ok(())
    }

    fn check_dead_letter_queue(&self, queue: &wiring::Queue) -> Result<(), QueueError> {
        match &queue.redrive {
            Some(redrive) if self.find(&redrive.dead_letter_queue).is_none() => {
                Err(QueueError::NoDeadLetterQueue {
                    queue: queue.name.clone(),
                    dead_letter_queue: redrive.dead_letter_queue.clone(),
                })
            }
            _ => Ok(()),
        }
    }

    /// Stores one message for every body, all or none.
    pub(crate) fn send_bodies(&self, name: &str, bodies: Vec<String>) -> Result<(), SendError> {
        let queue = self.find(name).ok_or_else(|| SendError::NoSuchQueue(name.to_owned()))?;
        let messages: Vec<_> = bodies.into_iter().map(NewMessage::plain).collect();
        Ok(self.store(&queue, &messages)?)
    }

    /// Whether there is a queue `name`.
    pub(crate) fn exists(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// Names of the queues and the roots of their URLs.
    pub(crate) fn names(&self) -> &Names {
        &self.inner.names
    }

    /// Deletes messages that have outlived the retention of their queue, until the cloud stops.
    pub(crate) async fn expire_messages(self) {
        let check_ms = i64::try_from(EXPIRY_CHECK.as_millis()).unwrap_or(i64::MAX);
        loop {
            let queues = self.clone();
            if let Ok(Err(error)) = tokio::task::spawn_blocking(move || queues.expire()).await {
                tracing::error!(%error, "cannot delete expired messages");
            }
            let due_ms = self.inner.clock.now_ms() + check_ms;
            tokio::select! {
                () = self.inner.clock.sleep_until(Some(due_ms)) => {}
                () = self.inner.stop.cancelled() => return,
            }
        }
    }

    fn expire(&self) -> rusqlite::Result<()> {
        let queues: Vec<_> = self.queues().values().cloned().collect();
        for queue in queues {
            let before_ms = self.inner.clock.now_ms() - queue.retention_ms();
            self.inner.engine.delete_sent_before(queue.id, before_ms)?;
        }
        Ok(())
    }

    /// Makes every message in flight visible again.
    pub(crate) fn release_in_flight(&self) -> Result<usize, QueueError> {
        let released = self.inner.engine.release_in_flight(self.inner.clock.now_ms())?;
        for queue in self.queues().values() {
            queue.changed.notify_waiters();
        }
        Ok(released)
    }

    fn store(&self, queue: &Queue, messages: &[NewMessage]) -> rusqlite::Result<()> {
        let inner = &self.inner;
        let copies = inner.faults.copies_of_message();
        let delay_secs = queue.settings().delay_secs;
        let now_ms = inner.clock.now_ms() + inner.faults.lateness_ms();
        inner.engine.send(queue.id, messages, delay_secs, copies, now_ms)?;
        queue.changed.notify_waiters();
        Ok(())
    }

    fn queues(&self) -> RwLockReadGuard<'_, BTreeMap<String, Arc<Queue>>> {
        self.inner.queues.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn queues_mut(&self) -> RwLockWriteGuard<'_, BTreeMap<String, Arc<Queue>>> {
        self.inner.queues.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, name: &str) -> Option<Arc<Queue>> {
        self.queues().get(name).cloned()
    }

    fn find_url(&self, url: &str) -> Result<Arc<Queue>, ApiError> {
        self.find(names::name_in_url(url)).ok_or_else(errors::no_such_queue)
    }

    fn add(&self, name: &str, settings: Settings) -> rusqlite::Result<Arc<Queue>> {
        let mut queues = self.queues_mut();
        if let Some(existing) = queues.get(name) {
            return Ok(existing.clone());
        }
        let stored = self.inner.engine.create_queue(name, settings, self.inner.clock.now_ms())?;
        let (name, queue) = Queue::new(stored);
        queues.insert(name, queue.clone());
        Ok(queue)
    }

    fn save(&self, queue: &Queue, settings: Settings) -> rusqlite::Result<()> {
        let now_ms = self.inner.clock.now_ms();
        self.inner.engine.save_settings(queue.id, &settings, now_ms)?;
        let mut stored = queue.stored.write().unwrap_or_else(PoisonError::into_inner);
        stored.settings = settings;
        stored.modified_ms = now_ms;
        Ok(())
    }

    fn dead_letters(&self, settings: &Settings) -> Option<(Arc<Queue>, DeadLetters)> {
        let redrive = settings.redrive.as_ref()?;
        let queue = self.find(&redrive.dead_letter_queue)?;
        let max_receive_count = redrive.max_receive_count;
        let dead_letters = DeadLetters { queue: queue.id, max_receive_count };
        Some((queue, dead_letters))
    }
}

impl Queue {
    fn new(stored: StoredQueue) -> (String, Arc<Self>) {
        let name = stored.name.clone();
        let queue = Self {
            id: stored.id,
            name: name.clone(),
            stored: RwLock::new(stored),
            changed: Notify::new(),
        };
        (name, Arc::new(queue))
    }

    fn stored(&self) -> StoredQueue {
        self.stored.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn settings(&self) -> Settings {
        self.stored().settings
    }

    fn retention_ms(&self) -> i64 {
        i64::from(self.settings().retention_secs) * 1000
    }
}

impl QueueSink for Sqs {
    fn send(&self, queue: &str, body: String) -> Result<(), SinkError> {
        self.send_bodies(queue, vec![body])
            .map_err(|error| SinkError { queue: queue.to_owned(), source: error.into() })
    }
}
