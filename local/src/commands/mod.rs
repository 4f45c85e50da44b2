//! The commands.

mod cancel;
mod cloud;
mod costs;
mod dead;
mod job;
mod jobs;
mod key;
mod make;

mod progress;
mod redrive;
mod settle;
mod up;

pub use cancel::{CancelArgs, cancel};
pub use cloud::Where;
pub use costs::{CostsArgs, costs};
pub use dead::{DeadArgs, dead};
pub use job::{JobArgs, job};
pub use jobs::{JobsArgs, jobs};
pub use key::{KeyArgs, key};
pub use make::{MakeArgs, make};
pub use redrive::{RedriveArgs, redrive};
pub use settle::{SettleArgs, settle};
pub use up::{UpArgs, up};

use std::path::{Path, PathBuf};

use ports::environment;
use providers::Verifier;

use crate::{Door, Home};

/// What ends a command early: one line for a person.
pub type CommandError = Box<dyn std::error::Error + Send + Sync>;

/// Where data is kept unless it is said.
pub const DATA: &str = ".stillmotion";

/// Where providers that can post are told to post; their posts are then heard here.
const WEBHOOK_BASE: &str = "PROVIDER_WEBHOOK_BASE_URL";
/// Where this machine listens for them.
const WEBHOOK_LISTEN: &str = "PROVIDER_WEBHOOK_LISTEN";

/// Opens the door for posts of providers, where they are told to post.
async fn door(home: &Home, verifiers: Vec<Verifier>) -> Result<Option<Door>, CommandError> {
    if environment(WEBHOOK_BASE).is_none_or(|base| base.is_empty()) {
        return Ok(None);
    }
    let listen = environment(WEBHOOK_LISTEN).unwrap_or_else(|| "127.0.0.1:4702".to_owned());
    let address = listen
        .parse()
        .map_err(|_| format!("{WEBHOOK_LISTEN} should be address:port, not {listen:?}"))?;
    let door = Door::open(address, home, verifiers).await;
    Ok(Some(door.map_err(|error| format!("cannot listen for providers at {listen}: {error}"))?))
}

/// Who is at the keyboard, for the record.
fn operator() -> String {
    ["STILLMOTION_OPERATOR", "USER", "LOGNAME"]
        .into_iter()
        .filter_map(environment)
        .find(|name| !name.is_empty())
        .unwrap_or_else(|| "somebody".to_owned())
}

/// A folder for media on its way. What a killed run has left there is of no use, but its `ffmpeg` may
/// still be writing: what cannot be removed now is removed next time.
fn work_folder(data: &Path) -> Result<PathBuf, CommandError> {
    let work = data.join("work");
    let _ = std::fs::remove_dir_all(&work);
    std::fs::create_dir_all(&work)?;
    Ok(work)
}

/// Ends when somebody wants the program to end: Ctrl-C, or a polite kill.
async fn interrupted() {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        .expect("the runtime handles signals");
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
