//! Who is told by webhooks: registered, looked at, given another secret, enabled again, removed.

mod deliveries;
#[cfg(test)]
mod deliveries_tests;
mod new;
mod replays;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use events::rfc3339;
use ports::{Clock, Endpoint, Endpoints, NOBODY, Replaced, SigningSecret, WebhookSecret};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, OpenApi, ToSchema};

use crate::chance::unguessable;
use crate::endpoint_view::EndpointView;
use crate::extract::{Path, Query};
use crate::openapi::{Always, Conflict, Forbidden, Invalid, NotFound};
use crate::query_fields::{MAX_USER, QueryFields};
use crate::{Api, Caller, Parts, Problem};

#[derive(OpenApi)]
#[openapi(paths(
    new::register,
    list,
    show,
    delete,
    rotate_secret,
    enable,
    deliveries::list,
    replays::replay,
    replays::replay_all
))]
struct Docs;

/// The calls of this group, described.
pub(super) fn docs() -> utoipa::openapi::OpenApi {
    Docs::openapi()
}

/// The calls of this group.
pub(super) fn routes<P: Parts>() -> Router<Arc<Api<P>>> {
    let one = "/api/webhook-endpoints/{id}";
    Router::new()
        .route("/api/webhook-endpoints", get(list::<P>).post(new::register::<P>))
        .route(one, get(show::<P>).delete(delete::<P>))
        .route(&format!("{one}/rotate-secret"), post(rotate_secret::<P>))
        .route(&format!("{one}/enable"), post(enable::<P>))
        .route(&format!("{one}/deliveries"), get(deliveries::list::<P>))
        .route(&format!("{one}/deliveries/{{eventId}}/replay"), post(replays::replay::<P>))
        .route(&format!("{one}/replay"), post(replays::replay_all::<P>))
}

/// How long an older secret signs beside the newer one.
const OVERLAP: Duration = Duration::from_hours(24);

/// How often a row is written when others write it at the same time.
const TRIES: usize = 8;

/// Longest id of an endpoint, in characters.
const MAX_ID: usize = 64;

/// Whose endpoint it is.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct OwnerQuery {
    /// Whose endpoint; from a service, left out: the house's.
    user_id: Option<String>,
}

impl OwnerQuery {
    fn owner(&self, caller: &Caller) -> Result<Option<String>, Problem> {
        owner(caller, self.user_id.as_deref().filter(|id| !id.is_empty()), "userId")
    }
}

/// Whose endpoints are meant, as `field` says; none: the house's.
fn owner(caller: &Caller, wanted: Option<&str>, field: &str) -> Result<Option<String>, Problem> {
    let mut fields = QueryFields::default();
    // A job of nobody's has no owner who could be told.
    if wanted.is_some_and(|id| id == NOBODY || !(1..=MAX_USER).contains(&id.chars().count())) {
        fields
            .refuse(field, format!("it should be the id of a user: at most {MAX_USER} characters"));
    }
    fields.done()?;
    caller.user(wanted)
}

/// Nothing else is asked for: what is longer fits into no key of the table.
fn check_id(id: &str) -> Result<(), Problem> {
    let is_ours = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if (1..=MAX_ID).contains(&id.len()) && id.bytes().all(is_ours) {
        return Ok(());
    }
    Err(Problem::not_found("endpoint"))
}

/// The endpoint of this owner.
async fn find<P: Parts>(api: &Api<P>, owner: Option<&str>, id: &str) -> Result<Endpoint, Problem> {
    check_id(id)?;
    let found = api.endpoints.get(owner, id).await?;
    found.ok_or_else(|| Problem::not_found("endpoint"))
}

/// The endpoint after a change, which is made to it as it is by then.
async fn change<P: Parts>(
    api: &Api<P>,
    owner: Option<&str>,
    id: &str,
    change: impl Fn(&mut Endpoint),
) -> Result<Endpoint, Problem> {
    for _ in 0..TRIES {
        let before = find(api, owner, id).await?;
        let mut after = before.clone();
        change(&mut after);
        if after == before || api.endpoints.write(Some(&before), &after).await? == Replaced::Done {
            return Ok(after);
        }
    }
    Err(Problem::conflict("others keep changing it: ask again in a moment"))
}

/// A secret that nobody has yet.
fn new_secret() -> WebhookSecret {
    WebhookSecret::new(format!("whsec_{}", STANDARD.encode(unguessable())))
}

/// Endpoints of one owner.
#[derive(Serialize, ToSchema)]
struct EndpointList {
    /// All of them, by id.
    endpoints: Vec<EndpointView>,
}

