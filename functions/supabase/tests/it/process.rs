//! Programs that do not outlive the tests.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Runs a program until its own input ends, which it does when the test ends, however that ends.
const UNTIL_INPUT_ENDS: &str = r#"signal=$1; shift
"$@" </dev/null & program=$!
read -r _
kill -s "$signal" "$program" 2>/dev/null
wait "$program""#;

/// A program that runs until it is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `program` and its arguments as `user`; `signal` is what ends it.
    pub(crate) fn start(
        user: Option<&str>,
        signal: &str,
        program: &[&str],
        variables: &[(&str, &str)],
        log: &Path,
    ) -> Self {
        let output = File::create(log).expect("a log");
        let child = as_user(user, "sh")
            .args(["-c", UNTIL_INPUT_ENDS, "sh", signal])
            .args(program)
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(output.try_clone().expect("a log"))
            .stderr(output)
            .spawn()
            .expect("a program");
        Self { child, log: log.to_owned() }
    }

    /// What it has written so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// A command that runs as `user`, or as whoever runs the tests.
pub(crate) fn as_user(user: Option<&str>, program: &str) -> Command {
    let Some(user) = user else { return Command::new(program) };
    let mut command = Command::new("setpriv");
    command.args([&format!("--reuid={user}"), "--regid", user_group(user), "--clear-groups", "--"]);
    command.arg(program);
    command
}

/// `nobody` has no group of its own name.
fn user_group(user: &str) -> &str {
    if user == "nobody" { "nogroup" } else { user }
}
