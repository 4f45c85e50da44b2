//! Tickets for the events of one job, for those who cannot say who they are: a browser's `EventSource`.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use events::rfc3339;
use ports::{Clock, Registers};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::chance::unguessable;
use crate::extract::Path;
use crate::openapi::{Always, NotFound};
use crate::{Api, Caller, Parts, Problem, lookup};

/// How long a ticket is good.
const GOOD_FOR: Duration = Duration::from_mins(5);

/// What is registered of a ticket.
#[derive(Debug, Serialize, Deserialize)]
struct Held {
    job: String,
    caller: Holder,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Holder {
    User(String),
    Service(String),
    Developer(String),
}

impl From<Caller> for Holder {
    fn from(caller: Caller) -> Self {
        match caller {
            Caller::User(id) => Self::User(id),
            Caller::Service(name) => Self::Service(name),
            Caller::Developer(id) => Self::Developer(id),
        }
    }
}

impl From<Holder> for Caller {
    fn from(holder: Holder) -> Self {
        match holder {
            Holder::User(id) => Self::User(id),
            Holder::Service(name) => Self::Service(name),
            Holder::Developer(id) => Self::Developer(id),
        }
    }
}

/// A ticket for the events of one job.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Ticket {
    /// Where to read the events, from the root of this API; the ticket is in it. It is a secret.
    url: String,
    /// Until when one can connect with it: RFC 3339, UTC, milliseconds.
    expires_at: String,
}

/// A ticket for events.
///
/// For a browser's `EventSource`, which cannot send `authorization`: it is good for the events of this
/// job and for nothing else, for 5 minutes and any number of connections. When a connection is refused
/// with 401, ask for another.
#[utoipa::path(
    post,
    path = "/api/jobs/{id}/events-ticket",
    operation_id = "issueEventsTicket",
    tag = "progress",
    params(("id" = Uuid, Path, description = "Identity of the job.")),
    responses(
        (status = 200, description = "The ticket.", body = Ticket),
        Always, NotFound,
    ),
)]
pub(super) async fn issue<P: Parts>(
    State(api): State<Arc<Api<P>>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<Ticket>, Problem> {
    let job = lookup::job(&api, &caller, &id).await?.id.to_string();
    let ticket = URL_SAFE_NO_PAD.encode(unguessable());
    let url = format!("/api/jobs/{job}/events?ticket={ticket}");
    let expires = api.chronicle.clock.now().plus(GOOD_FOR);
    let held = serde_json::to_string(&Held { job, caller: caller.into() });
    let held = held.expect("strings under string keys");
    // Of those that there can be, it is the only one: nothing is overwritten.
    api.registers.write(&register(&ticket), None, &held, Some(expires)).await?;
    Ok(axum::Json(Ticket { url, expires_at: rfc3339(expires) }))
}

/// Whoever has the ticket; none if it is not one for this job, or no longer.
pub(super) async fn holder<P: Parts>(
    api: &Api<P>,
    ticket: &str,
    job: &str,
) -> Result<Option<Caller>, Problem> {
    let now = api.chronicle.clock.now();
    let Some(found) = api.registers.read(&register(ticket), now).await? else { return Ok(None) };
    let held: Option<Held> = serde_json::from_str(&found.text).ok();
    Ok(held.filter(|held| held.job == job).map(|held| held.caller.into()))
}

/// Where a ticket is registered: by its digest, since names of registers are told when they fail.
fn register(ticket: &str) -> String {
    let digest = Sha256::digest(ticket.as_bytes());
    format!("ticket#{}", URL_SAFE_NO_PAD.encode(digest))
}
