//! What becomes of requests for a delivery.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::{EventId, Timestamp};
use events::DeliveryRequest;
use ports::{
    Clock, Delivery, DeliveryState, Endpoint, HandleRecord, Handled, SendError, WebhookAnswer,
    WebhookRequest, WebhookSender,
};
use testkit::{
    Answer, Fuse, Fused, InMemoryDeliveries, InMemoryEndpoints, InMemoryRegisters, RecordingBus,
    TestClock, samples,
};

use crate::{Deliver, STANDARD_SCHEDULE};

mod attempts;
mod crashes;
mod disabling;
mod ends;
mod receivers;
mod signatures;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
const OWNER: &str = "user-1";

/// How long a message stays hidden whose function died: see the topology.
const VISIBILITY: Duration = Duration::from_mins(4);

type Handler = Deliver<
    Fused<InMemoryDeliveries>,
    Fused<InMemoryEndpoints>,
    Fused<InMemoryRegisters>,
    Fused<Receivers>,
    Fused<RecordingBus>,
    TestClock,
>;

/// What a receiver at a URL answers at a time.
type Answers = dyn Fn(&str, Timestamp) -> Answer + Send + Sync;

/// Every receiver there is; keeps what it is sent, and when.
#[derive(Clone)]
struct Receivers {
    clock: TestClock,
    answers: Arc<Answers>,
    posts: Arc<Mutex<Vec<(Timestamp, WebhookRequest)>>>,
}

impl fmt::Debug for Receivers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Receivers")
    }
}

impl WebhookSender for Receivers {
    async fn post(&self, request: &WebhookRequest) -> Result<WebhookAnswer, SendError> {
        let now = self.clock.now();
        self.posts.lock().expect("not poisoned").push((now, request.clone()));
        let (status, retry_after, body) = match (self.answers)(&request.url, now) {
            Answer::Status(status) => (status, None, ""),
            Answer::Says(status, body) => (status, None, body),
            Answer::RetryAfter(status, after) => (status, Some(after), ""),
            Answer::Nothing => return Err(SendError("connection reset".into())),
        };
        Ok(WebhookAnswer { status, retry_after, body: body.to_owned() })
    }
}

/// Everything that outlives a process.
struct World {
    log: InMemoryDeliveries,
    endpoints: InMemoryEndpoints,
    registers: InMemoryRegisters,
    bus: RecordingBus,
    clock: TestClock,
    receivers: Receivers,
    schedule: Vec<Duration>,
}

impl World {
    /// Endpoint `n8n`, whose receiver gives these answers first and 200 then. It is told at once,
    /// after 5 s and after 5 more minutes.
    fn answering(script: impl IntoIterator<Item = Answer>) -> Self {
        let script: Mutex<VecDeque<_>> = Mutex::new(script.into_iter().collect());
        let next = move || script.lock().expect("not poisoned").pop_front();
        let world = Self::of(move |_, _| next().unwrap_or(Answer::Status(200)));
        Self { schedule: vec![5 * SECOND, 300 * SECOND], ..world }
    }

    /// Endpoint `n8n` with the standard schedule, and receivers that answer so.
    fn of(answers: impl Fn(&str, Timestamp) -> Answer + Send + Sync + 'static) -> Self {
        let clock = TestClock::default();
        let posts = Arc::default();
        Self {
            log: InMemoryDeliveries::default(),
            endpoints: InMemoryEndpoints::default().with(&endpoint("n8n")),
            registers: InMemoryRegisters::default(),
            bus: RecordingBus::default(),
            receivers: Receivers { clock: clock.clone(), answers: Arc::new(answers), posts },
            clock,
            schedule: STANDARD_SCHEDULE.to_vec(),
        }
    }

    fn handler(&self) -> Handler {
        self.handler_on(&Fuse::never())
    }

    /// The function in a process that may die.
    fn handler_on(&self, fuse: &Fuse) -> Handler {
        Deliver {
            log: Fused::new(self.log.clone(), fuse),
            endpoints: Fused::new(self.endpoints.clone(), fuse),
            registers: Fused::new(self.registers.clone(), fuse),
            sender: Fused::new(self.receivers.clone(), fuse),
            bus: Fused::new(self.bus.clone(), fuse),
            clock: self.clock.clone(),
            schedule: self.schedule.clone(),
        }
    }

