//! What can be done about a job: have it tried again, call it off, have it removed.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use domain::{AttemptState, Job, JobState, MicroUsd, Step};
use ports::{
    Chain, ChronicleError, JobStore, Ledger, Meters, NotAgain, Stepped, bytes_meter, erase,
    owner_of,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::extract::Path;
use crate::openapi::{Always, Conflict, NotFound};
use crate::{Api, Caller, Parts, Problem, lookup};

/// A job that is tried again.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Retried {
    /// Identity of the job.
    #[schema(format = Uuid)]
    job_id: String,
    /// Its state now.
    state: String,
    /// What is tried again: `ingest`, `ltx` or `render`.
    stage: String,
}

/// Has a failed job tried again.
///
/// From the first stage whose result is not stored: what is paid for already is not ordered again. The
/// 409 says in its `type` why not: `not-failed`, `refused` (it would be again), `photo-gone`, or
/// `order-unknown` (nobody knows whether it is paid for: an operator decides that first).
#[utoipa::path(
    post,
    path = "/api/jobs/{id}/retry",
    operation_id = "retryJob",
    tag = "jobs",
    params(("id" = Uuid, Path, description = "Identity of the job.")),
    responses(
        (status = 202, description = "It is tried again.", body = Retried),
        Always, NotFound, Conflict,
    ),
)]
pub(super) async fn retry<P: Parts>(
    State(api): State<Arc<Api<P>>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<(StatusCode, axum::Json<Retried>), Problem> {
    let job = lookup::job(&api, &caller, &id).await?;
    let job = api.chronicle.read(job.id).await?;
    let recourse = api.recourse();
    let stage = recourse.may_retry(&job).await?.map_err(|not| not_again(&not))?;
    match recourse.retry(&job, stage, &caller.name()).await? {
        Stepped::Now(job) => {
            let retried = Retried {
                job_id: job.id.to_string(),
                state: job.state.to_string(),
                stage: stage.to_string(),
            };
            Ok((StatusCode::ACCEPTED, axum::Json(retried)))
        }
        // Somebody else was quicker.
        Stepped::Not(job) => Err(not_again(&NotAgain::State(job.state))),
    }
}

fn not_again(not: &NotAgain) -> Problem {
    let (name, title) = match not {
        NotAgain::State(_) => ("not-failed", "It has not failed"),
        NotAgain::Refused(_) => ("refused", "It would be refused again"),
        NotAgain::NoPhoto => ("photo-gone", "There is no photo to begin with"),
        NotAgain::Unknown(_) => ("order-unknown", "It may be paid for already"),
    };
    Problem::new(StatusCode::CONFLICT, name, title, not.to_string())
}

/// A job that is called off.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Cancelled {
    /// Identity of the job.
    #[schema(format = Uuid)]
    job_id: String,
    /// Its state now: `cancelled`, or `rendered` if it was another rendering that was called off.
    state: String,
    /// What may come of it still.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

/// What is to be known by whoever calls off what a provider has.
const MAY_BE_CHARGED: &str = "work that was ordered from a provider is called off there where that can \
                              be done, and may be charged nevertheless: costs of the job say so";

/// Calls a job off.
///
/// Calling it off again gives the same answer. Work that was ordered from a provider may be charged
/// nevertheless: look at `costs` of the job. If another rendering is under way for a job that has a
/// video, that is called off and the video stays as it is.
#[utoipa::path(
    post,
    path = "/api/jobs/{id}/cancel",
    operation_id = "cancelJob",
    tag = "jobs",
    params(("id" = Uuid, Path, description = "Identity of the job.")),
    responses(
        (status = 202, description = "It is called off.", body = Cancelled),
        Always, NotFound, Conflict,
    ),
)]
pub(super) async fn cancel<P: Parts>(
    State(api): State<Arc<Api<P>>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<(StatusCode, axum::Json<Cancelled>), Problem> {
    let job = lookup::job(&api, &caller, &id).await?;
    let job = api.chronicle.read(job.id).await?;
    let job = match api.recourse().cancel(&job).await? {
        Stepped::Now(job) => job,
        Stepped::Not(job) if job.state == JobState::Cancelled => job,
        Stepped::Not(job) => {
            return Err(Problem::conflict(format!("it is {} and cannot be called off", job.state)));
        }
    };
    let attempts = api.ledger.attempts(job.id).await?;
    let may_be_charged = attempts.iter().any(|attempt| {
        let is_free = attempt.charged == Some(MicroUsd::ZERO);
        !is_free && !matches!(attempt.state, AttemptState::NotTaken | AttemptState::Succeeded)
    });
    let note = may_be_charged.then(|| MAY_BE_CHARGED.to_owned());
    let (job_id, state) = (job.id.to_string(), job.state.to_string());
    Ok((StatusCode::ACCEPTED, axum::Json(Cancelled { job_id, state, note })))
}

/// Removes a job.
///
/// With everything that is stored for it; what it has cost stays in the books. Only a job that has
/// ended can be removed: the 409 of the type `under-way` says that it is to be called off first.
/// Removing it again changes nothing.
#[utoipa::path(
    delete,
    path = "/api/jobs/{id}",
    operation_id = "deleteJob",
    tag = "jobs",
    params(("id" = Uuid, Path, description = "Identity of the job.")),
    responses(
        (status = 204, description = "It is removed."),
        Always, NotFound, Conflict,
    ),
)]
pub(super) async fn delete<P: Parts>(
    State(api): State<Arc<Api<P>>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let row = lookup::row(&api, &caller, &id).await?;
    let (deleted, is_new) = step(&api, &row).await?;
    if is_new {
        // First: nobody does it later, while the sweep goes on with all the rest.
        give_back(&api, &deleted).await;
    } else if let Err(error) = api.chronicle.find(deleted.id).await {
        tracing::warn!(job.id = %deleted.id, error = %Chain(&error), "removal is announced later");
    }
    // What breaks here is no matter of the caller's.
    if let Err(error) = erase(&api.store, &deleted).await {
        tracing::warn!(job.id = %deleted.id, error = %Chain(&error), "removal is gone on with later");
    }
    Ok(StatusCode::NO_CONTENT)
}

/// The job as it is deleted, and whether this call did it.
async fn step<P: Parts>(api: &Api<P>, row: &Job) -> Result<(Job, bool), Problem> {
    match api.chronicle.step(row, &Step::Delete).await {
        Ok(Stepped::Now(job)) => Ok((job, true)),
        Ok(Stepped::Not(job)) if job.state == JobState::Deleted => Ok((job, false)),
        Ok(Stepped::Not(job)) => {
            let detail = format!("it is {}: call it off first", job.state);
            let title = "It is under way";
            Err(Problem::new(StatusCode::CONFLICT, "under-way", title, detail))
        }
        // It is stored: a repeat announces it, or the sweep.
        Err(ChronicleError::Publish(error)) => {
            tracing::warn!(job.id = %row.id, error = %Chain(&error), "removal is announced later");
            let job = api.chronicle.jobs.get(row.id).await?;
            Ok((job.ok_or_else(|| Problem::not_found("job"))?, true))
        }
        Err(error) => Err(error.into()),
    }
}

async fn give_back<P: Parts>(api: &Api<P>, job: &Job) {
    if job.upload_bytes == 0 {
        return;
    }
    let meter = bytes_meter(owner_of(job));
    if let Err(error) = api.meters.give_back(&meter, job.upload_bytes).await {
        // Nobody else will: the owner keeps paying with bytes that are gone.
        tracing::error!(job.id = %job.id, error = %Chain(&error), "bytes were not given back");
    }
}
