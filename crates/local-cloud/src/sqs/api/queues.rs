//! Operations on queues.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use super::super::settings::Settings;
use super::super::{Queue, Sqs, errors, names};
use crate::wire::{Answer, ApiError, DONE, parse, reply};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CreateQueue {
    queue_name: String,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct QueueName {
    queue_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct QueueUrl {
    queue_url: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetQueueAttributes {
    queue_url: String,
    #[serde(default)]
    attribute_names: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SetQueueAttributes {
    queue_url: String,
    attributes: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListQueues {
    #[serde(default)]
    queue_name_prefix: String,
}

impl Sqs {
    pub(super) fn create_queue(&self, body: &[u8]) -> Answer {
        let request: CreateQueue = parse(body)?;
        let name = &request.queue_name;
        let is_fifo = name.rsplit_once('.').is_some_and(|(_, suffix)| suffix == "fifo");
        if is_fifo || request.attributes.contains_key("FifoQueue") {
            return Err(errors::fifo());
        }
        if !names::is_valid(name) {
            let reason = "Can only include alphanumeric characters, hyphens, or underscores. 1 to \
                          80 in length";
            return Err(errors::bad_parameter("QueueName", name, reason));
        }
        match self.find(name) {
            Some(existing) => same_as(&existing, &request.attributes)?,
            None => self.create(name, &request.attributes)?,
        }
        self.url_of(name)
    }

    fn create(&self, name: &str, attributes: &BTreeMap<String, String>) -> Result<(), ApiError> {
        let settings = Settings::default().with(attributes)?;
        self.check_redrive(&settings)?;
        self.add(name, settings)?;
        Ok(())
    }

    pub(super) fn delete_queue(&self, body: &[u8]) -> Answer {
        let request: QueueUrl = parse(body)?;
        let queue = self.find_url(&request.queue_url)?;
        self.queues_mut().remove(&queue.name);
        self.inner.engine.delete_queue(queue.id)?;
        queue.changed.notify_waiters();
        Ok(DONE)
    }

    pub(super) fn purge_queue(&self, body: &[u8]) -> Answer {
        let request: QueueUrl = parse(body)?;
        self.inner.engine.purge(self.find_url(&request.queue_url)?.id)?;
        Ok(DONE)
    }

    pub(super) fn get_queue_url(&self, body: &[u8]) -> Answer {
        let request: QueueName = parse(body)?;
        let queue = self.find(&request.queue_name).ok_or_else(errors::no_such_queue)?;
        self.url_of(&queue.name)
    }

    pub(super) fn list_queues(&self, body: &[u8]) -> Answer {
        let request: ListQueues = parse(body)?;
        let queues = self.queues();
        let urls: Vec<_> = queues
            .keys()
            .filter(|name| name.starts_with(&request.queue_name_prefix))
            .map(|name| self.names().url(name))
            .collect();
        reply(&json!({ "QueueUrls": urls }))
    }

    pub(super) fn list_dead_letter_source_queues(&self, body: &[u8]) -> Answer {
        let request: QueueUrl = parse(body)?;
        let dead = self.find_url(&request.queue_url)?;
        let urls: Vec<_> =
            self.sources_of(&dead.name).iter().map(|name| self.names().url(name)).collect();
        reply(&json!({ "queueUrls": urls }))
    }

    pub(super) fn set_queue_attributes(&self, body: &[u8]) -> Answer {
        let request: SetQueueAttributes = parse(body)?;
        let queue = self.find_url(&request.queue_url)?;
        let settings = queue.settings().with(&request.attributes)?;
        self.check_redrive(&settings)?;
        self.save(&queue, settings)?;
        queue.changed.notify_waiters();
        Ok(DONE)
    }

    pub(super) fn get_queue_attributes(&self, body: &[u8]) -> Answer {
        let request: GetQueueAttributes = parse(body)?;
        let queue = self.find_url(&request.queue_url)?;
        let mut attributes = self.attributes(&queue)?;
        if !request.attribute_names.iter().any(|name| name == "All") {
            attributes.retain(|name, _| request.attribute_names.contains(name));
        }
        reply(&json!({ "Attributes": attributes }))
    }

    fn attributes(&self, queue: &Queue) -> Result<BTreeMap<String, String>, ApiError> {
        let stored = queue.stored();
        let now_ms = self.inner.clock.now_ms();
        let counts = self.inner.engine.counts(queue.id, queue.retention_ms(), now_ms)?;
        let mut attributes = stored.settings.attributes(self.names());
        let told = [
            ("QueueArn", self.names().arn(&queue.name)),
            ("CreatedTimestamp", (stored.created_ms / 1000).to_string()),
            ("LastModifiedTimestamp", (stored.modified_ms / 1000).to_string()),
            ("ApproximateNumberOfMessages", counts.visible.to_string()),
            ("ApproximateNumberOfMessagesNotVisible", counts.in_flight.to_string()),
            ("ApproximateNumberOfMessagesDelayed", counts.delayed.to_string()),
        ];
        attributes.extend(told.map(|(name, value)| (name.to_owned(), value)));
        Ok(attributes)
    }

    /// Names of the queues whose dead letters go to the queue `dead`.
    pub(super) fn sources_of(&self, dead: &str) -> Vec<String> {
        let is_source = |queue: &Queue| {
            queue.settings().redrive.is_some_and(|redrive| redrive.dead_letter_queue == dead)
        };
        let queues = self.queues();
        queues.values().filter(|queue| is_source(queue)).map(|queue| queue.name.clone()).collect()
    }

    fn check_redrive(&self, settings: &Settings) -> Result<(), ApiError> {
        match &settings.redrive {
            Some(redrive) if self.find(&redrive.dead_letter_queue).is_none() => {
                let arn = self.names().arn(&redrive.dead_letter_queue);
                let reason = "Dead letter target does not exist";
                Err(errors::bad_parameter("RedrivePolicy", arn, reason))
            }
            _ => Ok(()),
        }
    }

    fn url_of(&self, name: &str) -> Answer {
        reply(&json!({ "QueueUrl": self.names().url(name) }))
    }
}

/// Creating a queue again is fine if it asks for nothing else than what there is.
fn same_as(queue: &Queue, attributes: &BTreeMap<String, String>) -> Result<(), ApiError> {
    let settings = queue.settings();
    if settings.clone().with(attributes)? == settings {
        Ok(())
    } else {
        Err(errors::queue_exists(&queue.name))
    }
}
