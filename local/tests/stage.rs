//! What operators do to a deployed stage. It is played by `ministack`, which checks signatures and
//! what whoever asks may do; the commands have no ffmpeg, no provider's key and no data folder.

use std::process::{Command, Output};
use std::time::Duration;

use aws::Aws;
use domain::{Attempt, Failure, FailureKind, Intent, Job, JobState, Photo, Stage, Step, keys};
use ministack::{Auth, Keys, Ministack, provision_as};
use ports::{Chronicle, Clock, Content, JobStore, Ledger, ObjectMeta, ObjectStore, SystemClock};
use serde_json::{Value, json};
use stillmotion::home::{ACCOUNT, REGION};
use stillmotion::topology::Topology;
use stillmotion::{Home, Names};
use support::{said, stillmotion, text};
use tempfile::TempDir;
use testkit::samples;

#[allow(dead_code, reason = "the judges of the chain use the rest")]
#[path = "../../tests/chain/ministack.rs"]
mod ministack;
mod support;

/// What an operator has to be allowed, as `docs/OPERATIONS.md` lists it.
fn policy_of_operators() -> Value {
    let arn = |service: &str, what: &str| format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{what}");
    let bucket = format!("arn:aws:s3:::stillmotion-dev-media-{ACCOUNT}-{REGION}");
    let allow = |actions: &[&str], resources: &[String]| json!({ "Effect": "Allow", "Action": actions, "Resource": resources });
    let table = |name: &str| arn("dynamodb", &format!("table/stillmotion-dev-{name}"));
    let of_queues = ["sqs:GetQueueUrl", "sqs:GetQueueAttributes", "sqs:SendMessage"];
    let of_tables = ["dynamodb:GetItem", "dynamodb:Query"];
    let of_written = ["dynamodb:PutItem", "dynamodb:UpdateItem"];
    let written = ["jobs", "ledger", "accounts", "registers"].map(table);
    json!({
        "Version": "2012-10-17",
        "Statement": [
            allow(&of_queues, &[arn("sqs", "stillmotion-dev-*")]),
            allow(&of_tables, &[table("*")]),
            allow(&of_written, &written),
            allow(&["s3:ListBucket"], std::slice::from_ref(&bucket)),
            allow(&["s3:GetObject"], &[format!("{bucket}/*")]),
            allow(&["events:PutEvents"], &[arn("events", "event-bus/stillmotion-dev")]),
        ],
    })
}

/// A stage `dev`, and an operator who is signed in.
struct Deployed {
    ministack: Ministack,
    /// The stage, as whoever owns the account sees it.
    home: Home,
    operator: Keys,
    folder: TempDir,
}

impl Deployed {
    async fn new() -> Self {
        let ministack = Ministack::start(Auth::On).await;
        let (endpoint, root) = (ministack.endpoint().to_owned(), Keys::of_root());
        let queue = format!("{endpoint}/{ACCOUNT}/stillmotion-dev-ingest");
        let dev = "dev".parse().expect("a stage");
        let names = Names::of_stage(dev, REGION, &queue).expect("names");
        provision_as(&names, &endpoint, &root, &Topology::built_in()).await;
        let aws = Aws::at(&endpoint, REGION, &root.access, &root.secret);
        let operator = ministack.user_who_may("operator", &policy_of_operators()).await;
        let folder = tempfile::tempdir().expect("a folder");
        Self { home: Home::called(names, aws), ministack, operator, folder }
    }

    /// The program, in an environment that has this and nothing of the one that the tests run in.
    fn bare(&self, arguments: &[&str]) -> Command {
        let mut command = stillmotion();
        command.env_clear().args(arguments).current_dir(self.folder.path());
        command.env("HOME", self.folder.path());
        command.env("AWS_ENDPOINT_URL", self.ministack.endpoint());
        command.env("AWS_EC2_METADATA_DISABLED", "true");
        command
    }

