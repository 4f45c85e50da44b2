//! What is spent, what is not, and what may be.

use domain::{Booking, Cap, Caps, RefusedOver, Settlement, Step};
use events::Heard;
use ports::{CallOff, Clock, JobStore, Ledger, Metric, TRACE_ID};
use testkit::Measurements;

use super::*;

const PRICE: MicroUsd = MicroUsd(360_000);

fn booked(world: &World) -> Booking {
    let attempts = world.ledger.all();
    let money = attempts.iter().map(|attempt| attempt.booking().money).sum();
    let clips = attempts.iter().map(|attempt| attempt.booking().clips).sum();
    Booking { money, clips }
}

/// The world's job, failed and tried again by an operator.
async fn redriven(world: &World) {
    world.clock.advance(SECOND);
    let step = Step::Redrive { stage: Stage::Ltx, by: "ana".to_owned() };
    let job = world.job();
    let after = job.after(&step, world.clock.now()).expect("it has failed");
    world.jobs.replace(&job, &after, &events::announce(&job, &after, &step)).await.expect("stored");
}

fn with_policy(world: World, change: impl FnOnce(&mut Policy)) -> World {
    let mut policy = world.policy.clone();
    change(&mut policy);
    World { policy, ..world }
}

#[tokio::test]
async fn what_the_provider_says_it_charges_goes_before_what_was_quoted() {
    let generator = ReadyClip::new("clip").charging(MicroUsd(250_000));
    let world = World::with(&generator);

    world.deliver().await.expect("handled");

    let attempt = &world.ledger.all()[0];
    assert_eq!((attempt.quoted, attempt.charged), (PRICE, Some(MicroUsd(250_000))));
    assert_eq!(booked(&world), Booking { money: MicroUsd(250_000), clips: 1 });
}

#[tokio::test]
async fn a_failure_that_is_charged_is_in_the_ledger() {
    let generator = ReadyClip::new("").failing_at_cost("it shows a person", MicroUsd(50_000));
    let world = World::with(&generator);

    world.deliver().await.expect("handled");

    assert_eq!(world.ledger.all()[0].charged, Some(MicroUsd(50_000)));
    assert_eq!(world.ledger.all()[0].refused_over, Some(RefusedOver::Content));
}

#[tokio::test]
async fn an_order_that_would_pass_a_limit_is_a_refusal_that_names_it_and_costs_nothing() {
    let generator = ReadyClip::new("clip");
    let cap = Cap { money: Some(MicroUsd(300_000)), clips: None };
    let world = with_policy(World::with(&generator), |policy| {
        policy.caps = Caps { user_day: cap, ..Caps::NONE };
    });

    world.deliver().await.expect("handled");

    let reason = "the limit of $0.30 a day for one user is reached; it resets on 2026-11-21 at \
                  00:00 UTC";
    assert_eq!(world.end(), (FailureKind::Refused, reason.to_owned()));
    assert_eq!((world.ledger.all(), generator.submits()), (vec![], 0));
}

#[tokio::test]
async fn an_order_after_the_limit_is_reset_is_made() {
    let generator = ReadyClip::new("clip");
    let cap = Cap { money: None, clips: Some(0) };
    let world = with_policy(World::with(&generator), |policy| {
        policy.caps = Caps { day: cap, ..Caps::NONE };
    });
    world.deliver().await.expect("handled");
    redriven(&world).await;
    let world = with_policy(world, |policy| policy.caps = Caps::NONE);

    world.deliver().await.expect("handled");

    assert_eq!((world.job().state, generator.billed_in_all()), (JobState::LtxDone, 1));
}

