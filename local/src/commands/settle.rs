//! `settle ID`: a person decides an order whose answer was lost.

use clap::Args;
use domain::{Attempt, FailureKind, JobId, JobState, Settlement};
use events::LtxRequest;
use ports::{Clock, JobStore, Ledger, MessageSender, Replaced, SystemClock};

use super::{CommandError, Where, operator};
use crate::Home;

/// Options of `settle`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("decision").required(true).args(["not_taken", "taken", "charged"]))]
pub struct SettleArgs {
    /// The job.
    id: String,
    /// The provider does not have the order: it may be ordered again.
    #[arg(long)]
    not_taken: bool,
    /// The provider has it under this name: the clip is collected.
    #[arg(long, value_name = "NAME")]
    taken: Option<String>,
    /// The provider charged it and there is no clip to be had.
    #[arg(long)]
    charged: bool,
    #[command(flatten)]
    at: Where,
}

/// Writes a person's decision about an unknown order in the ledger, and sets the job going.
///
/// # Errors
/// One line that says why there is nothing to decide.
pub async fn settle(args: SettleArgs) -> Result<(), CommandError> {
    let id = JobId::parse(&args.id)?;
    let home = args.at.look().await?;
    let outcome = decide(&home, id, &args).await;
    home.stop().await;
    println!("{}", outcome?);
    Ok(())
}

async fn decide(home: &Home, id: JobId, args: &SettleArgs) -> Result<String, CommandError> {
    let job = home.jobs().get(id).await?.ok_or_else(|| format!("there is no job {id}"))?;
    let attempts = home.ledger().attempts(id).await?;
    let unknown = attempts.iter().rev().find(|attempt| attempt.is_unknown());
    let unknown = unknown.ok_or_else(|| format!("no order of job {id} is unknown"))?;
    let decided = decided(unknown, args)?;
    if home.ledger().replace(unknown, &decided).await? == Replaced::Conflict {
        return Err(format!("attempt {} has just changed: look again", unknown.number).into());
    }
    let (number, state) = (decided.number, decided.state);
    let said = format!("attempt {number} of job {id} is {state}");
    if job.state == JobState::Failed {
        let at = &args.at;
        return Ok(format!("{said}; try the job again with `stillmotion redrive --job {id}{at}`"));
    }
    let request = serde_json::to_string(&LtxRequest::look_now(&job, None))?;
    home.queue("ltx").send(&request, Some(&job.trace_id)).await?;
    Ok(said)
}

fn decided(unknown: &Attempt, args: &SettleArgs) -> Result<Attempt, CommandError> {
    let (now, by) = (SystemClock.now(), operator());
    if let Some(name) = &args.taken {
        return Ok(unknown.submitted(name, None)?);
    }
    let settlement = if args.not_taken {
        // It is ordered again with the whole time before it.
        let time = unknown.deadline.since(unknown.intended_at);
        let unknown = Attempt { deadline: now.plus(time), ..unknown.clone() };
        let note = format!("not taken, says {by}");
        return Ok(unknown.settled(Settlement::not_taken(Some(note)), now)?);
    } else {
        let note = format!("charged without a clip, says {by}");
        Settlement::given_up(FailureKind::Unknown, note, unknown.reserved)
    };
    Ok(unknown.settled(settlement, now)?)
}
