use std::collections::HashSet;
use std::time::Duration;

use axum::http::StatusCode;
use domain::{EventId, Timestamp, TraceId};
use events::DeliveryRequest;
use ports::{Clock, Delivery, DeliveryState, MessageSender, QueueError};
use serde_json::{Value, json};
use testkit::{InMemoryDeliveries, InMemoryEndpoints, RecordingQueue, samples};

use crate::Caller;
use crate::test_crash::{dying, moments, sending};
use crate::test_world::{World, answer, request};

const MINE: &str = "/api/webhook-endpoints/mine";

fn at(secs: u64) -> Timestamp {
    samples::AT.plus(Duration::from_secs(secs))
}

/// The delivery of the fact `n`, which was delivered `n` seconds after all began.
fn delivered(n: u64) -> Delivery {
    let job = samples::job().id;
    Delivery {
        event: EventId::of_fact(job, n, "Rendered.v1"),
        owner: Some("user-1".to_owned()),
        detail_type: "Rendered.v1".to_owned(),
        state: DeliveryState::Delivered,
        first_at: at(n),
        last_at: at(n),
        next_at: at(n),
        status: Some(200),
        outcome: "status 200".to_owned(),
        ..samples::delivery(job, "mine")
    }
}

/// A world with an endpoint of `user-1`, with these deliveries and one of another endpoint.
fn world(deliveries: impl IntoIterator<Item = Delivery>) -> World {
    let endpoints = InMemoryEndpoints::default()
        .with(&samples::endpoint(Some("user-1"), "mine"))
        .with(&samples::endpoint(None, "house"));
    let other = Delivery { endpoint: "house".to_owned(), owner: None, ..delivered(1) };
    let log = deliveries.into_iter().fold(InMemoryDeliveries::default(), |log, one| log.with(&one));
    let world = World::with(|api| {
        api.endpoints = endpoints;
        api.deliveries = log.with(&other);
    });
    world.clock().advance(Duration::from_hours(1));
    world.user("user-1")
}

async fn call(caller: &World, method: &str, path: &str) -> (StatusCode, Value) {
    let (status, _, body) = caller.call(method, &format!("{MINE}{path}"), Value::Null).await;
    (status, body)
}

fn ids(body: &Value) -> Vec<String> {
    let deliveries = body["deliveries"].as_array().expect("deliveries").iter();
    deliveries.map(|one| one["eventId"].as_str().expect("an id").to_owned()).collect()
}

fn sent(world: &World) -> Vec<DeliveryRequest> {
    let sent = world.api.queues.deliver.sent();
    sent.iter().map(|body| serde_json::from_str(body).expect("a request")).collect()
}

fn mine(world: &World) -> Vec<Delivery> {
    let all = world.api.deliveries.all().into_iter();
    all.filter(|one| one.endpoint == "mine").collect()
}

#[tokio::test]
async fn what_was_delivered_is_told_with_what_was_answered() {
    let user = world([samples::delivery(samples::job().id, "mine")]);

    let (status, body) = call(&user, "GET", "/deliveries").await;

    let event = EventId::of_fact(samples::job().id, 1, "JobCreated.v1").to_string();
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        body,
        json!({ "deliveries": [{
            "eventId": event, "jobId": samples::job().id.to_string(), "type": "JobCreated.v1",
            "state": "waiting", "attempts": 1, "replays": 0,
            "firstAt": "2026-11-20T10:00:00.000Z", "lastAt": "2026-11-20T10:00:00.000Z",
            "nextAt": "2026-11-20T10:00:05.000Z", "status": 500, "tookMs": 40, "outcome": "500",
            "answer": "try later", "request": { "body": "{}", "headers": { "webhook-id": event } },
        }] })
    );
}

#[tokio::test]
async fn deliveries_are_listed_part_by_part_in_the_order_of_first_attempts() {
    let user = world((1..=5).map(delivered));

    let (_, first) = call(&user, "GET", "/deliveries?limit=3").await;
    let cursor = first["nextCursor"].as_str().expect("more");
    let (_, second) = call(&user, "GET", &format!("/deliveries?limit=3&cursor={cursor}")).await;
    let (_, since) = call(&user, "GET", "/deliveries?since=2026-11-20T10:00:04Z").await;

    let expected: Vec<_> = (1..=5).map(|n| delivered(n).event.to_string()).collect();
    assert_eq!([ids(&first), ids(&second)].concat(), expected);
    assert_eq!((second.get("nextCursor"), ids(&since)), (None, expected[3..].to_vec()));
    assert_eq!(first["deliveries"][0].get("nextAt"), None, "nothing is due");
}

