//! What becomes of events.

use std::time::Duration;

use domain::{EventId, JobId, Timestamp};
use events::{BusEvent, WebhookBody, announce_creation};
use ports::{
    Clock, Delivery, DeliveryLog, DeliveryLogError, DeliveryState, HandleRecord, Handled, Replaced,
    SystemClock, WebhookRequest,
};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::json;
use standardwebhooks::Webhook;
use testkit::{
    Answer, Fuse, Fused, InMemoryDeliveries, Moment, RecordingReceiver, TestClock, samples,
};

use crate::{Endpoint, Notify, NotifyError, WebhookSecret};

const SECRET: &str = "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_hours(1);

type Handler = Notify<Fused<InMemoryDeliveries>, RecordingReceiver, TestClock>;

/// Everything that outlives a delivery. Receivers answer in the order in which they are told.
#[derive(Default)]
struct World {
    log: InMemoryDeliveries,
    receiver: RecordingReceiver,
    clock: TestClock,
}

impl World {
    fn answering(script: impl IntoIterator<Item = Answer>) -> Self {
        Self { receiver: RecordingReceiver::answering(script), ..Self::default() }
    }

    /// Tells `n8n`: at once, after 5 s and after 5 more minutes.
    fn notify(&self) -> Handler {
        self.notify_on(&Fuse::never())
    }

    /// One delivery in a process that may die.
    fn notify_on(&self, fuse: &Fuse) -> Handler {
        Notify {
            log: Fused::new(self.log.clone(), fuse),
            sender: self.receiver.clone(),
            clock: self.clock.clone(),
            endpoints: vec![endpoint("n8n")],
            schedule: vec![5 * SECOND, 300 * SECOND],
        }
    }

    /// As [`World::notify`], and `crm` too.
    fn notify_both(&self) -> Handler {
        Notify { endpoints: vec![endpoint("n8n"), endpoint("crm")], ..self.notify() }
    }

    async fn deliver(&self) -> Handled {
        self.notify().handle(&event()).await.expect("handled")
    }

    /// The only delivery there is.
    fn delivery(&self) -> Delivery {
        let deliveries = self.log.all();
        assert_eq!(deliveries.len(), 1, "{deliveries:?}");
        deliveries[0].clone()
    }

    /// Endpoint, state and attempts of every delivery, by endpoint.
    fn deliveries(&self) -> Vec<(String, DeliveryState, u32)> {
        let deliveries = self.log.all().into_iter();
        let of = |delivery: Delivery| (delivery.endpoint, delivery.state, delivery.attempts);
        let mut deliveries: Vec<_> = deliveries.map(of).collect();
        deliveries.sort_by(|a, b| a.0.cmp(&b.0));
        deliveries
    }

    /// Where requests went, in order.
    fn urls(&self) -> Vec<String> {
        self.receiver.requests().into_iter().map(|request| request.url).collect()
    }

    /// The header `name` of every request, in order.
    fn header(&self, name: &str) -> Vec<String> {
        let headers = self.receiver.requests().into_iter().flat_map(|request| request.headers);
        headers.filter(|header| header.0 == name).map(|header| header.1).collect()
    }
}

/// A log as it was read before anybody had made an attempt.
struct ReadEarlier(InMemoryDeliveries);

impl DeliveryLog for ReadEarlier {
    async fn get(&self, _: EventId, _: &str) -> Result<Option<Delivery>, DeliveryLogError> {
        Ok(None)
    }

    async fn write(
        &self,
        before: Option<&Delivery>,
        after: &Delivery,
    ) -> Result<Replaced, DeliveryLogError> {
        self.0.write(before, after).await
    }

    async fn of_job(&self, job: JobId) -> Result<Vec<Delivery>, DeliveryLogError> {
        self.0.of_job(job).await
    }
}

