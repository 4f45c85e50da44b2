//! A key is replaced while the functions run: no invocation fails for it, and none is deployed anew.

use std::time::Duration;

use domain::{Job, JobState, keys};
use events::LtxRequest;
use fake_providers::{Fake, Name, Switches};
use film::Ffmpeg;
use ltx::{Ltx, Policy};
use ports::{Chronicle, HandleRecord, Handled, Refreshed, Secrets, Source};
use providers::{Provider, Registry, providers};
use testkit::{
    InMemoryJobs, InMemoryLedger, InMemoryRegisters, InMemorySecrets, InMemoryStore, PassThrough,
    RecordingBus, TestClock, samples,
};

const GOOD_FOR: Duration = Duration::from_mins(5);
const KEY: &str = "LTX_API_KEY";

type Handler = Ltx<(
    InMemoryStore,
    InMemoryJobs,
    RecordingBus,
    TestClock,
    InMemoryLedger,
    InMemoryRegisters,
    Provider,
    PassThrough,
)>;

/// Function `ltx` before a fake of LTX, with its key in a secret.
struct World {
    fake: Fake,
    secrets: InMemorySecrets,
    clock: TestClock,
    ltx: Refreshed<InMemorySecrets, TestClock, Handler>,
}

fn job(name: &str) -> Job {
    samples::led_to(samples::job_named(name), JobState::Queued)
}

impl World {
    /// The photos of `jobs` are accepted.
    async fn with(jobs: &[Job]) -> Self {
        let fake = Fake::start(b"a clip".to_vec()).await.expect("a fake");
        let secrets = InMemorySecrets::of(&[(KEY, "old")]);
        let clock = TestClock::default();
        let maker = maker(&clock, fake.base(Name::Ltx), jobs);
        let ltx = Refreshed::load(secrets.clone(), clock.clone(), GOOD_FOR, maker).await;
        let world = Self { fake, secrets, clock, ltx: ltx.expect("ltx") };
        world.accept(&["old"]);
        world
    }

    /// The keys that LTX accepts from now on.
    fn accept(&self, keys: &[&str]) {
        let keys = keys.iter().map(|key| (*key).to_owned()).collect();
        self.fake.set(Name::Ltx, Switches { keys, ..Switches::default() });
    }

    /// An invocation with the order for `job`.
    async fn invoke(&self, job: &Job) -> Handled {
        let ltx = self.ltx.current().await;
        ltx.handle(&LtxRequest::of_job(job)).await.expect("no fault")
    }

    /// Has a clip ordered and collected.
    async fn film(&self, job: &Job) {
        while self.invoke(job).await != Handled::Done {}
    }

    /// What LTX has answered so far.
    fn answers(&self) -> Vec<u16> {
        self.fake.calls(Name::Ltx).iter().map(|call| call.status).collect()
    }
}

/// What makes the function of secrets; what it stores outlives what is made.
fn maker(
    clock: &TestClock,
    ltx_url: String,
    jobs: &[Job],
) -> impl Fn(&Secrets) -> Result<Handler, Source> + use<> {
    let photo = samples::photo_jpeg(16, 16);
    let store = jobs.iter().fold(InMemoryStore::default(), |store, job| {
        store.with(keys::photo(job.id).as_str(), photo.clone())
    });
    let chronicle = Chronicle {
        jobs: jobs.iter().fold(InMemoryJobs::default(), InMemoryJobs::with),
        bus: RecordingBus::default(),
        clock: clock.clone(),
    };
    let (ledger, registers) = (InMemoryLedger::default(), InMemoryRegisters::default());
    move |secrets| {
        let variables = |name: &str| (name == "LTX_BASE_URL").then(|| ltx_url.clone());
        let ffmpeg = Ffmpeg::new("ffmpeg", "ffprobe");
        let Chronicle { jobs, bus, clock } = &chronicle;
        Ok(Ltx {
            store: store.clone(),
            chronicle: Chronicle { jobs: jobs.clone(), bus: bus.clone(), clock: clock.clone() },
            ledger: ledger.clone(),
            registers: registers.clone(),
            generators: providers(secrets.over(variables), &Registry::built_in(), ffmpeg)?,
            rewrap: PassThrough::default(),
            policy: Policy { reuse_for: None, ..Policy::default() },
            work: std::env::temp_dir(),
        })
    }
}

#[tokio::test]
async fn a_key_is_replaced_without_a_fault() {
    let jobs = [job("before"), job("meanwhile"), job("unread"), job("after")];
    let world = World::with(&jobs).await;

    world.film(&jobs[0]).await;
    // It is ordered with the old key and collected with the new one, which is read in between.
    world.invoke(&jobs[1]).await;
    world.accept(&["old", "new"]);
    world.secrets.put(&[(KEY, "new")]);
    world.secrets.fail(true);
    world.clock.advance(GOOD_FOR);
    world.film(&jobs[2]).await;
    world.secrets.fail(false);
    world.clock.advance(GOOD_FOR);
    world.film(&jobs[1]).await;
    world.accept(&["new"]);
    world.film(&jobs[3]).await;

    let answers = world.answers();
    assert!(answers.iter().all(|status| *status < 300), "{answers:?}");
    assert_eq!(world.fake.orders(Name::Ltx).len(), 4);
}

#[tokio::test]
async fn a_key_that_was_withdrawn_is_refused_until_the_new_one_is_read() {
    let jobs = [job("refused"), job("after")];
    let world = World::with(&jobs).await;
    world.accept(&["new"]);
    world.secrets.put(&[(KEY, "new")]);

    world.invoke(&jobs[0]).await;
    let refused = world.answers();
    world.clock.advance(GOOD_FOR);
    world.invoke(&jobs[1]).await;

    assert_eq!(refused.last(), Some(&401));
    assert!(world.answers()[refused.len()..].iter().all(|status| *status < 300));
    assert_eq!(world.fake.orders(Name::Ltx).len(), 1);
}