#[tokio::test]
async fn what_is_wrong_with_a_query_is_told() {
    let user = world([]);

    let listed = call(&user, "GET", "/deliveries?since=x&cursor=y&limit=0").await;
    let replayed = call(&user, "POST", "/replay?after=z").await;

    for (answer, fields) in
        [(listed, vec!["since", "cursor", "limit"]), (replayed, vec!["since", "after"])]
    {
        let errors = answer.1["errors"].as_array().expect("errors").iter();
        let named: Vec<_> = errors.map(|one| one["field"].as_str().expect("a name")).collect();
        assert_eq!((answer.0, named), (StatusCode::UNPROCESSABLE_ENTITY, fields));
    }
}

#[tokio::test]
async fn one_event_is_delivered_again_from_the_beginning() {
    let user = world([delivered(1), delivered(2)]);
    let event = delivered(2).event;

    let (status, body) = call(&user, "POST", &format!("/deliveries/{event}/replay")).await;

    let now = user.clock().now();
    let expected = Delivery {
        state: DeliveryState::Waiting,
        attempts: 0,
        replays: 1,
        next_at: now,
        ..delivered(2)
    };
    assert_eq!(
        (status, &body["state"], &body["replays"]),
        (StatusCode::ACCEPTED, &json!("waiting"), &json!(1))
    );
    assert_eq!(mine(&user), [delivered(1), expected]);
    let request = DeliveryRequest {
        event_id: event.to_string(),
        endpoint_id: "mine".to_owned(),
        owner: Some("user-1".to_owned()),
    };
    assert_eq!(sent(&user), [request]);
}

#[tokio::test]
async fn an_event_is_replayed_as_often_as_somebody_asks() {
    let user = world([delivered(1)]);
    let path = format!("/deliveries/{}/replay", delivered(1).event);

    for replays in 1..=2 {
        assert_eq!(call(&user, "POST", &path).await.0, StatusCode::ACCEPTED);
        assert_eq!(mine(&user)[0].replays, replays);
    }

    assert_eq!(sent(&user).len(), 2);
}

#[tokio::test]
async fn an_attempt_that_is_being_made_is_waited_for_unless_it_died() {
    let claimed = |until| {
        let (state, next_at) = (DeliveryState::UnderWay, until);
        Delivery { state, next_at, ..delivered(1) }
    };
    let path = format!("/deliveries/{}/replay", delivered(1).event);

    let alive = world([claimed(at(3_601))]);
    assert_eq!(call(&alive, "POST", &path).await.0, StatusCode::CONFLICT);
    assert!(sent(&alive).is_empty());

    let dead = world([claimed(at(3_600))]);
    assert_eq!(call(&dead, "POST", &path).await.0, StatusCode::ACCEPTED);
    assert_eq!(mine(&dead)[0].state, DeliveryState::Waiting);
}

#[tokio::test]
async fn what_was_never_due_is_not_replayed() {
    let user = world([delivered(1)]);

    for event in [delivered(9).event.to_string(), "holiday".to_owned()] {
        let (status, _) = call(&user, "POST", &format!("/deliveries/{event}/replay")).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{event}");
    }

    assert!(sent(&user).is_empty());
}

#[tokio::test]
async fn everything_since_an_instant_is_delivered_again_whatever_came_of_it() {
    let of = |n, state| Delivery { state, next_at: at(9_999), ..delivered(n) };
    let user = world([
        delivered(1),
        delivered(2),
        of(3, DeliveryState::GivenUp),
        of(4, DeliveryState::Held),
        of(5, DeliveryState::Waiting),
        of(6, DeliveryState::UnderWay),
    ]);

    let (status, body) = call(&user, "POST", "/replay?since=2026-11-20T10:00:02Z").await;

    assert_eq!(status, StatusCode::ACCEPTED);
    assert_eq!(body, json!({ "replayed": 4, "more": false }));
    let outcome: Vec<_> = mine(&user).iter().map(|one| (one.state, one.replays)).collect();
    let again = (DeliveryState::Waiting, 1);
    assert_eq!(
        outcome,
        [(DeliveryState::Delivered, 0), again, again, again, again, (DeliveryState::UnderWay, 0),]
    );
    assert_eq!(sent(&user).len(), 4);
}

#[tokio::test]
async fn more_than_a_thousand_are_replayed_call_by_call_and_each_once() {
    let user = world((1..=1_203).map(|n| Delivery { first_at: at(n % 7), ..delivered(n) }));

    let (_, first) = call(&user, "POST", "/replay?since=2026-11-20T10:00:00Z").await;
    let after = first["after"].as_str().expect("more");
    let path = format!("/replay?since=2026-11-20T10:00:00Z&after={after}");
    let (_, second) = call(&user, "POST", &path).await;

    assert_eq!((&first["replayed"], &first["more"]), (&json!(1_000), &json!(true)));
    assert_eq!(second, json!({ "replayed": 203, "more": false }));
    let events: HashSet<_> = sent(&user).into_iter().map(|one| one.event_id).collect();
    assert_eq!((events.len(), sent(&user).len()), (1_203, 1_203));
    assert!(mine(&user).iter().all(|one| one.replays == 1));
}