#[tokio::test]
async fn with_the_policy_to_resubmit_an_unknown_order_is_made_again_and_the_risk_is_written_down() {
    let generator = ReadyClip::new("clip").losing_answers(1, Loss::AfterTaking);
    let world = with_policy(World::with(&generator), |policy| {
        policy.unknown = UnknownPolicy::ResubmitAfter(HOUR);
    });

    world.deliver_for(60).await;
    let before = generator.submits();
    world.deliver().await.expect("handled");

    assert_eq!((before, generator.submits()), (1, 2));
    assert_eq!(world.attempts(), [(1, AttemptState::Unknown, 0), (2, AttemptState::Succeeded, 0)]);
    assert_eq!(world.ledger.all()[1].at_risk, PRICE);
    assert_eq!(booked(&world), Booking { money: MicroUsd(720_000), clips: 2 });
    assert_eq!(world.job().state, JobState::LtxDone);
}

#[tokio::test]
async fn an_unknown_order_that_its_provider_tells_of_is_collected_and_paid_once() {
    let generator = ReadyClip::new("clip").losing_answers(1, Loss::AfterTaking);
    let world = World::with(&generator);
    world.deliver().await.expect("unknown");

    let heard = Heard { attempt: 1, provider_job: "ready-1".to_owned() };
    let wish = LtxRequest::look_now(&world.job(), Some(heard));
    let handled = world.ltx().handle(&wish).await.expect("handled");

    assert_eq!((handled, world.job().state), (Handled::Done, JobState::LtxDone));
    assert_eq!(world.attempts(), [(1, AttemptState::Succeeded, 0)]);
    assert_eq!((generator.submits(), generator.billed_in_all()), (1, 1));
}

#[tokio::test]
async fn what_a_provider_does_not_confirm_changes_nothing() {
    let generator = ReadyClip::new("clip").losing_answers(1, Loss::AfterTaking).forgetting();
    let world = World::with(&generator);
    world.deliver().await.expect("unknown");

    let heard = Heard { attempt: 1, provider_job: "ready-1".to_owned() };
    let wish = LtxRequest::look_now(&world.job(), Some(heard));
    world.ltx().handle(&wish).await.expect("handled");

    assert_eq!(world.attempts(), [(1, AttemptState::Unknown, 0)]);
}

#[tokio::test]
async fn an_operator_says_that_an_unknown_order_was_not_taken_and_it_is_made_again() {
    let generator = ReadyClip::new("clip").losing_answers(1, Loss::BeforeTaking);
    let world = World::with(&generator);
    world.deliver().await.expect("unknown");

    let unknown = world.ledger.all()[0].clone();
    let settled = unknown.settled(Settlement::not_taken(None), world.clock.now()).expect("legal");
    world.ledger.replace(&unknown, &settled).await.expect("stored");
    world.deliver().await.expect("handled");

    assert_eq!(world.job().state, JobState::LtxDone);
    assert_eq!((generator.submits(), generator.billed_in_all()), (2, 1));
}

#[tokio::test]
async fn the_same_order_of_the_same_owner_takes_the_stored_clip_at_no_cost() {
    let generator = ReadyClip::new("clip");
    let world = with_policy(World::with(&generator), |policy| policy.reuse_for = Some(24 * HOUR));
    let again = samples::led_to(samples::job_named("again"), JobState::Queued);
    let world = World {
        jobs: world.jobs.with(&again),
        store: world.store.with(keys::photo(again.id).as_str(), "photo"),
        ..world
    };

    world.deliver().await.expect("handled");
    let handled = world.ltx().handle(&LtxRequest::of_job(&again)).await.expect("handled");

    let hit = world.ledger.all().into_iter().find(|one| one.job == again.id).expect("recorded");
    assert_eq!((handled, generator.billed_in_all()), (Handled::Done, 1));
    assert_eq!((hit.reused_from, hit.charged), (Some(samples::job().id), Some(MicroUsd::ZERO)));
    assert_eq!(world.store.content(&keys::clip(again.id)), Some(b"clip".to_vec()));
    for job in [&samples::job(), &again] {
        let head = world.store.head(&keys::clip(job.id)).await.expect("head").expect("there");
        let trace = head.meta.user.get(TRACE_ID).map(String::as_str);
        assert_eq!(trace, Some(job.trace_id.as_str()));
    }
    assert_eq!(world.jobs.job(again.id).map(|job| job.state), Some(JobState::LtxDone));
}

