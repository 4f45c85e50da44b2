//! From a queue to a function.

use std::collections::HashSet;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, DeleteMessageBatchRequestEntry, Message, MessageSystemAttributeName,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::event::event;
use super::invocation::run;
use super::verdict::{Verdict, verdict};
use super::{EventSourceMapping, Invoke};
use crate::wire::Chain;

/// Longest wait of one receive, in seconds.
const LONG_POLL_SECS: u64 = 20;
/// Most messages of one receive or delete.
const MAX_MESSAGES: usize = 10;
/// The wait after a receive failed.
const RECEIVE_PAUSE: Duration = Duration::from_secs(1);
/// A delete is tried so often; after that the message comes again.
const DELETE_ATTEMPTS: u32 = 6;
const DELETE_PAUSE: Duration = Duration::from_millis(100);
/// How long invocations may go on after a stop.
const GRACE: Duration = Duration::from_secs(5);

/// Feeds the function from its queue until `stop`, as an event source mapping does.
///
/// Records that the function did are deleted; others come again after the visibility time-out of the
/// queue. After `stop` nothing is received any more; invocations under way get five seconds and are
/// then dropped. The time-out is enforced where the function awaits, not where it blocks a thread.
pub fn poll(
    client: Client,
    mapping: EventSourceMapping,
    invoke: Invoke,
    stop: CancellationToken,
) -> JoinHandle<()> {
    let poller = Arc::new(Poller { client, mapping, invoke, kill: CancellationToken::new() });
    tokio::spawn(poller.run(stop))
}

struct Poller {
    client: Client,
    mapping: EventSourceMapping,
    invoke: Invoke,
    /// Ends the invocations that outlast their grace.
    kill: CancellationToken,
}

impl Poller {
    async fn run(self: Arc<Self>, stop: CancellationToken) {
        let running = TaskTracker::new();
        tokio::select! {
            () = self.feed(&running) => {}
            () = stop.cancelled() => {}
        }
        running.close();
        if tokio::time::timeout(GRACE, running.wait()).await.is_err() {
            self.kill.cancel();
            running.wait().await;
        }
    }

    /// Receives only when an invocation may begin, so that no record grows old waiting for one.
    async fn feed(self: &Arc<Self>, running: &TaskTracker) {
        let concurrency = self.mapping.maximum_concurrency.max(1);
        let slots = Arc::new(Semaphore::new(usize::try_from(concurrency).unwrap_or(usize::MAX)));
        loop {
            let Ok(slot) = slots.clone().acquire_owned().await else {
                return;
            };
            let batch = self.batch().await;
            if !batch.is_empty() {
                running.spawn(self.clone().invoke(batch, slot));
            }
        }
    }

    /// The next batch; empty if there was nothing for a while.
    async fn batch(&self) -> Vec<Message> {
        let size = usize::try_from(self.mapping.batch_size.max(1)).unwrap_or(usize::MAX);
        let mut batch = self.receive(size, Duration::from_secs(LONG_POLL_SECS)).await;
        let deadline = Instant::now() + self.mapping.batch_window;
        while !self.mapping.batch_window.is_zero() && !batch.is_empty() && batch.len() < size {
            let left = deadline.saturating_duration_since(Instant::now());
            let more = self.receive(size - batch.len(), left).await;
            batch.extend(more);
            if left.is_zero() {
                break;
            }
            if left < Duration::from_secs(1) {
                // Too short for a long poll, which counts whole seconds.
                tokio::time::sleep_until(deadline).await;
            }
        }
        batch
    }

    async fn receive(&self, limit: usize, wait: Duration) -> Vec<Message> {
        let limit = limit.min(MAX_MESSAGES);
        let wait_secs = wait.as_secs().min(LONG_POLL_SECS);
        let received = self
            .client
            .receive_message()
            .queue_url(&self.mapping.queue_url)
            .max_number_of_messages(i32::try_from(limit).unwrap_or(1))
            .wait_time_seconds(i32::try_from(wait_secs).unwrap_or(0))
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .message_attribute_names("All")
            .send()
            .await;
        match received {
            Ok(received) => received.messages.unwrap_or_default(),
            Err(error) => {
                self.warn("cannot receive", &error);
                tokio::time::sleep(RECEIVE_PAUSE).await;
                Vec::new()
            }
        }
    }

    async fn invoke(self: Arc<Self>, batch: Vec<Message>, slot: OwnedSemaphorePermit) {
        let event = event(&self.mapping, &batch);
        let invocation = run(&self.invoke, event, self.mapping.function_timeout);
        let answer = tokio::select! {
            answer = invocation => answer,
            () = self.kill.cancelled() => return,
        };
        match answer {
            Ok(answer) => {
                let done = self.done(&answer, batch);
                self.delete(done).await;
            }
            Err(error) => self.warn("an invocation failed", &error),
        }
        drop(slot);
    }

    /// The records of `batch` that `answer` calls done.
    fn done(&self, answer: &serde_json::Value, mut batch: Vec<Message>) -> Vec<Message> {
        let ids: HashSet<_> = batch.iter().filter_map(Message::message_id).collect();
        match verdict(answer, &ids) {
            Verdict::AllBut(failed) => {
                batch.retain(|message| !message.message_id().is_some_and(|id| failed.contains(id)));
                batch
            }
            Verdict::None => {
                let function = self.mapping.function.as_str();
                tracing::warn!(function, %answer, "an answer names a record that is none");
                Vec::new()
            }
        }
    }

    async fn delete(&self, messages: Vec<Message>) {
        for chunk in messages.chunks(MAX_MESSAGES) {
            self.delete_chunk(chunk).await;
        }
    }

    async fn delete_chunk(&self, messages: &[Message]) {
        let mut entries = entries(messages);
        for attempt in 0..DELETE_ATTEMPTS {
            entries = self.try_delete(entries).await;
            if entries.is_empty() {
                return;
            }
            tokio::time::sleep(DELETE_PAUSE * 2_u32.pow(attempt)).await;
        }
        let (function, count) = (self.mapping.function.as_str(), entries.len());
        tracing::error!(function, count, "messages were done but not deleted: they come again");
    }

    /// Deletes `entries` and gives back those that are left.
    async fn try_delete(
        &self,
        entries: Vec<DeleteMessageBatchRequestEntry>,
    ) -> Vec<DeleteMessageBatchRequestEntry> {
        let deleted = self
            .client
            .delete_message_batch()
            .queue_url(&self.mapping.queue_url)
            .set_entries(Some(entries.clone()))
            .send()
            .await;
        match deleted {
            Ok(deleted) => {
                let failed: HashSet<_> =
                    deleted.failed().iter().map(BatchResultErrorEntry::id).collect();
                entries.into_iter().filter(|entry| failed.contains(entry.id())).collect()
            }
            Err(error) => {
                self.warn("cannot delete", &error);
                entries
            }
        }
    }

    fn warn(&self, what: &str, error: &dyn Error) {
        let function = self.mapping.function.as_str();
        tracing::warn!(function, error = %Chain(error), "{what}");
    }
}

fn entries(messages: &[Message]) -> Vec<DeleteMessageBatchRequestEntry> {
    messages
        .iter()
        .enumerate()
        .filter_map(|(index, message)| {
            DeleteMessageBatchRequestEntry::builder()
                .id(index.to_string())
                .receipt_handle(message.receipt_handle()?)
                .build()
                .ok()
        })
        .collect()
}
