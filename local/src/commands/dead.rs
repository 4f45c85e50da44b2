//! `dead`: what failed, by stage and cause.

use std::collections::BTreeMap;
use std::io::Write;

use clap::Args;
use domain::{Failure, FailureKind, Job, JobState};
use ports::JobStore;
use serde_json::json;

use super::{CommandError, Where};
use crate::Home;
use crate::chain::age;
use crate::report::{humane, table};

/// Options of `dead`.
#[derive(Debug, Args)]
pub struct DeadArgs {
    #[command(flatten)]
    at: Where,
    /// One JSON object a line, one for each job.
    #[arg(long)]
    json: bool,
}

/// Lists failed jobs by stage and cause, and how many messages each dead-letter queue holds.
///
/// # Errors
/// One line that says what is missing.
pub async fn dead(args: DeadArgs) -> Result<(), CommandError> {
    let home = args.at.look().await?;
    let failed = home.jobs().in_state(JobState::Failed, usize::MAX).await?;
    let messages = dead_letters(&home).await?;
    home.stop().await;

    let mut out = std::io::stdout();
    if args.json {
        for (job, failure) in failed.iter().filter_map(|job| Some((job, job.failure.as_ref()?))) {
            writeln!(out, "{}", json_line(job, failure))?;
        }
        for (queue, count) in messages {
            writeln!(out, "{}", json!({ "queue": queue, "messages": count }))?;
        }
        return Ok(());
    }
    if failed.is_empty() {
        writeln!(out, "no job has failed")?;
    } else {
        writeln!(out, "{}", table(&rows(&failed)))?;
    }
    for (queue, count) in messages.into_iter().filter(|(_, count)| *count > 0) {
        writeln!(out, "queue {queue} holds {count} messages")?;
    }
    Ok(())
}

fn json_line(job: &Job, failure: &Failure) -> serde_json::Value {
    json!({
        "jobId": job.id, "stage": failure.stage, "kind": failure.kind, "reason": failure.reason,
        "cause": failure.cause, "failedAt": events::rfc3339(job.updated_at),
        "userId": job.order.user_id,
    })
}

fn rows(failed: &[Job]) -> Vec<Vec<String>> {
    let mut groups: BTreeMap<(String, &str, &str, &str), Vec<&Job>> = BTreeMap::new();
    for job in failed {
        if let Some(failure) = &job.failure {
            let cause = failure.cause.as_deref().unwrap_or_default();
            let kind = kind_name(failure.kind);
            let key = (failure.stage.to_string(), kind, &*failure.reason, cause);
            groups.entry(key).or_default().push(job);
        }
    }
    let head = ["stage", "kind", "jobs", "oldest", "for example", "reason", "cause"];
    let mut rows = vec![head.map(ToOwned::to_owned).to_vec()];
    for ((stage, kind, reason, cause), jobs) in groups {
        let oldest = jobs.iter().map(|job| job.updated_at).min().unwrap_or_default();
        let example = jobs.first().map(|job| job.id.to_string()).unwrap_or_default();
        let (count, oldest) = (jobs.len().to_string(), humane(age(oldest)));
        rows.push(vec![
            stage,
            kind.to_owned(),
            count,
            oldest,
            example,
            reason.to_owned(),
            cause.to_owned(),
        ]);
    }
    rows
}

const fn kind_name(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::Refused => "refused",
        FailureKind::Fault => "fault",
        FailureKind::Unknown => "unknown",
        FailureKind::Late => "late",
    }
}

/// How many messages each dead-letter queue holds.
async fn dead_letters(home: &Home) -> Result<Vec<(String, u64)>, CommandError> {
    let mut counts = Vec::new();
    let queues = home.topology.queues.values();
    for queue in queues.filter_map(|queue| queue.dead_letter_queue.as_ref()) {
        counts.push((queue.clone(), home.queue(queue).waiting().await?));
    }
    Ok(counts)
}
