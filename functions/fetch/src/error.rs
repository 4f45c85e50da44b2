//! Why something could not be fetched. The record is delivered again.

use domain::ObjectKey;
use guard::FetchError;
use ports::{ChronicleError, StoreError};

/// A fault. What cannot be used, however often it is asked for, is not one: it is announced.
#[derive(Debug, thiserror::Error)]
pub enum FetchFunctionError {
    /// The notification that triggers this function let a foreign key through.
    #[error("{0} is not a request to fetch")]
    NotARequest(ObjectKey),
    /// What is there is no request.
    #[error("the request at {key} cannot be read")]
    Unreadable {
        /// Key of the request.
        key: ObjectKey,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The request names a place that cannot be one.
    #[error("a place in a request to fetch")]
    Place(#[from] domain::InvalidKey),
    /// It did not come.
    #[error("elsewhere")]
    Elsewhere(#[from] FetchError),
    /// The media bucket failed.
    #[error("media bucket")]
    Store(#[from] StoreError),
    /// The job could not be written or announced.
    #[error("job")]
    Chronicle(#[from] ChronicleError),
    /// The request to render could not be encoded.
    #[error("request to render")]
    Encode(#[from] serde_json::Error),
}
