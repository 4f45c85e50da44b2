//! One order with the real adapter of a provider, killed at every point at which it waits, and with
//! the connection cut at every byte of every answer.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use domain::{Attempt, AttemptState, FailureKind, Job, JobState, keys};
use events::LtxRequest;
use fake_providers::{Cut, Endpoint, Fake, Name, Switches};
use ltx::{Ltx, Policy};
use ports::{Chronicle, HandleRecord, Handled};
use providers::Provider;
use tempfile::TempDir;
use testkit::{
    InMemoryJobs, InMemoryLedger, InMemoryRegisters, InMemoryStore, PassThrough, RecordingBus,
    TestClock, samples,
};

use crate::studio::{ordered, provider};

const GRACE: Duration = Duration::from_mins(10);

/// A stage that forgets nothing but what is under way.
struct Stage {
    store: InMemoryStore,
    jobs: InMemoryJobs,
    bus: RecordingBus,
    clock: TestClock,
    ledger: InMemoryLedger,
    registers: InMemoryRegisters,
    provider: Provider,
    work: TempDir,
    job: Job,
}

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

impl Stage {
    /// A job of its own, with a prompt of its own.
    fn with(provider: &Provider, prompt: &str) -> Self {
        let mut job =
            samples::led_to(samples::job_named(&prompt.replace(' ', "-")), JobState::Queued);
        prompt.clone_into(&mut job.order.prompt);
        let photo = samples::photo_jpeg(64, 48);
        Self {
            store: InMemoryStore::default().with(keys::photo(job.id).as_str(), photo),
            jobs: InMemoryJobs::default().with(&job),
            bus: RecordingBus::default(),
            clock: TestClock::default(),
            ledger: InMemoryLedger::default(),
            registers: InMemoryRegisters::default(),
            provider: provider.clone(),
            work: tempfile::tempdir().expect("a folder"),
            job,
        }
    }

    fn ltx(&self) -> Handler {
        Ltx {
            store: self.store.clone(),
            chronicle: Chronicle {
                jobs: self.jobs.clone(),
                bus: self.bus.clone(),
                clock: self.clock.clone(),
            },
            ledger: self.ledger.clone(),
            registers: self.registers.clone(),
            generators: vec![self.provider.clone()],
            rewrap: PassThrough::default(),
            policy: Policy { submit_grace: GRACE, hold_for: GRACE, ..Policy::default() },
            work: self.work.path().to_owned(),
        }
    }

    /// One delivery, in a process that is killed when it waits for the `n`-th time. None: it was.
    async fn deliver_until_wait(&self, n: u32) -> Option<()> {
        let (ltx, request) = (self.ltx(), LtxRequest::of_job(&self.job));
        let delivery = Mortal { future: Box::pin(ltx.handle(&request)), waits: n };
        delivery.await.map(drop)
    }

    /// Delivers until the job has its clip or has ended, whatever breaks; the time passes quickly.
    async fn deliver_until_end(&self) -> Job {
        let request = LtxRequest::of_job(&self.job);
        for _ in 0..200 {
            let handled = self.ltx().handle(&request).await;
            let job = self.jobs.job(self.job.id).expect("a row");
            if job.state.is_end() || job.state == JobState::LtxDone {
                return job;
            }
            let waits = matches!(handled, Ok(Handled::NotYet { .. }) | Err(_));
            assert!(waits, "{handled:?} leaves a job that is {}", job.state);
            self.clock.advance(Duration::from_mins(1));
        }
        panic!("the job does not end: {:?}", self.ledger.all());
    }

    /// Whatever happened, an order was paid at most once, and the ledger says what is not known.
    fn assert_paid_once(&self, ended: &Job, orders: usize, context: &str) {
        let attempts = self.ledger.all();
        let count = |state| attempts.iter().filter(|one: &&Attempt| one.state == state).count();
        assert!(orders <= 1, "{context}: {orders} orders, {attempts:?}");
        let (succeeded, unknown) = (count(AttemptState::Succeeded), count(AttemptState::Unknown));
        match &ended.failure {
            None => assert_eq!((orders, succeeded, unknown), (1, 1, 0), "{context}"),
            Some(failure) => {
                assert_eq!(failure.kind, FailureKind::Unknown, "{context}: {failure:?}");
                assert_eq!((succeeded, unknown), (0, 1), "{context}: {attempts:?}");
            }
        }
    }
}