/// How often is charged when a second job differs from the first like this.
async fn charged_for(change: impl FnOnce(&mut Job), photo: &str, later: Duration) -> usize {
    let generator = ReadyClip::new("clip");
    let world = with_policy(World::with(&generator), |policy| policy.reuse_for = Some(24 * HOUR));
    let mut again = samples::led_to(samples::job_named("again"), JobState::Queued);
    change(&mut again);
    let world = World {
        jobs: world.jobs.with(&again),
        store: world.store.with(keys::photo(again.id).as_str(), photo),
        ..world
    };
    world.deliver().await.expect("handled");
    world.clock.advance(later);
    world.ltx().handle(&LtxRequest::of_job(&again)).await.expect("handled");
    generator.billed_in_all()
}

#[tokio::test]
async fn an_order_that_differs_in_anything_is_filmed() {
    let now = Duration::ZERO;

    assert_eq!(charged_for(|_| {}, "photo", now).await, 1, "the same");
    assert_eq!(charged_for(|_| {}, "another", now).await, 2, "photo");
    assert_eq!(charged_for(|_| {}, "photo", 25 * HOUR).await, 2, "too old");
    let owner = |job: &mut Job| job.order.user_id = Some("user-2".to_owned());
    assert_eq!(charged_for(owner, "photo", now).await, 2, "owner");
    let prompt = |job: &mut Job| job.order.prompt.push('!');
    assert_eq!(charged_for(prompt, "photo", now).await, 2, "prompt");
    let model = |job: &mut Job| job.order.clip.model = Some("ready-2".to_owned());
    assert_eq!(charged_for(model, "photo", now).await, 2, "model");
    let switched_off = |job: &mut Job| job.order.clip.reuse = Some(false);
    assert_eq!(charged_for(switched_off, "photo", now).await, 2, "switched off");
}

#[tokio::test]
async fn a_job_that_is_cancelled_is_called_off_at_its_provider() {
    let stopped = CallOff::Stopped { charged: Some(MicroUsd::ZERO) };
    let generator = ReadyClip::new("clip").pending_for(9, SECOND).cancellable(stopped);
    let world = World::with(&generator);
    world.deliver().await.expect("under way");
    let cancelled = world.job().after(&Step::Cancel, world.clock.now()).expect("legal");
    let events = events::announce(&world.job(), &cancelled, &Step::Cancel);
    world.jobs.replace(&world.job(), &cancelled, &events).await.expect("stored");

    let handled = world.deliver().await.expect("handled");

    assert_eq!((handled, generator.called_off()), (Handled::Done, vec!["ready-1".to_owned()]));
    assert_eq!(world.attempts(), [(1, AttemptState::Cancelled, 0)]);
    assert_eq!(booked(&world), Booking::NONE);
}

#[tokio::test]
async fn what_cannot_be_called_off_is_still_charged() {
    let generator = ReadyClip::new("clip").pending_for(9, SECOND);
    let world = World::with(&generator);
    world.deliver().await.expect("under way");
    let cancelled = world.job().after(&Step::Cancel, world.clock.now()).expect("legal");
    let events = events::announce(&world.job(), &cancelled, &Step::Cancel);
    world.jobs.replace(&world.job(), &cancelled, &events).await.expect("stored");

    world.deliver().await.expect("handled");

    let attempt = &world.ledger.all()[0];
    assert_eq!((attempt.state, attempt.charged), (AttemptState::Cancelled, Some(PRICE)));
    assert_eq!(attempt.note.as_deref(), Some("ready cannot be stopped"));
}

