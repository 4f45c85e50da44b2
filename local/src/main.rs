//! `stillmotion`: the commands that a newcomer types.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use ports::Chain;
use stillmotion::commands::{
    CancelArgs, CommandError, CostsArgs, DeadArgs, JobArgs, JobsArgs, KeyArgs, MakeArgs,
    RedriveArgs, SettleArgs, UpArgs, cancel, costs, dead, job, jobs, key, make, redrive, settle,
    up,
};
use stillmotion::mermaid;
use stillmotion::topology::Topology;
use tracing_subscriber::EnvFilter;

/// A still photo becomes a cinematic, branded video.
#[derive(Debug, Parser)]
#[command(name = "stillmotion", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes a video of a photo on an embedded cloud: no account, no key, no other service.
    Make(Box<MakeArgs>),
    /// Starts the embedded cloud and all functions, and stays up.
    Up(UpArgs),
    /// Lists jobs with state, age and the times of their stages.
    Jobs(JobsArgs),
    /// Shows the whole history of a job.
    Job(JobArgs),
    /// Calls a job off and says what is still billed.
    Cancel(CancelArgs),
    /// What was spent, per day, provider and user.
    Costs(CostsArgs),
    /// Lists what failed, by stage and cause.
    Dead(DeadArgs),
    /// Has failed jobs tried again from the stage that failed.
    Redrive(RedriveArgs),
    /// Decides an order whose answer was lost.
    Settle(SettleArgs),
    /// Makes, revokes and lists keys with which servers call the API.
    Key(KeyArgs),
    /// Prints the diagram of the chain, drawn from the topology.
    Diagram,
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    log_to_stderr(&cli.command);
    match run(cli.command).await {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read the output has read enough.
        Err(error) if is_broken_pipe(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("stillmotion: {}", Chain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &(dyn std::error::Error + 'static)) -> bool {
    let error = error.downcast_ref::<std::io::Error>();
    error.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

async fn run(command: Command) -> Result<(), CommandError> {
    match command {
        Command::Make(args) => make(*args).await,
        Command::Up(args) => up(args).await,
        Command::Jobs(args) => jobs(args).await,
        Command::Job(args) => job(args).await,
        Command::Cancel(args) => cancel(args).await,
        Command::Costs(args) => costs(args).await,
        Command::Dead(args) => dead(args).await,
        Command::Redrive(args) => redrive(args).await,
        Command::Settle(args) => settle(args).await,
        Command::Key(args) => key(args).await,
        Command::Diagram => {
            println!("{}", mermaid(&Topology::built_in()));
            Ok(())
        }
    }
}

/// `make` tells the end of a job itself; where functions stay up, their log is what there is.
fn log_to_stderr(command: &Command) {
    let usual = if matches!(command, Command::Up(_)) { "info" } else { "off" };
    let filter = match EnvFilter::try_from_default_env() {
        // What they tell below that are whole requests and answers, with presigned addresses and
        // secrets of webhooks.
        Ok(asked) => ["s3s=info", "aws_smithy_runtime=warn"]
            .into_iter()
            .fold(asked, |filter, cap| filter.add_directive(cap.parse().expect("a directive"))),
        Err(_) => EnvFilter::new(usual),
    };
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}
