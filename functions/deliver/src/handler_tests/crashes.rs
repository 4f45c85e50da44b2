use testkit::Moment;

use super::*;

/// Told twice in vain and then not; the process dies at the `at`-th call that changes something.
async fn run(at: u64, moment: Moment) -> (World, Fuse) {
    let world = World::answering([Answer::Status(500), Answer::Nothing]);
    let fuse = Fuse::new(at, moment);
    let mut queue = Queue::default();
    queue.send(world.ask("n8n", 1), world.clock.now());

    queue.run_on(&world, samples::AT.plus(DAY), &fuse).await;

    assert!(queue.messages.is_empty(), "{at} {moment:?}: {:?}", world.states());
    (world, fuse)
}

#[tokio::test]
async fn whatever_dies_in_between_the_event_is_told_and_posted_once_more_at_most() {
    let (world, fuse) = run(u64::MAX, Moment::Before).await;
    // For each attempt: a place, a claim, the post, its outcome, the place given back.
    assert_eq!((fuse.count(), world.posts().len()), (15, 3));

    for at in 1..=fuse.count() {
        for moment in [Moment::Before, Moment::After] {
            let (world, fuse) = run(at, moment).await;

            let (delivery, posts) = (world.delivery(), world.posts().len());
            assert!(fuse.blown());
            assert_eq!(delivery.state, DeliveryState::Delivered, "{at} {moment:?}");
            assert!((3..=4).contains(&posts), "{at} {moment:?}: {posts} posts");
            // An attempt that its process took into the grave is not counted.
            let counted = usize::try_from(delivery.attempts).expect("few");
            assert!((posts - 1..=posts).contains(&counted), "{at} {moment:?}: {counted}");
            let mut ids = world.header("webhook-id");
            ids.dedup();
            assert_eq!(ids.len(), 1);
        }
    }
}

#[tokio::test]
async fn what_could_not_be_recorded_is_told_again_when_its_claim_runs_out() {
    let world = World::answering([]);
    let request = world.ask("n8n", 1);
    let fuse = Fuse::new(3, Moment::After);

    world.handler_on(&fuse).handle(&request).await.expect_err("died after telling");
    let claimed = world.deliver(&request).await;
    world.clock.advance(60 * SECOND);
    let handled = world.deliver(&request).await;

    let id = request.event_id;
    assert_eq!((claimed, handled), (not_yet(2 * SECOND), Handled::Done));
    assert_eq!(world.header("webhook-id"), [id.clone(), id]);
    assert_eq!(world.states(), [(DeliveryState::Delivered, 1)]);
}

#[tokio::test]
async fn what_cannot_be_claimed_is_not_told_until_it_can_be() {
    let world = World::answering([]);
    let request = world.ask("n8n", 1);
    let fuse = Fuse::new(2, Moment::Before);

    let fault = world.handler_on(&fuse).handle(&request).await.expect_err("the log is down");
    let told = world.posts().len();
    let handled = world.deliver(&request).await;

    assert!(!Handler::is_hopeless(&fault));
    assert_eq!((told, handled, world.posts().len()), (0, Handled::Done, 1));
}

#[tokio::test]
async fn wherever_the_process_dies_that_disables_an_endpoint_it_is_disabled_and_announced() {
    for at in 1..=8 {
        for moment in [Moment::Before, Moment::After] {
            let world = World::of(|_, _| Answer::Status(410));
            let mut queue = Queue::default();
            queue.send(world.ask("n8n", 1), world.clock.now());
            queue.send(world.ask("n8n", 2), world.clock.now().plus(HOUR));

            queue.run_on(&world, samples::AT.plus(DAY), &Fuse::new(at, moment)).await;

            let mut facts: Vec<_> = world.bus.announced().iter().map(|fact| fact.id).collect();
            facts.dedup();
            let disabled = world.endpoint("n8n").disabled.expect("disabled");
            assert_eq!((facts.len(), disabled.announced), (1, true), "{at} {moment:?}");
            assert!(world.posts().len() <= 2, "{at} {moment:?}");
            assert!(queue.messages.is_empty());
        }
    }
}
