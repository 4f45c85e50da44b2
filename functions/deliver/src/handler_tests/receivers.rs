use tokio::sync::Semaphore;

use super::*;

fn ask_many(world: &World, queue: &mut Queue, endpoint: &str, seqs: std::ops::Range<u64>) {
    for seq in seqs {
        queue.send(world.ask(endpoint, seq), world.clock.now());
    }
}

fn all_delivered(world: &World) -> bool {
    world.states().into_iter().all(|(state, _)| state == DeliveryState::Delivered)
}

#[tokio::test]
async fn a_receiver_that_was_down_for_a_day_hears_everything_and_was_spared() {
    let back = samples::AT.plus(DAY);
    let world = World::of(move |_, now| match now {
        now if now < back => Answer::Nothing,
        _ => Answer::Status(200),
    });
    let mut queue = Queue::default();
    for hour in 0..12 {
        ask_many(&world, &mut queue, "n8n", hour * 50..hour * 50 + 50);
        queue.run(&world, world.clock.now().plus(HOUR)).await;
    }

    queue.run(&world, samples::AT.plus(6 * DAY)).await;

    assert!(all_delivered(&world) && queue.messages.is_empty());
    let in_vain = world.posts().into_iter().filter(|post| post.0 < DAY).count();
    assert!((90..140).contains(&in_vain), "{in_vain} attempts in vain");
    assert!(queue.most_receipts < 500, "received {} times", queue.most_receipts);
}

#[tokio::test]
async fn when_a_receiver_is_back_what_waited_for_it_is_told_within_half_an_hour() {
    let back = samples::AT.plus(2 * HOUR);
    let world = World::of(move |_, now| match now {
        now if now < back => Answer::Nothing,
        _ => Answer::Status(200),
    });
    let mut queue = Queue::default();
    ask_many(&world, &mut queue, "n8n", 0..200);

    queue.run(&world, back.plus(Duration::from_mins(30))).await;

    let untried = world.log.all().into_iter().filter(|row| row.attempts == 0).count();
    assert_eq!(untried, 0);
    queue.run(&world, samples::AT.plus(6 * DAY)).await;
    assert!(all_delivered(&world));
}

#[tokio::test]
async fn a_receiver_that_comes_and_goes_hears_everything_once() {
    let world = World::of(|_, now| match now.since(samples::AT).as_secs() / 600 % 2 {
        0 => Answer::Status(503),
        _ => Answer::Status(200),
    });
    let mut queue = Queue::default();
    for minutes in 0..30 {
        ask_many(&world, &mut queue, "n8n", minutes * 10..minutes * 10 + 10);
        queue.run(&world, world.clock.now().plus(Duration::from_mins(5))).await;
    }

    queue.run(&world, samples::AT.plus(6 * DAY)).await;

    let attempts: usize = world.states().iter().map(|(_, attempts)| *attempts as usize).sum();
    assert!(all_delivered(&world) && queue.messages.is_empty());
    assert_eq!((world.states().len(), world.posts().len()), (300, attempts));
}

#[tokio::test]
async fn a_receiver_that_is_dead_does_not_delay_another() {
    let world = World::of(|url, _| match url {
        "https://n8n.example/hook" => Answer::Nothing,
        _ => Answer::Status(200),
    });
    world.change(&endpoint("crm"));
    let mut queue = Queue::default();
    let mut asked_at = Vec::new();
    for hour in 0..24_u64 {
        ask_many(&world, &mut queue, "n8n", hour * 10..hour * 10 + 10);
        ask_many(&world, &mut queue, "crm", hour * 10..hour * 10 + 10);
        asked_at.extend([world.clock.now().since(samples::AT); 10]);
        queue.run(&world, world.clock.now().plus(HOUR)).await;
    }

    let told = world.posts().into_iter().filter(|post| post.1 == "crm");
    assert_eq!(told.map(|post| post.0).collect::<Vec<_>>(), asked_at);
}

#[tokio::test]
async fn after_five_failures_in_a_row_a_receiver_is_left_alone_and_no_attempt_is_counted() {
    let world = World::answering([Answer::Status(500); 5]);
    for seq in 0..5 {
        let request = world.ask("n8n", seq);
        world.deliver(&request).await;
    }
    world.clock.advance(10 * SECOND);
    let sixth = world.ask("n8n", 5);

    let while_open = world.deliver(&sixth).await;
    let attempts = world.log.all().last().expect("the sixth").attempts;
    world.clock.advance(20 * SECOND);
    let probe = world.deliver(&sixth).await;

    assert_eq!((while_open, attempts), (not_yet(20 * SECOND), 0));
    assert_eq!((probe, world.posts().len()), (Handled::Done, 6));
}

#[tokio::test]
async fn what_decides_and_fails_opens_the_breaker_for_longer() {
    let world = World::answering([Answer::Status(500); 6]);
    for seq in 0..5 {
        let request = world.ask("n8n", seq);
        world.deliver(&request).await;
    }
    world.clock.advance(30 * SECOND);
    let (probe, other) = (world.ask("n8n", 5), world.ask("n8n", 6));

    world.deliver(&probe).await;
    let waits = world.deliver(&other).await;
    world.clock.advance(60 * SECOND);
    let closed = world.deliver(&other).await;
    let again = world.deliver(&probe).await;

    assert_eq!((waits, closed, again), (not_yet(60 * SECOND), Handled::Done, Handled::Done));
}

/// Answers when it is let to.
#[derive(Clone, Debug)]
struct Slow(Arc<Semaphore>, Receivers);

impl WebhookSender for Slow {
    async fn post(&self, request: &WebhookRequest) -> Result<WebhookAnswer, SendError> {
        let answer = self.1.post(request).await;
        if request.url.contains("slow") {
            self.0.acquire().await.expect("open").forget();
        }
        answer
    }
}

#[tokio::test]
async fn a_slow_receiver_holds_up_four_places_and_nobody_else() {
    let world = World::of(|_, _| Answer::Status(200));
    world.change(&endpoint("slow"));
    let gate = Arc::new(Semaphore::new(0));
    let handler = Deliver {
        log: world.log.clone(),
        endpoints: world.endpoints.clone(),
        registers: world.registers.clone(),
        sender: Slow(gate.clone(), world.receivers.clone()),
        bus: world.bus.clone(),
        clock: world.clock.clone(),
        schedule: world.schedule.clone(),
    };
    let slow: Vec<_> = (0..20).map(|seq| world.ask("slow", seq)).collect();
    let quick = world.ask("n8n", 1);

    let mut running: Vec<_> =
        slow.iter().map(|request| Box::pin(handler.handle(request))).collect();
    let mut waits = Vec::new();
    for (at, call) in running.iter_mut().enumerate() {
        if let std::task::Poll::Ready(handled) = futures::poll!(call) {
            waits.push((at, pause(handled.expect("handled"))));
        }
    }
    let told = handler.handle(&quick).await.expect("handled");
    gate.add_permits(4);
    let ended = futures::future::join_all(running.into_iter().take(4)).await;

    assert_eq!((waits.len(), waits[0].0, told), (16, 4, Handled::Done));
    assert!(waits.iter().all(|(_, pause)| (SECOND..=2 * SECOND).contains(pause)), "{waits:?}");
    assert!(ended.into_iter().all(|handled| handled.expect("handled") == Handled::Done));
    assert_eq!(world.posts().len(), 5);
}
