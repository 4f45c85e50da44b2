//! How paid work ends, and what a provider says no over.

use serde::{Deserialize, Serialize};

use crate::{AttemptState, FailureKind, MicroUsd};

/// What a provider's refusal is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusedOver {
    /// What was asked for cannot be done: another photo, prompt or option may help.
    Input,
    /// The provider's moderation: for a person to look at, never for another provider to try.
    Content,
    /// Our account is out of credit.
    Credit,
    /// The provider does not accept our key.
    Key,
    /// The model is gone, or not ours to use.
    Model,
    /// The provider broke while working on it.
    Fault,
    /// Somebody stopped it at the provider.
    Stopped,
    /// The provider no longer has it.
    Gone,
}

impl RefusedOver {
    /// Whether it is about the provider, so that another one might take the same order.
    pub const fn is_about_provider(self) -> bool {
        matches!(self, Self::Credit | Self::Key | Self::Model)
    }

    /// Which kind of no it is to the person who asked: what is wrong with our account or with the
    /// provider is not their doing.
    pub const fn failure(self) -> FailureKind {
        match self {
            Self::Input | Self::Content | Self::Model => FailureKind::Refused,
            Self::Credit | Self::Key | Self::Fault | Self::Stopped => FailureKind::Fault,
            Self::Gone => FailureKind::Late,
        }
    }

    /// The name in tables and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Content => "content",
            Self::Credit => "credit",
            Self::Key => "key",
            Self::Model => "model",
            Self::Fault => "fault",
            Self::Stopped => "stopped",
            Self::Gone => "gone",
        }
    }
}

/// How an attempt ended, or that it became unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The state it ends in.
    pub state: AttemptState,
    /// What the provider charges for it.
    pub charged: MicroUsd,
    /// What a refusal was about.
    pub refused_over: Option<RefusedOver>,
    /// Which kind of no it was.
    pub failure: Option<FailureKind>,
    /// One sentence: for the person who asked where it failed, for the engineer elsewhere.
    pub note: Option<String>,
}

impl Settlement {
    const fn of(state: AttemptState, charged: MicroUsd) -> Self {
        Self { state, charged, refused_over: None, failure: None, note: None }
    }

    /// The clip is stored and costs this.
    pub const fn succeeded(charged: MicroUsd) -> Self {
        Self::of(AttemptState::Succeeded, charged)
    }

    /// The order was provably not taken.
    pub fn not_taken(note: Option<String>) -> Self {
        Self { note, ..Self::of(AttemptState::NotTaken, MicroUsd::ZERO) }
    }

    /// Whether it was taken is not known.
    pub fn unknown(note: String) -> Self {
        Self { note: Some(note), ..Self::of(AttemptState::Unknown, MicroUsd::ZERO) }
    }

    /// The provider said no, and charges this nevertheless.
    pub fn refused(over: RefusedOver, reason: String, charged: MicroUsd) -> Self {
        Self {
            refused_over: Some(over),
            failure: Some(over.failure()),
            note: Some(reason),
            ..Self::of(AttemptState::Failed, charged)
        }
    }

    /// We stopped trying to get what may have been charged.
    pub fn given_up(kind: FailureKind, reason: String, charged: MicroUsd) -> Self {
        Self { failure: Some(kind), note: Some(reason), ..Self::of(AttemptState::Failed, charged) }
    }

    /// Somebody called it off; this is charged nevertheless.
    pub fn cancelled(charged: MicroUsd, note: String) -> Self {
        Self { note: Some(note), ..Self::of(AttemptState::Cancelled, charged) }
    }
}
