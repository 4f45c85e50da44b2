//! `jobs`: every job, the one that changed last first.

use std::cmp::Reverse;
use std::io::Write;
use std::iter;

use clap::Args;
use domain::{Job, JobState};
use futures::{StreamExt, TryStreamExt, stream};
use ports::History;
use serde_json::json;

use super::{CommandError, Where};
use crate::Home;
use crate::chain::age;
use crate::report::{StageTime, humane, stage_times, table};

/// How many histories are read at a time.
const AT_ONCE: usize = 16;

/// Options of `jobs`.
#[derive(Debug, Args)]
pub struct JobsArgs {
    #[command(flatten)]
    at: Where,
    /// Most jobs to list.
    #[arg(long, default_value_t = 50)]
    limit: usize,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

/// Lists jobs, the one that changed last first, with state, age and the times of their stages.
///
/// # Errors
/// One line that says what is missing.
pub async fn jobs(args: JobsArgs) -> Result<(), CommandError> {
    let home = args.at.look().await?;
    let listed = list(&home, args.limit).await;
    home.stop().await;

    let (jobs, are_more) = listed?;
    let mut out = std::io::stdout();
    if args.json {
        for (job, times) in &jobs {
            writeln!(out, "{}", json_line(job, times))?;
        }
        return Ok(());
    }
    let head = ["id", "state", "age", "stages", "title"].map(ToOwned::to_owned).to_vec();
    let rows = jobs.iter().map(|(job, times)| row(job, times));
    writeln!(out, "{}", table(&iter::once(head).chain(rows).collect::<Vec<_>>()))?;
    if are_more {
        writeln!(out, "there are more: --limit")?;
    }
    Ok(())
}

/// Up to `limit` jobs with the times of their stages, and whether there are more. A stage may have
/// very many: no more are read than are shown.
async fn list(
    home: &Home,
    limit: usize,
) -> Result<(Vec<(Job, Vec<StageTime>)>, bool), CommandError> {
    let store = &home.jobs();
    let mut jobs = Vec::new();
    for state in JobState::ALL {
        jobs.extend(store.newest(state, limit.saturating_add(1)).await?);
    }
    jobs.sort_by_key(|job| Reverse(job.updated_at));
    let are_more = jobs.len() > limit;
    jobs.truncate(limit);
    let timed = jobs.into_iter().map(|job| async move {
        let times = stage_times(&store.events(job.id).await?, job.created_at);
        Ok::<_, CommandError>((job, times))
    });
    Ok((stream::iter(timed).buffered(AT_ONCE).try_collect().await?, are_more))
}

fn row(job: &Job, times: &[StageTime]) -> Vec<String> {
    let worked = |time: &StageTime| {
        let worked = std::time::Duration::from_millis(time.worked_ms);
        format!("{} {}", time.stage, humane(worked))
    };
    let stages: Vec<_> = times.iter().map(worked).collect();
    vec![
        job.id.to_string(),
        job.state.to_string(),
        humane(age(job.created_at)),
        stages.join(", "),
        job.order.branding.title.clone().unwrap_or_else(|| job.upload_key.to_string()),
    ]
}

fn json_line(job: &Job, times: &[StageTime]) -> serde_json::Value {
    json!({
        "id": job.id,
        "state": job.state,
        "createdAt": events::rfc3339(job.created_at),
        "updatedAt": events::rfc3339(job.updated_at),
        "uploadKey": job.upload_key,
        "title": job.order.branding.title,
        "reason": job.failure.as_ref().map(|failure| &failure.reason),
        "stages": times,
    })
}
