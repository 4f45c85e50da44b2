//! How a job ends without a clip.

use super::*;

#[tokio::test]
async fn an_order_that_the_provider_refuses_is_a_refusal_with_its_words() {
    let generator = ReadyClip::new("").refusing("the photo shows a person");
    let world = World::with(&generator);

    let handled = world.deliver().await.expect("handled");

    assert_eq!(handled, Handled::Done);
    assert_eq!(world.end(), (FailureKind::Refused, "the photo shows a person".to_owned()));
    assert_eq!(world.bus.detail_types(), ["GenerationStarted.v1", "JobFailed.v1"]);
    assert_eq!(world.bus.facts::<JobFailed>()[0].fact.reason, "the photo shows a person");
    assert_eq!(world.attempts(), [(1, AttemptState::Failed, 0)]);
    assert_eq!(generator.billed_in_all(), 0);
}

#[tokio::test]
async fn work_that_the_provider_breaks_off_is_a_refusal_with_its_words() {
    let generator = ReadyClip::new("").failing("the clip shows a person");
    let world = World::with(&generator);

    let handled = world.deliver().await.expect("handled");

    assert_eq!(handled, Handled::Done);
    assert_eq!(world.end(), (FailureKind::Refused, "the clip shows a person".to_owned()));
    assert_eq!(world.attempts(), [(1, AttemptState::Failed, 0)]);
    assert_eq!(world.clip(), None);
}

#[tokio::test]
async fn a_refusal_that_only_reached_the_ledger_ends_the_job_with_the_next_delivery() {
    let generator = ReadyClip::new("").refusing("the photo shows a person");
    let world = World::with(&generator);
    let fuse = Fuse::new(7, Moment::Before);

    world.ltx_on(&fuse).handle(&order()).await.expect_err("died before the end was written");
    let state = world.job().state;
    world.deliver().await.expect("handled");

    assert_eq!(state, JobState::Generating);
    assert_eq!(world.end(), (FailureKind::Refused, "the photo shows a person".to_owned()));
    assert_eq!(generator.submits(), 1);
}

#[tokio::test]
async fn lateness_that_only_reached_the_ledger_is_lateness_with_the_next_delivery() {
    let generator = ReadyClip::new("").pending_for(u32::MAX, SECOND);
    let world = World::with(&generator);
    world.deliver().await.expect("handled");
    world.clock.advance(HOUR);
    let fuse = Fuse::new(2, Moment::Before);

    world.ltx_on(&fuse).handle(&order()).await.expect_err("died before the end was written");
    world.deliver().await.expect("handled");

    assert_eq!(world.end().0, FailureKind::Late);
}

#[tokio::test]
async fn an_order_for_a_job_that_has_ended_is_done() {
    let generator = ReadyClip::new("clip");
    let world = World::of(&samples::job_in(JobState::Cancelled), &generator);

    let handled = world.deliver().await.expect("handled");

    assert_eq!((handled, world.job().state), (Handled::Done, JobState::Cancelled));
    assert_eq!((world.ledger.all(), generator.submits()), (vec![], 0));
}

#[tokio::test]
async fn an_order_that_comes_before_its_photo_waits() {
    let generator = ReadyClip::new("clip");
    let world = World::of(&samples::job(), &generator);

    let handled = world.deliver().await.expect("handled");

    assert_eq!((handled, world.job()), (not_yet(5 * SECOND), samples::job()));
    assert_eq!(generator.submits(), 0);
}

#[tokio::test]
async fn an_order_that_names_no_job_of_ours_is_hopeless() {
    let world = World::with(&ReadyClip::new(""));
    let nameless = LtxRequest { job_id: "villa".to_owned(), ..order() };
    let foreign = LtxRequest::of_job(&samples::job_named("foreign"));

    let nameless = world.ltx().handle(&nameless).await.expect_err("no id");
    let foreign = world.ltx().handle(&foreign).await.expect_err("no job");

    assert!(Handler::is_hopeless(&nameless), "{nameless:?}");
    assert!(Handler::is_hopeless(&foreign), "{foreign:?}");
}

#[tokio::test]
async fn giving_up_ends_the_job_and_keeps_the_cause_to_ourselves() {
    let world = World::of(&samples::job_in(JobState::Generating), &ReadyClip::new(""));

    world.ltx().give_up(&order(), "disk full").await.expect("given up");

    assert_eq!(world.end().0, FailureKind::Fault);
    let cause = world.job().failure.and_then(|failure| failure.cause);
    assert_eq!(cause.as_deref(), Some("disk full"));
    assert_eq!(world.bus.detail_types(), ["JobFailed.v1"]);
    assert!(!world.bus.published()[0].detail.contains("disk full"));
}

#[tokio::test]
async fn giving_up_leaves_a_job_alone_whose_clip_is_stored() {
    let world = World::of(&samples::job_in(JobState::Rendering), &ReadyClip::new(""));

    world.ltx().give_up(&order(), "the bus is down").await.expect("given up");

    assert_eq!(world.job(), samples::job_in(JobState::Rendering));
    assert_eq!(world.bus.published(), []);
}
