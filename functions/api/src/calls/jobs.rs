//! Jobs: those of somebody, one of them, and what can be done about it.

mod changes;
#[cfg(test)]
mod changes_tests;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use domain::JobState;
use ports::{JobListing, Place, Wanted};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, OpenApi, ToSchema};

use crate::caller::owner;
use crate::extract::{Path, Query};
use crate::job_view::{JobSummary, JobView};
use crate::openapi::{Always, Forbidden, Invalid, NotFound};
use crate::query_fields::QueryFields;
use crate::{Api, Caller, Parts, Problem, cursor, lookup};

#[derive(OpenApi)]
#[openapi(paths(list, show, changes::retry, changes::cancel, changes::delete))]
struct Docs;

/// The calls of this group, described.
pub(super) fn docs() -> utoipa::openapi::OpenApi {
    Docs::openapi()
}

/// The calls of this group.
pub(super) fn routes<P: Parts>() -> Router<Arc<Api<P>>> {
    Router::new()
        .route("/api/jobs", get(list::<P>))
        .route("/api/jobs/{id}", get(show::<P>).delete(changes::delete::<P>))
        .route("/api/jobs/{id}/retry", post(changes::retry::<P>))
        .route("/api/jobs/{id}/cancel", post(changes::cancel::<P>))
}

/// Which jobs are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Whose jobs; a service has to say it, `-` for jobs of nobody.
    user_id: Option<String>,
    /// Only those in this state: `pending`, `queued`, `generating`, `ltx_done`, `rendering`,
    /// `rendered`, `failed`, `cancelled` or `expired`.
    state: Option<String>,
    /// Only those created at or after this: RFC 3339.
    #[param(format = DateTime)]
    from: Option<String>,
    /// Only those created before this: RFC 3339.
    #[param(format = DateTime)]
    until: Option<String>,
    /// Where to go on: `nextCursor` of the part before.
    cursor: Option<String>,
    /// How many at most: 1 to 100; 20 unless it is said.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<String>,
}

/// What is asked for, read.
struct Asked {
    owner: String,
    wanted: Wanted,
    after: Option<Place>,
    limit: usize,
}

impl ListQuery {
    fn read(&self, caller: &Caller) -> Result<Asked, Problem> {
        let mut fields = QueryFields::default();
        let user = caller.user(fields.user(self.user_id.as_deref()).as_deref())?;
        if user.is_none() && self.user_id.as_deref().unwrap_or_default().is_empty() {
            fields.refuse("userId", "a service says whose jobs: - for those of nobody");
        }
        let state = self.state.as_deref();
        let wanted = Wanted {
            state: fields.read("state", state, "a state of a job that is not deleted", state_named),
            from: fields.instant("from", self.from.as_deref()),
            until: fields.instant("until", self.until.as_deref()),
        };
        let cursor = self.cursor.as_deref();
        let after = fields.read("cursor", cursor, cursor::EXPECTED, |cursor| {
            cursor::read(cursor).map(|(created_at, job)| Place { created_at, job })
        });
        let limit = fields.limit(self.limit.as_deref());
        fields.done()?;
        Ok(Asked { owner: owner(user.as_deref()).to_owned(), wanted, after, limit })
    }
}

fn state_named(name: &str) -> Option<JobState> {
    JobState::parse(name).filter(|state| *state != JobState::Deleted)
}

/// A part of a listing.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct JobPage {
    /// The jobs, the newest first.
    jobs: Vec<JobSummary>,
    /// Where the next part begins; absent: this was the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// The jobs of somebody.
///
/// The newest first. A job may be missing for a moment after it was made. A user sees its own; a
/// service names whose.
#[utoipa::path(
    get,
    path = "/api/jobs",
    operation_id = "listJobs",
    tag = "jobs",
    params(ListQuery),
    responses(
        (status = 200, description = "A part of the listing.", body = JobPage),
        Always, Forbidden, Invalid,
    ),
)]
async fn list<P: Parts>(
    State(api): State<Arc<Api<P>>>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<JobPage>, Problem> {
    let Asked { owner, wanted, after, limit } = query.read(&caller)?;
    let page = api.chronicle.jobs.of_owner(&owner, &wanted, after, limit).await?;
    // A listing may lag behind a removal.
    let there = page.jobs.iter().filter(|job| job.state != JobState::Deleted);
    let next_cursor = page.next.map(|place| cursor::write(&(place.created_at, place.job)));
    Ok(axum::Json(JobPage { jobs: there.map(JobSummary::of).collect(), next_cursor }))
}

/// One job.
///
/// Everything that is known of it: what was asked for, what happened, what it costs, and downloads of
/// what there is. `unknown` says that nobody knows of some order whether it was taken.
#[utoipa::path(
    get,
    path = "/api/jobs/{id}",
    operation_id = "showJob",
    tag = "jobs",
    params(("id" = Uuid, Path, description = "Identity of the job.")),
    responses(
        (status = 200, description = "The job.", body = JobView),
        Always, NotFound,
    ),
)]
async fn show<P: Parts>(
    State(api): State<Arc<Api<P>>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<JobView>, Problem> {
    let job = lookup::job(&api, &caller, &id).await?;
    Ok(axum::Json(JobView::of(&api, &job).await?))
}
