//! `GET /api/usage`: what is used, and what may be.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use domain::Account;
use ports::{Ledger, Meters, bytes_meter, jobs_meter};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, OpenApi, ToSchema};

use crate::caller::owner;
use crate::extract::Query;
use crate::openapi::{Always, Forbidden, Invalid};
use crate::query_fields::QueryFields;
use crate::{Api, Caller, Parts, Problem};

#[derive(OpenApi)]
#[openapi(paths(usage))]
struct Docs;

/// The calls of this group, described.
pub(super) fn docs() -> utoipa::openapi::OpenApi {
    Docs::openapi()
}

/// The calls of this group.
pub(super) fn routes<P: Parts>() -> Router<Arc<Api<P>>> {
    Router::new().route("/api/usage", get(usage::<P>))
}

/// Whose usage is asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct UsageQuery {
    /// The user; that of the token, unless a service asks. A service that names none sees what nobody
    /// in particular asked for.
    user_id: Option<String>,
}

/// What somebody uses.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Usage {
    /// The user; absent for what nobody in particular asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    /// Today, in UTC.
    #[schema(example = "2026-11-21")]
    day: String,
    /// Jobs that were begun today.
    jobs: JobsUsed,
    /// Bytes that are stored.
    bytes: BytesStored,
    /// Money.
    spend: Spend,
}

/// Jobs that were begun today.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct JobsUsed {
    /// How many there are.
    used: u64,
    /// How many there may be; absent: any number.
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<u64>,
}

/// Bytes that are stored.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct BytesStored {
    /// How many there are, those included that were announced and have not arrived.
    stored: u64,
    /// How many there may be; absent: any number.
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<u64>,
}

/// Money.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Spend {
    /// The currency.
    #[schema(example = "USD")]
    currency: &'static str,
    /// What was ordered today.
    today: SpentToday,
}

/// What was ordered today: reserved while it is under way, charged when it is there.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SpentToday {
    /// Amount: two decimals, more where they say something.
    #[schema(example = "0.12")]
    amount: String,
    /// Clips.
    clips: u32,
}

/// What a user uses, and may use.
#[utoipa::path(
    get,
    path = "/api/usage",
    operation_id = "showUsage",
    tag = "usage",
    params(UsageQuery),
    responses(
        (status = 200, description = "What is used.", body = Usage),
        Always,
        Forbidden,
        Invalid,
    ),
)]
async fn usage<P: Parts>(
    State(api): State<Arc<Api<P>>>,
    caller: Caller,
    Query(query): Query<UsageQuery>,
) -> Result<axum::Json<Usage>, Problem> {
    let mut fields = QueryFields::default();
    let wanted = fields.user(query.user_id.as_deref());
    fields.done()?;
    let user = caller.user(wanted.as_deref())?;
    let owner = owner(user.as_deref());
    let (now, rules) = (api.now(), &api.rules);
    let [account, ..] = Account::of(user.as_deref(), now);
    let booked = api.ledger.booked(&account).await?;
    let jobs = api.meters.read(&jobs_meter(owner, now.day())).await?;
    let stored = api.meters.read(&bytes_meter(owner)).await?;
    let amount = booked.money.to_string().trim_start_matches('$').to_owned();
    Ok(axum::Json(Usage {
        day: now.day().to_string(),
        jobs: JobsUsed { used: jobs, limit: rules.jobs_per_day },
        bytes: BytesStored { stored, limit: rules.bytes_stored },
        spend: Spend { currency: "USD", today: SpentToday { amount, clips: booked.clips } },
        user_id: user,
    }))
}
