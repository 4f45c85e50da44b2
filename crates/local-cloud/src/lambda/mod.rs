//! What Lambda does around a function: polls its queue, runs it, deletes what it did.
//!
//! Works over the wire with any SQS, so the same pollers run against other emulators.

mod event;
mod invocation;
mod poller;
mod schedule;
mod verdict;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use serde_json::Value;

pub use poller::poll;
pub use schedule::schedule;

/// A function: takes an event, gives an answer. Dropping the future ends the invocation.
pub type Invoke = Arc<
    dyn Fn(Value) -> BoxFuture<'static, Result<Value, Box<dyn Error + Send + Sync>>> + Send + Sync,
>;

/// Which queue feeds which function, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventSourceMapping {
    /// Name of the function, for the log.
    pub function: String,
    /// URL of the queue.
    pub queue_url: String,
    /// ARN of the queue, `eventSourceARN` of every record.
    pub queue_arn: String,
    /// Region of the queue, `awsRegion` of every record.
    pub region: String,
    /// Most records of an invocation.
    pub batch_size: u32,
    /// How long to wait for a batch to fill up after its first record; zero does not wait.
    pub batch_window: Duration,
    /// Most invocations at a time.
    pub maximum_concurrency: u32,
    /// An invocation that takes longer has failed.
    pub function_timeout: Duration,
}
