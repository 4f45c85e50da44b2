use events::WebhookEndpointDisabled;
use ports::Metric;
use testkit::Measurements;

use super::*;

/// What was announced.
fn announced(world: &World) -> Vec<WebhookEndpointDisabled> {
    let facts = world.bus.announced().into_iter();
    facts.map(|fact| serde_json::from_str(&fact.detail).expect("a fact")).collect()
}

/// A new delivery every six hours.
async fn tell_for(world: &World, days: u64) -> Queue {
    let mut queue = Queue::default();
    for seq in 0..days * 4 {
        queue.send(world.ask("n8n", seq), world.clock.now());
        queue.run(world, world.clock.now().plus(6 * HOUR)).await;
    }
    queue
}

#[tokio::test]
async fn an_endpoint_whose_receiver_is_gone_is_disabled_at_once_and_that_is_announced_once() {
    let world = World::of(|_, _| Answer::Status(410));
    let (first, second) = (world.ask("n8n", 1), world.ask("n8n", 2));

    let measured = Measurements::listen();
    let gone = world.deliver(&first).await;
    let held = world.deliver(&second).await;

    assert_eq!((gone, held, world.posts().len()), (Handled::Done, Handled::Done, 1));
    let mut states = world.states();
    states.sort_by_key(|state| std::cmp::Reverse(state.1));
    assert_eq!(states, [(DeliveryState::GivenUp, 1), (DeliveryState::Held, 0)]);
    let outcomes: Vec<_> = world.log.all().into_iter().map(|row| row.outcome).collect();
    assert!(outcomes.contains(&"status 410: the receiver is gone".to_owned()), "{outcomes:?}");
    let [fact] = &announced(&world)[..] else { panic!("one fact") };
    assert_eq!((&*fact.endpoint_id, fact.user_id.as_deref()), ("n8n", Some(OWNER)));
    assert_eq!(fact.reason, "the receiver answered 410: it is gone");
    assert!(world.endpoint("n8n").disabled.is_some_and(|disabled| disabled.announced));
    let counts = [Metric::DeliveriesGivenUp, Metric::EndpointsDisabled];
    assert_eq!(counts.map(|metric| measured.of(metric)), [vec![1.0], vec![1.0]]);
}

#[tokio::test]
async fn an_endpoint_is_disabled_when_every_attempt_of_five_days_has_failed() {
    let world = World::of(|_, _| Answer::Status(500));

    let before = tell_for(&world, 5).await;
    let disabled_before = world.endpoint("n8n").disabled;
    let mut after = tell_for(&world, 1).await;
    after.messages.extend(before.messages);
    after.run(&world, samples::AT.plus(8 * DAY)).await;

    let disabled = world.endpoint("n8n").disabled.expect("disabled");
    assert_eq!(disabled_before, None);
    assert!((5 * DAY..6 * DAY).contains(&disabled.at.since(samples::AT)), "{disabled:?}");
    assert_eq!(disabled.reason, "every attempt of the last 5 days failed, the newest: status 500");
    assert_eq!((announced(&world).len(), after.messages.len()), (1, 0));
    let last = world.posts().last().expect("attempts").0;
    assert_eq!(last, disabled.at.since(samples::AT));
}

#[tokio::test]
async fn one_success_and_the_five_days_begin_anew() {
    let once = samples::AT.plus(4 * DAY);
    let world = World::of(move |_, now| match now {
        now if (once..once.plus(6 * HOUR)).contains(&now) => Answer::Status(200),
        _ => Answer::Status(500),
    });

    tell_for(&world, 8).await;

    assert_eq!((world.endpoint("n8n").disabled, announced(&world)), (None, vec![]));
}

#[tokio::test]
async fn whoever_meets_an_endpoint_whose_disabling_is_not_known_announces_it() {
    let world = World::answering([]);
    let disabled =
        ports::Disabled { at: samples::AT, reason: "it is gone".to_owned(), announced: false };
    world.change(&Endpoint { disabled: Some(disabled), ..endpoint("n8n") });
    let (first, second) = (world.ask("n8n", 1), world.ask("n8n", 2));

    world.deliver(&first).await;
    world.deliver(&second).await;

    assert_eq!((announced(&world).len(), world.posts().len()), (1, 0));
    assert!(world.endpoint("n8n").disabled.is_some_and(|disabled| disabled.announced));
}

#[tokio::test]
async fn an_endpoint_that_is_enabled_again_begins_anew() {
    let world = World::of(|_, _| Answer::Status(500));
    tell_for(&world, 6).await;
    assert!(world.endpoint("n8n").disabled.is_some());
    world.change(&endpoint("n8n"));

    let request = world.ask("n8n", 1000);
    let handled = world.deliver(&request).await;

    assert_about(pause(handled), 5 * SECOND);
    assert_eq!(world.endpoint("n8n").disabled, None);
}

#[tokio::test]
async fn an_endpoint_that_moved_while_its_old_receiver_said_that_it_is_gone_stays_enabled() {
    let endpoints = InMemoryEndpoints::default().with(&endpoint("n8n"));
    let moved = Endpoint { url: "https://elsewhere.example/hook".to_owned(), ..endpoint("n8n") };
    let (there, elsewhere) = (endpoints.clone(), moved.clone());
    let world = World::of(move |_, _| {
        let _ = there.clone().with(&elsewhere);
        Answer::Status(410)
    });
    let world = World { endpoints, ..world };
    let request = world.ask("n8n", 1);

    world.deliver(&request).await;

    assert_eq!((world.endpoint("n8n"), announced(&world)), (moved, vec![]));
}
