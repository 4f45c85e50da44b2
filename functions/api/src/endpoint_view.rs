//! Endpoints of webhooks, and deliveries to them, as callers see them.

use std::collections::BTreeMap;

use domain::Timestamp;
use events::rfc3339;
use ports::{Delivery, DeliveryState, Endpoint};
use serde::Serialize;
use utoipa::ToSchema;

/// Why an endpoint is told nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct DisabledView {
    /// Since when: RFC 3339, UTC, milliseconds.
    at: String,
    /// Why, in one sentence.
    reason: String,
}

/// Somebody who asked to be told.
#[derive(Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EndpointView {
    /// Identity.
    pub(crate) id: String,
    /// Whose jobs it is told about; absent: everybody's.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    /// Where webhooks are posted to.
    url: String,
    /// Which facts it is told, by their type; none at all: every one.
    events: Vec<String>,
    /// When it was registered: RFC 3339, UTC, milliseconds.
    created_at: String,
    /// Why it is told nothing; absent: it is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled: Option<DisabledView>,
}

impl From<&Endpoint> for EndpointView {
    fn from(endpoint: &Endpoint) -> Self {
        let disabled = endpoint.disabled.as_ref().map(|disabled| DisabledView {
            at: rfc3339(disabled.at),
            reason: disabled.reason.clone(),
        });
        Self {
            id: endpoint.id.clone(),
            user_id: endpoint.owner.clone(),
            url: endpoint.url.clone(),
            events: endpoint.events.clone(),
            created_at: rfc3339(endpoint.created_at),
            disabled,
        }
    }
}

/// What is posted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct RequestView {
    /// The body, byte for byte.
    body: String,
    /// Headers that are the same in every attempt; `webhook-timestamp` and `webhook-signature` are not.
    headers: BTreeMap<&'static str, String>,
}

/// One event on its way to an endpoint. Times are RFC 3339, UTC, with milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeliveryView {
    /// Identity of the event.
    #[schema(format = Uuid)]
    event_id: String,
    /// The job that it is about.
    #[schema(format = Uuid)]
    job_id: String,
    /// What happened.
    #[serde(rename = "type")]
    kind: String,
    /// `waiting`: the next attempt is due at `nextAt`. `under_way`: one is being made. `delivered`: the
    /// receiver answered 2xx. `given_up`: the schedule is used up, or the receiver is gone. `held`: the
    /// endpoint was disabled when its turn came.
    state: &'static str,
    /// Attempts since it was first due, or since it was last replayed.
    attempts: u32,
    /// How often somebody had it delivered again.
    replays: u32,
    /// When the first attempt was made.
    first_at: String,
    /// When the newest attempt was made.
    last_at: String,
    /// When the next one is due; absent: none is.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_at: Option<String>,
    /// HTTP status of the newest answer; absent: there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// How long the newest answer took, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    took_ms: Option<u64>,
    /// What the newest attempt came to: a status, or what broke.
    outcome: String,
    /// The beginning of the newest answer: 1 KiB at most.
    answer: String,
    /// What is posted.
    request: RequestView,
}

impl From<&Delivery> for DeliveryView {
    fn from(delivery: &Delivery) -> Self {
        let is_due =
            |at: Timestamp| (delivery.state == DeliveryState::Waiting).then(|| rfc3339(at));
        let headers = BTreeMap::from([("webhook-id", delivery.event.to_string())]);
        Self {
            event_id: delivery.event.to_string(),
            job_id: delivery.job.to_string(),
            kind: delivery.detail_type.clone(),
            state: name_of(delivery.state),
            attempts: delivery.attempts,
            replays: delivery.replays,
            first_at: rfc3339(delivery.first_at),
            last_at: rfc3339(delivery.last_at),
            next_at: is_due(delivery.next_at),
            status: delivery.status,
            took_ms: delivery.took_ms,
            outcome: delivery.outcome.clone(),
            answer: delivery.answer.clone(),
            request: RequestView { body: delivery.body.clone(), headers },
        }
    }
}

const fn name_of(state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::Waiting => "waiting",
        DeliveryState::UnderWay => "under_way",
        DeliveryState::Delivered => "delivered",
        DeliveryState::GivenUp => "given_up",
        DeliveryState::Held => "held",
    }
}