fn endpoint(name: &str) -> Endpoint {
    let url = format!("https://{name}.test/hook");
    Endpoint { name: name.to_owned(), url, secret: WebhookSecret::new(SECRET.to_owned()) }
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

fn event_id() -> EventId {
    announce_creation(&samples::job()).id
}

fn headers(request: &WebhookRequest) -> HeaderMap {
    let header = |(name, value): &(&'static str, String)| {
        (HeaderName::from_static(name), HeaderValue::from_str(value).expect("a header"))
    };
    request.headers.iter().map(header).collect()
}

fn not_yet(after: Duration) -> Handled {
    Handled::NotYet { after }
}

#[tokio::test]
async fn an_event_is_told_and_the_telling_recorded() {
    let world = World::default();

    let handled = world.deliver().await;

    let body = world.receiver.requests().remove(0).body;
    let body: WebhookBody = serde_json::from_slice(&body).expect("a body");
    assert_eq!((handled, world.urls()), (Handled::Done, vec!["https://n8n.test/hook".to_owned()]));
    assert_eq!((body.kind.as_str(), body.data), ("JobCreated.v1", event().detail));
    assert_eq!(body.timestamp, "2026-11-20T10:00:00.000Z");
    let expected = Delivery {
        state: DeliveryState::Delivered,
        next_at: samples::AT,
        outcome: "status 200".to_owned(),
        ..samples::delivery(samples::job().id, "n8n")
    };
    assert_eq!(world.delivery(), expected);
}

#[tokio::test]
async fn the_bytes_that_are_sent_are_the_bytes_that_are_signed() {
    let world = World { clock: TestClock::at(SystemClock.now()), ..World::default() };
    let webhook = Webhook::new(SECRET).expect("a secret");

    world.deliver().await;

    let request = world.receiver.requests().remove(0);
    let changed = [&request.body[..], b" "].concat();
    webhook.verify(&request.body, &headers(&request)).expect("verified");
    webhook.verify(&changed, &headers(&request)).expect_err("other bytes");
}

#[tokio::test]
async fn every_attempt_has_the_id_of_the_event_and_a_timestamp_of_its_own() {
    let world = World::answering([Answer::Status(503)]);

    world.deliver().await;
    world.clock.advance(5 * SECOND);
    world.deliver().await;

    let id = event_id().to_string();
    assert_eq!(world.header("webhook-id"), [id.clone(), id]);
    assert_eq!(world.header("webhook-timestamp"), ["1795168800", "1795168805"]);
    let signatures = world.header("webhook-signature");
    assert_ne!(signatures[0], signatures[1]);
}

#[tokio::test]
async fn an_event_that_was_told_is_not_told_again() {
    let world = World::default();

    world.deliver().await;
    world.clock.advance(24 * HOUR);
    let handled = world.deliver().await;

    assert_eq!((handled, world.urls().len()), (Handled::Done, 1));
    assert_eq!(world.delivery().attempts, 1);
}

#[tokio::test]
async fn attempts_follow_the_schedule() {
    let world = World::answering([Answer::Status(500), Answer::Nothing]);

    let first = world.deliver().await;
    world.clock.advance(5 * SECOND);
    let second = world.deliver().await;
    world.clock.advance(300 * SECOND);
    let third = world.deliver().await;

    assert_eq!([first, second, third], [not_yet(5 * SECOND), not_yet(300 * SECOND), Handled::Done]);
    assert_eq!(world.deliveries(), [("n8n".to_owned(), DeliveryState::Delivered, 3)]);
    let delivery = world.delivery();
    assert_eq!(
        (delivery.first_at, delivery.last_at.since(samples::AT)),
        (samples::AT, 305 * SECOND)
    );
}

#[tokio::test]
async fn a_delivery_before_its_time_makes_no_attempt() {
    let world = World::answering([Answer::Status(500)]);

    world.deliver().await;
    world.clock.advance(2 * SECOND);
    let handled = world.deliver().await;

    assert_eq!((handled, world.urls().len()), (not_yet(3 * SECOND), 1));
    assert_eq!(world.delivery().attempts, 1);
}

#[tokio::test]
async fn a_receiver_that_gives_no_answer_is_told_again_and_what_broke_is_recorded() {
    let world = World::answering([Answer::Nothing]);

    let handled = world.deliver().await;

    let delivery = world.delivery();
    assert_eq!((handled, delivery.state), (not_yet(5 * SECOND), DeliveryState::Waiting));
    assert_eq!(delivery.outcome, "no answer from the webhook endpoint: connection reset");
    assert_eq!(delivery.next_at, samples::AT.plus(5 * SECOND));
}

#[tokio::test]
async fn a_receiver_that_asks_for_more_time_than_the_schedule_is_given_it() {
    let world = World::answering([Answer::RetryAfter(429, 60 * SECOND)]);

    let handled = world.deliver().await;
    world.clock.advance(59 * SECOND);
    world.deliver().await;

    assert_eq!((handled, world.urls().len()), (not_yet(60 * SECOND), 1));
}

#[tokio::test]
async fn a_receiver_that_asks_for_less_time_than_the_schedule_waits_for_the_schedule() {
    let world = World::answering([Answer::RetryAfter(503, SECOND)]);

    let handled = world.deliver().await;

    assert_eq!(handled, not_yet(5 * SECOND));
}

#[tokio::test]
async fn a_redirect_is_a_failure() {
    let world = World::answering([Answer::Status(302)]);

    let handled = world.deliver().await;

    assert_eq!(handled, not_yet(5 * SECOND));
    assert_eq!(world.delivery().outcome, "status 302");
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_given_up() {
    let world = World::answering([Answer::Status(410)]);

    let handled = world.deliver().await;
    world.clock.advance(HOUR);
    world.deliver().await;

    assert_eq!((handled, world.urls().len()), (Handled::Done, 1));
    assert_eq!(world.delivery().state, DeliveryState::GivenUp);
    assert_eq!(world.delivery().outcome, "status 410: the receiver is gone");
}

#[tokio::test]
async fn a_schedule_that_is_used_up_is_given_up_and_that_is_recorded() {
    let last = Answer::RetryAfter(500, HOUR);
    let world = World::answering([Answer::Status(500), Answer::Status(500), last]);

    world.deliver().await;
    world.clock.advance(5 * SECOND);
    world.deliver().await;
    world.clock.advance(300 * SECOND);
    let handled = world.deliver().await;

    assert_eq!((handled, world.urls().len()), (Handled::Done, 3));
    assert_eq!(world.deliveries(), [("n8n".to_owned(), DeliveryState::GivenUp, 3)]);
    assert_eq!(world.delivery().outcome, "status 500");
}

#[tokio::test]
async fn a_pause_that_is_longer_than_a_message_can_be_hidden_is_waited_for_in_parts() {
    let world = World::answering([Answer::RetryAfter(503, 24 * HOUR)]);

    let first = world.deliver().await;
    world.clock.advance(11 * HOUR);
    let second = world.deliver().await;
    world.clock.advance(11 * HOUR);
    let third = world.deliver().await;

    assert_eq!([first, second, third], [not_yet(11 * HOUR), not_yet(11 * HOUR), not_yet(2 * HOUR)]);
    assert_eq!(world.urls().len(), 1);
}

#[tokio::test]
async fn an_endpoint_that_is_down_does_not_delay_another_which_is_told_once() {
    let world = World::answering([Answer::Status(500), Answer::Status(200), Answer::Status(500)]);

    let first = world.notify_both().handle(&event()).await.expect("handled");
    let told = world.deliveries();
    world.clock.advance(5 * SECOND);
    world.notify_both().handle(&event()).await.expect("handled");

    assert_eq!(first, not_yet(5 * SECOND));
    assert_eq!(
        told,
        [
            ("crm".to_owned(), DeliveryState::Delivered, 1),
            ("n8n".to_owned(), DeliveryState::Waiting, 1)
        ]
    );
    let (n8n, crm) = ("https://n8n.test/hook", "https://crm.test/hook");
    assert_eq!(world.urls(), [n8n, crm, n8n]);
}

#[tokio::test]
async fn the_delivery_that_is_due_first_decides_when_to_come_back() {
    let world = World::answering([Answer::RetryAfter(503, HOUR), Answer::Status(500)]);

    let handled = world.notify_both().handle(&event()).await.expect("handled");

    assert_eq!(handled, not_yet(5 * SECOND));
}

#[tokio::test]
async fn a_secret_that_is_none_is_a_fault_that_names_its_endpoint_and_disturbs_no_other() {
    let world = World::default();
    let secret = WebhookSecret::new("whsec_not base64".to_owned());
    let broken = Endpoint { secret, ..endpoint("broken") };
    let notify = Notify { endpoints: vec![broken, endpoint("n8n")], ..world.notify() };

    let fault = notify.handle(&event()).await.expect_err("no secret");

    assert_eq!(fault.to_string(), "secret of endpoint broken");
    assert_eq!(world.deliveries(), [("n8n".to_owned(), DeliveryState::Delivered, 1)]);
}

#[tokio::test]
async fn an_event_that_nobody_asked_for_is_done() {
    let world = World::default();
    let notify = Notify { endpoints: vec![], ..world.notify() };

    let handled = notify.handle(&event()).await.expect("handled");

    assert_eq!((handled, world.urls().len()), (Handled::Done, 0));
}

#[tokio::test]
async fn what_cannot_be_claimed_is_not_told_until_it_can_be() {
    let world = World::default();
    let fuse = Fuse::new(1, Moment::Before);

    let fault = world.notify_on(&fuse).handle(&event()).await.expect_err("the log is down");
    let told = world.urls().len();
    let handled = world.deliver().await;

    assert!(matches!(fault, NotifyError::Log(_)), "{fault:?}");
    assert!(!Handler::is_hopeless(&fault));
    assert_eq!((told, handled, world.urls().len()), (0, Handled::Done, 1));
}

#[tokio::test]
async fn what_could_not_be_recorded_is_told_again_under_the_same_id_when_its_claim_runs_out() {
    let world = World::default();
    let fuse = Fuse::new(2, Moment::Before);

    world.notify_on(&fuse).handle(&event()).await.expect_err("died after telling");
    let claimed = world.deliver().await;
    world.clock.advance(60 * SECOND);
    let handled = world.deliver().await;

    let id = event_id().to_string();
    assert_eq!((claimed, handled), (not_yet(2 * SECOND), Handled::Done));
    assert_eq!(world.header("webhook-id"), [id.clone(), id]);
    assert_eq!(world.deliveries(), [("n8n".to_owned(), DeliveryState::Delivered, 1)]);
}

#[tokio::test]
async fn of_two_deliveries_that_have_read_the_same_one_makes_the_attempt() {
    let world = World::default();
    let late = Notify {
        log: ReadEarlier(world.log.clone()),
        sender: world.receiver.clone(),
        clock: world.clock.clone(),
        endpoints: vec![endpoint("n8n")],
        schedule: vec![],
    };

    world.deliver().await;
    let handled = late.handle(&event()).await.expect("handled");

    assert_eq!((handled, world.urls().len()), (not_yet(2 * SECOND), 1));
    assert_eq!(world.deliveries(), [("n8n".to_owned(), DeliveryState::Delivered, 1)]);
}

#[tokio::test]
async fn an_event_that_is_not_of_this_project_is_hopeless() {
    let world = World::default();
    let foreign = BusEvent { detail: json!({ "instance-id": "i-1" }), ..event() };
    let mut nameless = event();
    nameless.detail["id"] = json!("1");

    let foreign = world.notify().handle(&foreign).await.expect_err("no envelope");
    let nameless = world.notify().handle(&nameless).await.expect_err("no id");

    assert_eq!(foreign.to_string(), "detail of JobCreated.v1");
    assert!(Handler::is_hopeless(&foreign) && Handler::is_hopeless(&nameless));
    assert_eq!((world.log.all(), world.urls().len()), (vec![], 0));
}

#[tokio::test]
async fn giving_up_is_recorded_with_its_cause_where_somebody_is_still_to_be_told() {
    let world = World::answering([Answer::Status(500), Answer::Status(200)]);
    world.notify_both().handle(&event()).await.expect("handled");

    world.notify_both().give_up(&event(), "delivered too often").await.expect("given up");

    assert_eq!(
        world.deliveries(),
        [
            ("crm".to_owned(), DeliveryState::Delivered, 1),
            ("n8n".to_owned(), DeliveryState::GivenUp, 1)
        ]
    );
    let outcomes: Vec<_> = world.log.all().into_iter().map(|delivery| delivery.outcome).collect();
    assert_eq!(outcomes, ["status 200", "delivered too often"]);
}

#[tokio::test]
async fn giving_up_before_the_first_attempt_is_recorded_too() {
    let world = World::default();

    world.notify().give_up(&event(), "the log is down").await.expect("given up");
    let handled = world.deliver().await;

    assert_eq!(world.deliveries(), [("n8n".to_owned(), DeliveryState::GivenUp, 0)]);
    assert_eq!((handled, world.urls().len()), (Handled::Done, 0));
}

#[tokio::test]
async fn a_clock_that_went_back_makes_no_attempt_before_its_time() {
    let world = World::answering([Answer::Status(500)]);
    world.deliver().await;
    let earlier = TestClock::at(Timestamp::from_epoch_ms(samples::AT.epoch_ms() - 60_000));
    let world = World { clock: earlier, ..world };

    let handled = world.deliver().await;

    assert_eq!((handled, world.urls().len()), (not_yet(65 * SECOND), 1));
}