#[tokio::test]
async fn a_job_that_is_tried_again_collects_what_was_ordered_already() {
    let generator = ReadyClip::new("clip").failing_to_collect(3);
    let world = World::with(&generator);
    world.deliver_for(3).await;
    assert_eq!(world.end().0, FailureKind::Fault);
    redriven(&world).await;

    let handled = world.deliver().await.expect("handled");

    assert_eq!((handled, world.job().state), (Handled::Done, JobState::LtxDone));
    assert_eq!((generator.submits(), generator.billed_in_all()), (1, 1));
    let expected = [(1, AttemptState::Failed, 3), (2, AttemptState::Succeeded, 0)];
    assert_eq!(world.attempts(), expected);
    assert_eq!(booked(&world), Booking { money: PRICE, clips: 1 });
}

#[tokio::test]
async fn a_job_that_is_tried_again_is_ordered_again_when_its_clip_is_gone() {
    let generator = ReadyClip::new("clip").failing_to_collect(3);
    let world = World::with(&generator);
    world.deliver_for(3).await;
    redriven(&world).await;
    let fresh = ReadyClip::new("clip");
    let world = World { generators: vec![fresh.clone()], ..world };

    // The provider has lost its memory: what it is asked for is gone.
    let generators = vec![fresh.clone().forgetting()];
    let world = World { generators, ..world };
    world.deliver().await.expect("gone");
    let world = World { generators: vec![fresh.clone()], ..world };
    world.deliver().await.expect("handled");

    assert_eq!(fresh.submits(), 1);
    let states: Vec<_> = world.attempts().into_iter().map(|(_, state, _)| state).collect();
    assert_eq!(states[..2], [AttemptState::Failed, AttemptState::Failed]);
    assert_eq!(states.len(), 3);
}

#[tokio::test]
async fn only_a_refusal_over_our_key_or_credit_is_counted_as_one_that_somebody_has_to_act_on() {
    for (over, expected) in [
        (RefusedOver::Credit, 1),
        (RefusedOver::Key, 1),
        (RefusedOver::Model, 0),
        (RefusedOver::Content, 0),
        (RefusedOver::Input, 0),
    ] {
        let world = World::with(&ReadyClip::new("first").refusing_over(over, "no"));
        let measured = Measurements::listen();

        world.deliver().await.expect("handled");

        assert_eq!(measured.of(Metric::ProviderRefusals).len(), expected, "{over:?}");
    }
}

#[tokio::test]
async fn a_failover_takes_over_only_for_reasons_of_the_provider() {
    for (over, expected) in [
        (RefusedOver::Credit, 1),
        (RefusedOver::Key, 1),
        (RefusedOver::Model, 1),
        (RefusedOver::Content, 0),
        (RefusedOver::Input, 0),
    ] {
        let first = ReadyClip::new("first").refusing_over(over, "no");
        let other = ReadyClip::new("clip").named("other");
        let world = World { generators: vec![first.clone(), other.clone()], ..World::with(&first) };
        let world = with_policy(world, |policy| policy.failover = Some("other".to_owned()));

        world.deliver_for(3).await;

        assert_eq!(other.billed_in_all(), expected, "{over:?}");
        assert_eq!(first.submits(), 1, "{over:?}");
    }
}

#[tokio::test]
async fn nobody_takes_over_after_an_unknown_order_or_unless_it_is_wanted() {
    let unknown = ReadyClip::new("first").losing_answers(1, Loss::AfterTaking);
    let broke = ReadyClip::new("first").refusing_over(RefusedOver::Credit, "no credit");
    for (first, failover) in [(unknown, Some("other".to_owned())), (broke, None)] {
        let other = ReadyClip::new("clip").named("other");
        let world = World { generators: vec![first.clone(), other.clone()], ..World::with(&first) };
        let world = with_policy(world, |policy| policy.failover = failover);

        world.deliver_for(90).await;

        assert_eq!((other.submits(), first.submits()), (0, 1));
        assert_eq!(world.job().state, JobState::Failed);
    }
}