#[tokio::test]
async fn what_is_attempted_anew_while_it_is_replayed_is_not_replayed_again() {
    let new = Delivery { first_at: at(3_601), ..delivered(2) };
    let user = world([delivered(1), new.clone()]);

    let (_, body) = call(&user, "POST", "/replay?since=2026-11-20T10:00:00Z").await;

    assert_eq!(body["replayed"], 1);
    assert_eq!(mine(&user)[1], new);
}

#[tokio::test]
async fn a_service_replays_for_the_house_or_for_a_user() {
    let service = world([delivered(1)]).service();
    let replay = async |path: &str| {
        let path = format!("/api/webhook-endpoints/{path}");
        service.call("POST", &path, Value::Null).await.0
    };

    let house = format!("house/deliveries/{}/replay", delivered(1).event);
    assert_eq!(replay(&house).await, StatusCode::ACCEPTED);
    assert_eq!(replay("mine/replay?since=2026-11-20T10:00:00Z").await, StatusCode::NOT_FOUND);
    let theirs = "mine/replay?since=2026-11-20T10:00:00Z&userId=user-1";
    assert_eq!(replay(theirs).await, StatusCode::ACCEPTED);

    let sent = sent(&service);
    assert_eq!((sent[0].endpoint_id.as_str(), &sent[0].owner), ("house", &None));
    assert_eq!((sent[1].endpoint_id.as_str(), sent[1].owner.as_deref()), ("mine", Some("user-1")));
}

#[tokio::test]
async fn a_replay_that_broke_off_is_completed_by_the_repeat() {
    let path = format!("{MINE}/deliveries/{}/replay", delivered(1).event);
    let caller = || Caller::User("user-1".to_owned());

    for fuse in moments(2) {
        let user = world([delivered(1)]);
        let request = || request("POST", &path, &[], &Value::Null);

        let (broken, _, _) = answer(dying(&user, caller(), &fuse), request()).await;
        let (status, _, _) = answer(user.router(), request()).await;

        assert_eq!(broken, StatusCode::SERVICE_UNAVAILABLE, "{fuse:?}");
        assert_eq!(status, StatusCode::ACCEPTED, "{fuse:?}");
        let delivery = &mine(&user)[0];
        assert_eq!((delivery.state, delivery.attempts), (DeliveryState::Waiting, 0));
        assert!(!sent(&user).is_empty(), "{fuse:?}");
    }
}

/// A queue that does not take what names this event, and is slow with everything else.
#[derive(Clone, Debug)]
struct Choosy {
    refused: EventId,
    taken: RecordingQueue,
}

impl MessageSender for Choosy {
    async fn send(&self, body: &str, trace: Option<&TraceId>) -> Result<(), QueueError> {
        if body.contains(&self.refused.to_string()) {
            let (queue, source) = ("deliver".to_owned(), "it does not answer".into());
            return Err(QueueError { action: "send to", queue, source });
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.taken.send(body, trace).await
    }
}

#[tokio::test]
async fn what_nobody_was_told_to_deliver_again_is_as_it_was() {
    let user = world([delivered(1)]);
    let path = format!("{MINE}/deliveries/{}/replay", delivered(1).event);
    let queue = Choosy { refused: delivered(1).event, taken: RecordingQueue::default() };
    let router = sending(&user, Caller::User("user-1".to_owned()), &queue);

    let (status, ..) = answer(router, request("POST", &path, &[], &Value::Null)).await;

    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(mine(&user), [delivered(1)]);
}

#[tokio::test(start_paused = true)]
async fn one_that_cannot_be_replayed_leaves_no_other_half_way() {
    let user = world((1..=40).map(delivered));
    let path = format!("{MINE}/replay?since=2026-11-20T10:00:00Z");
    let queue = Choosy { refused: delivered(1).event, taken: RecordingQueue::default() };
    let router = sending(&user, Caller::User("user-1".to_owned()), &queue);

    let (status, ..) = answer(router, request("POST", &path, &[], &Value::Null)).await;

    let due = mine(&user).iter().filter(|one| one.state == DeliveryState::Waiting).count();
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!((mine(&user)[0].clone(), due), (delivered(1), 39));
    assert_eq!(queue.taken.sent().len(), due);
}
