//! `infra/topology.json`: the wiring of the chain, as it is written, and as the embedded cloud and
//! the pollers need it.

use std::collections::BTreeMap;
use std::time::Duration;

use local_cloud as cloud;
use serde::Deserialize;
use serde_json::Value;

/// The wiring of the chain.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Topology {
    /// The media bucket.
    pub bucket: Bucket,
    /// The bus.
    pub bus: Bus,
    /// Queues by name.
    pub queues: BTreeMap<String, Queue>,
    /// Tables by name.
    pub tables: BTreeMap<String, Table>,
    /// Secrets by name: the settings that each holds.
    pub secrets: BTreeMap<String, Vec<String>>,
    /// Functions by name.
    pub functions: BTreeMap<String, Function>,
}

/// A bucket.
#[derive(Clone, Debug, Deserialize)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// Which objects are told to which queue.
    pub notifications: Vec<Notification>,
}

/// Objects created under a prefix are told to a queue.
#[derive(Clone, Debug, Deserialize)]
pub struct Notification {
    /// Keys begin with this.
    pub prefix: String,
    /// Who is told.
    pub queue: String,
}

/// The bus.
#[derive(Clone, Debug, Deserialize)]
pub struct Bus {
    /// Which events go where.
    pub rules: Vec<Rule>,
}

/// Events that match a pattern go to a queue.
#[derive(Clone, Debug, Deserialize)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// `EventBridge` event pattern.
    pub pattern: Value,
    /// Who is told.
    pub queue: String,
}

/// A queue.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Queue {
    /// How long a received message stays invisible, in seconds.
    pub visibility_timeout_secs: u32,
    /// How long a message is kept, in seconds.
    pub retention_secs: u32,
    /// Deliveries before a message moves to the dead-letter queue.
    pub max_receive_count: Option<u32>,
    /// Where it moves to; a dead-letter queue itself has none.
    pub dead_letter_queue: Option<String>,
}

/// A table.
#[derive(Clone, Debug, Deserialize)]
pub struct Table {
    /// Its key.
    pub key: cloud::Key,
    /// Types of the key attributes.
    pub attributes: BTreeMap<String, cloud::AttributeType>,
    /// Its global secondary indexes.
    pub indexes: Vec<cloud::Index>,
    /// The attribute that says when a row is to be gone, in seconds since the epoch.
    #[serde(default)]
    pub expires: Option<String>,
}

/// A function, what triggers it and what it may do.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Function {
    /// What makes it run.
    pub trigger: Trigger,
    /// An invocation that takes longer has failed, in seconds.
    pub timeout_secs: u32,
    /// Memory, in MiB.
    pub memory_mb: u32,
    /// Prefixes of the bucket that it reads.
    pub reads: Vec<String>,
    /// Prefixes of the bucket that it writes.
    pub writes: Vec<String>,
    /// Queues that it sends to.
    pub sends: Vec<String>,
    /// Prefixes of the bucket that it removes objects from.
    #[serde(default)]
    pub deletes: Vec<String>,
    /// What it puts on the bus.
    pub publishes: Vec<Published>,
    /// Tables that it uses, and how.
    pub tables: BTreeMap<String, Vec<Access>>,
    /// Secrets that it reads.
    #[serde(default)]
    pub secrets: Vec<String>,
    /// What has to be beside its program: `ffmpeg`, `fonts`.
    #[serde(default)]
    pub layers: Vec<String>,
    /// Room for temporary files, in MiB; none: what a function has anyway.
    #[serde(default)]
    pub temporary_mb: Option<u32>,
}

/// What is done with a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Rows are got and queried, by its indexes too.
    Read,
    /// Rows are put, updated and, in transactions, checked.
    Write,
    /// Rows are deleted.
    Delete,
}

/// Facts that a function puts on the bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Published {
    /// About jobs: whoever finds one unpublished publishes it, so any of them.
    Jobs,
    /// About endpoints of webhooks.
    Endpoints,
}

