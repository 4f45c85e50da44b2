//! Events as the bus and as webhooks deliver them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::facts::Envelope;

/// An event as a rule of the bus puts it in a queue. Other fields of the bus are ignored.
///
/// Source: Amazon `EventBridge` User Guide, "Events".
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BusEvent {
    /// `stillmotion.` and the name of a function.
    pub source: String,
    /// A past-tense name and a version.
    #[serde(rename = "detail-type")]
    pub detail_type: String,
    /// Envelope and fact.
    pub detail: Value,
}

impl BusEvent {
    /// What every fact carries.
    ///
    /// # Errors
    /// If `detail` is not of this project.
    pub fn envelope(&self) -> Result<Envelope, serde_json::Error> {
        Envelope::deserialize(&self.detail)
    }
}

/// The body of a webhook.
///
/// Source: Standard Webhooks specification, "Payload structure".
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WebhookBody {
    /// What happened: the event's `detail-type`.
    #[serde(rename = "type")]
    pub kind: String,
    /// When it happened: RFC 3339, UTC, milliseconds.
    pub timestamp: String,
    /// The event's `detail`.
    pub data: Value,
}