#[tokio::test]
async fn a_provider_that_is_overloaded_until_the_deadline_is_followed_by_the_failover() {
    let first = ReadyClip::new("first").busy(u32::MAX, 60 * SECOND).limited_to(HOUR);
    let other = ReadyClip::new("clip").named("other");
    let world = World { generators: vec![first.clone(), other.clone()], ..World::with(&first) };
    let world = with_policy(world, |policy| policy.failover = Some("other".to_owned()));

    world.deliver_for(130).await;

    assert_eq!((other.billed_in_all(), world.job().state), (1, JobState::LtxDone));
}

#[tokio::test]
async fn what_was_delivered_is_judged_and_fetched_again_if_it_is_no_video() {
    let generator = ReadyClip::new("clip").streaming();
    let world = World::with(&generator);
    let world = World { rewrap: PassThrough::default().judging_unplayable(1, "html"), ..world };

    let fault = world.deliver().await.expect_err("not a video");
    let left = world.store.keys();
    let handled = world.deliver().await.expect("handled");

    assert!(fault.to_string().contains("clip"), "{fault}");
    assert!(!left.iter().any(|key| key.starts_with(keys::DELIVERED)), "{left:?}");
    assert_eq!((handled, world.clip()), (Handled::Done, Some(b"clip".to_vec())));
    assert!(!world.store.keys().iter().any(|key| key.starts_with(keys::DELIVERED)));
    assert_eq!((generator.submits(), generator.billed_in_all()), (1, 1));
}

#[tokio::test]
async fn what_was_delivered_before_a_crash_is_not_fetched_again() {
    let generator = ReadyClip::new("clip").streaming();
    let world = World::with(&generator);
    let mut n = 0;
    loop {
        n += 1;
        let fuse = Fuse::new(n, Moment::After);
        let crashed = world.ltx_on(&fuse).handle(&order()).await;
        if world.store.keys().iter().any(|key| key.starts_with(keys::DELIVERED)) {
            crashed.expect_err("died after it was stored");
            break;
        }
        assert!(n < 20, "it was never stored");
    }
    let world = World { generators: vec![generator.clone().forgetting()], ..world };

    let handled = world.deliver().await.expect("handled");

    assert_eq!((handled, world.job().state), (Handled::Done, JobState::LtxDone));
}

#[tokio::test]
async fn a_clip_that_comes_with_the_answer_is_stored_and_paid_once() {
    let generator = ReadyClip::new("clip").delivering_at_once();
    let world = World::with(&generator);

    let handled = world.deliver().await.expect("handled");

    assert_eq!((handled, world.clip()), (Handled::Done, Some(b"clip".to_vec())));
    assert_eq!(world.attempts(), [(1, AttemptState::Succeeded, 0)]);
}

#[tokio::test]
async fn whoever_asks_for_one_look_does_not_stay() {
    let generator = ReadyClip::new("clip").pending_for(1, SECOND);
    let world = World::with(&generator);
    world.deliver().await.expect("under way");
    let world = World { generators: vec![generator.clone().pending_for(9, SECOND)], ..world };

    let wish = LtxRequest::look_now(&world.job(), None);
    let handled = world.ltx().handle(&wish).await.expect("handled");

    assert_eq!((handled, world.job().state), (Handled::Done, JobState::Generating));
}

#[tokio::test]
async fn a_model_that_is_about_to_go_is_ordered_with_a_warning_and_one_that_is_gone_is_refused() {
    let going = ReadyClip::new("clip").warning("ready-1 goes on 2027-01-01: take ready-2");
    let gone = ReadyClip::new("clip").retired("ready-1 is gone: take ready-2");
    let (ordered, refused) = (World::with(&going), World::with(&gone));

    ordered.deliver().await.expect("handled");
    refused.deliver().await.expect("handled");

    assert_eq!(ordered.job().state, JobState::LtxDone);
    assert_eq!(refused.end(), (FailureKind::Refused, "ready-1 is gone: take ready-2".to_owned()));
    assert_eq!(gone.submits(), 0);
}

