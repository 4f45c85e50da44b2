//! Who asked to be told.

use std::future::Future;

use domain::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Replaced, Source};

/// What webhooks are signed with: `whsec_` and base64. Its `Debug` prints nothing of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WebhookSecret(String);

impl WebhookSecret {
    /// Takes the secret as it is shown to its owner.
    pub const fn new(secret: String) -> Self {
        Self(secret)
    }

    /// The secret as it is shown to its owner, once.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookSecret")
    }
}

/// One secret of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SigningSecret {
    /// The secret.
    pub secret: WebhookSecret,
    /// Until when it signs beside the newer one; none: it is the newest.
    pub until: Option<Timestamp>,
}

/// Why an endpoint is told nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disabled {
    /// Since when.
    pub at: Timestamp,
    /// Why, in one sentence for its owner.
    pub reason: String,
    /// Whether the bus has accepted the fact.
    pub announced: bool,
}

/// Somebody who asked to be told. Its `Debug` leaves the address out.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Identity, unique among all endpoints.
    pub id: String,
    /// Whose jobs it is told about; none: everybody's.
    pub owner: Option<String>,
    /// Where to post to. It may hold somebody's token.
    pub url: String,
    /// The `detail-type`s it is told; none at all: every one.
    pub events: Vec<String>,
    /// What to sign with, the newest first; those whose time is over do not sign.
    pub secrets: Vec<SigningSecret>,
    /// Why it is told nothing, if so.
    pub disabled: Option<Disabled>,
    /// When it was registered.
    pub created_at: Timestamp,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint")
            .field("id", &self.id)
            .field("owner", &self.owner)
            .field("events", &self.events)
            .field("disabled", &self.disabled)
            .finish_non_exhaustive()
    }
}

impl Endpoint {
    /// Whether it asked for facts of this type.
    pub fn wants(&self, detail_type: &str) -> bool {
        self.events.is_empty() || self.events.iter().any(|event| event == detail_type)
    }
}

/// Endpoints failed or could not be reached.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} endpoints of webhooks")]
pub struct EndpointError {
    /// What was to be done.
    pub action: &'static str,
    /// What the table said.
    pub source: Source,
}

/// Endpoints, by owner and id. What was written is read by the next call.
pub trait Endpoints: Send + Sync {
    /// One of them.
    ///
    /// # Errors
    /// [`EndpointError`].
    fn get(
        &self,
        owner: Option<&str>,
        id: &str,
    ) -> impl Future<Output = Result<Option<Endpoint>, EndpointError>> + Send;

    /// Those of `owner`, and of nobody else, by id.
    ///
    /// # Errors
    /// [`EndpointError`].
    fn of_owner(
        &self,
        owner: Option<&str>,
    ) -> impl Future<Output = Result<Vec<Endpoint>, EndpointError>> + Send;

    /// Stores `after` if the endpoint is still `before`; none: if there is none.
    ///
    /// # Errors
    /// [`EndpointError`].
    fn write(
        &self,
        before: Option<&Endpoint>,
        after: &Endpoint,
    ) -> impl Future<Output = Result<Replaced, EndpointError>> + Send;

    /// Removes it, if there is one.
    ///
    /// # Errors
    /// [`EndpointError`].
    fn delete(
        &self,
        owner: Option<&str>,
        id: &str,
    ) -> impl Future<Output = Result<(), EndpointError>> + Send;
}
