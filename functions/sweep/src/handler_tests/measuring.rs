//! What every sweep tells those who watch.

use domain::{Attempt, Cap, MicroUsd, Settlement, Step};
use ports::{Clock, Ledger, Metric, Stepped};
use testkit::Measurements;

use super::*;

const DAY: Duration = Duration::from_hours(24);

fn capped(world: &World, caps: Caps) -> Sweeper {
    Sweep { caps, ..world.sweep() }
}

fn money(dollars: u64) -> Cap {
    Cap { money: Some(MicroUsd(dollars * 1_000_000)), clips: None }
}

/// An attempt for a job of this name, that is written down now.
fn ordered(world: &World, name: &str) -> Attempt {
    let intent = domain::Intent {
        quoted: MicroUsd(1_500_000),
        ..samples::intent(samples::job_named(name).id)
    };
    Attempt::intend(intent, world.clock.now())
}

fn lost(attempt: &Attempt) -> Attempt {
    let lost = Settlement::unknown("the answer was lost".to_owned());
    attempt.settled(lost, attempt.deadline).expect("legal")
}

#[tokio::test]
async fn unknown_orders_are_told_by_every_sweep_however_old_they_are() {
    let world = World::new();
    let ledger = world.ledger.clone().with(&lost(&ordered(&world, "old")));
    world.clock.advance(400 * DAY);
    let ledger = ledger.with(&lost(&ordered(&world, "new"))).with(&ordered(&world, "under way"));
    let world = World { ledger, ..world };
    let measured = Measurements::listen();

    world.sweep().run().await.expect("swept");
    world.sweep().run().await.expect("swept");

    assert_eq!(measured.of(Metric::UnknownOrders), [2.0, 2.0]);
}

#[tokio::test]
async fn where_none_is_unknown_that_is_told_too() {
    let measured = Measurements::listen();

    World::new().sweep().run().await.expect("swept");

    assert_eq!(measured.of(Metric::UnknownOrders), [0.0]);
    assert!(measured.of(Metric::SpentPercent).is_empty());
}

#[tokio::test]
async fn of_the_limits_that_are_set_the_tightest_is_told() {
    let world = World::new();
    let ledger = world.ledger.clone().with(&ordered(&world, "a")).with(&ordered(&world, "b"));
    let world = World { ledger, ..world };
    let clips = Cap { clips: Some(8), ..money(100) };
    let measured = Measurements::listen();

    capped(&world, Caps { day: money(4), ..Caps::NONE }).run().await.expect("swept");
    capped(&world, Caps { day: money(100), month: money(6), ..Caps::NONE })
        .run()
        .await
        .expect("swept");
    capped(&world, Caps { day: clips, ..Caps::NONE }).run().await.expect("swept");
    capped(&world, Caps { user_day: money(1), ..Caps::NONE }).run().await.expect("swept");

    assert_eq!(measured.of(Metric::SpentPercent), [75.0, 50.0, 25.0]);
}

#[tokio::test]
async fn a_ledger_that_is_down_does_not_keep_the_rest_from_being_swept() {
    let world = World::in_state(JobState::Queued);
    world.clock.advance(NUDGE);
    let dead = Fuse::new(1, Moment::Before);
    let ledger = Fused::new(world.ledger.clone(), &dead);
    ledger.open(&ordered(&world, "any"), &Caps::NONE).await.expect_err("it goes down");
    let measured = Measurements::listen();

    let fault = Sweep { ledger, ..world.sweep() }.run().await.expect_err("the ledger is down");

    assert!(matches!(fault, SweepError::Ledger(_)), "{fault:?}");
    assert_eq!(world.sent(), [0, 1, 0]);
    assert!(measured.of(Metric::UnknownOrders).is_empty());
}

#[tokio::test]
async fn a_job_ends_once_whoever_ends_it() {
    let world = World::in_state(JobState::Generating);
    let chronicle = world.sweep().chronicle;
    let seen_before = world.job();
    let measured = Measurements::listen();

    world.sweep_after(GIVE_UP).await;
    let again = chronicle.step(&seen_before, &Step::Cancel).await.expect("stepped");
    let deleted = chronicle.step(&world.job(), &Step::Delete).await.expect("stepped");

    assert!(matches!((again, deleted), (Stepped::Not(_), Stepped::Now(_))));
    assert_eq!(
        (measured.of(Metric::JobsEnded), measured.ends()),
        (vec![1.0], vec!["failed".to_owned()])
    );
}

#[tokio::test]
async fn what_is_sent_again_says_which_trace_it_belongs_to() {
    let world = World::in_state(JobState::Queued).with("uploads/lost.jpg", "photo");
    let upload = world.created("uploads/lost.jpg").await;

    world.sweep_after(NUDGE).await;

    let traces = |queue: &RecordingQueue| queue.messages().into_iter().map(|(_, trace)| trace);
    let traces: Vec<_> = traces(&world.ltx_queue).chain(traces(&world.ingest_queue)).collect();
    assert_eq!(traces, [Some(samples::job().trace_id), Some(awaited(&upload).trace_id)]);
}
