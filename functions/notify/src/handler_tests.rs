//! What becomes of events.

use std::time::Duration;

use domain::{EventId, JobId, Timestamp};
use events::{BusEvent, DeliveryRequest, WebhookBody, announce_creation};
use ports::{
    Delivery, DeliveryLog, DeliveryLogError, DeliveryState, Disabled, Endpoint, HandleRecord,
    Handled, Replaced,
};
use serde_json::json;
use testkit::{
    Fuse, Fused, InMemoryDeliveries, InMemoryEndpoints, Moment, RecordingQueue, TestClock, samples,
};

use crate::{Notify, NotifyError};

const OWNER: &str = "user-1";

type Handler =
    Notify<Fused<InMemoryDeliveries>, Fused<InMemoryEndpoints>, Fused<RecordingQueue>, TestClock>;

/// Everything that outlives a delivery.
#[derive(Default)]
struct World {
    log: InMemoryDeliveries,
    endpoints: InMemoryEndpoints,
    queue: RecordingQueue,
    clock: TestClock,
}

impl World {
    fn with(endpoints: impl IntoIterator<Item = Endpoint>) -> Self {
        let none = InMemoryEndpoints::default();
        let endpoints = endpoints.into_iter().fold(none, |all, endpoint| all.with(&endpoint));
        Self { endpoints, ..Self::default() }
    }

    fn notify(&self) -> Handler {
        self.notify_on(&Fuse::never())
    }

    /// One delivery in a process that may die.
    fn notify_on(&self, fuse: &Fuse) -> Handler {
        Notify {
            log: Fused::new(self.log.clone(), fuse),
            endpoints: Fused::new(self.endpoints.clone(), fuse),
            queue: Fused::new(self.queue.clone(), fuse),
            clock: self.clock.clone(),
        }
    }

    async fn deliver(&self) -> Handled {
        self.notify().handle(&event()).await.expect("handled")
    }

    /// Endpoint and state of every delivery, by endpoint.
    fn deliveries(&self) -> Vec<(String, DeliveryState)> {
        let deliveries = self.log.all().into_iter();
        deliveries.map(|delivery| (delivery.endpoint, delivery.state)).collect()
    }

    /// The endpoints that deliveries were asked for to, in the order of asking.
    fn asked_for(&self) -> Vec<String> {
        let requests = self.queue.sent().into_iter();
        let request = |body: String| serde_json::from_str::<DeliveryRequest>(&body).expect("JSON");
        requests.map(|body| request(body).endpoint_id).collect()
    }
}

fn mine(id: &str) -> Endpoint {
    samples::endpoint(Some(OWNER), id)
}

fn waiting(endpoint: &str) -> (String, DeliveryState) {
    (endpoint.to_owned(), DeliveryState::Waiting)
}

/// The news that [`samples::job`] exists.
fn event() -> BusEvent {
    let event = announce_creation(&samples::job());
    BusEvent {
        source: event.source,
        detail_type: event.detail_type,
        detail: serde_json::from_str(&event.detail).expect("JSON"),
    }
}

