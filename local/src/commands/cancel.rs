//! `cancel ID`: calls a job off.

use std::time::{Duration, Instant};

use clap::Args;
use domain::{Attempt, AttemptState, JobId, MicroUsd};
use ports::{JobStore, Ledger, Stepped};
use serde_json::json;

use super::{CommandError, Where};
use crate::Home;

/// How long to wait for the provider to be told.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often to look whether it was.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Options of `cancel`.
#[derive(Debug, Args)]
pub struct CancelArgs {
    /// The job.
    id: String,
    #[command(flatten)]
    at: Where,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

/// Calls a job off: it stops at its next boundary, work at a provider is called off where that can be
/// done, and what is still billed is said.
///
/// # Errors
/// One line that says why the job cannot be called off.
pub async fn cancel(args: CancelArgs) -> Result<(), CommandError> {
    let id = JobId::parse(&args.id)?;
    let home = args.at.look().await?;
    let outcome = call_off(&home, id).await;
    let attempts = match outcome {
        Ok(()) => settled_attempts(&home, id).await,
        Err(error) => Err(error),
    };
    home.stop().await;

    let attempts = attempts?;
    let billed: MicroUsd = attempts.iter().map(|attempt| attempt.booking().money).sum();
    if args.json {
        println!("{}", json!({ "jobId": id, "billed": billed, "ledger": attempts }));
        return Ok(());
    }
    println!("job {id} is cancelled");
    for attempt in attempts.iter().filter(|attempt| attempt.quoted > MicroUsd::ZERO) {
        println!("  {}", what_is_billed(attempt));
    }
    println!("billed: {billed}");
    Ok(())
}

async fn call_off(home: &Home, id: JobId) -> Result<(), CommandError> {
    let job = home.jobs().get(id).await?.ok_or_else(|| format!("there is no job {id}"))?;
    match home.recourse().cancel(&job).await? {
        Stepped::Not(job) => {
            Err(format!("job {id} is {}, so it cannot be cancelled", job.state).into())
        }
        Stepped::Now(_) => Ok(()),
    }
}

/// The ledger of the job, once nothing of it is under way or it takes too long.
async fn settled_attempts(home: &Home, id: JobId) -> Result<Vec<Attempt>, CommandError> {
    let began = Instant::now();
    loop {
        let attempts = home.ledger().attempts(id).await?;
        let under_way = attempts.iter().any(|attempt| attempt.state == AttemptState::Submitted);
        // Started for this command alone, there are no functions that would call anybody off.
        if !under_way || home.cloud().is_some() || began.elapsed() > PATIENCE {
            return Ok(attempts);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn what_is_billed(attempt: &Attempt) -> String {
    let (number, provider) = (attempt.number, &attempt.provider);
    let of = format!("attempt {number} with {provider}");
    let note = attempt.note.as_deref().unwrap_or_default();
    match attempt.state {
        AttemptState::Intended | AttemptState::Submitted => format!(
            "{of} is still under way: {} until the functions call it off (here, that needs \
             `stillmotion up`)",
            attempt.reserved
        ),
        AttemptState::Unknown => {
            format!("{of} is unknown: {} may be billed ({note})", attempt.reserved)
        }
        _ => format!("{of}: {} ({note})", attempt.charged.unwrap_or_default()),
    }
}
