//! What was delivered to an endpoint.

use std::sync::Arc;

use axum::extract::State;
use domain::{EventId, JobId, Timestamp};
use ports::{Delivery, DeliveryLog, DeliveryState};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{OwnerQuery, find};
use crate::endpoint_view::DeliveryView;
use crate::extract::{Path, Query};
use crate::openapi::{Always, Forbidden, Invalid, NotFound};
use crate::query_fields::QueryFields;
use crate::{Api, Caller, Parts, Problem, cursor};

/// A place in the listing: right behind this delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    first_at: Timestamp,
    event: EventId,
    job: JobId,
}

impl Place {
    /// The place right behind `delivery`.
    pub(super) const fn behind(delivery: &Delivery) -> Self {
        let Delivery { first_at, event, job, .. } = *delivery;
        Self { first_at, event, job }
    }

    /// What stands at this place in the log of `endpoint`: as much of it as places it.
    pub(super) fn delivery(self, endpoint: &str) -> Delivery {
        let Self { first_at, event, job } = self;
        Delivery {
            event,
            endpoint: endpoint.to_owned(),
            owner: None,
            job,
            detail_type: String::new(),
            state: DeliveryState::Waiting,
            attempts: 0,
            first_at,
            last_at: first_at,
            next_at: first_at,
            outcome: String::new(),
            body: String::new(),
            status: None,
            took_ms: None,
            answer: String::new(),
            replays: 0,
        }
    }
}

/// Which deliveries are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct DeliveriesQuery {
    /// Whose endpoint; from a service, left out: the house's.
    user_id: Option<String>,
    /// Only those first attempted at or after this: RFC 3339.
    #[param(format = DateTime)]
    since: Option<String>,
    /// Where to go on: `nextCursor` of the part before.
    cursor: Option<String>,
    /// How many at most: 1 to 100; 20 unless it is said.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<String>,
}

/// A part of a listing.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeliveryPage {
    /// The deliveries, in the order of their first attempts.
    deliveries: Vec<DeliveryView>,
    /// Where the next part begins; absent: this was the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// What was delivered.
///
/// Every event for this endpoint of the last 30 days, with what the receiver answered, in the order of
/// their first attempts.
#[utoipa::path(
    get,
    path = "/api/webhook-endpoints/{id}/deliveries",
    operation_id = "listDeliveries",
    tag = "endpoints",
    params(("id" = String, Path, description = "Identity of the endpoint."), DeliveriesQuery),
    responses(
        (status = 200, description = "A part of the listing.", body = DeliveryPage),
        Always, Forbidden, NotFound, Invalid,
    ),
)]
pub(super) async fn list<P: Parts>(
    State(api): State<Arc<Api<P>>>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<DeliveriesQuery>,
) -> Result<axum::Json<DeliveryPage>, Problem> {
    let DeliveriesQuery { user_id, since, cursor, limit } = query;
    let owner = OwnerQuery { user_id }.owner(&caller)?;
    let mut fields = QueryFields::default();
    let since = fields.instant("since", since.as_deref()).unwrap_or_default();
    let after: Option<Place> =
        fields.read("cursor", cursor.as_deref(), cursor::EXPECTED, cursor::read);
    let limit = fields.limit(limit.as_deref());
    fields.done()?;

    let endpoint = find(&api, owner.as_deref(), &id).await?;
    let after = after.map(|place| place.delivery(&endpoint.id));
    // One more, to know whether there is one.
    let found = api.deliveries.of_endpoint(&endpoint.id, since, after.as_ref(), limit + 1).await?;
    let part = &found[..found.len().min(limit)];
    let next = part.last().filter(|_| found.len() > limit);
    Ok(axum::Json(DeliveryPage {
        deliveries: part.iter().map(DeliveryView::from).collect(),
        next_cursor: next.map(|last| cursor::write(&Place::behind(last))),
    }))
}