/// A log that has no room for one endpoint.
#[derive(Clone)]
struct FullFor(&'static str, InMemoryDeliveries);

impl DeliveryLog for FullFor {
    async fn get(&self, event: EventId, to: &str) -> Result<Option<Delivery>, DeliveryLogError> {
        self.1.get(event, to).await
    }

    async fn write(
        &self,
        before: Option<&Delivery>,
        after: &Delivery,
    ) -> Result<Replaced, DeliveryLogError> {
        if after.endpoint == self.0 {
            let (action, event) = ("store", after.event.to_string());
            return Err(DeliveryLogError { action, event, source: "item too large".into() });
        }
        self.1.write(before, after).await
    }

    async fn of_endpoint(
        &self,
        endpoint: &str,
        since: Timestamp,
        after: Option<&Delivery>,
        limit: usize,
    ) -> Result<Vec<Delivery>, DeliveryLogError> {
        self.1.of_endpoint(endpoint, since, after, limit).await
    }

    async fn of_job(&self, job: JobId) -> Result<Vec<Delivery>, DeliveryLogError> {
        self.1.of_job(job).await
    }
}

#[tokio::test]
async fn a_delivery_is_recorded_with_the_bytes_that_are_sent_and_asked_for() {
    let world = World::with([mine("n8n")]);

    let handled = world.deliver().await;

    let event_id = announce_creation(&samples::job()).id;
    let body = WebhookBody {
        kind: "JobCreated.v1".to_owned(),
        timestamp: "2026-11-20T10:00:00.000Z".to_owned(),
        data: event().detail,
    };
    let expected = Delivery {
        owner: Some(OWNER.to_owned()),
        attempts: 0,
        next_at: samples::AT,
        outcome: String::new(),
        body: serde_json::to_string(&body).expect("JSON"),
        status: None,
        took_ms: None,
        answer: String::new(),
        ..samples::delivery(samples::job().id, "n8n")
    };
    assert_eq!((handled, world.log.all()), (Handled::Done, vec![expected]));
    let expected = json!({ "eventId": event_id.to_string(), "endpointId": "n8n", "owner": OWNER });
    assert_eq!(world.queue.sent(), [sorted(&expected.to_string())]);
}

/// JSON text with its fields in the order of [`DeliveryRequest`].
fn sorted(text: &str) -> String {
    let request: DeliveryRequest = serde_json::from_str(text).expect("a request");
    serde_json::to_string(&request).expect("JSON")
}

#[tokio::test]
async fn the_owner_of_the_job_and_the_house_are_told_and_nobody_else() {
    let house = samples::endpoint(None, "house");
    let stranger = samples::endpoint(Some("user-2"), "stranger");
    let world = World::with([mine("n8n"), house, stranger]);

    world.deliver().await;

    assert_eq!(world.deliveries(), [waiting("house"), waiting("n8n")]);
    assert_eq!(world.asked_for(), ["house", "n8n"]);
}

#[tokio::test]
async fn a_job_of_nobody_is_told_to_the_house_alone() {
    let world = World::with([mine("n8n"), samples::endpoint(None, "house")]);
    let mut dropped_in = event();
    dropped_in.detail.as_object_mut().expect("an object").remove("userId");

    world.notify().handle(&dropped_in).await.expect("handled");

    assert_eq!(world.asked_for(), ["house"]);
}

#[tokio::test]
async fn an_endpoint_is_told_what_it_asked_for() {
    let created = Endpoint { events: vec!["JobCreated.v1".to_owned()], ..mine("created") };
    let rendered = Endpoint { events: vec!["Rendered.v1".to_owned()], ..mine("rendered") };
    let world = World::with([created, rendered]);

    world.deliver().await;

    assert_eq!(world.deliveries(), [waiting("created")]);
}

#[tokio::test]
async fn an_event_that_nobody_asked_for_is_done() {
    let world = World::default();

    assert_eq!(world.deliver().await, Handled::Done);
    assert_eq!((world.log.all(), world.queue.sent()), (vec![], vec![]));
}

#[tokio::test]
async fn for_a_disabled_endpoint_the_delivery_is_held_and_not_asked_for() {
    let disabled = Disabled { at: samples::AT, reason: "it is gone".to_owned(), announced: true };
    let world = World::with([Endpoint { disabled: Some(disabled), ..mine("n8n") }]);

    world.deliver().await;
    world.deliver().await;

    assert_eq!(world.deliveries(), [("n8n".to_owned(), DeliveryState::Held)]);
    assert_eq!(world.log.all()[0].outcome, "the endpoint is disabled");
    assert!(world.queue.sent().is_empty());
}

#[tokio::test]
async fn a_repeat_asks_again_only_while_nobody_has_begun() {
    let world = World::with([mine("n8n")]);
    world.deliver().await;
    let untouched = world.log.all().remove(0);

    world.deliver().await;
    let while_untouched = world.asked_for().len();
    for state in [DeliveryState::UnderWay, DeliveryState::Delivered, DeliveryState::GivenUp] {
        let begun = Delivery { state, ..untouched.clone() };
        let world =
            World { log: InMemoryDeliveries::default().with(&begun), ..World::with([mine("n8n")]) };
        world.deliver().await;
        assert!(world.queue.sent().is_empty(), "{state:?}");
    }
    let tried = Delivery { attempts: 1, ..untouched };
    let begun =
        World { log: InMemoryDeliveries::default().with(&tried), ..World::with([mine("n8n")]) };
    begun.deliver().await;

    assert_eq!((while_untouched, begun.asked_for().len()), (2, 0));
    assert_eq!((world.log.all().len(), begun.log.all()), (1, vec![tried]));
}

#[tokio::test]
async fn whatever_dies_in_between_every_delivery_is_recorded_and_asked_for() {
    for at in 1..=4 {
        for moment in [Moment::Before, Moment::After] {
            let world = World::with([mine("crm"), mine("n8n")]);
            let fuse = Fuse::new(at, moment);

            world.notify_on(&fuse).handle(&event()).await.expect_err("it died");
            let handled = world.deliver().await;

            let mut asked_for = world.asked_for();
            asked_for.sort();
            asked_for.dedup();
            assert_eq!(handled, Handled::Done);
            assert_eq!(world.deliveries(), [waiting("crm"), waiting("n8n")], "{at} {moment:?}");
            assert_eq!(asked_for, ["crm", "n8n"], "{at} {moment:?}");
        }
    }
}

#[tokio::test]
async fn one_that_cannot_be_recorded_does_not_keep_another_from_being_asked_for() {
    let world = World::with([mine("crm"), mine("n8n")]);
    let notify = Notify {
        log: FullFor("crm", world.log.clone()),
        endpoints: world.endpoints.clone(),
        queue: world.queue.clone(),
        clock: world.clock.clone(),
    };

    let fault = notify.handle(&event()).await.expect_err("no room");

    assert!(matches!(fault, NotifyError::Log(_)), "{fault:?}");
    assert_eq!(world.asked_for(), ["n8n"]);
}

#[tokio::test]
async fn what_could_not_be_asked_for_is_given_up_with_its_cause_and_nothing_else_is() {
    let world = World::with([mine("n8n")]);
    world.deliver().await;
    let begun = Delivery { attempts: 1, endpoint: "crm".to_owned(), ..world.log.all().remove(0) };
    let world = World { log: world.log.with(&begun), ..World::with([mine("n8n"), mine("crm")]) };
    let notify = Notify {
        log: world.log.clone(),
        endpoints: world.endpoints.clone(),
        queue: Fused::new(world.queue.clone(), &Fuse::new(1, Moment::Before)),
        clock: world.clock.clone(),
    };

    notify.give_up(&event(), "the queue is down").await.expect("given up");

    let given_up = ("n8n".to_owned(), DeliveryState::GivenUp);
    assert_eq!(world.deliveries(), [waiting("crm"), given_up]);
    assert_eq!(world.log.all()[1].outcome, "the queue is down");
}

#[tokio::test]
async fn giving_up_asks_once_more_and_leaves_alone_what_is_asked_for() {
    let world = World::with([mine("n8n")]);

    world.notify().give_up(&event(), "delivered too often").await.expect("given up");
    world.clock.advance(Duration::from_secs(1));

    assert_eq!(world.deliveries(), [waiting("n8n")]);
    assert_eq!(world.asked_for(), ["n8n"]);
}

#[tokio::test]
async fn an_event_that_is_not_of_this_project_is_hopeless() {
    let world = World::with([mine("n8n")]);
    let foreign = BusEvent { detail: json!({ "instance-id": "i-1" }), ..event() };
    let mut nameless = event();
    nameless.detail["id"] = json!("1");

    let foreign = world.notify().handle(&foreign).await.expect_err("no envelope");
    let nameless = world.notify().handle(&nameless).await.expect_err("no id");

    assert_eq!(foreign.to_string(), "detail of JobCreated.v1");
    assert!(Handler::is_hopeless(&foreign) && Handler::is_hopeless(&nameless));
    assert!(world.log.all().is_empty());
}

#[tokio::test]
async fn a_log_that_is_down_is_a_fault_that_a_later_delivery_can_help() {
    let world = World::with([mine("n8n")]);

    let fuse = Fuse::new(1, Moment::Before);
    let fault = world.notify_on(&fuse).handle(&event()).await.expect_err("the log is down");

    assert!(!Handler::is_hopeless(&fault));
    assert!(world.queue.sent().is_empty());
}
