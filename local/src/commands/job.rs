//! `job ID`: the whole history of one job.

use std::io::Write;
use std::time::Duration;

use clap::Args;
use domain::{Attempt, Job, JobId, Timestamp};
use events::{Event, rfc3339};
use ports::{Delivery, DeliveryLog, History, JobStore, Ledger};
use serde_json::{Value, json};

use super::{CommandError, Where};
use crate::chain::age;
use crate::report::{humane, table};

/// Options of `job`.
#[derive(Debug, Args)]
pub struct JobArgs {
    /// The job.
    id: String,
    #[command(flatten)]
    at: Where,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

/// Shows everything that is known of a job: its facts, what was ordered, who was told.
///
/// # Errors
/// One line that says what is missing.
pub async fn job(args: JobArgs) -> Result<(), CommandError> {
    let id = JobId::parse(&args.id)?;
    let home = args.at.look().await?;
    let store = home.jobs();
    let job = store.get(id).await?.ok_or_else(|| format!("there is no job {id}"))?;
    let history = store.events(id).await?;
    let attempts = home.ledger().attempts(id).await?;
    let deliveries = home.deliveries().of_job(id).await?;
    home.stop().await;

    let mut out = std::io::stdout();
    if args.json {
        let history: Vec<_> = history.iter().map(event_json).collect();
        let all = json!({
            "job": job, "history": history, "ledger": attempts, "deliveries": deliveries,
        });
        writeln!(out, "{all}")?;
    } else {
        print_job(&mut out, &job)?;
        print_section(&mut out, "history", &history_rows(&history))?;
        print_section(&mut out, "ledger", &attempt_rows(&attempts))?;
        print_section(&mut out, "webhooks", &delivery_rows(&deliveries))?;
    }
    Ok(())
}

fn print_job(out: &mut impl Write, job: &Job) -> std::io::Result<()> {
    writeln!(out, "job     {}", job.id)?;
    writeln!(out, "state   {} for {}", job.state, humane(age(job.updated_at)))?;
    writeln!(out, "photo   {}", job.upload_key)?;
    if let Some(title) = &job.order.branding.title {
        writeln!(out, "title   {title}")?;
    }
    if let Some(failure) = &job.failure {
        writeln!(out, "reason  {}", failure.reason)?;
        if let Some(cause) = &failure.cause {
            writeln!(out, "cause   {cause}")?;
        }
    }
    Ok(())
}

fn print_section(out: &mut impl Write, name: &str, rows: &[Vec<String>]) -> std::io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{name}\n{}", table(rows))
}

fn event_json(event: &Event) -> Value {
    let detail: Value = serde_json::from_str(&event.detail).unwrap_or_default();
    json!({ "source": event.source, "detail-type": event.detail_type, "detail": detail })
}

fn history_rows(history: &[Event]) -> Vec<Vec<String>> {
    let began = history.first().map(|event| event.occurred_at);
    let row = |event: &Event| {
        let since = began.map(|began| event.occurred_at.since(began)).unwrap_or_default();
        vec![
            format!("  {}", event.seq),
            rfc3339(event.occurred_at),
            format!("+{}", humane(since)),
            event.detail_type.clone(),
            event.source.clone(),
            particulars(event),
        ]
    };
    history.iter().map(row).collect()
}

/// What a fact says beside its envelope, in a few words.
fn particulars(event: &Event) -> String {
    let detail: Value = serde_json::from_str(&event.detail).unwrap_or_default();
    let text = |name: &str| detail[name].as_str().map(ToOwned::to_owned);
    let worked = detail["workedMs"].as_u64();
    let worked = worked.map(|ms| format!("worked {}", humane(Duration::from_millis(ms))));
    let told = [text("provider"), text("reason"), text("finalVideoUrl"), worked];
    told.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn attempt_rows(attempts: &[Attempt]) -> Vec<Vec<String>> {
    let row = |attempt: &Attempt| {
        vec![
            format!("  {}", attempt.number),
            rfc3339(attempt.intended_at),
            attempt.provider.clone(),
            attempt.state.to_string(),
            attempt.provider_job.clone().unwrap_or_default(),
            attempt.quoted.to_string(),
            attempt.charged.map(|charged| format!("charged {charged}")).unwrap_or_default(),
            attempt.note.clone().unwrap_or_default(),
        ]
    };
    attempts.iter().map(row).collect()
}

fn delivery_rows(deliveries: &[Delivery]) -> Vec<Vec<String>> {
    let row = |delivery: &Delivery| {
        let at = |at: Timestamp| rfc3339(at);
        vec![
            format!("  {}", delivery.detail_type),
            delivery.endpoint.clone(),
            format!("{:?}", delivery.state).to_lowercase(),
            format!("{} attempts", delivery.attempts),
            at(delivery.last_at),
            delivery.outcome.clone(),
        ]
    };
    deliveries.iter().map(row).collect()
}
