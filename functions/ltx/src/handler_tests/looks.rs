//! Looking and collecting.

use super::*;

#[tokio::test]
async fn a_clip_that_is_not_ready_is_looked_at_again_when_the_provider_says() {
    let generator = ReadyClip::new("clip").pending_for(2, 5 * SECOND);
    let world = World::with(&generator);

    let first = world.deliver().await.expect("handled");
    let second = world.deliver().await.expect("handled");
    let third = world.deliver().await.expect("handled");

    assert_eq!([first, second, third], [not_yet(5 * SECOND), not_yet(5 * SECOND), Handled::Done]);
    assert_eq!((generator.submits(), generator.billed_in_all()), (1, 1));
    assert_eq!(world.bus.detail_types(), ["GenerationStarted.v1", "LtxDone.v1"]);
}

#[tokio::test]
async fn a_look_that_breaks_is_a_fault_that_is_no_reason_to_give_up() {
    let generator = ReadyClip::new("clip").failing_to_look(1);
    let world = World::with(&generator);

    let fault = world.deliver().await.expect_err("the look breaks");
    let attempts = world.attempts();
    world.deliver().await.expect("handled");

    assert!(matches!(fault, LtxError::Look(_)), "{fault:?}");
    assert_eq!(attempts, [(1, AttemptState::Submitted, 0)]);
    assert_eq!(world.job().state, JobState::LtxDone);
    assert_eq!(generator.billed_in_all(), 1);
}

#[tokio::test]
async fn looks_that_break_until_after_the_deadline_end_as_a_fault() {
    let generator = ReadyClip::new("clip").failing_to_look(99).limited_to(HOUR);
    let world = World::with(&generator);

    let until_deadline = world.deliver_for(60).await;
    let state = world.job().state;
    world.deliver_for(3).await;

    assert!(until_deadline.iter().all(Result::is_err), "{until_deadline:?}");
    assert_eq!(state, JobState::Generating);
    assert_eq!(world.end().0, FailureKind::Fault);
    assert_eq!(world.attempts(), [(1, AttemptState::Failed, 3)]);
    let cause = world.job().failure.and_then(|failure| failure.cause).expect("a cause");
    assert!(cause.contains("ready-1") && cause.contains("connection reset"), "{cause}");
}

#[tokio::test]
async fn a_provider_that_cannot_say_after_the_deadline_is_asked_again() {
    let generator = ReadyClip::new("clip").unable_to_say(2, SECOND).limited_to(HOUR);
    let world = World::with(&generator);

    world.deliver().await.expect("cannot say");
    world.clock.advance(2 * HOUR);
    world.deliver().await.expect_err("cannot say still");
    let handled = world.deliver().await.expect("handled");

    assert_eq!((handled, world.job().state), (Handled::Done, JobState::LtxDone));
}

#[tokio::test]
async fn work_that_was_just_taken_and_is_not_found_yet_is_waited_for() {
    let generator = ReadyClip::new("clip").pending_for(1, SECOND);
    let world = World::with(&generator);
    world.deliver().await.expect("under way");
    let blind = World { generators: vec![ReadyClip::new("clip")], ..world };

    let early = blind.deliver().await.expect("not found yet");
    blind.clock.advance(3 * 60 * SECOND);
    blind.deliver().await.expect("gone");

    assert_eq!(early, not_yet(5 * SECOND));
    assert_eq!(blind.end(), (FailureKind::Late, "the provider no longer has the clip".to_owned()));
}

#[tokio::test]
async fn the_first_look_is_after_the_pause_that_the_provider_wants() {
    let generator = ReadyClip::new("clip").polled_every(5 * SECOND);
    let world = World::with(&generator);

    let first = world.deliver().await.expect("ordered");
    let second = world.deliver().await.expect("handled");

    assert_eq!((first, second), (not_yet(5 * SECOND), Handled::Done));
}

#[tokio::test]
async fn a_download_that_breaks_stores_nothing_and_is_made_again() {
    let generator = ReadyClip::new("clip").failing_to_collect(1);
    let world = World::with(&generator);

    let fault = world.deliver().await.expect_err("the download breaks");
    let clip = world.clip();
    world.deliver().await.expect("handled");

    assert!(matches!(fault, LtxError::Collect(_)), "{fault:?}");
    assert_eq!((clip, world.clip()), (None, Some(b"clip".to_vec())));
    assert_eq!((generator.submits(), generator.billed_in_all()), (1, 1));
}

