//! A delivery from the request to the receiver, with the clock of the test.

use deliver::{Deliver, HttpSender, STANDARD_SCHEDULE};
use domain::{EventId, Timestamp};
use events::DeliveryRequest;
use guard::Guard;
use ports::{Delivery, Endpoint, HandleRecord as _, Handled, SigningSecret, WebhookSecret};
use testkit::{
    InMemoryDeliveries, InMemoryEndpoints, InMemoryRegisters, RecordingBus, TestClock, samples,
};

use crate::receiver::{Received, Receiver, Reply};

/// The secret that signs.
pub(crate) const NEW: &str = "whsec_c3RpbGxtb3Rpb24gdGhlIG5ld2VyIHNlY3JldA==";
/// The secret that signs beside it, for an hour.
pub(crate) const OLD: &str = "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";
/// A secret that signs nothing.
pub(crate) const OTHER: &str = "whsec_c29tZWJvZHkgZWxzZSdzIHNlY3JldCBvZiBsb25n";

/// What a receiver is sent for the `seq`-th event of a job, told at `now`.
pub(crate) async fn told(seq: u64, detail_type: &str, now: Timestamp) -> Received {
    let receiver = Receiver::start(Reply::Says(200, vec![], String::new())).await;
    let secret =
        |text: &str, until| SigningSecret { secret: WebhookSecret::new(text.to_owned()), until };
    let an_hour = std::time::Duration::from_hours(1);
    let endpoint = Endpoint {
        url: receiver.url("/hook"),
        secrets: vec![secret(NEW, None), secret(OLD, Some(now.plus(an_hour)))],
        ..samples::endpoint(None, "judge")
    };
    let job = samples::job().id;
    let delivery = Delivery {
        event: EventId::of_fact(job, seq, detail_type),
        detail_type: detail_type.to_owned(),
        attempts: 0,
        next_at: now,
        body: format!(
            r#"{{"type":"{detail_type}", "data":{{"seq":{seq},"title":"Villa Ćosić"}} }}"#
        ),
        ..samples::delivery(job, "judge")
    };
    let deliver = Deliver {
        log: InMemoryDeliveries::default().with(&delivery),
        endpoints: InMemoryEndpoints::default().with(&endpoint),
        registers: InMemoryRegisters::default(),
        sender: HttpSender::new(Guard::with_loopback()).expect("a sender"),
        bus: RecordingBus::default(),
        clock: TestClock::at(now),
        schedule: STANDARD_SCHEDULE.to_vec(),
    };
    let request = DeliveryRequest {
        event_id: delivery.event.to_string(),
        endpoint_id: "judge".to_owned(),
        owner: None,
    };

    let handled = deliver.handle(&request).await.expect("handled");

    assert_eq!(handled, Handled::Done, "{:?}", deliver.log.all());
    receiver.received().remove(0)
}