/// Who is told.
///
/// The endpoints of one owner, without their secrets.
#[utoipa::path(
    get,
    path = "/api/webhook-endpoints",
    operation_id = "listEndpoints",
    tag = "endpoints",
    params(OwnerQuery),
    responses(
        (status = 200, description = "All of them.", body = EndpointList),
        Always, Forbidden, Invalid,
    ),
)]
async fn list<P: Parts>(
    State(api): State<Arc<Api<P>>>,
    caller: Caller,
    Query(query): Query<OwnerQuery>,
) -> Result<axum::Json<EndpointList>, Problem> {
    let owner = query.owner(&caller)?;
    let endpoints = api.endpoints.of_owner(owner.as_deref()).await?;
    Ok(axum::Json(EndpointList { endpoints: endpoints.iter().map(EndpointView::from).collect() }))
}

/// One endpoint.
#[utoipa::path(
    get,
    path = "/api/webhook-endpoints/{id}",
    operation_id = "showEndpoint",
    tag = "endpoints",
    params(("id" = String, Path, description = "Identity of the endpoint."), OwnerQuery),
    responses(
        (status = 200, description = "The endpoint.", body = EndpointView),
        Always, Forbidden, NotFound, Invalid,
    ),
)]
async fn show<P: Parts>(
    State(api): State<Arc<Api<P>>>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<OwnerQuery>,
) -> Result<axum::Json<EndpointView>, Problem> {
    let endpoint = find(&api, query.owner(&caller)?.as_deref(), &id).await?;
    Ok(axum::Json(EndpointView::from(&endpoint)))
}

/// Removes an endpoint.
///
/// It is told nothing any more. Removing it again changes nothing.
#[utoipa::path(
    delete,
    path = "/api/webhook-endpoints/{id}",
    operation_id = "deleteEndpoint",
    tag = "endpoints",
    params(("id" = String, Path, description = "Identity of the endpoint."), OwnerQuery),
    responses(
        (status = 204, description = "There is none of yours under this id any more."),
        Always, Forbidden, NotFound, Invalid,
    ),
)]
async fn delete<P: Parts>(
    State(api): State<Arc<Api<P>>>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<OwnerQuery>,
) -> Result<StatusCode, Problem> {
    let owner = query.owner(&caller)?;
    check_id(&id)?;
    api.endpoints.delete(owner.as_deref(), &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A new secret.
#[derive(Serialize, ToSchema)]
struct Rotated {
    /// What webhooks are signed with from now on. It is shown this once.
    secret: String,
    /// Until when the older secret signs too, beside this one: RFC 3339, UTC, milliseconds.
    until: String,
}

/// Gives an endpoint another secret.
///
/// For 24 hours webhooks carry two signatures, one by each secret: put the new one in place within that
/// time. A secret that was older still stops signing at once.
#[utoipa::path(
    post,
    path = "/api/webhook-endpoints/{id}/rotate-secret",
    operation_id = "rotateEndpointSecret",
    tag = "endpoints",
    params(("id" = String, Path, description = "Identity of the endpoint."), OwnerQuery),
    responses(
        (status = 200, description = "The new secret.", body = Rotated),
        Always, Forbidden, NotFound, Conflict, Invalid,
    ),
)]
async fn rotate_secret<P: Parts>(
    State(api): State<Arc<Api<P>>>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<OwnerQuery>,
) -> Result<axum::Json<Rotated>, Problem> {
    let owner = query.owner(&caller)?;
    let (secret, until) = (new_secret(), api.chronicle.clock.now().plus(OVERLAP));
    let rotate = |endpoint: &mut Endpoint| {
        endpoint.secrets.truncate(1);
        for older in &mut endpoint.secrets {
            older.until = Some(until);
        }
        endpoint.secrets.insert(0, SigningSecret { secret: secret.clone(), until: None });
    };
    change(&api, owner.as_deref(), &id, rotate).await?;
    let secret = secret.expose().to_owned();
    Ok(axum::Json(Rotated { secret, until: rfc3339(until) }))
}

/// Has an endpoint told again.
///
/// What was held while it was disabled is not delivered by itself: replay it.
#[utoipa::path(
    post,
    path = "/api/webhook-endpoints/{id}/enable",
    operation_id = "enableEndpoint",
    tag = "endpoints",
    params(("id" = String, Path, description = "Identity of the endpoint."), OwnerQuery),
    responses(
        (status = 200, description = "The endpoint.", body = EndpointView),
        Always, Forbidden, NotFound, Conflict, Invalid,
    ),
)]
async fn enable<P: Parts>(
    State(api): State<Arc<Api<P>>>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<OwnerQuery>,
) -> Result<axum::Json<EndpointView>, Problem> {
    let owner = query.owner(&caller)?;
    let endpoint = change(&api, owner.as_deref(), &id, |one| one.disabled = None).await?;
    Ok(axum::Json(EndpointView::from(&endpoint)))
}
