//! Receiving, and waiting for something to receive.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::super::engine::{Ask, Got};
use super::super::message::{Attributes, Received};
use super::super::settings::Settings;
use super::super::{Queue, Sqs, digest, errors};
use super::messages::check_visibility;
use crate::wire::{Answer, ApiError, parse, reply};

/// Longest wait for a message, in seconds.
const MAX_WAIT_SECS: u32 = 20;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ReceiveMessage {
    queue_url: String,
    #[serde(default)]
    attribute_names: Vec<String>,
    #[serde(default)]
    message_system_attribute_names: Vec<String>,
    #[serde(default)]
    message_attribute_names: Vec<String>,
    max_number_of_messages: Option<u32>,
    visibility_timeout: Option<i64>,
    wait_time_seconds: Option<u32>,
}

#[derive(Serialize)]
struct ReceivedMessages {
    #[serde(rename = "Messages", skip_serializing_if = "Vec::is_empty")]
    messages: Vec<Message>,
}

#[derive(Serialize)]
struct Message {
    #[serde(rename = "MessageId")]
    id: String,
    #[serde(rename = "ReceiptHandle")]
    receipt_handle: String,
    #[serde(rename = "MD5OfBody")]
    md5_of_body: String,
    #[serde(rename = "Body")]
    body: String,
    #[serde(rename = "Attributes", skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<&'static str, String>,
    #[serde(rename = "MD5OfMessageAttributes", skip_serializing_if = "Option::is_none")]
    md5_of_sent_attributes: Option<String>,
    #[serde(rename = "MessageAttributes", skip_serializing_if = "Attributes::is_empty")]
    sent_attributes: Attributes,
}

impl ReceiveMessage {
    fn limit(&self) -> Result<u32, ApiError> {
        let limit = self.max_number_of_messages.unwrap_or(1);
        if (1..=10).contains(&limit) {
            return Ok(limit);
        }
        let reason = "Must be between 1 and 10, if provided";
        Err(errors::bad_parameter("MaxNumberOfMessages", limit, reason))
    }

    fn wait(&self, settings: &Settings) -> Result<Duration, ApiError> {
        let secs = self.wait_time_seconds.unwrap_or(settings.receive_wait_secs);
        if secs <= MAX_WAIT_SECS {
            return Ok(Duration::from_secs(secs.into()));
        }
        let reason = "Must be >= 0 and <= 20, if provided";
        Err(errors::bad_parameter("WaitTimeSeconds", secs, reason))
    }

    fn visibility_ms(&self, settings: &Settings) -> Result<i64, ApiError> {
        let secs = self.visibility_timeout.unwrap_or(settings.visibility_timeout_secs.into());
        Ok(check_visibility(secs)? * 1000)
    }
}

impl Sqs {
    pub(super) async fn receive_message(&self, body: &[u8]) -> Answer {
        let request: ReceiveMessage = parse(body)?;
        let queue = self.find_url(&request.queue_url)?;
        let settings = queue.settings();
        let limit = request.limit()?;
        let visibility_ms = request.visibility_ms(&settings)?;
        let deadline = Instant::now() + request.wait(&settings)?;

        let received = self.receive(&queue, limit, visibility_ms, deadline).await?;
        let messages = received.into_iter().map(|received| self.message(&request, received));
        reply(&ReceivedMessages { messages: messages.collect() })
    }

    /// Receives what is there, or what comes until `deadline`.
    async fn receive(
        &self,
        queue: &Arc<Queue>,
        limit: u32,
        visibility_ms: i64,
        deadline: Instant,
    ) -> Result<Vec<Received>, ApiError> {
        loop {
            let changed = queue.changed.notified();
            tokio::pin!(changed);
            // Listens from now on, so that nothing sent during the look is missed.
            changed.as_mut().enable();

            let (got, next_visible_ms) = self.look(queue, limit, visibility_ms).await?;
            if !got.messages.is_empty() || Instant::now() >= deadline {
                return Ok(got.messages);
            }
            tokio::select! {
                () = changed => {}
                () = self.inner.clock.sleep_until(next_visible_ms) => {}
                () = tokio::time::sleep_until(deadline) => {}
                () = self.inner.stop.cancelled() => return Ok(Vec::new()),
            }
            if self.find(&queue.name).is_none_or(|found| found.id != queue.id) {
                return Err(errors::no_such_queue());
            }
        }
    }

