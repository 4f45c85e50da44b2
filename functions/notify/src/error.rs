//! Why a delivery could not be asked for. The record is delivered again.

use domain::InvalidId;
use ports::{DeliveryLogError, EndpointError, QueueError};

/// A fault.
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
    /// The body or the request could not be encoded.
    #[error("delivery of an event")]
    Encode(#[from] serde_json::Error),
    /// It is not known who asked.
    #[error("endpoints")]
    Endpoints(#[from] EndpointError),
    /// The log of deliveries failed.
    #[error("delivery log")]
    Log(#[from] DeliveryLogError),
    /// The delivery could not be asked for.
    #[error("queue of deliveries")]
    Queue(#[from] QueueError),
}