#[tokio::test]
async fn a_post_finds_an_order_whose_process_has_just_died() {
    let generator = ReadyClip::new("clip");
    let world = World::with(&generator);
    let fuse = Fuse::new(6, Moment::Before);
    world.ltx_on(&fuse).handle(&order()).await.expect_err("died before the answer was stored");
    world.clock.advance(60 * SECOND);

    let heard = Heard { attempt: 1, provider_job: "ready-1".to_owned() };
    let wish = LtxRequest::look_now(&world.job(), Some(heard));
    let handled = world.ltx().handle(&wish).await.expect("handled");

    assert_eq!((handled, world.job().state), (Handled::Done, JobState::LtxDone));
    assert_eq!((generator.submits(), generator.billed_in_all()), (1, 1));
}

#[tokio::test]
async fn an_order_that_a_person_says_was_not_taken_is_made_again_however_late() {
    let generator = ReadyClip::new("clip").losing_answers(1, Loss::BeforeTaking).limited_to(HOUR);
    let world = with_policy(World::with(&generator), |policy| policy.hold_for = 24 * HOUR);
    world.deliver().await.expect("unknown");
    world.clock.advance(3 * HOUR);

    let unknown = world.ledger.all()[0].clone();
    let now = world.clock.now();
    let again = Attempt { deadline: now.plus(HOUR), ..unknown.clone() };
    let settled = again.settled(Settlement::not_taken(None), now).expect("legal");
    world.ledger.replace(&unknown, &settled).await.expect("stored");
    world.deliver().await.expect("handled");

    assert_eq!(world.job().state, JobState::LtxDone);
}

#[tokio::test]
async fn what_was_called_off_in_vain_is_looked_at_before_it_is_ordered_again() {
    let generator = ReadyClip::new("clip").pending_for(1, SECOND);
    let world = World::with(&generator);
    world.deliver().await.expect("under way");
    world.ltx().give_up(&order(), "the queue gave it up").await.expect("given up");
    assert_eq!(world.attempts(), [(1, AttemptState::Cancelled, 0)]);
    redriven(&world).await;

    let handled = world.deliver().await.expect("handled");

    assert_eq!((handled, world.job().state), (Handled::Done, JobState::LtxDone));
    assert_eq!((generator.submits(), generator.billed_in_all()), (1, 1));
}

#[tokio::test]
async fn nobody_takes_over_while_an_order_is_unknown() {
    let lost = ReadyClip::new("first").losing_answers(1, Loss::AfterTaking);
    let first = lost.refusing_over(RefusedOver::Credit, "no credit");
    let other = ReadyClip::new("clip").named("other");
    let spec = samples::attempt(samples::job().id);
    let unknown = spec.settled(Settlement::unknown("lost".to_owned()), samples::AT).expect("legal");
    let world = World::of(&samples::job_in(JobState::Generating), &first).with_attempt(&unknown);
    let world = World { generators: vec![first.clone(), other.clone()], ..world };
    let world = with_policy(world, |policy| {
        policy.unknown = UnknownPolicy::ResubmitAfter(HOUR);
        policy.failover = Some("other".to_owned());
    });

    world.deliver_for(90).await;

    assert_eq!((other.submits(), world.job().state), (0, JobState::Failed));
    assert_eq!(world.ledger.all()[1].at_risk, PRICE);
}

#[tokio::test]
async fn whoever_has_taken_over_stays_at_it() {
    let first = ReadyClip::new("first").refusing_over(RefusedOver::Credit, "no credit");
    let other = ReadyClip::new("clip").named("other").busy(3, SECOND);
    let world = World { generators: vec![first.clone(), other.clone()], ..World::with(&first) };
    let world = with_policy(world, |policy| policy.failover = Some("other".to_owned()));

    world.deliver_for(10).await;

    assert_eq!((first.submits(), other.billed_in_all()), (1, 1));
    assert_eq!(world.job().state, JobState::LtxDone);
}
