//! Why an event could not be told. The record is delivered again.

use domain::InvalidId;
use ports::DeliveryLogError;

/// A fault. A receiver that does not answer as it should is not one: it is tried again later.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// The event is not of this project.
    #[error("detail of {detail_type}")]
    Foreign {
        /// Its `detail-type`.
        detail_type: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The event names something that is no id.
    #[error("detail of an event")]
    Id(#[from] InvalidId),
    /// The body could not be encoded.
    #[error("body of the webhook")]
    Encode(#[from] serde_json::Error),
    /// The secret of an endpoint is not one.
    #[error("secret of endpoint {endpoint}")]
    Secret {
        /// Name of the endpoint.
        endpoint: String,
        /// What is wrong with it.
        source: standardwebhooks::WebhookError,
    },
    /// The record of deliveries failed.
    #[error("delivery log")]
    Log(#[from] DeliveryLogError),
}
