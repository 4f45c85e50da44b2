//! Money is never spent twice, however often the program is killed.

use std::time::Duration;

use domain::{Attempt, AttemptState, FailureKind, Job, JobState};
use fake_providers::{Fake, Name, Order, sample_clip};
use ports::{History, Ledger};
use support::{Shop, until};
use testkit::Rng;

mod support;

/// Jobs that are there from the beginning; others follow.
const JOBS: usize = 6;
/// A life lasts so long after it is up, in milliseconds.
const LIFE_MS: std::ops::Range<usize> = 20..700;
/// How long the provider takes for an answer, in one life and another.
const ANSWER_MS: [u64; 4] = [0, 10, 40, 120];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_moment_ltx_is_never_asked_twice_for_a_clip() {
    killed(Name::Ltx, 40).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_moment_fal_is_never_asked_twice_for_a_clip() {
    killed(Name::Fal, 20).await;
}

/// Kills the program so often while clips are filmed, leaves it in peace, and audits.
async fn killed(provider: Name, kills: usize) {
    let mut rng = Rng::fresh();
    let clip = sample_clip(5, 160, 90).await.expect("a clip");
    let fake = Fake::start(clip).await.expect("the fake");
    fake.change(provider, |switches| switches.latency_ms = 300);
    let settings = [("SUBMIT_GRACE_SECS", "2"), ("HOLD_FOR_SECS", "6")];
    let mut shop = Shop::open_at(fake, &[provider], &settings);

    let (mut asked, mut lives, mut counted) = (0, 0, 0);
    while counted < kills {
        while asked < JOBS + counted / 2 {
            let prompt = format!("clip {asked}");
            shop.put(&format!("{asked}.jpg"), &[("prompt", &prompt)]).await;
            asked += 1;
        }
        // What was taken is answered a little later: there is time to die in between.
        let answer_ms = ANSWER_MS[rng.below(ANSWER_MS.len())];
        shop.fake.change(provider, |switches| switches.answer_ms = answer_ms);
        // A machine that is too busy to get as far as an order is given more time.
        let patience_ms = 20 * (lives - counted);
        let life_ms = LIFE_MS.start + rng.below(LIFE_MS.len()) + patience_ms;
        tokio::time::sleep(Duration::from_millis(life_ms as u64)).await;
        let jobs = shop.jobs().await;
        counted += usize::from(jobs.iter().any(|job| job.state == JobState::Generating));
        lives += 1;
        shop.die_and_rise();
    }
    let ended = until("all jobs to end", async || {
        let jobs = shop.jobs().await;
        (jobs.len() == asked && jobs.iter().all(|job| job.state.is_end())).then_some(jobs)
    })
    .await;

    let mut counts = Counts::default();
    for job in &ended {
        let orders = shop.fake.orders(provider);
        let orders = orders.iter().filter(|order| order.prompt == job.order.prompt).collect();
        audit(&shop, job, orders, &mut counts).await;
    }
    println!("{provider:?}: {lives} kills, {counted} of them while clips were filmed, {counts:?}");
    assert_eq!(counts.orders, shop.fake.bill(provider).orders, "every order is some job's");
    assert_eq!(counts.orders, counts.succeeded + counts.unknown_taken, "every order is explained");
}

/// What there was.
#[derive(Debug, Default)]
struct Counts {
    rendered: usize,
    intents: usize,
    orders: usize,
    succeeded: usize,
    not_taken: usize,
    unknown_taken: usize,
    unknown_not_taken: usize,
    doubles: usize,
}

/// Checks what became of a job against what the provider knows of it.
async fn audit(shop: &Shop, job: &Job, orders: Vec<&Order>, counts: &mut Counts) {
    let history = shop.up.home.jobs().events(job.id).await.expect("a history");
    let ends = ["Rendered.v1", "JobFailed.v1", "JobCancelled.v1", "JobExpired.v1"];
    let ends = history.iter().filter(|event| ends.contains(&event.detail_type.as_str()));
    assert_eq!(ends.count(), 1, "a job ends once: {history:?}");
    let failure = job.failure.as_ref().map(|failure| failure.kind);
    let known = job.state == JobState::Rendered;
    assert!(known || failure == Some(FailureKind::Unknown), "{job:?}");
    counts.rendered += usize::from(known);

    let attempts = shop.up.home.ledger().attempts(job.id).await.expect("a ledger");
    counts.intents += attempts.len();
    counts.orders += orders.len();
    counts.doubles += orders.len().saturating_sub(1);
    assert!(orders.len() <= 1, "ordered twice: {orders:?} {attempts:?}");
    for attempt in &attempts {
        explain(attempt, orders.first().copied(), counts);
    }
    let unknown = attempts.iter().any(Attempt::is_unknown);
    assert_eq!(known, !unknown, "only what is unknown keeps a job from its end: {attempts:?}");
}

/// Checks that an attempt and the order that there is, or is not, fit together.
fn explain(attempt: &Attempt, order: Option<&Order>, counts: &mut Counts) {
    let named = attempt.provider_job.as_deref();
    let is_its = order.is_some_and(|order| Some(order.id.as_str()) == named);
    match attempt.state {
        AttemptState::Succeeded => {
            assert!(is_its, "{attempt:?} is not {order:?}");
            counts.succeeded += 1;
        }
        AttemptState::NotTaken => {
            assert_eq!(named, None, "{attempt:?}");
            counts.not_taken += 1;
        }
        AttemptState::Unknown => match order {
            Some(_) => counts.unknown_taken += 1,
            None => counts.unknown_not_taken += 1,
        },
        _ => panic!("it is left like that: {attempt:?}"),
    }
}
