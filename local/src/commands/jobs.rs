//! `jobs`: every job, the newest first.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use domain::{Job, JobState};
use ports::{History, JobStore};
use serde_json::json;

use super::{CommandError, DATA};
use crate::Home;
use crate::chain::age;
use crate::report::{StageTime, humane, stage_times, table};

/// Options of `jobs`.
#[derive(Debug, Args)]
pub struct JobsArgs {
    /// Folder that keeps everything.
    #[arg(long, default_value = DATA)]
    data: PathBuf,
    /// Most jobs to list.
    #[arg(long, default_value_t = 50)]
    limit: usize,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

/// Lists jobs with state, age and the times of their stages.
///
/// # Errors
/// One line that says what is missing.
pub async fn jobs(args: JobsArgs) -> Result<(), CommandError> {
    let home = Home::look(&args.data).await?;
    let mut out = std::io::stdout();
    let store = home.jobs();
    let mut jobs = Vec::new();
    for state in JobState::ALL {
        jobs.extend(store.in_state(state, usize::MAX).await?);
    }
    jobs.sort_by_key(|job| std::cmp::Reverse(job.created_at));
    let all = jobs.len();
    jobs.truncate(args.limit);

    let mut rows = vec![["id", "state", "age", "stages", "title"].map(ToOwned::to_owned).to_vec()];
    for job in &jobs {
        let times = stage_times(&store.events(job.id).await?, job.created_at);
        if args.json {
            writeln!(out, "{}", json_line(job, &times))?;
        } else {
            rows.push(row(job, &times));
        }
    }
    if !args.json {
        writeln!(out, "{}", table(&rows))?;
        if all > jobs.len() {
            writeln!(out, "and {} older ones: --limit", all - jobs.len())?;
        }
    }
    home.stop().await;
    Ok(())
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
