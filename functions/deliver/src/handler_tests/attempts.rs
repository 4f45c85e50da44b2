use domain::JobId;
use ports::{DeliveryLog, DeliveryLogError, Replaced};

use super::*;

#[tokio::test]
async fn an_event_is_told_and_the_telling_recorded() {
    let world = World::answering([Answer::Says(202, "thank you")]);
    let request = world.ask("n8n", 1);
    let before = world.delivery();

    let handled = world.deliver(&request).await;

    let expected = Delivery {
        state: DeliveryState::Delivered,
        attempts: 1,
        outcome: "status 202".to_owned(),
        status: Some(202),
        took_ms: Some(0),
        answer: "thank you".to_owned(),
        ..before.clone()
    };
    assert_eq!((handled, world.delivery()), (Handled::Done, expected));
    let sent = world.requests().remove(0);
    assert_eq!((&*sent.url, sent.body), ("https://n8n.example/hook", before.body.into_bytes()));
}

#[tokio::test]
async fn every_attempt_has_the_id_of_the_event_and_a_timestamp_of_its_own() {
    let world = World::answering([Answer::Status(503)]);
    let request = world.ask("n8n", 1);

    world.deliver(&request).await;
    world.clock.advance(6 * SECOND);
    world.deliver(&request).await;

    let id = request.event_id.clone();
    assert_eq!(world.header("webhook-id"), [id.clone(), id]);
    assert_eq!(world.header("webhook-timestamp"), ["1795168800", "1795168806"]);
    let signatures = world.header("webhook-signature");
    assert_ne!(signatures[0], signatures[1]);
    assert_eq!(world.header("content-type"), ["application/json"; 2]);
}

#[tokio::test]
async fn an_event_that_was_told_is_not_told_again() {
    let world = World::answering([]);
    let request = world.ask("n8n", 1);

    world.deliver(&request).await;
    world.clock.advance(DAY);
    let handled = world.deliver(&request).await;

    assert_eq!((handled, world.posts().len()), (Handled::Done, 1));
    assert_eq!(world.states(), [(DeliveryState::Delivered, 1)]);
}

#[tokio::test]
async fn attempts_follow_the_standard_schedule_and_are_given_up_after_the_tenth() {
    let world = World::of(|_, _| Answer::Status(500));
    let mut queue = Queue::default();
    queue.send(world.ask("n8n", 1), world.clock.now());

    queue.run(&world, samples::AT.plus(6 * DAY)).await;

    let at: Vec<_> = world.posts().into_iter().map(|post| post.0).collect();
    let pauses: Vec<_> = at.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect();
    assert_eq!((at[0], pauses.len()), (Duration::ZERO, 9));
    for (pause, expected) in pauses.into_iter().zip(STANDARD_SCHEDULE) {
        // The queue hides for whole seconds, and a pause beyond 11 hours in parts.
        assert_about(pause.saturating_sub(2 * SECOND).max(expected), expected);
        assert!(pause >= expected, "{pause:?} is less than {expected:?}");
    }
    assert_eq!(world.states(), [(DeliveryState::GivenUp, 10)]);
    assert_eq!(world.delivery().outcome, "status 500");
    assert!(queue.messages.is_empty());
}

#[tokio::test]
async fn a_request_before_its_time_makes_no_attempt() {
    let world = World::answering([Answer::Status(500)]);
    let request = world.ask("n8n", 1);

    let first = pause(world.deliver(&request).await);
    world.clock.advance(2 * SECOND);
    let second = pause(world.deliver(&request).await);

    assert_about(first, 5 * SECOND);
    assert_eq!((second, world.posts().len()), (first.saturating_sub(2 * SECOND), 1));
}

#[tokio::test]
async fn a_receiver_that_gives_no_answer_is_told_again_and_what_broke_is_recorded() {
    let world = World::answering([Answer::Says(500, "later"), Answer::Nothing]);
    let request = world.ask("n8n", 1);

    world.deliver(&request).await;
    world.clock.advance(6 * SECOND);
    let handled = world.deliver(&request).await;

    let delivery = world.delivery();
    assert_about(pause(handled), 300 * SECOND);
    assert_eq!(delivery.outcome, "no answer from the webhook endpoint: connection reset");
    assert_eq!((delivery.status, &*delivery.answer), (None, ""));
    assert_eq!((delivery.state, delivery.attempts), (DeliveryState::Waiting, 2));
    assert_eq!(delivery.first_at, samples::AT);
    assert_eq!(delivery.last_at, samples::AT.plus(6 * SECOND));
}

