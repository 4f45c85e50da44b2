//! A program, started as Lambda starts it, and its invocations.

use std::path::Path;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use serde_json::Value;
use stillmotion::Home;
use stillmotion::home::SECRET_KEY;
use tempfile::TempDir;
use tokio::process::Command;

use crate::calls;
use crate::log::Log;
use crate::process::Process;
use crate::program;
use crate::recorder::Recorder;
use crate::runtime::{Outcome, Reported, Runtime};
use crate::settings::{self, Settings};
use crate::vault::{self, Vault};

/// Longest wait for a program to start or to end. Lambda gives it 10 s to start.
const PATIENCE: Duration = Duration::from_secs(10);

/// A function that is about to be started.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    function: String,
    memory_mb: u32,
    limit: Duration,
    cloud: String,
    objects_are_old: bool,
    vault: Vault,
    ids_of_secrets: String,
    settings: Settings,
}

impl Setup {
    /// As the CDK app has it.
    pub(crate) fn of(home: &Home, name: &str) -> Self {
        let function = settings::function(&home.topology, name);
        let mut all = settings::implied(home, function);
        all.extend(settings::own(name));
        Self {
            function: name.to_owned(),
            memory_mb: function.memory_mb,
            limit: function.timeout(),
            cloud: home.endpoint().to_owned(),
            objects_are_old: false,
            vault: Vault::default(),
            ids_of_secrets: vault::ids(function),
            settings: all,
        }
    }

    /// With another setting.
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.settings.insert(name.to_owned(), value.into());
        self
    }

    /// Without a setting.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.settings.remove(name);
        self
    }

    /// With a cloud somewhere else.
    pub(crate) fn at(self, cloud: &str) -> Self {
        Self { cloud: cloud.to_owned(), ..self }
    }

    /// With a bucket that says of everything in it that it was stored long ago.
    pub(crate) fn among_old_objects(self) -> Self {
        Self { objects_are_old: true, ..self }
    }

    /// With its secrets in a vault, as on AWS.
    pub(crate) fn reading(self, vault: &Vault) -> Self {
        let ids = self.ids_of_secrets.clone();
        Self { vault: vault.clone(), ..self }.with("SECRETS", ids)
    }

    /// With another time limit.
    pub(crate) fn limited_to(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// Starts it; it has asked for its first event then.
    ///
    /// # Panics
    /// If it ends instead.
    pub(crate) async fn start(self) -> Deployed {
        let deployed = self.launch().await;
        tokio::select! {
            () = deployed.runtime.is_asked() => deployed,
            status = deployed.process.ended() => {
                panic!("{} ended, {status}:\n{}", deployed.function, deployed.log.text())
            }
            () = tokio::time::sleep(PATIENCE) => {
                panic!("{} does not start:\n{}", deployed.function, deployed.log.text())
            }
        }
    }

    /// Starts it, and expects it to end instead of asking for an event; what it has written.
    ///
    /// # Panics
    /// If it asks for an event, or ends as if all were well.
    pub(crate) async fn fail(self) -> String {
        let deployed = self.launch().await;
        tokio::select! {
            () = deployed.runtime.is_asked() => {
                panic!("{} starts:\n{}", deployed.function, deployed.log.text())
            }
            status = deployed.process.ended() => {
                assert!(!status.success(), "{} ended as if all were well", deployed.function);
            }
            () = tokio::time::sleep(PATIENCE) => panic!("{} hangs", deployed.function),
        }
        assert_eq!(deployed.runtime.init_errors(), [], "Lambda hears of it by the exit");
        deployed.log.text()
    }

    async fn launch(self) -> Deployed {
        let program = program::program(&self.function);
        let task_root = program.parent().unwrap_or(Path::new("/")).to_owned();
        let runtime = Runtime::start(settings::function_arn(&self.function)).await;
        let recorder =
            Recorder::start(&self.function, &self.cloud, self.objects_are_old, self.vault).await;
        let folder = tempfile::tempdir().expect("a folder");
        let log = Log::new(folder.path());
        // What stands for /tmp.
        let temporary = tempfile::tempdir().expect("a folder");

        let address = runtime.address();
        let task_root_name = task_root.display().to_string();
        let of_lambda =
            settings::of_lambda(&self.function, self.memory_mb, &address, &task_root_name);
        let (stdout, stderr) = log.outputs();
        let mut command = Command::new(&program);
        // What a stage sets comes last: it may say something else than Lambda.
        command.env_clear().envs(&of_lambda).envs(&self.settings);
        command.env("AWS_ENDPOINT_URL", &recorder.endpoint).env("TMPDIR", temporary.path());
        command.current_dir(task_root).stdout(stdout).stderr(stderr);
        let began = Instant::now();
        Deployed {
            process: Process::start(command),
            secrets: secrets(&self.settings),
            function: self.function,
            limit: self.limit,
            runtime,
            log,
            temporary,
            began,
            _recorder: recorder,
            _folder: folder,
        }
    }
}