    /// The program, as somebody with these keys runs it.
    fn command(&self, keys: &Keys, arguments: &[&str]) -> Command {
        let mut command = self.bare(arguments);
        command.env("STILLMOTION_OPERATOR", "ana").env("AWS_REGION", REGION);
        command.env("AWS_ACCESS_KEY_ID", &keys.access);
        command.env("AWS_SECRET_ACCESS_KEY", &keys.secret);
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let arguments = [arguments, &["--stage", "dev"]].concat();
        self.command(&self.operator, &arguments).output().expect("it runs")
    }

    /// What a command that succeeds prints; beside it, it tells where it was.
    fn says(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let beside = text(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {beside}");
        assert_eq!(beside, format!("stage dev of account {ACCOUNT} in {REGION}\n"));
        text(&output.stdout)
    }

    fn lines(&self, arguments: &[&str]) -> Vec<Value> {
        let said = self.says(&[arguments, &["--json"]].concat());
        said.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    /// A job whose photo was accepted, after these steps.
    async fn job(&self, name: &str, steps: &[Step]) -> Job {
        let home = &self.home;
        let chronicle = Chronicle { jobs: home.jobs(), bus: home.bus(), clock: SystemClock };
        let new = samples::job_named(name);
        let mut new = Job { created_at: SystemClock.now(), ..new };
        new.updated_at = new.created_at;
        let mut job = chronicle.begin(new).await.expect("a job");
        let photo = samples::photo_jpeg(8, 8);
        let meta = ObjectMeta { content_type: "image/jpeg".to_owned(), user: [].into() };
        let key = keys::photo(job.id);
        home.bucket().put(&key, Content::Bytes(&photo), &meta).await.expect("a photo");
        let accepted = Step::AcceptPhoto(Photo { width: 1920, height: 1080, worked_ms: 12 });
        for step in [&accepted].into_iter().chain(steps) {
            job = chronicle.step(&job, step).await.expect("a step").job();
        }
        job
    }

    /// A job that failed after its order to LTX was refused, and its attempt.
    async fn failed_job(&self) -> Job {
        let failure = Failure {
            stage: Stage::Ltx,
            kind: FailureKind::Fault,
            reason: "ltx was overloaded".to_owned(),
            cause: Some("503".to_owned()),
        };
        let job = self.job("failed", &[Step::Fail(failure)]).await;
        assert_eq!(job.state, JobState::Failed);
        job
    }

    /// An order whose answer was lost.
    async fn unknown_order(&self, job: &Job) -> Attempt {
        let (now, ledger) = (SystemClock.now(), self.home.ledger());
        let intent = Intent {
            provider: "ltx".to_owned(),
            deadline: now.plus(Duration::from_hours(1)),
            ..samples::intent(job.id)
        };
        let intended = Attempt::intend(intent, now);
        let none = domain::Caps::default();
        ledger.open(&intended, &none).await.expect("an attempt");
        let lost = domain::Settlement::unknown("time-out".to_owned());
        let unknown = intended.settled(lost, now).expect("a state");
        ledger.replace(&intended, &unknown).await.expect("an attempt");
        unknown
    }

    async fn state(&self, job: &Job) -> JobState {
        self.home.jobs().get(job.id).await.expect("jobs").expect("the job").state
    }

    async fn waiting(&self, queue: &str) -> u64 {
        self.home.queue(queue).waiting().await.expect("a queue")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_failed_on_a_stage_is_found_and_tried_again() {
    let stage = Deployed::new().await;
    let job = stage.failed_job().await;
    let id = job.id.to_string();
    ports::MessageSender::send(&stage.home.queue("render-dead"), "{}", None).await.expect("sent");

    stage.job("another", &[]).await;
    let newest = stage.says(&["jobs", "--limit", "1"]);
    assert!(newest.contains("queued") && newest.contains("there are more: --limit"), "{newest}");
    let listed = stage.lines(&["jobs"]);
    assert_eq!((&listed[1]["id"], &listed[1]["state"]), (&json!(id), &json!("failed")));
    assert_eq!(listed.len(), 2);
    assert!(stage.says(&["job", &id]).contains("ltx was overloaded"));
    assert!(stage.says(&["dead"]).contains("queue render-dead holds 1 messages"));

    let plan = stage.says(&["redrive", "--all", "--dry-run"]);
    assert!(plan.contains("is the default there: it is the dearest"), "{plan}");
    assert_eq!(stage.waiting("ltx").await, 0);
    let named = ["redrive", "--from", "ltx", "--dry-run", "--stage", "dev", "--json"];
    let mut named = stage.command(&stage.operator, &named);
    let named = named.env("DEFAULT_PROVIDER", "ltx").output().expect("it runs");
    let named: Value = serde_json::from_slice(&named.stdout).expect("a line");
    assert_eq!((&named["stage"], &named["costMicroUsd"]), (&json!("ltx"), &json!(360_000)));
    assert_eq!(stage.state(&job).await, JobState::Failed);

    let done = stage.says(&["redrive", "--job", &id]);

    assert!(done.contains(&format!("{id} on its way")), "{done}");
    assert_eq!(stage.state(&job).await, JobState::Queued);
    assert_eq!(stage.waiting("ltx").await, 1, "the function is told");
    let told = &stage.lines(&["job", &id])[0];
    let last = told["history"].as_array().and_then(|all| all.last()).expect("an event");
    assert_eq!(last["detail-type"], "JobRedriven.v1");
    assert!(last["detail"].to_string().contains(r#""ana""#), "{last}");
    assert!(stage.waiting("notify").await > 0, "the bus of the stage is told");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_of_a_stage_is_decided_and_what_it_costs_is_counted() {
    let stage = Deployed::new().await;
    let failed = stage.failed_job().await;
    stage.unknown_order(&failed).await;
    let id = failed.id.to_string();

    let costs = &stage.lines(&["costs"])[0];
    assert_eq!((&costs["provider"], &costs["unknownMicroUsd"]), (&json!("ltx"), &json!(360_000)));
    let told = stage.says(&["costs"]);
    assert!(told.contains("today: $0.36 are spent or reserved"), "{told}");
    assert!(stage.says(&["redrive", "--all"]).contains("decide it with `settle` first"));

    let settled = stage.says(&["settle", &id, "--charged"]);

    assert!(
        settled.contains(&format!("`stillmotion redrive --job {id} --stage dev`")),
        "{settled}"
    );
    let costs = &stage.lines(&["costs"])[0];
    assert_eq!(
        (&costs["unknownMicroUsd"], &costs["chargedMicroUsd"]),
        (&json!(0), &json!(360_000))
    );
    let ledger = stage.home.ledger().attempts(failed.id).await.expect("a ledger");
    assert_eq!(ledger[0].note.as_deref(), Some("charged without a clip, says ana"));
    let plan = stage.says(&["redrive", "--all", "--dry-run"]);
    assert!(plan.contains("if ltx is still the default there"), "{plan}");
    assert!(plan.contains("costs at most $0.36"), "{plan}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_of_a_stage_is_called_off_by_its_functions() {
    let stage = Deployed::new().await;
    let job = stage.job("under-way", &[]).await;

    let told = stage.says(&["cancel", &job.id.to_string()]);

    assert!(told.contains("is cancelled") && told.contains("billed: $0.00"), "{told}");
    assert_eq!(stage.state(&job).await, JobState::Cancelled);
    assert_eq!(stage.waiting("ltx").await, 1, "whoever films is told to stop");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_for_a_stage_is_kept_there_and_nowhere_here() {
    let stage = Deployed::new().await;

    let key = stage.says(&["key", "create", "n8n"]);

    let kept = api::list_service_keys(&stage.home.registers(), SystemClock.now()).await;
    let kept = kept.expect("registers");
    assert_eq!((kept.len(), kept[0].name.as_str()), (1, "n8n"));
    assert!(key.trim().len() > 20, "{key}");
    assert!(stage.says(&["key", "list"]).contains("n8n"));
    assert!(stage.says(&["key", "revoke", "n8n"]).contains("revoked"));
    assert!(stage.lines(&["key", "list"])[0]["keys"].as_array().is_some_and(Vec::is_empty));
    assert_eq!(support::names(stage.folder.path()), [""; 0], "no data folder was started");
}

/// The line with which a command fails.
fn complaint(command: &mut Command) -> String {
    let output = command.output().expect("it runs");
    assert!(!output.status.success(), "{}", said(&output));
    let said = text(&output.stderr);
    assert_eq!(said.lines().filter(|line| line.starts_with("stillmotion: ")).count(), 1, "{said}");
    said.lines().last().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_environment_lacks_is_said_in_one_line() {
    let stage = Deployed::new().await;
    let jobs = ["jobs", "--stage", "dev"];

    let absent = ["jobs", "--stage", "prod"];
    let absent = complaint(&mut stage.command(&Keys::of_root(), &absent));
    assert!(absent.contains(&format!("there is no stage prod in {REGION}")), "{absent}");
    assert!(absent.contains("`./stillmotion deploy prod`"), "{absent}");
    let nowhere = complaint(stage.command(&stage.operator, &jobs).env_remove("AWS_REGION"));
    assert!(nowhere.contains("no AWS region for stage dev: set AWS_REGION"), "{nowhere}");
    let nobody = complaint(stage.bare(&jobs).env("AWS_REGION", REGION));
    assert!(nobody.contains("no AWS credentials for stage dev: sign in"), "{nobody}");
    let both = ["jobs", "--stage", "dev", "--data", "here"];
    let both = stage.command(&stage.operator, &both).output().expect("it runs");
    assert!(text(&both.stderr).contains("cannot be used with"), "{}", said(&both));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_operator_may_not_do_is_named() {
    let stage = Deployed::new().await;
    let job = stage.failed_job().await;
    let other =
        json!({ "Effect": "Allow", "Action": "sqs:*", "Resource": "arn:aws:sqs:*:*:other" });
    let other = json!({ "Version": "2012-10-17", "Statement": [other] });
    let stranger = stage.ministack.user_who_may("stranger", &other).await;
    let mut some = policy_of_operators();
    let statements = some["Statement"].as_array_mut().expect("statements");
    statements.retain(|allowed| !allowed["Action"][0].to_string().contains("s3:"));
    let without_bucket = stage.ministack.user_who_may("without-bucket", &some).await;
    let statements = some["Statement"].as_array_mut().expect("statements");
    statements.retain(|allowed| allowed["Action"][0] == "sqs:GetQueueUrl");
    let without_tables = stage.ministack.user_who_may("without-tables", &some).await;

    let denied = |keys, arguments: &[&str]| complaint(&mut stage.command(keys, arguments));
    let said = denied(&stranger, &["jobs", "--stage", "dev"]);
    assert!(said.contains("sqs:GetQueueUrl"), "{said}");
    let said = denied(&without_tables, &["jobs", "--stage", "dev"]);
    assert!(said.contains("dynamodb:Query"), "{said}");
    let redrive = ["redrive", "--job", &job.id.to_string(), "--stage", "dev"];
    let said = denied(&without_bucket, &redrive);
    assert!(said.contains("s3:GetObject"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_has_signed_in_with_a_profile_needs_no_keys_in_the_environment() {
    let stage = Deployed::new().await;
    stage.failed_job().await;
    let Keys { access, secret } = &stage.operator;
    let printed = json!({ "Version": 1, "AccessKeyId": access, "SecretAccessKey": secret });
    std::fs::write(stage.folder.path().join("printed.json"), printed.to_string()).expect("written");
    let credentials = stage.folder.path().join("credentials");
    let keys = format!("[plain]\naws_access_key_id = {access}\naws_secret_access_key = {secret}\n");
    std::fs::write(&credentials, keys).expect("written");
    let config = stage.folder.path().join("config");
    let profiles = format!(
        "[profile plain]\nregion = {REGION}\n\
         [profile program]\nregion = {REGION}\ncredential_process = /bin/cat printed.json\n"
    );
    std::fs::write(&config, profiles).expect("written");

    for profile in ["plain", "program"] {
        let mut command = stage.bare(&["jobs", "--json", "--stage", "dev"]);
        command.env("AWS_CONFIG_FILE", &config).env("AWS_PROFILE", profile);
        command.env("AWS_SHARED_CREDENTIALS_FILE", &credentials);
        let output = command.output().expect("it runs");
        assert!(text(&output.stdout).contains("\"failed\""), "{profile}: {}", said(&output));
    }
}
