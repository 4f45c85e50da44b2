//! What a cloud holds and how its parts are connected, as plain data.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

/// Everything that exists when a cloud is ready.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Wiring {
    /// Buckets and the queues they notify.
    pub buckets: Vec<Bucket>,
    /// Queues, dead-letter queues included.
    pub queues: Vec<Queue>,
    /// `DynamoDB` tables.
    pub tables: Vec<Table>,
    /// Event buses and their rules.
    pub buses: Vec<Bus>,
}

/// One S3 bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bucket {
    /// Name of the bucket.
    pub name: String,
    /// Which created objects are told to which queue.
    #[serde(default)]
    pub notifications: Vec<Notification>,
    /// Origins whose browsers may use the bucket; `*` is any.
    #[serde(default)]
    pub cors_origins: Vec<String>,
}

/// Objects created under a prefix are told to a queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    /// Identity of the notification, `configurationId` in the event.
    pub id: String,
    /// Keys must begin with this.
    #[serde(default)]
    pub prefix: String,
    /// Keys must end with this, if given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suffix: Option<String>,
    /// Name of the queue that is told.
    pub queue: String,
}

/// One SQS standard queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Queue {
    /// Name of the queue.
    pub name: String,
    /// How long a received message stays invisible unless the receiver says otherwise, in seconds.
    #[serde(default = "default_visibility_timeout_secs")]
    pub visibility_timeout_secs: u32,
    /// How long a message is kept, in seconds.
    #[serde(default = "default_retention_secs")]
    pub retention_secs: u32,
    /// Where messages go that were received too often.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redrive: Option<Redrive>,
}

/// When a message leaves its queue for a dead-letter queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Redrive {
    /// Name of the dead-letter queue.
    pub dead_letter_queue: String,
    /// Receives after which the next one moves the message instead.
    pub max_receive_count: u32,
}

/// One `DynamoDB` table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Table {
    /// Name of the table.
    pub name: String,
    /// Primary key.
    pub key: Key,
    /// Global secondary indexes; all project every attribute.
    #[serde(default)]
    pub indexes: Vec<Index>,
    /// Types of key attributes; a key attribute that is not listed is a string.
    #[serde(default)]
    pub attribute_types: BTreeMap<String, AttributeType>,
    /// Attribute that holds the expiry of an item, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_attribute: Option<String>,
}

/// Primary key of a table: names of attributes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Key {
    /// Partition key.
    pub partition: String,
    /// Sort key, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort: Option<String>,
}

/// A global secondary index: its name and the attributes of its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    /// Name of the index.
    pub name: String,
    /// Partition key.
    pub partition: String,
    /// Sort key, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort: Option<String>,
}

/// Type of a key attribute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AttributeType {
    /// A string.
    #[default]
    S,
    /// A number.
    N,
}

/// One event bus.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bus {
    /// Name of the bus.
    pub name: String,
    /// Which events go where.
    #[serde(default)]
    pub rules: Vec<Rule>,
}

/// Events that match a pattern go to every target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// Name of the rule.
    pub name: String,
    /// `EventBridge` event pattern.
    pub pattern: serde_json::Value,
    /// Who gets the events.
    #[serde(default)]
    pub targets: Vec<Target>,
}

/// Who gets an event.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Target {
    /// The queue of this name.
    Queue(String),
    /// A URL that is called with the event as the body of a POST.
    ApiDestination {
        /// Where the event is posted.
        endpoint: Url,
        /// Header that carries the credential, as an API key connection does.
        header_name: String,
        /// The credential. `Debug` does not print it.
        header_value: String,
    },
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Queue(name) => f.debug_tuple("Queue").field(name).finish(),
            Self::ApiDestination { endpoint, header_name, .. } => f
                .debug_struct("ApiDestination")
                .field("endpoint", &endpoint.as_str())
                .field("header_name", header_name)
                .finish_non_exhaustive(),
        }
    }
}

fn default_visibility_timeout_secs() -> u32 {
    30
}

fn default_retention_secs() -> u32 {
    4 * 24 * 60 * 60
}
