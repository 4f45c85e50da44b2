//! Which provider, and what was asked of it.

use serde::{Deserialize, Serialize};

/// One of the providers that are played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Name {
    /// LTX, v2 and the legacy v1.
    Ltx,
    /// Runway.
    Runway,
    /// Replicate, where Stable Video Diffusion runs.
    Replicate,
    /// fal, where Pika runs.
    Fal,
}

impl Name {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Ltx, Self::Runway, Self::Replicate, Self::Fal];

    /// As it is written in paths.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ltx => "ltx",
            Self::Runway => "runway",
            Self::Replicate => "replicate",
            Self::Fal => "fal",
        }
    }

    /// The provider that is written so in paths.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.as_str() == text)
    }

    /// What the paths of its API begin with.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Self::Ltx => "/ltx",
            Self::Runway => "/runway",
            Self::Replicate => "/replicate/v1",
            Self::Fal => "/fal",
        }
    }

    /// Whether orders above the limit wait; otherwise they are not taken.
    pub(crate) fn queues(self) -> bool {
        matches!(self, Self::Runway | Self::Fal)
    }
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// Order a clip.
    Submit,
    /// Ask how an order stands.
    Look,
    /// Ask for what became of an order (fal).
    Result,
    /// Call an order off.
    Cancel,
    /// Ask where to put a photo; at Replicate, put it.
    Upload,
    /// Put a photo where it was told to go.
    UploadTarget,
    /// Fetch a clip.
    Download,
    /// Ask for the secret of webhooks (Replicate).
    Secret,
    /// Ask for the public keys of webhooks (fal).
    Jwks,
    /// Ask for the balance.
    Account,
    /// Something that the provider does not have.
    Other,
}
