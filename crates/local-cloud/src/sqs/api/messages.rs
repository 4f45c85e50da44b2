//! Operations on one message.

use serde::{Deserialize, Serialize};

use super::super::engine::Change;
use super::super::message::{Attributes, NewMessage};
use super::super::receipt::Receipt;
use super::super::{Queue, Sqs, digest, errors};
use crate::wire::{Answer, ApiError, DONE, parse, reply};

/// Longest visibility time-out, in seconds.
const MAX_VISIBILITY_SECS: i64 = 43_200;

/// A message as it is sent, alone or in a batch.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SentMessage {
    message_body: Option<String>,
    delay_seconds: Option<i64>,
    #[serde(default)]
    message_attributes: Attributes,
    #[serde(default)]
    message_system_attributes: Attributes,
    message_group_id: Option<String>,
}

/// What the sender of a message is told.
#[derive(Serialize)]
pub(super) struct Sent {
    #[serde(rename = "MessageId")]
    message_id: String,
    #[serde(rename = "MD5OfMessageBody")]
    md5_of_body: String,
    #[serde(rename = "MD5OfMessageAttributes", skip_serializing_if = "Option::is_none")]
    md5_of_attributes: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendMessage {
    queue_url: String,
    #[serde(flatten)]
    message: SentMessage,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DeleteMessage {
    queue_url: String,
    receipt_handle: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ChangeMessageVisibility {
    queue_url: String,
    receipt_handle: String,
    visibility_timeout: i64,
}

impl SentMessage {
    /// The message, if it may be stored in `queue`.
    pub(super) fn check(self, queue: &Queue) -> Result<NewMessage, ApiError> {
        if self.message_group_id.is_some() {
            return Err(errors::fifo());
        }
        let message = NewMessage::check(
            self.message_body.unwrap_or_default(),
            self.message_attributes,
            &self.message_system_attributes,
            self.delay_seconds,
        )?;
        message.check_size(queue.settings().max_message_bytes)?;
        Ok(message)
    }
}

impl Sent {
    pub(super) fn of(message: &NewMessage) -> Self {
        Self {
            message_id: message.id.to_string(),
            md5_of_body: message.md5.clone(),
            md5_of_attributes: digest::of_attributes(&message.attributes),
        }
    }
}

impl Sqs {
    pub(super) fn send_message(&self, body: &[u8]) -> Answer {
        let request: SendMessage = parse(body)?;
        let queue = self.find_url(&request.queue_url)?;
        let message = request.message.check(&queue)?;
        self.store(&queue, std::slice::from_ref(&message))?;
        reply(&Sent::of(&message))
    }

    pub(super) fn delete_message(&self, body: &[u8]) -> Answer {
        let request: DeleteMessage = parse(body)?;
        let queue = self.find_url(&request.queue_url)?;
        self.inner.engine.delete(&[receipt(&queue, &request.receipt_handle)?])?;
        Ok(DONE)
    }

    pub(super) fn change_message_visibility(&self, body: &[u8]) -> Answer {
        let request: ChangeMessageVisibility = parse(body)?;
        let queue = self.find_url(&request.queue_url)?;
        self.change_visibility(&queue, &request.receipt_handle, request.visibility_timeout)?;
        Ok(DONE)
    }

    /// Makes a message visible again after `secs`.
    pub(super) fn change_visibility(
        &self,
        queue: &Queue,
        handle: &str,
        secs: i64,
    ) -> Result<(), ApiError> {
        let secs = check_visibility(secs)?;
        let receipt = receipt(queue, handle)?;
        let now_ms = self.inner.clock.now_ms();
        match self.inner.engine.change_visibility(receipt, now_ms + secs * 1000, now_ms)? {
            Change::Done => queue.changed.notify_waiters(),
            Change::NotInFlight => return Err(errors::not_in_flight()),
            Change::NotAvailable => return Err(errors::not_available(handle)),
        }
        Ok(())
    }
}

/// A time-out that SQS takes, in seconds.
pub(super) fn check_visibility(secs: i64) -> Result<i64, ApiError> {
    if (0..=MAX_VISIBILITY_SECS).contains(&secs) {
        return Ok(secs);
    }
    let reason = "VisibilityTimeout must be >= 0 and <= 43200";
    Err(errors::bad_parameter("VisibilityTimeout", secs, reason))
}

/// The receipt behind `handle`, if it is one of `queue`.
pub(super) fn receipt(queue: &Queue, handle: &str) -> Result<Receipt, ApiError> {
    let receipt = Receipt::parse(handle).filter(|receipt| receipt.queue == queue.id);
    receipt.ok_or_else(errors::bad_handle)
}
