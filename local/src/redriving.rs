//! Having failed jobs tried again, from the stage that failed, claimed once.

use domain::{Attempt, AttemptState, FailureKind, Job, JobState, MicroUsd, Stage};
use ports::{
    JobStore, JobStoreError, Ledger, LedgerError, ObjectStore, RecourseError, Stepped, StoreError,
};

use crate::{AtMost, Home, Prices};

/// Which failed jobs.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Only those that failed in this stage.
    pub stage: Option<Stage>,
    /// Only these.
    pub jobs: Vec<String>,
    /// Also those that were refused, which will usually be refused again.
    pub refused: bool,
}

/// What trying a job again would do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The job as it failed.
    pub job: Job,
    /// What would be tried again.
    pub then: Then,
}

/// What follows for one job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Then {
    /// This stage runs again.
    Again {
        /// The stage.
        stage: Stage,
        /// What it would cost at most.
        cost: MicroUsd,
        /// What the operator should know of that.
        note: String,
    },
    /// Nothing, for this reason.
    Not(String),
}

/// A job could not be tried again.
#[derive(Debug, thiserror::Error)]
pub enum RedriveError {
    /// The table of jobs failed.
    #[error("table of jobs")]
    Jobs(#[from] JobStoreError),
    /// It could not be set going.
    #[error("job")]
    Recourse(#[from] RecourseError),
    /// The ledger failed.
    #[error("ledger")]
    Ledger(#[from] LedgerError),
    /// The bucket failed.
    #[error("media bucket")]
    Store(#[from] StoreError),
}

/// What became of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// It is on its way.
    Now,
    /// Somebody else was quicker.
    ByAnother,
}

/// Plans for every failed job that is selected, the one that failed first in front.
///
/// # Errors
/// [`RedriveError`].
pub async fn plan(
    home: &Home,
    prices: &Prices,
    selection: &Selection,
) -> Result<Vec<Plan>, RedriveError> {
    let mut plans = Vec::new();
    for job in home.jobs().in_state(JobState::Failed, usize::MAX).await? {
        let named = selection.jobs.is_empty() || selection.jobs.contains(&job.id.to_string());
        if !named {
            continue;
        }
        let stage = home.recourse().stage_of(&job).await?;
        if selection.stage.is_some_and(|wanted| wanted != stage) {
            continue;
        }
        let then = then(home, prices, selection, &job, stage).await?;
        plans.push(Plan { job, then });
    }
    Ok(plans)
}

async fn then(
    home: &Home,
    prices: &Prices,
    selection: &Selection,
    job: &Job,
    stage: Stage,
) -> Result<Then, RedriveError> {
    let refused = job.failure.as_ref().is_some_and(|failure| failure.kind == FailureKind::Refused);
    if refused && !selection.refused {
        return Ok(Then::Not("it was refused, and would be again: --refused".to_owned()));
    }
    match stage {
        Stage::Ltx => {
            let attempts = home.ledger().attempts(job.id).await?;
            Ok(filming(prices, job, &attempts))
        }
        Stage::Ingest if home.bucket().head(&job.upload_key).await?.is_none() => {
            Ok(Then::Not("its photo is gone".to_owned()))
        }
        // A photo that is accepted is filmed next.
        Stage::Ingest => match prices.of_clip(job, &[]) {
            Ok(AtMost { cost, note }) => {
                Ok(again(stage, cost, &["for the clip that follows", &note]))
            }
            Err(reason) => Ok(Then::Not(reason)),
        },
        _ => Ok(again(stage, MicroUsd::ZERO, &[])),
    }
}

fn filming(prices: &Prices, job: &Job, attempts: &[Attempt]) -> Then {
    let stage = Stage::Ltx;
    let newest = attempts.last();
    if let Some(unknown) = newest.filter(|attempt| attempt.is_unknown()) {
        let number = unknown.number;
        return Then::Not(format!("order {number} is unknown: decide it with `settle` first"));
    }
    if newest.is_some_and(|attempt| attempt.state == AttemptState::Submitted) {
        return again(stage, MicroUsd::ZERO, &["it is ordered already"]);
    }
    match prices.of_clip(job, attempts) {
        Err(reason) => Then::Not(reason),
        Ok(AtMost { cost: MicroUsd::ZERO, note }) => again(stage, MicroUsd::ZERO, &[&note]),
        Ok(AtMost { cost, note }) => {
            let kept = newest.is_some_and(|attempt| attempt.provider_job.is_some());
            let kept = if kept { "nothing if the provider still has the clip" } else { "" };
            again(stage, cost, &[kept, &note])
        }
    }
}

fn again(stage: Stage, cost: MicroUsd, notes: &[&str]) -> Then {
    let notes: Vec<_> = notes.iter().copied().filter(|note| !note.is_empty()).collect();
    Then::Again { stage, cost, note: notes.join("; ") }
}

/// Claims a failed job and sets its stage going. Of several who do so at once, one does.
///
/// # Errors
/// [`RedriveError`]; once it is claimed, the sweep sets it going if this does not.
pub async fn redrive(
    home: &Home,
    job: &Job,
    stage: Stage,
    by: &str,
) -> Result<Claimed, RedriveError> {
    Ok(match home.recourse().retry(job, stage, by).await? {
        Stepped::Now(_) => Claimed::Now,
        Stepped::Not(_) => Claimed::ByAnother,
    })
}