    /// A delivery that is due now, as `notify` records it.
    fn ask(&self, endpoint: &str, seq: u64) -> DeliveryRequest {
        let job = samples::job().id;
        let now = self.clock.now();
        let delivery = Delivery {
            event: EventId::of_fact(job, seq, "JobCreated.v1"),
            owner: Some(OWNER.to_owned()),
            attempts: 0,
            first_at: now,
            last_at: now,
            next_at: now,
            outcome: String::new(),
            body: format!(r#"{{"type":"JobCreated.v1","data":{{"seq":{seq}}}}}"#),
            status: None,
            took_ms: None,
            answer: String::new(),
            ..samples::delivery(job, endpoint)
        };
        self.record(&delivery)
    }

    fn record(&self, delivery: &Delivery) -> DeliveryRequest {
        // Clones are the same log.
        let _ = self.log.clone().with(delivery);
        DeliveryRequest {
            event_id: delivery.event.to_string(),
            endpoint_id: delivery.endpoint.clone(),
            owner: delivery.owner.clone(),
        }
    }

    fn change(&self, endpoint: &Endpoint) {
        let _ = self.endpoints.clone().with(endpoint);
    }

    async fn deliver(&self, request: &DeliveryRequest) -> Handled {
        self.handler().handle(request).await.expect("handled")
    }

    /// The only delivery there is.
    fn delivery(&self) -> Delivery {
        let deliveries = self.log.all();
        assert_eq!(deliveries.len(), 1, "{deliveries:?}");
        deliveries[0].clone()
    }

    fn endpoint(&self, id: &str) -> Endpoint {
        self.endpoints.all().into_iter().find(|endpoint| endpoint.id == id).expect("it is there")
    }

    /// State and attempts of every delivery.
    fn states(&self) -> Vec<(DeliveryState, u32)> {
        let deliveries = self.log.all().into_iter();
        deliveries.map(|delivery| (delivery.state, delivery.attempts)).collect()
    }

    /// When something was posted, since the beginning, and to which endpoint.
    fn posts(&self) -> Vec<(Duration, String)> {
        let posts = self.receivers.posts.lock().expect("not poisoned");
        let post = |(at, request): &(Timestamp, WebhookRequest)| {
            let name = request.url.strip_prefix("https://").expect("https");
            let name = name.strip_suffix(".example/hook").expect("an endpoint of ours");
            (at.since(samples::AT), name.to_owned())
        };
        posts.iter().map(post).collect()
    }

    fn requests(&self) -> Vec<WebhookRequest> {
        let posts = self.receivers.posts.lock().expect("not poisoned");
        posts.iter().map(|(_, request)| request.clone()).collect()
    }

    /// The header `name` of every request, in order.
    fn header(&self, name: &str) -> Vec<String> {
        let headers = self.requests().into_iter().flat_map(|request| request.headers);
        headers.filter(|header| header.0 == name).map(|header| header.1).collect()
    }
}

/// The queue: what is in it, when it is visible next, and how often it was received.
#[derive(Default)]
struct Queue {
    messages: Vec<(Timestamp, DeliveryRequest)>,
    most_receipts: usize,
    receipts: std::collections::HashMap<String, usize>,
}

impl Queue {
    fn send(&mut self, request: DeliveryRequest, now: Timestamp) {
        self.messages.push((now, request));
    }

    /// Delivers what is visible until `end` or until nothing is left; time passes as it waits.
    async fn run(&mut self, world: &World, end: Timestamp) {
        self.run_on(world, end, &Fuse::never()).await;
    }

    /// As [`Queue::run`], in a process that may die; another one takes its place.
    async fn run_on(&mut self, world: &World, end: Timestamp, fuse: &Fuse) {
        let mut handler = world.handler_on(fuse);
        while let Some(next) = (0..self.messages.len()).min_by_key(|at| self.messages[*at].0) {
            let (at, request) = self.messages.swap_remove(next);
            if at > end {
                self.messages.push((at, request));
                break;
            }
            world.clock.advance(at.since(world.clock.now()));
            let receipts = self.receipts.entry(request.event_id.clone()).or_default();
            *receipts += 1;
            self.most_receipts = self.most_receipts.max(*receipts);
            let hidden = match handler.handle(&request).await {
                Ok(Handled::Done) => continue,
                Ok(Handled::NotYet { after }) => {
                    assert!(after <= Duration::from_hours(12), "hidden for {after:?}");
                    Duration::from_secs(after.as_millis().div_ceil(1000).try_into().expect("short"))
                }
                Err(fault) => {
                    assert!(fuse.blown(), "{fault:?}");
                    handler = world.handler();
                    VISIBILITY
                }
            };
            self.messages.push((world.clock.now().plus(hidden), request));
        }
        world.clock.advance(end.since(world.clock.now()));
    }
}

fn endpoint(id: &str) -> Endpoint {
    let url = format!("https://{id}.example/hook");
    Endpoint { url, ..samples::endpoint(Some(OWNER), id) }
}

fn not_yet(after: Duration) -> Handled {
    Handled::NotYet { after }
}

/// The pause that was asked for.
fn pause(handled: Handled) -> Duration {
    match handled {
        Handled::NotYet { after } => after,
        Handled::Done => panic!("it is done"),
    }
}

/// Asserts that a pause is `expected` and up to a tenth more.
fn assert_about(pause: Duration, expected: Duration) {
    assert!((expected..=expected * 11 / 10).contains(&pause), "{pause:?} is not {expected:?}");
}
