//! A data folder, providers that are played, and the program at work on both.

use std::path::PathBuf;
use std::process::{Command, Output};

use domain::{Job, JobState, ObjectKey};
use fake_providers::{Fake, Name};
use ports::{Content, JobStore, ObjectMeta, ObjectStore};
use serde_json::Value;
use tempfile::TempDir;

use super::{Setting, Up, registry, settings_of, small_photo, stillmotion, text, until, up};

/// Options of `up` that make the sweep quick.
const QUICK: [&str; 4] = ["--sweep-every-secs", "1", "--nudge-after-secs", "3"];

pub(crate) struct Shop {
    pub(crate) fake: Fake,
    pub(crate) settings: Vec<Setting>,
    pub(crate) data: PathBuf,
    pub(crate) up: Up,
    photo: Vec<u8>,
    _folder: TempDir,
}

impl Shop {
    /// Up, with these providers of the fake, clips of 6 s, and these settings beside.
    pub(crate) async fn open(providers: &[Name], also: &[(&'static str, &str)]) -> Self {
        Self::open_at(super::fake(6).await, providers, also)
    }

    /// Up, with these providers of this fake, and these settings beside.
    pub(crate) fn open_at(fake: Fake, providers: &[Name], also: &[(&'static str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        // Nobody waits in line here, so that much is under way at once.
        let numbers = [("poll_every_secs", 1), ("concurrency", 20)];
        let mut settings = vec![registry(folder.path(), &numbers)];
        settings.extend(providers.iter().flat_map(|provider| settings_of(&fake, *provider)));
        settings.extend(also.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let (up, photo) = (up(&data, &settings, &QUICK), small_photo());
        Self { fake, settings, data, up, photo, _folder: folder }
    }

    /// Kills it without a word, and brings it up again.
    pub(crate) fn die_and_rise(&mut self) {
        self.up.kill();
        self.up = up(&self.data, &self.settings, &QUICK);
    }

    /// Puts the photo in the bucket with these wishes, and waits until its job is known.
    pub(crate) async fn drop_in(&self, name: &str, wishes: &[(&str, &str)]) -> Job {
        let key = self.put(name, wishes).await;
        until("the job", async || self.jobs().await.into_iter().find(|job| job.upload_key == key))
            .await
    }

    /// Puts the photo in the bucket with these wishes.
    pub(crate) async fn put(&self, name: &str, wishes: &[(&str, &str)]) -> ObjectKey {
        let key = ObjectKey::new(format!("uploads/{name}")).expect("a key");
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let meta = ObjectMeta {
            content_type: "image/jpeg".to_owned(),
            user: wishes.iter().map(own).collect(),
        };
        self.up.home.bucket().put(&key, Content::Bytes(&self.photo), &meta).await.expect("put");
        key
    }

    /// Every job.
    pub(crate) async fn jobs(&self) -> Vec<Job> {
        let mut jobs = Vec::new();
        for state in JobState::ALL {
            jobs.extend(self.up.home.jobs().in_state(state, usize::MAX).await.expect("jobs"));
        }
        jobs
    }

    /// Waits until a job is in this state.
    pub(crate) async fn job_is(&self, job: &Job, state: JobState) -> Job {
        let what = format!("job {} to be {state}", job.id);
        until(&what, async || {
            let job = self.up.home.jobs().get(job.id).await.expect("jobs").expect("the job");
            assert!(!job.state.is_end() || job.state == state, "{job:?}");
            (job.state == state).then_some(job)
        })
        .await
    }

    /// Waits until the newest attempt of a job is in this state; tells it.
    pub(crate) async fn attempt_is(&self, job: &Job, state: &str) -> Value {
        until(&format!("an attempt to be {state}"), async || {
            let newest = self.ledger(job).pop()?;
            (newest["state"] == state).then_some(newest)
        })
        .await
    }

    /// A command on the data folder.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = stillmotion();
        command.args(arguments).arg("--data").arg(&self.data);
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("it runs")
    }

    /// What a command that succeeds prints.
    pub(crate) fn says(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// The JSON lines that a command prints.
    pub(crate) fn lines(&self, arguments: &[&str]) -> Vec<Value> {
        let said = self.says(&[arguments, &["--json"]].concat());
        said.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    /// Everything that `job` tells of a job.
    pub(crate) fn tell(&self, job: &Job) -> Value {
        self.lines(&["job", &job.id.to_string()]).remove(0)
    }

    /// The attempts of a job, the first one first.
    pub(crate) fn ledger(&self, job: &Job) -> Vec<Value> {
        self.tell(job)["ledger"].as_array().expect("a ledger").clone()
    }

    /// The names of what was announced of a job.
    pub(crate) fn announced(&self, job: &Job) -> Vec<String> {
        let told = self.tell(job);
        let history = told["history"].as_array().expect("a history");
        let name = |event: &Value| event["detail-type"].as_str().expect("a name").to_owned();
        history.iter().map(name).collect()
    }
}
