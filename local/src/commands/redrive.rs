//! `redrive`: has failed jobs tried again.

use clap::{Args, ValueEnum};
use domain::{MicroUsd, Stage};
use serde_json::json;

use super::{CommandError, Where, operator};
use crate::redriving::{Claimed, Plan, Selection, Then, plan, redrive as claim};
use crate::report::table;
use crate::{Home, Prices};

/// A stage that can be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum RedrivenStage {
    /// From the uploaded photo.
    Ingest,
    /// From the accepted photo.
    Ltx,
    /// From the stored clip.
    Render,
}

/// Options of `redrive`.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag that a person types")]
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true).multiple(true).args(["from", "jobs", "all"]))]
pub struct RedriveArgs {
    /// Jobs that would be tried again from here.
    #[arg(long, value_enum)]
    from: Option<RedrivenStage>,
    /// This job; may be repeated.
    #[arg(long = "job")]
    jobs: Vec<String>,
    /// Every job that failed.
    #[arg(long)]
    all: bool,
    /// Also jobs that were refused, such as those that met a limit.
    #[arg(long)]
    refused: bool,
    /// Only show what would run again and what it would cost.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    at: Where,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

/// Has failed jobs tried again from the stage that failed. What earlier stages made is kept.
///
/// # Errors
/// One line that says what is missing.
pub async fn redrive(args: RedriveArgs) -> Result<(), CommandError> {
    let selection = Selection {
        stage: args.from.map(|from| match from {
            RedrivenStage::Ingest => Stage::Ingest,
            RedrivenStage::Ltx => Stage::Ltx,
            RedrivenStage::Render => Stage::Render,
        }),
        jobs: args.jobs.clone(),
        refused: args.refused,
    };
    let home = args.at.look().await?;
    let outcome = carry_out(&home, &selection, &args).await;
    home.stop().await;
    outcome
}

/// Shows what is about to be done and what it costs, then does it.
async fn carry_out(
    home: &Home,
    selection: &Selection,
    args: &RedriveArgs,
) -> Result<(), CommandError> {
    let prices = Prices::of(home).await?;
    let plans = &plan(home, &prices, selection).await?;
    if !args.json {
        println!("{}", table_of(plans, prices.dated()));
    }
    for plan in plans {
        let outcome = outcome(home, plan, args.dry_run).await?;
        if args.json {
            println!("{}", json_line(plan, &outcome));
        } else if !args.dry_run && matches!(plan.then, Then::Again { .. }) {
            println!("{} {outcome}", plan.job.id);
        }
    }
    Ok(())
}

fn table_of(plans: &[Plan], dated: &str) -> String {
    if plans.is_empty() {
        return "no failed job is like that".to_owned();
    }
    let mut rows = vec![["job", "from", "costs at most", ""].map(ToOwned::to_owned).to_vec()];
    rows.extend(plans.iter().map(row));
    let costs = plans.iter().filter_map(|plan| match plan.then {
        Then::Again { cost, .. } => Some(cost),
        Then::Not(_) => None,
    });
    let costs = costs.sum::<MicroUsd>();
    format!("{}\ncosts at most {costs}, by the prices of {dated}", table(&rows))
}

/// What was done with a plan, in a few words.
async fn outcome(home: &Home, plan: &Plan, dry_run: bool) -> Result<String, CommandError> {
    Ok(match &plan.then {
        Then::Not(reason) => reason.clone(),
        Then::Again { note, .. } if dry_run => note.clone(),
        Then::Again { stage, .. } => match claim(home, &plan.job, *stage, &operator()).await? {
            Claimed::Now => "on its way".to_owned(),
            Claimed::ByAnother => "somebody else was quicker".to_owned(),
        },
    })
}

fn row(plan: &Plan) -> Vec<String> {
    let id = plan.job.id.to_string();
    match &plan.then {
        Then::Again { stage, cost, note } => {
            vec![id, stage.to_string(), cost.to_string(), note.clone()]
        }
        Then::Not(reason) => vec![id, "-".to_owned(), "-".to_owned(), reason.clone()],
    }
}

fn json_line(plan: &Plan, outcome: &str) -> serde_json::Value {
    let (stage, cost) = match &plan.then {
        Then::Again { stage, cost, .. } => (Some(*stage), Some(*cost)),
        Then::Not(_) => (None, None),
    };
    json!({ "jobId": plan.job.id, "stage": stage, "costMicroUsd": cost, "outcome": outcome })
}
