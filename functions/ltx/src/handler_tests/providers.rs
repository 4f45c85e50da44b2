//! Who films, and when nobody can.

use super::*;

#[tokio::test]
async fn an_order_that_was_not_taken_is_made_again_after_a_pause() {
    let generator = ReadyClip::new("clip").unreachable(2);
    let world = World::with(&generator);

    let first = world.deliver().await.expect("not taken");
    let second = world.deliver().await.expect("not taken");
    let handled = world.deliver().await.expect("handled");

    assert_eq!([first, second], [not_yet(5 * SECOND), not_yet(10 * SECOND)]);
    assert_eq!(handled, Handled::Done);
    let states: Vec<_> = world.attempts().into_iter().map(|(_, state, _)| state).collect();
    let not_taken = AttemptState::NotTaken;
    assert_eq!(states, [not_taken, not_taken, AttemptState::Succeeded]);
    assert_eq!(generator.billed_in_all(), 1);
}

#[tokio::test]
async fn orders_that_are_never_taken_are_late_at_the_deadline_of_the_first() {
    let generator = ReadyClip::new("clip").unreachable(99).limited_to(HOUR);
    let world = World::with(&generator);

    world.deliver_for(60).await;
    let state = world.job().state;
    world.deliver().await.expect("handled");

    assert_eq!(state, JobState::Generating);
    assert_eq!(world.end().0, FailureKind::Late);
    let cause = world.job().failure.and_then(|failure| failure.cause);
    assert_eq!(cause.as_deref(), Some("connection refused"));
}

#[tokio::test]
async fn a_busy_provider_is_asked_again_when_it_says_and_that_is_no_fault() {
    let generator = ReadyClip::new("clip").busy(1, 30 * SECOND);
    let world = World::with(&generator);

    let busy = world.deliver().await.expect("handled");
    let handled = world.deliver().await.expect("handled");

    assert_eq!((busy, handled), (not_yet(30 * SECOND), Handled::Done));
    let expected = [(1, AttemptState::NotTaken, 0), (2, AttemptState::Succeeded, 0)];
    assert_eq!(world.attempts(), expected);
}

#[tokio::test]
async fn a_provider_that_is_busy_until_the_deadline_is_late() {
    let generator = ReadyClip::new("clip").busy(u32::MAX, 60 * SECOND).limited_to(HOUR);
    let world = World::with(&generator);

    world.deliver_for(61).await;

    assert_eq!(world.end().0, FailureKind::Late);
    assert_eq!(generator.submits(), 60);
}

#[tokio::test]
async fn a_provider_is_chosen_by_its_name() {
    let (first, second) = (ReadyClip::new("first"), ReadyClip::new("clip").named("second"));
    let mut job = samples::job_in(JobState::Queued);
    job.order.clip.provider = Some("second".to_owned());
    let world = World { generators: vec![first.clone(), second], ..World::of(&job, &first) };

    world.deliver().await.expect("handled");

    assert_eq!(world.ledger.all()[0].provider, "second");
    assert_eq!((world.clip(), first.submits()), (Some(b"clip".to_vec()), 0));
}

#[tokio::test]
async fn a_provider_that_is_not_here_is_a_refusal_that_names_those_that_are() {
    let (first, second) = (ReadyClip::new(""), ReadyClip::new("").named("second"));
    let mut job = samples::job_in(JobState::Queued);
    job.order.clip.provider = Some("sora".to_owned());
    let world = World { generators: vec![first.clone(), second], ..World::of(&job, &first) };

    let handled = world.deliver().await.expect("handled");

    let reason = r#"there is no provider "sora" here, only ready, second"#;
    assert_eq!((handled, world.end()), (Handled::Done, (FailureKind::Refused, reason.to_owned())));
    assert_eq!((world.ledger.all(), first.submits()), (vec![], 0));
}

#[tokio::test]
async fn an_order_is_followed_up_with_whoever_took_it_when_the_default_changes() {
    let before = ReadyClip::new("clip").pending_for(1, SECOND);
    let now = ReadyClip::new("other").named("now").safe_to_resubmit();
    let world = World::with(&before);

    world.deliver().await.expect("handled");
    let world = World { generators: vec![now.clone(), before.clone()], ..world };
    let handled = world.deliver().await.expect("handled");

    assert_eq!((handled, world.clip()), (Handled::Done, Some(b"clip".to_vec())));
    assert_eq!((now.submits(), before.billed_in_all()), (0, 1));
}

#[tokio::test]
async fn an_order_with_a_provider_that_is_gone_is_a_fault_and_never_made_elsewhere() {
    let before = ReadyClip::new("clip").pending_for(1, SECOND);
    let now = ReadyClip::new("other").named("now");
    let world = World::with(&before);

    world.deliver().await.expect("handled");
    let world = World { generators: vec![now.clone()], ..world };
    let fault = world.deliver().await.expect_err("nobody to ask");

    assert_eq!(fault.to_string(), r#"attempt 1 is with provider "ready", which is not here"#);
    assert_eq!((now.submits(), world.job().state), (0, JobState::Generating));
    assert_eq!(world.attempts(), [(1, AttemptState::Submitted, 0)]);
}