/// What must never be logged.
fn secrets(settings: &Settings) -> Vec<String> {
    let is_secret =
        |name: &str| ["_KEY", "_SECRET", "_TOKEN"].iter().any(|end| name.ends_with(end));
    let set = settings.iter().filter(|(name, _)| is_secret(name)).map(|(_, value)| value.clone());
    set.chain([SECRET_KEY.to_owned(), settings::SESSION_TOKEN.to_owned()]).collect()
}

/// A running program. When it is dropped, it is killed, and what it has asked of AWS and written is
/// checked.
#[derive(Debug)]
pub(crate) struct Deployed {
    function: String,
    process: Process,
    runtime: Runtime,
    log: Log,
    secrets: Vec<String>,
    limit: Duration,
    temporary: TempDir,
    began: Instant,
    _recorder: Recorder,
    _folder: TempDir,
}

impl Deployed {
    /// Gives it an event.
    pub(crate) async fn invoke(&self, event: &Value) -> Outcome {
        self.invoke_with(event.to_string().into()).await
    }

    /// Gives it any bytes.
    pub(crate) async fn invoke_with(&self, event: axum::body::Bytes) -> Outcome {
        let broken = |kind: &str, message: String| {
            Err(Reported { error_type: kind.to_owned(), error_message: message })
        };
        tokio::select! {
            outcome = self.runtime.invoke(event, self.limit) => outcome.expect("the runtime is there"),
            status = self.process.ended() => {
                broken("Runtime.ExitError", format!("{status}:\n{}", self.log.text()))
            }
            () = tokio::time::sleep(self.limit) => {
                self.process.kill();
                broken("Sandbox.Timedout", format!("after {} ms", self.limit.as_millis()))
            }
        }
    }

    /// Gives it a batch; the ids of the records that are to come again.
    ///
    /// # Panics
    /// If it gives no such answer.
    pub(crate) async fn failed_of(&self, batch: &Value) -> Vec<String> {
        let answer = self.invoke(batch).await;
        let answer = answer.unwrap_or_else(|error| panic!("{error:?}\n{}", self.log.text()));
        let failures = answer["batchItemFailures"].as_array().expect("a partial batch response");
        let id = |failure: &Value| failure["itemIdentifier"].as_str().expect("an id").to_owned();
        failures.iter().map(id).collect()
    }

    /// What it has written so far.
    pub(crate) fn written(&self) -> String {
        self.log.text()
    }

    /// Has what it writes searched for this, too, when it is dropped.
    pub(crate) fn keep_secret(&mut self, secret: &str) {
        self.secrets.push(secret.to_owned());
    }

    /// Whether it runs.
    pub(crate) fn is_running(&self) -> bool {
        self.process.is_running()
    }

    /// How long ago it was started.
    pub(crate) fn age(&self) -> Duration {
        self.began.elapsed()
    }

    /// Ends it with SIGTERM.
    ///
    /// # Panics
    /// If it does not end.
    pub(crate) async fn terminate(&self) -> ExitStatus {
        let status = self.process.terminate(PATIENCE).await;
        status.unwrap_or_else(|| panic!("{} does not end at SIGTERM", self.function))
    }

    /// What it has left behind in its temporary folder, which the next invocation finds.
    pub(crate) fn left_behind(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.temporary.path()).expect("a folder");
        let name = |entry: std::fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
        entries.map(|entry| name(entry.expect("an entry"))).collect()
    }
}

impl Drop for Deployed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return eprintln!("{}:\n{}", self.function, self.log.text());
        }
        let text = self.log.text();
        for secret in &self.secrets {
            assert!(!text.contains(secret), "{} writes a secret:\n{text}", self.function);
        }
        calls::check(&self.function);
    }
}
