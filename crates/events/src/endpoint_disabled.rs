//! The fact that is about no job.

use domain::{EventId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::facts::Fact;
use crate::wire::rfc3339;

/// An event that is about no job, as it is published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// Identity of the fact.
    pub id: EventId,
    /// `source`: `stillmotion.` and the name of a function.
    pub source: String,
    /// `detail-type`: a past-tense name and a version.
    pub detail_type: String,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// `detail`, as JSON text.
    pub detail: String,
}

/// A webhook endpoint is told nothing any more, until its owner enables it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebhookEndpointDisabled {
    /// Identity of the fact, the same in every delivery: de-duplicate by it.
    pub id: String,
    /// When it happened: RFC 3339, UTC, milliseconds.
    pub occurred_at: String,
    /// The endpoint.
    pub endpoint_id: String,
    /// Whose endpoint it is; absent: it was told about everybody's jobs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// Why, in one sentence for its owner.
    pub reason: String,
}

impl Fact for WebhookEndpointDisabled {
    const DETAIL_TYPE: &'static str = "WebhookEndpointDisabled.v1";
}

impl WebhookEndpointDisabled {
    /// The event that an endpoint was disabled at an instant.
    ///
    /// # Panics
    /// Never: the fact can be written.
    pub fn announce(
        endpoint: &str,
        owner: Option<&str>,
        at: Timestamp,
        reason: &str,
    ) -> Announcement {
        let id = EventId::of_endpoint(endpoint, at.epoch_ms());
        let fact = Self {
            id: id.to_string(),
            occurred_at: rfc3339(at),
            endpoint_id: endpoint.to_owned(),
            user_id: owner.map(ToOwned::to_owned),
            reason: reason.to_owned(),
        };
        Announcement {
            id,
            source: "stillmotion.deliver".to_owned(),
            detail_type: Self::DETAIL_TYPE.to_owned(),
            occurred_at: at,
            detail: serde_json::to_string(&fact).expect("a fact is strings under string keys"),
        }
    }
}