#[tokio::test]
async fn a_clip_that_is_ready_is_collected_however_late() {
    let generator = ReadyClip::new("clip").pending_for(1, SECOND);
    let world = World::with(&generator);

    world.deliver().await.expect("handled");
    world.clock.advance(24 * HOUR);
    let handled = world.deliver().await.expect("handled");

    assert_eq!((handled, world.job().state), (Handled::Done, JobState::LtxDone));
    assert_eq!(world.attempts(), [(1, AttemptState::Succeeded, 0)]);
}

#[tokio::test]
async fn a_clip_that_is_not_ready_at_the_deadline_is_late() {
    let generator = ReadyClip::new("clip").pending_for(u32::MAX, SECOND).limited_to(HOUR);
    let world = World::with(&generator);

    world.deliver_for(60).await;
    let state = world.job().state;
    let handled = world.deliver().await.expect("handled");

    assert_eq!((state, handled), (JobState::Generating, Handled::Done));
    assert_eq!(world.end(), (FailureKind::Late, "the clip was not ready in time".to_owned()));
    assert_eq!(world.attempts(), [(1, AttemptState::Failed, 0)]);
}

#[tokio::test]
async fn a_clip_that_is_there_is_not_ordered_and_its_attempt_has_succeeded() {
    let generator = ReadyClip::new("other");
    let (job, made) = (samples::job_in(JobState::Generating), samples::clip_made());
    let attempt = samples::attempt(job.id).submitted(&made.provider_job, None).expect("taken");
    let world = World::of(&job, &generator).with_attempt(&attempt).with_clip(&made).await;

    let handled = world.deliver().await.expect("handled");

    assert_eq!((handled, world.job().state), (Handled::Done, JobState::LtxDone));
    assert_eq!((world.job().clip, world.clip()), (Some(made), Some(b"stored".to_vec())));
    assert_eq!(world.attempts(), [(1, AttemptState::Succeeded, 0)]);
    assert_eq!(generator.submits(), 0);
}

#[tokio::test]
async fn a_clip_that_only_reached_the_bucket_is_announced_by_the_next_delivery() {
    let generator = ReadyClip::new("clip");
    let world = World::with(&generator);
    let fuse = Fuse::new(8, Moment::After);

    world.ltx_on(&fuse).handle(&order()).await.expect_err("died after storing the clip");
    let handled = world.deliver().await.expect("handled");

    assert_eq!((handled, world.job().state), (Handled::Done, JobState::LtxDone));
    assert_eq!(world.bus.detail_types(), ["GenerationStarted.v1", "LtxDone.v1"]);
    assert_eq!(world.attempts(), [(1, AttemptState::Succeeded, 0)]);
    assert_eq!(generator.billed_in_all(), 1);
}

#[tokio::test]
async fn an_object_of_a_strangers_in_the_place_of_the_clip_is_none() {
    let generator = ReadyClip::new("clip");
    let world = World::with(&generator);
    let key = keys::clip(samples::job().id);
    let strangers = world.store.put(&key, Content::Bytes(b"?"), &ObjectMeta::default()).await;

    world.deliver().await.expect("handled");

    strangers.expect("stored");
    assert_eq!(world.clip(), Some(b"clip".to_vec()));
    assert_eq!(generator.billed_in_all(), 1);
}

#[tokio::test]
async fn an_attempt_whose_clip_a_later_stage_has_taken_has_succeeded() {
    let generator = ReadyClip::new("clip");
    let (job, made) = (samples::job_in(JobState::LtxDone), samples::clip_made());
    let attempt = samples::attempt(job.id).submitted(&made.provider_job, None).expect("taken");
    let world = World::of(&job, &generator).with_attempt(&attempt).with_clip(&made).await;

    let handled = world.deliver().await.expect("handled");

    assert_eq!(handled, Handled::Done);
    assert_eq!(world.attempts(), [(1, AttemptState::Succeeded, 0)], "it is not called off");
}
