//! Orders whose answer was lost.

use super::*;

#[tokio::test]
async fn a_lost_answer_is_unknown_and_not_an_error() {
    let generator = ReadyClip::new("clip").losing_answers(1, Loss::AfterTaking);
    let world = World::with(&generator);

    let handled = world.deliver().await.expect("handled");

    assert_eq!(handled, UNKNOWN);
    assert_eq!(world.attempts(), [(1, AttemptState::Unknown, 0)]);
    assert_eq!(world.ledger.all()[0].note.as_deref(), Some("connection reset"));
    assert_eq!(world.job().state, JobState::Generating);
}

#[tokio::test]
async fn an_unknown_order_is_never_submitted_again_and_ends_as_unknown_at_its_deadline() {
    let generator = ReadyClip::new("clip").losing_answers(1, Loss::AfterTaking).limited_to(HOUR);
    let world = World::with(&generator);

    let until_deadline = world.deliver_for(60).await;
    let state = world.job().state;
    let at_deadline = world.deliver().await.expect("handled");

    assert!(until_deadline.iter().all(|handled| matches!(handled, Ok(Handled::NotYet { .. }))));
    assert_eq!((state, at_deadline), (JobState::Generating, Handled::Done));
    assert_eq!(world.end().0, FailureKind::Unknown);
    assert_eq!(world.attempts(), [(1, AttemptState::Unknown, 0)]);
    assert_eq!((generator.submits(), generator.billed_in_all()), (1, 1));
}

#[tokio::test]
async fn an_order_that_was_lost_on_its_way_there_is_not_guessed_at_either() {
    let generator = ReadyClip::new("clip").losing_answers(1, Loss::BeforeTaking);
    let world = World::with(&generator);

    world.deliver_for(61).await;

    assert_eq!(world.end().0, FailureKind::Unknown);
    assert_eq!((generator.submits(), generator.billed_in_all()), (1, 0));
}

#[tokio::test]
async fn an_order_that_somebody_may_still_be_making_is_waited_for() {
    let generator = ReadyClip::new("clip");
    let job = samples::job_in(JobState::Generating);
    let world = World::of(&job, &generator).with_attempt(&samples::attempt(job.id));
    world.clock.advance(SECOND);

    let handled = world.deliver().await.expect("handled");

    assert_eq!(handled, not_yet(GRACE.saturating_sub(SECOND)));
    assert_eq!(world.attempts(), [(1, AttemptState::Intended, 0)]);
    assert_eq!(generator.submits(), 0);
}

#[tokio::test]
async fn an_order_that_was_interrupted_is_unknown_after_the_grace() {
    let generator = ReadyClip::new("clip");
    let world = World::with(&generator);
    let fuse = Fuse::new(6, Moment::Before);

    world.ltx_on(&fuse).handle(&order()).await.expect_err("died before the answer was stored");
    world.clock.advance(GRACE);
    let handled = world.deliver().await.expect("handled");

    assert_eq!(handled, UNKNOWN);
    assert_eq!(world.attempts(), [(1, AttemptState::Unknown, 0)]);
    assert_eq!((generator.submits(), generator.billed_in_all()), (1, 1));
}

#[tokio::test]
async fn an_interrupted_order_is_made_again_where_that_is_safe() {
    let generator = ReadyClip::new("clip").safe_to_resubmit();
    let world = World::with(&generator);
    let fuse = Fuse::new(6, Moment::Before);

    world.ltx_on(&fuse).handle(&order()).await.expect_err("died before the answer was stored");
    let handled = world.deliver().await.expect("handled");

    assert_eq!((handled, world.job().state), (Handled::Done, JobState::LtxDone));
    assert_eq!(world.attempts(), [(1, AttemptState::Succeeded, 0)]);
    assert_eq!((generator.submits(), generator.billed_in_all()), (2, 1));
}

#[tokio::test]
async fn an_order_whose_answer_is_lost_is_made_again_where_that_is_safe() {
    let generator = ReadyClip::new("clip").safe_to_resubmit();
    let generator = generator.losing_answers(1, Loss::AfterTaking);
    let world = World::with(&generator);

    world.deliver().await.expect_err("the answer is lost");
    let handled = world.deliver().await.expect("handled");

    assert_eq!((handled, world.job().state), (Handled::Done, JobState::LtxDone));
    assert_eq!(world.attempts(), [(1, AttemptState::Succeeded, 1)]);
    assert_eq!((generator.submits(), generator.billed_in_all()), (2, 1));
}

#[tokio::test]
async fn answers_that_are_lost_again_and_again_end_as_a_fault_even_where_that_is_safe() {
    let generator = ReadyClip::new("clip").safe_to_resubmit();
    let generator = generator.losing_answers(9, Loss::AfterTaking);
    let world = World::with(&generator);

    world.deliver_for(3).await;

    assert_eq!(world.end().0, FailureKind::Fault);
    assert_eq!(world.attempts(), [(1, AttemptState::Failed, 3)]);
    assert_eq!((generator.submits(), generator.billed_in_all()), (3, 1));
}
