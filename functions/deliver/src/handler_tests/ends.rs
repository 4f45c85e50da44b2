use super::*;

#[tokio::test]
async fn a_request_for_a_delivery_that_is_not_recorded_is_done() {
    let world = World::answering([]);
    let request = World::answering([]).ask("n8n", 1);

    assert_eq!((world.deliver(&request).await, world.posts().len()), (Handled::Done, 0));
}

#[tokio::test]
async fn a_delivery_to_an_endpoint_that_was_removed_is_given_up() {
    let world = World::answering([]);
    let request = world.ask("removed", 1);

    let handled = world.deliver(&request).await;

    assert_eq!((handled, world.states()), (Handled::Done, vec![(DeliveryState::GivenUp, 0)]));
    assert_eq!(world.delivery().outcome, "the endpoint was removed");
}

#[tokio::test]
async fn a_delivery_is_not_tried_for_longer_than_six_days() {
    let world = World::answering([Answer::Status(500)]);
    let request = world.ask("n8n", 1);
    world.deliver(&request).await;

    world.clock.advance(6 * DAY);
    let handled = world.deliver(&request).await;

    assert_eq!((handled, world.posts().len()), (Handled::Done, 1));
    assert_eq!(world.states(), [(DeliveryState::GivenUp, 1)]);
    assert_eq!(world.delivery().outcome, "its receiver could not be told for 6 days");
}

#[tokio::test]
async fn an_attempt_that_would_come_too_late_is_not_waited_for() {
    let world = World::of(|_, _| Answer::RetryAfter(503, 24 * HOUR));
    let mut queue = Queue::default();
    queue.send(world.ask("n8n", 1), world.clock.now());
    // The endpoint is well but for this delivery.
    let well = async |world: &World| {
        let gate = crate::gate::Gate(&world.registers);
        gate.succeeded("n8n", "other", world.clock.now()).await.expect("stored");
    };

    for day in 1..=6 {
        queue.run(&world, samples::AT.plus(day * DAY)).await;
        well(&world).await;
    }

    assert_eq!(world.states(), [(DeliveryState::GivenUp, 6)]);
}

#[tokio::test]
async fn giving_up_is_recorded_with_its_cause_where_somebody_is_still_to_be_told() {
    let world = World::answering([Answer::Status(500), Answer::Status(200)]);
    let (waiting, told) = (world.ask("n8n", 1), world.ask("n8n", 2));
    world.deliver(&waiting).await;
    world.deliver(&told).await;

    world.handler().give_up(&waiting, "delivered too often").await.expect("given up");
    world.handler().give_up(&told, "delivered too often").await.expect("given up");

    let mut outcomes: Vec<_> = world.log.all().into_iter().map(|row| row.outcome).collect();
    outcomes.sort();
    assert_eq!(outcomes, ["delivered too often", "status 200"]);
    assert_eq!(world.deliver(&waiting).await, Handled::Done);
    assert_eq!(world.posts().len(), 2);
}

#[tokio::test]
async fn what_is_replayed_is_told_again_under_the_same_id() {
    let world = World::answering([]);
    let request = world.ask("n8n", 1);
    world.deliver(&request).await;
    world.clock.advance(30 * DAY);
    let now = world.clock.now();

    let told = world.delivery();
    let (state, replays) = (DeliveryState::Waiting, told.replays + 1);
    world.record(&Delivery { state, attempts: 0, next_at: now, replays, ..told });
    let handled = world.deliver(&request).await;

    let ids = world.header("webhook-id");
    let bodies: Vec<_> = world.requests().into_iter().map(|request| request.body).collect();
    let delivery = world.delivery();
    assert_eq!((handled, ids[0] == ids[1], bodies[0] == bodies[1]), (Handled::Done, true, true));
    assert_eq!((delivery.attempts, delivery.replays), (1, 1));
    assert_eq!((delivery.state, delivery.first_at), (DeliveryState::Delivered, now));
}

#[tokio::test]
async fn a_replay_is_owed_six_days_of_its_own() {
    let world = World::answering([Answer::Status(500)]);
    let request = world.ask("n8n", 1);
    let old = world.delivery();
    world.clock.advance(30 * DAY);
    world.record(&Delivery { next_at: world.clock.now(), replays: 1, ..old });

    let handled = world.deliver(&request).await;

    assert_about(pause(handled), 5 * SECOND);
}

#[tokio::test]
async fn a_request_that_names_no_event_is_hopeless() {
    let world = World::answering([]);
    let request = DeliveryRequest { event_id: "1".to_owned(), ..world.ask("n8n", 1) };

    let fault = world.handler().handle(&request).await.expect_err("no event");

    assert_eq!(fault.to_string(), "request for a delivery");
    assert!(Handler::is_hopeless(&fault));
}