    /// What can be received now, and when to look again.
    async fn look(
        &self,
        queue: &Arc<Queue>,
        limit: u32,
        visibility_ms: i64,
    ) -> Result<(Got, Option<i64>), ApiError> {
        let (queues, queue) = (self.clone(), queue.clone());
        tokio::task::spawn_blocking(move || queues.look_blocking(&queue, limit, visibility_ms))
            .await
            .map_err(|error| ApiError::internal(&error))?
            .map_err(ApiError::from)
    }

    fn look_blocking(
        &self,
        queue: &Queue,
        limit: u32,
        visibility_ms: i64,
    ) -> rusqlite::Result<(Got, Option<i64>)> {
        let settings = queue.settings();
        let dead_letters = self.dead_letters(&settings);
        let ask = Ask {
            queue: queue.id,
            queue_name: &queue.name,
            limit,
            visibility_ms,
            retention_ms: i64::from(settings.retention_secs) * 1000,
            dead_letters: dead_letters.as_ref().map(|(_, dead_letters)| *dead_letters),
        };
        let now_ms = self.inner.clock.now_ms();
        let got = self.inner.engine.receive(ask, now_ms)?;
        if let Some((dead_letter_queue, _)) = dead_letters.filter(|_| got.given_up > 0) {
            dead_letter_queue.changed.notify_waiters();
        }
        let next_visible_ms = if got.messages.is_empty() {
            self.inner.engine.next_visible_ms(queue.id, now_ms)?
        } else {
            None
        };
        Ok((got, next_visible_ms))
    }

    fn message(&self, request: &ReceiveMessage, received: Received) -> Message {
        let wanted = [&request.attribute_names[..], &request.message_system_attribute_names[..]];
        let attributes = self.system_attributes(&wanted.concat(), &received);
        let mut sent_attributes = received.attributes;
        sent_attributes.retain(|name, _| is_wanted(&request.message_attribute_names, name));
        Message {
            id: received.message_id,
            receipt_handle: received.handle,
            md5_of_body: received.md5,
            body: received.body,
            attributes,
            md5_of_sent_attributes: digest::of_attributes(&sent_attributes),
            sent_attributes,
        }
    }

    fn system_attributes(
        &self,
        wanted: &[String],
        received: &Received,
    ) -> BTreeMap<&'static str, String> {
        let source = received.source.as_ref();
        let all = [
            ("ApproximateReceiveCount", Some(received.receives.to_string())),
            ("ApproximateFirstReceiveTimestamp", Some(received.first_receive_ms.to_string())),
            ("SentTimestamp", Some(received.sent_ms.to_string())),
            ("SenderId", Some(self.names().account.clone())),
            ("AWSTraceHeader", received.trace_header.clone()),
            ("DeadLetterQueueSourceArn", source.map(|name| self.names().arn(name))),
        ];
        let is_wanted = |name: &str| wanted.iter().any(|wanted| wanted == "All" || wanted == name);
        all.into_iter()
            .filter(|(name, _)| is_wanted(name))
            .filter_map(|(name, value)| Some((name, value?)))
            .collect()
    }
}

/// Names may end in `.*` or `*` and then mean every attribute that begins so.
fn is_wanted(wanted: &[String], name: &str) -> bool {
    wanted.iter().any(|wanted| match wanted.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix.trim_end_matches('.')),
        None => wanted == "All" || wanted == name,
    })
}