/// A future that dies when it waits once too often.
struct Mortal<F> {
    future: Pin<Box<F>>,
    waits: u32,
}

impl<F: Future> Future for Mortal<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.waits == 0 {
            return Poll::Ready(None);
        }
        let polled = self.future.as_mut().poll(context);
        if polled.is_pending() {
            self.waits -= 1;
        }
        polled.map(Some)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_every_wait_nobody_is_paid_twice() {
    let fake = Fake::start(b"a clip".to_vec()).await.expect("a fake");
    for name in Name::ALL {
        // Nothing is ready at once, so that it waits for everything.
        fake.set(name, Switches { answer_ms: 1, ..Switches::default() });
        let provider = provider(&fake, name);
        let (mut deaths, mut unknown) = (0, 0);
        for n in 1.. {
            let prompt = format!("{} dies at wait {n}", name.as_str());
            let stage = Stage::with(&provider, &prompt);
            let mut lived = false;
            // Killed in this delivery and in the next ones, until one gets through.
            for _ in 0..4 {
                lived = stage.deliver_until_wait(n).await.is_some();
                stage.clock.advance(Duration::from_secs(10));
            }
            let ended = stage.deliver_until_end().await;
            stage.assert_paid_once(&ended, ordered(&fake, name, stage.job.id, &prompt), &prompt);
            unknown += usize::from(ended.failure.is_some());
            deaths += 1;
            if lived && n > 20 {
                break;
            }
        }
        println!("{}: killed at {deaths} waits, {unknown} unknown orders held", name.as_str());
        assert!(deaths > 20, "{}: only {deaths} waits", name.as_str());
    }
}

/// Cuts the connection after `after_bytes` of the next answer of `to`, and runs a job to its end.
/// Whether the whole answer got through.
async fn cut(
    fake: &Fake,
    provider: &Provider,
    name: Name,
    to: Endpoint,
    at: usize,
    take: bool,
) -> bool {
    let prompt = format!("{} {to:?} cut at {at} {take}", name.as_str());
    let cut = Cut { to, times: 1, after_bytes: at, take };
    fake.set(name, Switches { cuts: vec![cut], ..Switches::default() });
    let stage = Stage::with(provider, &prompt);

    let ended = stage.deliver_until_end().await;

    stage.assert_paid_once(&ended, ordered(fake, name, stage.job.id, &prompt), &prompt);
    if to != Endpoint::Submit {
        // Looking and collecting are free: a cut there costs nothing but time.
        assert_eq!(ended.failure, None, "{prompt}");
    }
    fake.calls(name).iter().rev().find(|call| call.what == to).is_some_and(|call| !call.cut)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_at_every_byte_of_every_answer_nobody_is_paid_twice() {
    let fake = Arc::new(Fake::start(b"a clip".to_vec()).await.expect("a fake"));
    for name in Name::ALL {
        let provider = provider(&fake, name);
        let mut cuts = 0;
        for to in [
            Endpoint::Upload,
            Endpoint::Submit,
            Endpoint::Look,
            Endpoint::Result,
            Endpoint::Download,
        ] {
            let takes: &[bool] = if to == Endpoint::Submit { &[false, true] } else { &[true] };
            for &take in takes {
                // Every byte of the status line and head, then steps through the rest.
                for at in (0..40).chain((40..2_000).step_by(13)) {
                    cuts += 1;
                    if cut(&fake, &provider, name, to, at, take).await {
                        break;
                    }
                }
            }
        }
        println!("{}: cut {cuts} times", name.as_str());
        assert!(cuts > 100, "{}: only {cuts} cuts", name.as_str());
    }
}
