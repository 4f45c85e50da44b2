//! The commands.

mod job;
mod jobs;
mod make;
mod progress;
mod up;

pub use job::{JobArgs, job};
pub use jobs::{JobsArgs, jobs};
pub use make::{MakeArgs, make};
pub use up::{UpArgs, up};

/// What ends a command early: one line for a person.
pub type CommandError = Box<dyn std::error::Error + Send + Sync>;

/// Where data is kept unless it is said.
pub const DATA: &str = ".stillmotion";

/// Ends when somebody wants the program to end: Ctrl-C, or a polite kill.
async fn interrupted() {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        .expect("the runtime handles signals");
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
