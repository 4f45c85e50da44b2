//! Why a delivery could not be attempted. The record is delivered again.

use domain::InvalidId;
use ports::{DeliveryLogError, EndpointError, PublishError, RegisterError};

/// A fault. A receiver that does not answer as it should is not one: it is tried again later.
#[derive(Debug, thiserror::Error)]
pub enum DeliverError {
    /// The request names something that is no event.
    #[error("request for a delivery")]
    Id(#[from] InvalidId),
    /// The log of deliveries failed.
    #[error("delivery log")]
    Log(#[from] DeliveryLogError),
    /// It is not known where to post to.
    #[error("endpoints")]
    Endpoints(#[from] EndpointError),
    /// It is not known whether the receiver is to be left alone.
    #[error("breaker")]
    Register(#[from] RegisterError),
    /// Others kept writing it.
    #[error("the breaker of endpoint {0} keeps changing")]
    Contended(String),
    /// There is nothing to sign with.
    #[error("endpoint {0} has no secret")]
    NoSecret(String),
    /// A secret of an endpoint is not one.
    #[error("secret of endpoint {endpoint}")]
    Secret {
        /// Identity of the endpoint.
        endpoint: String,
        /// What is wrong with it.
        source: standardwebhooks::WebhookError,
    },
    /// The bus did not take the fact that an endpoint was disabled.
    #[error("event bus")]
    Publish(#[from] PublishError),
}
