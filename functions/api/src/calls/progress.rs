//! What happens to a job, as it happens: as server-sent events, or by asking again and again.

mod stream;
#[cfg(test)]
mod stream_tests;
#[cfg(test)]
mod tests;
mod ticket;
mod watch;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use domain::{Job, JobState};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, OpenApi, ToSchema};

use crate::extract::{Path, Query};
use crate::fact_view::FactView;
use crate::openapi::{Always, Invalid, NotFound};
use crate::query_fields::QueryFields;
use crate::{Api, Caller, Parts, Problem, lookup};
use watch::{News, Watch};

#[derive(OpenApi)]
#[openapi(paths(events, ticket::issue))]
struct Docs;

/// The calls of this group, described.
pub(super) fn docs() -> utoipa::openapi::OpenApi {
    Docs::openapi()
}

/// The calls of this group.
pub(super) fn routes<P: Parts>() -> Router<Arc<Api<P>>> {
    Router::new()
        .route("/api/jobs/{id}/events", get(events::<P>))
        .route("/api/jobs/{id}/events-ticket", post(ticket::issue::<P>))
}

/// Longest time that an answer is waited for, in seconds: below what gateways allow.
const LONGEST_WAIT_SECS: u64 = 20;

/// Where to go on, and how.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct EventsQuery {
    /// Only facts behind this number; 0: all of them.
    #[param(value_type = Option<u64>)]
    after: Option<String>,
    /// How long to wait for news, in seconds: 0 to 20; 0 unless it is said. Streams do not need it.
    #[param(value_type = Option<u32>, minimum = 0, maximum = 20)]
    wait: Option<String>,
    /// A ticket for the events of this job, instead of a token.
    ticket: Option<String>,
}

impl fmt::Debug for EventsQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { after, wait, .. } = self;
        let mut query = f.debug_struct("EventsQuery");
        query.field("after", after).field("wait", wait).finish_non_exhaustive()
    }
}

/// What is asked for, read.
struct Asked {
    /// Behind which fact to begin; none: not said, so with the first.
    after: Option<u64>,
    wait: Duration,
}

impl EventsQuery {
    fn read(&self, headers: &HeaderMap) -> Result<Asked, Problem> {
        let last = headers.get("last-event-id").map(|id| id.to_str().unwrap_or("?"));
        let mut fields = QueryFields::default();
        let last = fields.number("last-event-id", last, 0..=u64::MAX);
        let after = fields.number("after", self.after.as_deref(), 0..=u64::MAX);
        let wait = fields.number("wait", self.wait.as_deref(), 0..=LONGEST_WAIT_SECS);
        fields.done()?;
        // A stream that is connected again has the newer one in its header.
        Ok(Asked { after: last.or(after), wait: Duration::from_secs(wait.unwrap_or_default()) })
    }
}

/// What is new about a job.
#[derive(Debug, Serialize, ToSchema)]
struct NewsView {
    /// The facts behind `after`, in order and without gaps.
    events: Vec<FactView>,
    /// What to send as `after` next time.
    seq: u64,
    /// The state of the job after them.
    state: String,
    /// Whether nothing follows unless somebody asks for it.
    ended: bool,
}

impl From<News> for NewsView {
    fn from(news: News) -> Self {
        let News { facts: events, seq, state, ended } = news;
        Self { events, seq, state, ended }
    }
}

/// What happens to a job.
///
/// With `accept: text/event-stream` a stream of server-sent events: `id` is the number of the fact, `data`
/// a `FactView` with its type. `last-event-id`, or `after`, goes on behind a fact; numbers never go back
/// and have no gaps. A comment is sent every 15 s. When the job has ended, `event: end`
/// is the last; whoever connects again behind it gets 204, which makes an `EventSource` stop. Streams
/// end after some minutes: connect again.
///
/// With any other `accept` one JSON answer, as soon as there is something behind `after`, or after
/// `wait`.
///
/// A browser's `EventSource` cannot send `authorization`, and tokens do not belong in addresses, which
/// are logged. Read the stream with `fetch`, or ask for a ticket, which is good for this alone.
#[utoipa::path(
    get,
    path = "/api/jobs/{id}/events",
    operation_id = "jobEvents",
    tag = "progress",
    params(
        ("id" = Uuid, Path, description = "Identity of the job."),
        EventsQuery,
        ("last-event-id" = Option<u64>, Header, description = "As `after`, and comes before it."),
    ),
    responses(
        (status = 200, description = "What is new.", content(
            (NewsView = "application/json"),
            (String = "text/event-stream"),
        )),
        (status = 204, description = "The job has ended and nothing is new: do not connect again."),
        Always, NotFound, Invalid,
    ),
)]
async fn events<P: Parts>(
    State(api): State<Arc<Api<P>>>,
    caller: Result<Caller, Problem>,
    Path(id): Path<String>,
    Query(query): Query<EventsQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = match (caller, &query.ticket) {
        (Ok(caller), _) => caller,
        (Err(unknown), Some(ticket)) => ticket::holder(&api, ticket, &id).await?.ok_or(unknown)?,
        (Err(unknown), None) => return Err(unknown),
    };
    let job = lookup::row(&api, &caller, &id).await?;
    let Asked { after, wait } = query.read(&headers)?;
    // Only who has seen it before is told that it is deleted.
    if job.state == JobState::Deleted && after.is_none() {
        return Err(Problem::not_found("job"));
    }
    let after = after.unwrap_or_default();
    if wants_stream(&headers) {
        stream(api, &job, after).await
    } else {
        let news = Watch::new(api, job.id, after).wait(wait).await?;
        let news = news.ok_or_else(|| Problem::not_found("job"))?;
        Ok(axum::Json(NewsView::from(news)).into_response())
    }
}

async fn stream<P: Parts>(api: Arc<Api<P>>, job: &Job, after: u64) -> Result<Response, Problem> {
    let mut watch = Watch::new(api, job.id, after);
    let first = watch.look().await?.ok_or_else(|| Problem::not_found("job"))?;
    if first.ended && first.facts.is_empty() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Ok(stream::of(watch, &first))
}

fn wants_stream(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut ranges = accepted.flat_map(|value| value.split(','));
    ranges.any(|range| {
        let media_type = range.split(';').next().unwrap_or_default().trim();
        media_type.eq_ignore_ascii_case("text/event-stream")
    })
}
