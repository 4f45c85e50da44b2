//! The whole chain with the adapters of real providers, before fakes of them.

use std::time::{Duration, Instant};

use domain::{AttemptState, JobState, Step};
use fake_providers::{Cut, Endpoint, Fake, Name, Switches, Webhooks};
use ports::{Chronicle, Ledger, SystemClock};
use stillmotion::redriving::{Claimed, Selection, Then, plan, redrive};
use stillmotion::{Door, Prices};
use testkit::{ReadyClip, ReadyVideo};

use crate::studio::{fake_verifiers, ordered, provider, provider_posting_to};
use crate::world::{Parts, World};

/// How much time passes between looks.
const STEP: Duration = Duration::from_secs(2);

async fn fake() -> Fake {
    Fake::start(b"a clip".to_vec()).await.expect("a fake")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clip_of_every_provider_is_branded_and_paid_once() {
    let fake = fake().await;
    for name in Name::ALL {
        fake.set(name, Switches { latency_ms: 50, ..Switches::default() });
        let parts = Parts::default().with_generator(provider(&fake, name));
        let world = World::with(&parts).await;

        let id = world.upload_with("villa.jpg", &[("prompt", "over the pool")]).await;
        world.ended_with(id, STEP).await;
        world.drained_with(STEP).await;

        let context = name.as_str();
        world.assert_rendered(&parts, id, context).await;
        assert_eq!(ordered(&fake, name, id, "over the pool"), 1, "{context}");
        assert!(fake.orders(name)[0].photo.is_some_and(|bytes| bytes > 0), "{context}: no photo");
        assert_eq!(world.keys("delivered/").await, [""; 0], "{context}");
        let attempts = world.home.ledger().attempts(id).await.expect("the ledger");
        assert_eq!(attempts.len(), 1, "{context}");
        assert_eq!(attempts[0].state, AttemptState::Succeeded, "{context}");
        assert!(attempts[0].charged.is_some_and(|charged| charged.0 > 0), "{context}: for free");
    }
}

/// A world whose time stands still, so that only a post can have a look taken soon; how long a job
/// takes that is ready after a second.
async fn posted(name: Name, switches: Switches) -> (Fake, World, Duration) {
    let fake = fake().await;
    fake.set(name, switches);
    let mut world = World::new().await;
    let listen = "127.0.0.1:0".parse().expect("an address");
    let door = Door::open(listen, &world.home, fake_verifiers(&fake)).await.expect("a door");
    let base = format!("http://{}", door.address());
    let parts = Parts::default().with_generator(provider_posting_to(&fake, name, Some(&base)));
    world.start(&parts).await;

    let began = Instant::now();
    let id = world.upload_with("villa.jpg", &[("prompt", "over the pool")]).await;
    let job = world.ended(id).await;
    let took = began.elapsed();
    assert_eq!(job.state, JobState::Rendered, "{:?}", job.failure);
    assert_eq!(ordered(&fake, name, id, "over the pool"), 1);
    world.stop().await;
    (fake, world, took)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_post_of_a_provider_has_an_unknown_order_found() {
    for name in [Name::Replicate, Name::Fal] {
        let cut = Cut { to: Endpoint::Submit, times: 1, after_bytes: 0, take: true };
        let webhooks = Webhooks { send: true, copies: 2, replay: true, ..Webhooks::default() };
        let switches =
            Switches { latency_ms: 500, cuts: vec![cut], webhooks, ..Switches::default() };

        let (_fake, _world, took) = posted(name, switches).await;

        println!("{}: found after {took:?}", name.as_str());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn posts_that_are_not_genuine_are_refused_and_the_poll_finds_the_clip() {
    for name in [Name::Replicate, Name::Fal] {
        for (what, webhooks) in [
            ("tampered", Webhooks { tamper: true, ..Webhooks::default() }),
            ("unsigned", Webhooks { unsigned: true, ..Webhooks::default() }),
            ("wrong key", Webhooks { wrong_key: true, ..Webhooks::default() }),
            ("stale", Webhooks { stale: true, ..Webhooks::default() }),
        ] {
            let webhooks = Webhooks { send: true, ..webhooks };
            let switches = Switches { latency_ms: 200, webhooks, ..Switches::default() };
            let fake = fake().await;
            fake.set(name, switches);
            let mut world = World::new().await;
            let listen = "127.0.0.1:0".parse().expect("an address");
            let door =
                Door::open(listen, &world.home, fake_verifiers(&fake)).await.expect("a door");
            let base = format!("http://{}", door.address());
            let provider = provider_posting_to(&fake, name, Some(&base));
            let parts = Parts::default().with_generator(provider);
            world.start(&parts).await;

            let id = world.upload_with("villa.jpg", &[("prompt", "over the pool")]).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            let before = world.job(id).await.map(|job| job.state);
            world.ended_with(id, STEP).await;
            world.drained_with(STEP).await;

            let context = format!("{} {what}", name.as_str());
            assert_eq!(before, Some(JobState::Generating), "{context}: believed");
            world.assert_rendered(&parts, id, &context).await;
            world.stop().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_job_is_claimed_once_and_only_its_failed_stage_runs_again() {
    let generator = ReadyClip::new("a clip").failing_to_collect(3);
    let parts: Parts<ReadyVideo, _> = Parts::default().with_generator(generator);
    let world = World::with(&parts).await;
    let id = world.upload("villa.jpg").await;
    let failed = world.ended_with(id, STEP).await;
    assert_eq!(failed.state, JobState::Failed);
    world.drained_with(STEP).await;

    let selection = Selection { jobs: vec![id.to_string()], ..Selection::default() };
    let prices = Prices::of(&world.home).await.expect("prices");
    let plans = plan(&world.home, &prices, &selection).await.expect("plans");
    let Then::Again { stage, .. } = plans[0].then else { panic!("{:?}", plans[0].then) };
    let claim = async |by: &'static str| redrive(&world.home, &plans[0].job, stage, by).await;
    let (ana, ben) = tokio::join!(claim("ana"), claim("ben"));

    let claims = [ana.expect("claimed"), ben.expect("claimed")];
    assert_eq!(claims.iter().filter(|claim| **claim == Claimed::Now).count(), 1, "{claims:?}");
    world.ended_with(id, STEP).await;
    world.drained_with(STEP).await;
    world.assert_rendered_once(&parts, id, "redriven").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_job_is_called_off_at_its_provider() {
    let fake = fake().await;
    fake.set(Name::Runway, Switches { latency_ms: 3_600_000, ..Switches::default() });
    let parts = Parts::default().with_generator(provider(&fake, Name::Runway));
    let world = World::with(&parts).await;
    let id = world.upload_with("villa.jpg", &[("prompt", "over the pool")]).await;
    while fake.orders(Name::Runway).is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    let job = world.job(id).await.expect("a row");
    let (jobs, bus) = (world.home.jobs(), world.home.bus());
    let chronicle = Chronicle { jobs, bus, clock: SystemClock };
    chronicle.step(&job, &Step::Cancel).await.expect("cancelled");
    world.drained_with(STEP).await;

    let attempts = world.home.ledger().attempts(id).await.expect("the ledger");
    assert_eq!(attempts[0].state, AttemptState::Cancelled);
    assert_eq!(fake.bill(Name::Runway).cancelled, 1);
    assert_eq!(world.job(id).await.map(|job| job.state), Some(JobState::Cancelled));
}
