//! Having events delivered again.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use domain::{EventId, Timestamp, TraceId};
use events::DeliveryRequest;
use futures::StreamExt;
use ports::{
    Chain, Clock, Delivery, DeliveryLog, DeliveryState, Endpoint, MessageSender, Replaced,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::deliveries::Place;
use super::{OwnerQuery, TRIES, find};
use crate::endpoint_view::DeliveryView;
use crate::extract::{Path, Query};
use crate::openapi::{Always, Conflict, Forbidden, Invalid, NotFound};
use crate::query_fields::QueryFields;
use crate::{Api, Caller, Parts, Problem, cursor};

/// How many deliveries one call looks at, and how many it reads and sets going at a time.
const MOST: usize = 1000;
const PAGE: usize = 100;
const AT_ONCE: usize = 16;

/// What became of the wish to have an event delivered again.
enum Again {
    /// It is due now.
    Sent(Box<Delivery>),
    /// An attempt is being made.
    UnderWay,
    /// The log has forgotten it.
    Gone,
}

/// Sets a delivery going as if it had never been attempted. The row first: a message that finds nothing
/// due does nothing.
async fn again<P: Parts>(
    api: &Api<P>,
    endpoint: &Endpoint,
    mut before: Delivery,
) -> Result<Again, Problem> {
    for _ in 0..TRIES {
        let now = api.chronicle.clock.now();
        if before.state == DeliveryState::UnderWay && before.next_at > now {
            return Ok(Again::UnderWay);
        }
        let (state, replays) = (DeliveryState::Waiting, before.replays + 1);
        let after = Delivery { state, attempts: 0, replays, next_at: now, ..before.clone() };
        if api.deliveries.write(Some(&before), &after).await? == Replaced::Done {
            if let Err(problem) = send(api, endpoint, &after).await {
                take_back(api, &after, &before).await;
                return Err(problem);
            }
            return Ok(Again::Sent(after.into()));
        }
        match api.deliveries.get(before.event, &endpoint.id).await? {
            Some(newer) => before = newer,
            None => return Ok(Again::Gone),
        }
    }
    Err(Problem::conflict("others keep changing it: ask again in a moment"))
}

/// Nobody was told that the delivery is due, so the row is as it was: if that does not work, the row
/// waits until it is replayed again.
async fn take_back<P: Parts>(api: &Api<P>, due: &Delivery, before: &Delivery) {
    if let Err(error) = api.deliveries.write(Some(due), before).await {
        tracing::warn!(
            job.id = %due.job,
            event.id = %due.event,
            error = %Chain(&error),
            "a delivery stays due that nobody was told of"
        );
    }
}

async fn send<P: Parts>(api: &Api<P>, endpoint: &Endpoint, due: &Delivery) -> Result<(), Problem> {
    let request = DeliveryRequest {
        event_id: due.event.to_string(),
        endpoint_id: endpoint.id.clone(),
        owner: endpoint.owner.clone(),
    };
    let body = serde_json::to_string(&request).expect("strings under string keys");
    Ok(api.queues.deliver.send(&body, Some(&TraceId::of_job(due.job))).await?)
}

/// Has an event delivered again.
///
/// At once, with the whole schedule of attempts before it, and with the same `webhook-id`. The 409 says
/// that an attempt is being made just now.
#[utoipa::path(
    post,
    path = "/api/webhook-endpoints/{id}/deliveries/{eventId}/replay",
    operation_id = "replayDelivery",
    tag = "endpoints",
    params(
        ("id" = String, Path, description = "Identity of the endpoint."),
        ("eventId" = Uuid, Path, description = "Identity of the event."),
        OwnerQuery,
    ),
    responses(
        (status = 202, description = "It is due now.", body = DeliveryView),
        Always, Forbidden, NotFound, Conflict, Invalid,
    ),
)]
pub(super) async fn replay<P: Parts>(
    State(api): State<Arc<Api<P>>>,
    caller: Caller,
    Path((id, event)): Path<(String, String)>,
    Query(query): Query<OwnerQuery>,
) -> Result<(StatusCode, axum::Json<DeliveryView>), Problem> {
    let endpoint = find(&api, query.owner(&caller)?.as_deref(), &id).await?;
    let not_found = || Problem::not_found("delivery");
    let event = EventId::parse(&event).map_err(|_| not_found())?;
    let delivery = api.deliveries.get(event, &endpoint.id).await?.ok_or_else(not_found)?;
    match again(&api, &endpoint, delivery).await? {
        Again::Sent(delivery) => {
            Ok((StatusCode::ACCEPTED, axum::Json(DeliveryView::from(&*delivery))))
        }
        Again::UnderWay => {
            Err(Problem::conflict("an attempt is being made: see what comes of it first"))
        }
        Again::Gone => Err(not_found()),
    }
}

