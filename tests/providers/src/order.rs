//! What is remembered, and shown, of orders and requests.

use std::time::SystemTime;

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::clock::rfc3339;
use crate::name::Endpoint;

/// An order that was taken.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Order {
    /// As the provider calls it.
    pub id: String,
    /// Empty where there is none.
    pub prompt: String,
    /// Which model, or which version of one.
    pub model: String,
    /// The request.
    pub body: Value,
    /// Bytes of the photo that was uploaded, or stood in the request. Not known of a URL.
    pub photo: Option<usize>,
    /// When it was taken.
    #[serde(serialize_with = "as_text")]
    pub at: SystemTime,
    /// How it stands.
    pub state: State,
    /// Whether it is charged.
    pub billed: bool,
    /// Where the end is to be told.
    pub user_webhook: Option<String>,
}

/// How an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Others are before it.
    Waiting,
    /// It is about to be worked on.
    Starting,
    /// It is worked on.
    Running,
    /// There is a clip.
    Succeeded,
    /// There will be none.
    Failed,
    /// It was called off.
    Cancelled,
    /// It was given up before it was begun.
    Aborted,
}

impl State {
    /// Whether nothing more will happen.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Waiting | Self::Starting | Self::Running)
    }
}

/// A request that was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Call {
    /// What it asked for.
    pub what: Endpoint,
    /// Its method.
    pub method: String,
    /// Its path and query.
    pub path: String,
    /// What was answered, or would have been if `cut`.
    pub status: u16,
    /// Whether the connection was reset during the answer.
    pub cut: bool,
    /// Whether it had an `Authorization` header.
    pub had_authorization: bool,
    /// When it came.
    #[serde(serialize_with = "as_text")]
    pub at: SystemTime,
}

/// What a provider would charge for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize)]
pub struct Bill {
    /// Orders that were taken.
    pub orders: usize,
    /// Of these, charged.
    pub billed: usize,
    /// Of these, called off.
    pub cancelled: usize,
    /// Of these, failed or given up.
    pub failed: usize,
}

fn as_text<S: Serializer>(at: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&rfc3339(*at))
}