#[tokio::test]
async fn a_receiver_that_asks_for_more_time_than_the_schedule_is_given_it_up_to_a_day() {
    let asked_for = async |status, after| {
        let world = World::answering([Answer::RetryAfter(status, after)]);
        let request = world.ask("n8n", 1);
        world.deliver(&request).await;
        world.delivery().next_at.since(samples::AT)
    };

    assert_eq!(asked_for(429, 60 * SECOND).await, 60 * SECOND);
    assert_eq!(asked_for(502, HOUR).await, HOUR);
    assert_eq!(asked_for(504, 3 * DAY).await, DAY);
    assert_about(asked_for(429, SECOND).await, 5 * SECOND);
    assert_about(asked_for(400, HOUR).await, 5 * SECOND);
}

#[tokio::test]
async fn a_redirect_is_a_failure() {
    for status in [301, 302, 307, 308] {
        let world = World::answering([Answer::Status(status)]);
        let request = world.ask("n8n", 1);

        let handled = world.deliver(&request).await;

        assert_about(pause(handled), 5 * SECOND);
        assert_eq!(world.delivery().outcome, format!("status {status}"));
    }
}

#[tokio::test]
async fn a_pause_that_is_longer_than_a_message_can_be_hidden_is_waited_for_in_parts() {
    let world = World::answering([Answer::RetryAfter(503, 24 * HOUR)]);
    let request = world.ask("n8n", 1);

    let first = world.deliver(&request).await;
    world.clock.advance(11 * HOUR);
    let second = world.deliver(&request).await;
    world.clock.advance(11 * HOUR);
    let third = world.deliver(&request).await;

    assert_eq!([first, second, third], [11, 11, 2].map(|hours| not_yet(hours * HOUR)));
    assert_eq!(world.posts().len(), 1);
}

#[tokio::test]
async fn a_clock_that_went_back_makes_no_attempt_before_its_time() {
    let world = World::answering([Answer::Status(500)]);
    let request = world.ask("n8n", 1);
    let first = pause(world.deliver(&request).await);
    let earlier = Timestamp::from_epoch_ms(samples::AT.epoch_ms() - 60_000);
    let world = World { clock: TestClock::at(earlier), ..world };

    let handled = world.deliver(&request).await;

    assert_eq!((handled, world.posts().len()), (not_yet(first + 60 * SECOND), 1));
}

#[tokio::test]
async fn of_two_copies_of_a_request_one_makes_the_attempt() {
    let world = World::answering([]);
    let request = world.ask("n8n", 1);
    let claimed = Delivery {
        state: DeliveryState::UnderWay,
        next_at: samples::AT.plus(60 * SECOND),
        ..world.delivery()
    };
    world.record(&claimed);

    let while_claimed = world.deliver(&request).await;
    world.clock.advance(60 * SECOND);
    let handled = world.deliver(&request).await;

    assert_eq!((while_claimed, handled), (not_yet(2 * SECOND), Handled::Done));
    assert_eq!(world.posts().len(), 1);
}

/// A log as it was read before anybody had made an attempt.
struct ReadEarlier(InMemoryDeliveries, Delivery);

impl DeliveryLog for ReadEarlier {
    async fn get(&self, _: EventId, _: &str) -> Result<Option<Delivery>, DeliveryLogError> {
        Ok(Some(self.1.clone()))
    }

    async fn write(
        &self,
        before: Option<&Delivery>,
        after: &Delivery,
    ) -> Result<Replaced, DeliveryLogError> {
        self.0.write(before, after).await
    }

    async fn of_endpoint(
        &self,
        endpoint: &str,
        since: Timestamp,
        after: Option<&Delivery>,
        limit: usize,
    ) -> Result<Vec<Delivery>, DeliveryLogError> {
        self.0.of_endpoint(endpoint, since, after, limit).await
    }

    async fn of_job(&self, job: JobId) -> Result<Vec<Delivery>, DeliveryLogError> {
        self.0.of_job(job).await
    }
}

#[tokio::test]
async fn of_two_copies_that_have_read_the_same_one_makes_the_attempt() {
    let world = World::answering([]);
    let request = world.ask("n8n", 1);
    let late = Deliver {
        log: ReadEarlier(world.log.clone(), world.delivery()),
        endpoints: world.endpoints.clone(),
        registers: world.registers.clone(),
        sender: world.receivers.clone(),
        bus: world.bus.clone(),
        clock: world.clock.clone(),
        schedule: vec![],
    };

    world.deliver(&request).await;
    let handled = late.handle(&request).await.expect("handled");

    assert_eq!((handled, world.posts().len()), (not_yet(2 * SECOND), 1));
    assert_eq!(world.states(), [(DeliveryState::Delivered, 1)]);
}
