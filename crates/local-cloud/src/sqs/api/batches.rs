//! Operations on up to ten messages; each entry has its own outcome.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::super::{Sqs, errors};
use super::messages::{Sent, SentMessage, receipt};
use crate::wire::{Answer, ApiError, parse, reply};

/// Most entries of a batch.
const MAX_ENTRIES: usize = 10;
/// Largest sum of the messages of a batch, in bytes.
const MAX_BATCH_BYTES: usize = 1024 * 1024;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Batch<T> {
    queue_url: String,
    #[serde(default = "Vec::new")]
    entries: Vec<Entry<T>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry<T> {
    id: String,
    #[serde(flatten)]
    content: T,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Handle {
    receipt_handle: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Visibility {
    receipt_handle: String,
    #[serde(default)]
    visibility_timeout: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Outcome<T> {
    successful: Vec<Success<T>>,
    failed: Vec<Failure>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Success<T> {
    id: String,
    #[serde(flatten)]
    content: T,
}

#[derive(Serialize)]
struct Nothing {}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Failure {
    id: String,
    sender_fault: bool,
    code: &'static str,
    message: String,
}

impl<T> Batch<T> {
    fn check(self) -> Result<Self, ApiError> {
        if self.entries.is_empty() {
            return Err(errors::empty_batch());
        }
        if self.entries.len() > MAX_ENTRIES {
            return Err(errors::too_many_entries(self.entries.len()));
        }
        let mut seen = HashSet::new();
        for entry in &self.entries {
            if !is_entry_id(&entry.id) {
                return Err(errors::bad_entry_id());
            }
            if !seen.insert(&entry.id) {
                return Err(errors::repeated_entry(&entry.id));
            }
        }
        Ok(self)
    }
}

impl<T> Outcome<T> {
    fn of(results: Vec<(String, Result<T, ApiError>)>) -> Self {
        let mut outcome = Self { successful: Vec::new(), failed: Vec::new() };
        for (id, result) in results {
            match result {
                Ok(content) => outcome.successful.push(Success { id, content }),
                Err(error) => outcome.failed.push(Failure::of(id, error)),
            }
        }
        outcome
    }
}

impl Failure {
    fn of(id: String, error: ApiError) -> Self {
        Self {
            id,
            sender_fault: error.status.is_client_error(),
            code: error.code(),
            message: error.message,
        }
    }
}

impl Sqs {
    pub(super) fn send_message_batch(&self, body: &[u8]) -> Answer {
        let request = parse::<Batch<SentMessage>>(body)?.check()?;
        let queue = self.find_url(&request.queue_url)?;
        let checked: Vec<_> = request
            .entries
            .into_iter()
            .map(|entry| (entry.id, entry.content.check(&queue)))
            .collect();

        let good: Vec<_> =
            checked.iter().filter_map(|(_, message)| message.as_ref().ok()).collect();
        let bytes = good.iter().map(|message| message.size_bytes).sum();
        if bytes > MAX_BATCH_BYTES {
            return Err(errors::batch_too_long(bytes));
        }
        let good: Vec<_> = good.into_iter().cloned().collect();
        self.store(&queue, &good)?;

        let sent = checked.into_iter().map(|(id, message)| (id, message.map(|m| Sent::of(&m))));
        reply(&Outcome::of(sent.collect()))
    }

    pub(super) fn delete_message_batch(&self, body: &[u8]) -> Answer {
        let request = parse::<Batch<Handle>>(body)?.check()?;
        let queue = self.find_url(&request.queue_url)?;
        let receipts: Vec<_> = request
            .entries
            .into_iter()
            .map(|entry| (entry.id, receipt(&queue, &entry.content.receipt_handle)))
            .collect();

        let good: Vec<_> = receipts.iter().filter_map(|(_, r)| r.as_ref().ok()).copied().collect();
        self.inner.engine.delete(&good)?;

        let deleted = receipts.into_iter().map(|(id, receipt)| (id, receipt.map(|_| Nothing {})));
        reply(&Outcome::of(deleted.collect()))
    }

    pub(super) fn change_message_visibility_batch(&self, body: &[u8]) -> Answer {
        let request = parse::<Batch<Visibility>>(body)?.check()?;
        let queue = self.find_url(&request.queue_url)?;
        let changed = request.entries.into_iter().map(|entry| {
            let Visibility { receipt_handle, visibility_timeout } = entry.content;
            let result = self.change_visibility(&queue, &receipt_handle, visibility_timeout);
            (entry.id, result.map(|()| Nothing {}))
        });
        reply(&Outcome::of(changed.collect()))
    }
}

fn is_entry_id(id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=80).contains(&id.len()) && id.bytes().all(allowed)
}
