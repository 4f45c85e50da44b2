//! A process that ends with whoever started it.

use std::process::ExitStatus;
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A running process, killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    id: u32,
    ended: watch::Receiver<Option<ExitStatus>>,
    /// Owns the process.
    waiting: JoinHandle<()>,
}

impl Process {
    /// Starts it.
    pub(crate) fn start(mut command: Command) -> Self {
        let child = command.kill_on_drop(true).spawn();
        let mut child: Child = child.unwrap_or_else(|error| {
            panic!("{}: {error}", command.as_std().get_program().display())
        });
        let id = child.id().expect("it runs");
        let (end, ended) = watch::channel(None);
        let waiting = tokio::spawn(async move {
            let status = child.wait().await.expect("it can be waited for");
            // Nobody may be interested any more.
            let _ = end.send(Some(status));
        });
        Self { id, ended, waiting }
    }

    /// How it ended, once it has.
    pub(crate) async fn ended(&self) -> ExitStatus {
        let mut ended = self.ended.clone();
        let status = ended.wait_for(Option::is_some).await.expect("somebody waits for it");
        status.expect("it has ended")
    }

    /// Whether it still runs.
    pub(crate) fn is_running(&self) -> bool {
        self.ended.borrow().is_none()
    }

    /// Sends it SIGTERM; how it ended, if it did within `limit`.
    pub(crate) async fn terminate(&self, limit: Duration) -> Option<ExitStatus> {
        let mut kill = Command::new("sh");
        kill.args(["-c", "kill -TERM \"$0\"", &self.id.to_string()]);
        assert!(kill.status().await.expect("a shell").success(), "no process {}", self.id);
        tokio::time::timeout(limit, self.ended()).await.ok()
    }

    /// Kills it.
    pub(crate) fn kill(&self) {
        // The process is killed when the task that owns it is gone.
        self.waiting.abort();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
