//! What was delivered to whom.

use std::future::Future;

use domain::{EventId, JobId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Replaced, Source};

/// How far a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// The next attempt is due at `next_at`.
    Waiting,
    /// An attempt is being made; if nothing is heard of it by `next_at`, it is made again.
    UnderWay,
    /// The receiver answered 2xx.
    Delivered,
    /// The schedule is used up, or the receiver said that it is gone.
    GivenUp,
    /// The endpoint was disabled when its turn came: it can be replayed.
    Held,
}

/// One event on its way to one endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The event.
    pub event: EventId,
    /// Identity of the endpoint.
    pub endpoint: String,
    /// Whose endpoint it is; none: it is told about everybody's jobs.
    #[serde(default)]
    pub owner: Option<String>,
    /// The job that the event is about.
    pub job: JobId,
    /// `detail-type` of the event.
    pub detail_type: String,
    /// How far it is.
    pub state: DeliveryState,
    /// Attempts so far.
    pub attempts: u32,
    /// When the first attempt was made.
    pub first_at: Timestamp,
    /// When the newest attempt was made.
    pub last_at: Timestamp,
    /// When the next one is due.
    pub next_at: Timestamp,
    /// What the newest attempt came to: a status, or what broke.
    pub outcome: String,
    /// The body that is sent, byte for byte.
    #[serde(default)]
    pub body: String,
    /// HTTP status of the newest answer.
    #[serde(default)]
    pub status: Option<u16>,
    /// How long the newest answer took, in milliseconds.
    #[serde(default)]
    pub took_ms: Option<u64>,
    /// The beginning of the newest answer: 1 KiB at most.
    #[serde(default)]
    pub answer: String,
    /// How often somebody had it delivered again.
    #[serde(default)]
    pub replays: u32,
}

/// The log of deliveries failed or could not be reached.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} the delivery of event {event}")]
pub struct DeliveryLogError {
    /// What was to be done.
    pub action: &'static str,
    /// The event, or the job where it was about several.
    pub event: String,
    /// What the log said.
    pub source: Source,
}

/// Deliveries, by event and endpoint.
pub trait DeliveryLog: Send + Sync {
    /// The delivery of `event` to `endpoint`, if it was ever attempted.
    ///
    /// # Errors
    /// [`DeliveryLogError`].
    fn get(
        &self,
        event: EventId,
        endpoint: &str,
    ) -> impl Future<Output = Result<Option<Delivery>, DeliveryLogError>> + Send;

    /// Stores `after` if the delivery is still `before`; none: if it was never attempted.
    ///
    /// # Errors
    /// [`DeliveryLogError`].
    fn write(
        &self,
        before: Option<&Delivery>,
        after: &Delivery,
    ) -> impl Future<Output = Result<Replaced, DeliveryLogError>> + Send;

    /// Up to `limit` deliveries to `endpoint` first attempted at or after `since`, in that order,
    /// behind `after`. May lag behind the newest writes.
    ///
    /// # Errors
    /// [`DeliveryLogError`].
    fn of_endpoint(
        &self,
        endpoint: &str,
        since: Timestamp,
        after: Option<&Delivery>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Delivery>, DeliveryLogError>> + Send;

    /// Every delivery of events about `job`, in the order of their first attempts.
    ///
    /// # Errors
    /// [`DeliveryLogError`].
    fn of_job(
        &self,
        job: JobId,
    ) -> impl Future<Output = Result<Vec<Delivery>, DeliveryLogError>> + Send;
}