/// Which deliveries are wanted again.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct ReplayQuery {
    /// Whose endpoint; from a service, left out: the house's.
    user_id: Option<String>,
    /// Those first attempted at or after this: RFC 3339.
    #[param(format = DateTime, required = true)]
    since: Option<String>,
    /// Where to go on: `after` of the call before.
    after: Option<String>,
}

/// Where a replay goes on, and where it ends. Without an end it would not get past what it has set going
/// itself, should that be listed anew.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Mark {
    place: Place,
    until: Timestamp,
}

/// What was set going.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct ReplayView {
    /// How many deliveries are due now. One that is being attempted just now is not among them.
    replayed: usize,
    /// Whether there are more: ask again with `after`.
    more: bool,
    /// Where to go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
}

/// Has everything delivered again since an instant.
///
/// For a receiver that was down, or lost what it had: everything first attempted since then, whatever
/// came of it, 1000 at most in one call. It may arrive twice: de-duplicate by `webhook-id`.
#[utoipa::path(
    post,
    path = "/api/webhook-endpoints/{id}/replay",
    operation_id = "replayDeliveries",
    tag = "endpoints",
    params(("id" = String, Path, description = "Identity of the endpoint."), ReplayQuery),
    responses(
        (status = 202, description = "They are due now.", body = ReplayView),
        Always, Forbidden, NotFound, Conflict, Invalid,
    ),
)]
pub(super) async fn replay_all<P: Parts>(
    State(api): State<Arc<Api<P>>>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<ReplayQuery>,
) -> Result<(StatusCode, axum::Json<ReplayView>), Problem> {
    let ReplayQuery { user_id, since, after } = query;
    let owner = OwnerQuery { user_id }.owner(&caller)?;
    let mut fields = QueryFields::default();
    if since.as_deref().unwrap_or_default().is_empty() {
        fields.refuse("since", "it says from when on: RFC 3339");
    }
    let since = fields.instant("since", since.as_deref()).unwrap_or_default();
    let mark: Option<Mark> = fields.read("after", after.as_deref(), cursor::EXPECTED, cursor::read);
    fields.done()?;

    let endpoint = find(&api, owner.as_deref(), &id).await?;
    let replayed = replay_since(&api, &endpoint, since, mark).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(replayed)))
}

async fn replay_since<P: Parts>(
    api: &Api<P>,
    endpoint: &Endpoint,
    since: Timestamp,
    mark: Option<Mark>,
) -> Result<ReplayView, Problem> {
    let until = mark.map_or_else(|| api.chronicle.clock.now(), |mark| mark.until);
    let mut after = mark.map(|mark| mark.place.delivery(&endpoint.id));
    let mut replayed = 0;
    for _ in 0..MOST / PAGE {
        let log = &api.deliveries;
        let mut page = log.of_endpoint(&endpoint.id, since, after.as_ref(), PAGE).await?;
        let was_full = page.len() == PAGE;
        page.retain(|delivery| delivery.first_at <= until);
        let was_last = !was_full || page.len() < PAGE;
        after = page.last().cloned().or(after);
        let set_going = futures::stream::iter(page)
            .map(|delivery| again(api, endpoint, delivery))
            .buffer_unordered(AT_ONCE);
        // All of them, whatever becomes of one: what is begun is not dropped half way.
        let set_going: Vec<Result<Again, Problem>> = set_going.collect().await;
        for one in set_going {
            replayed += usize::from(matches!(one?, Again::Sent(_)));
        }
        if was_last {
            return Ok(ReplayView { replayed, ..ReplayView::default() });
        }
    }
    let mark = after.map(|last| Mark { place: Place::behind(&last), until });
    Ok(ReplayView { replayed, more: true, after: mark.map(|mark| cursor::write(&mark)) })
}