/// What makes a function run.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
pub enum Trigger {
    /// Messages of a queue.
    Queue {
        /// The queue.
        queue: String,
        /// Most messages of an invocation.
        batch_size: u32,
        /// How long to wait for more, in seconds.
        batch_window_secs: u32,
        /// Most invocations at a time.
        maximum_concurrency: u32,
    },
    /// A schedule.
    Schedule {
        /// The pause between invocations, in seconds.
        every_secs: u32,
    },
    /// Requests from outside.
    Http {
        /// Method and path.
        http: String,
    },
}

impl Function {
    /// The queue that feeds it, if one does.
    pub fn queue(&self) -> Option<&str> {
        match &self.trigger {
            Trigger::Queue { queue, .. } => Some(queue),
            Trigger::Schedule { .. } | Trigger::Http { .. } => None,
        }
    }

    /// How long an invocation may take.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_secs.into())
    }
}

/// The name that something has in the embedded cloud.
pub fn physical(name: &str) -> String {
    format!("stillmotion-{name}")
}

/// The name of the bus in the embedded cloud.
pub const BUS: &str = "stillmotion";

impl Topology {
    /// The topology that this program was built with.
    ///
    /// # Panics
    /// Never: a test reads the same text.
    pub fn built_in() -> Self {
        serde_json::from_str(include_str!("../../infra/topology.json"))
            .expect("infra/topology.json is read by a test")
    }

    /// The same without a rule, whose events go nowhere then.
    #[must_use]
    pub fn without_rule(mut self, name: &str) -> Self {
        self.bus.rules.retain(|rule| rule.name != name);
        self
    }

    /// The same for the embedded cloud. `cors_origins` may use the bucket from a browser.
    pub fn wiring(&self, cors_origins: &[String]) -> cloud::Wiring {
        cloud::Wiring {
            buckets: vec![self.bucket_wiring(cors_origins)],
            queues: self.queues.iter().map(|(name, queue)| queue.wiring(name)).collect(),
            tables: self.tables.iter().map(|(name, table)| table.wiring(name)).collect(),
            buses: vec![cloud::Bus {
                name: BUS.to_owned(),
                rules: self.bus.rules.iter().map(Rule::wiring).collect(),
            }],
        }
    }

    fn bucket_wiring(&self, cors_origins: &[String]) -> cloud::Bucket {
        let notification = |notification: &Notification| cloud::Notification {
            id: notification.queue.clone(),
            prefix: notification.prefix.clone(),
            suffix: None,
            queue: physical(&notification.queue),
        };
        cloud::Bucket {
            name: physical(&self.bucket.name),
            notifications: self.bucket.notifications.iter().map(notification).collect(),
            cors_origins: cors_origins.to_vec(),
        }
    }
}

impl Rule {
    fn wiring(&self) -> cloud::Rule {
        cloud::Rule {
            name: physical(&self.name),
            pattern: self.pattern.clone(),
            targets: vec![cloud::Target::Queue(physical(&self.queue))],
        }
    }
}

impl Queue {
    fn wiring(&self, name: &str) -> cloud::Queue {
        let redrive = self.dead_letter_queue.as_ref().zip(self.max_receive_count);
        cloud::Queue {
            name: physical(name),
            visibility_timeout_secs: self.visibility_timeout_secs,
            retention_secs: self.retention_secs,
            redrive: redrive.map(|(queue, max_receive_count)| cloud::Redrive {
                dead_letter_queue: physical(queue),
                max_receive_count,
            }),
        }
    }
}

impl Table {
    fn wiring(&self, name: &str) -> cloud::Table {
        cloud::Table {
            name: physical(name),
            key: self.key.clone(),
            indexes: self.indexes.clone(),
            attribute_types: self.attributes.clone(),
            ttl_attribute: self.expires.clone(),
        }
    }
}
