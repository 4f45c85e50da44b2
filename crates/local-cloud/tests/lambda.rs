//! Event source mappings and schedules, as a function sees them.

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use aws_lambda_events::event::sqs::SqsEvent;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{MessageAttributeValue, QueueAttributeName};
use futures::FutureExt as _;
use local_cloud::Wiring;
use local_cloud::lambda::{EventSourceMapping, Invoke, poll, schedule};
use serde_json::{Value, json};
use support::{REGION, Running, eventually, sqs, start, wiring};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

type Outcome = Result<Value, Box<dyn std::error::Error + Send + Sync>>;

fn work() -> Wiring {
    wiring(json!({ "queues": [
        { "name": "dead" },
        { "name": "work", "visibilityTimeoutSecs": 30,
          "redrive": { "deadLetterQueue": "dead", "maxReceiveCount": 2 } },
    ]}))
}

/// A cloud with a queue, and pollers that end with it.
struct Chain {
    running: Running,
    client: Client,
    url: String,
    stop: CancellationToken,
}

impl Chain {
    async fn start() -> Self {
        let running = start(work()).await;
        let client = sqs(&running.cloud);
        let url = running.cloud.queue_url("work");
        Self { running, client, url, stop: CancellationToken::new() }
    }

    fn mapping(&self) -> EventSourceMapping {
        EventSourceMapping {
            function: "work".to_owned(),
            queue_url: self.url.clone(),
            queue_arn: self.running.cloud.queue_arn("work"),
            region: REGION.to_owned(),
            batch_size: 10,
            batch_window: Duration::ZERO,
            maximum_concurrency: 2,
            function_timeout: Duration::from_secs(5),
        }
    }

    fn poll(&self, mapping: EventSourceMapping, invoke: Invoke) -> JoinHandle<()> {
        poll(self.client.clone(), mapping, invoke, self.stop.clone())
    }

    async fn send(&self, body: &str) {
        let request = self.client.send_message().queue_url(&self.url).message_body(body);
        request.send().await.expect("sent");
    }

    async fn send_batch(&self, bodies: &[&str]) {
        let mut request = self.client.send_message_batch().queue_url(&self.url);
        for (index, body) in bodies.iter().enumerate() {
            let entry = aws_sdk_sqs::types::SendMessageBatchRequestEntry::builder();
            let entry = entry.id(index.to_string()).message_body(*body).build();
            request = request.entries(entry.expect("an entry"));
        }
        request.send().await.expect("sent");
    }

    /// How many messages the queue `name` holds, visible or not.
    async fn held(&self, name: &str) -> u32 {
        let url = self.running.cloud.queue_url(name);
        let request = self.client.get_queue_attributes().queue_url(url);
        let told = request.attribute_names(QueueAttributeName::All).send().await.expect("told");
        let told = told.attributes.expect("attributes");
        let count = |name| told[&name].parse::<u32>().expect("a number");
        count(QueueAttributeName::ApproximateNumberOfMessages)
            + count(QueueAttributeName::ApproximateNumberOfMessagesNotVisible)
    }

    async fn is_done(&self) {
        eventually("the queue is empty", || async { self.held("work").await == 0 }).await;
    }
}

/// A function, and the batches it got.
struct Function {
    batches: Arc<Mutex<Vec<SqsEvent>>>,
    invoke: Invoke,
}

impl Function {
    fn new<F>(answer: impl Fn(SqsEvent) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        let batches = Arc::new(Mutex::new(Vec::new()));
        let seen = batches.clone();
        let invoke: Invoke = Arc::new(move |event: Value| {
            let event: SqsEvent = serde_json::from_value(event).expect("an SQS event");
            seen.lock().expect("not poisoned").push(event.clone());
            answer(event).boxed()
        });
        Self { batches, invoke }
    }

    fn batches(&self) -> Vec<SqsEvent> {
        self.batches.lock().expect("not poisoned").clone()
    }

    fn bodies(&self) -> Vec<String> {
        let batches = self.batches();
        batches.iter().flat_map(|b| &b.records).filter_map(|r| r.body.clone()).collect()
    }
}

fn failures(event: &SqsEvent, bodies: &[&str]) -> Value {
    let failed = event.records.iter().filter(|r| bodies.contains(&r.body.as_deref().unwrap_or("")));
    let failed: Vec<_> = failed.map(|r| json!({ "itemIdentifier": r.message_id })).collect();
    json!({ "batchItemFailures": failed })
}

#[tokio::test]
async fn a_function_gets_the_event_of_lambda_and_its_messages_are_deleted() {
    let chain = Chain::start().await;
    let function = Function::new(|_| async { Ok(Value::Null) });
    let attribute = MessageAttributeValue::builder().data_type("String").string_value("x");
    let request = chain.client.send_message().queue_url(&chain.url).message_body("hello");
    let request = request.message_attributes("name", attribute.build().expect("an attribute"));
    request.send().await.expect("sent");

    chain.poll(chain.mapping(), function.invoke.clone());

    chain.is_done().await;
    let batches = function.batches();
    let [record] = &batches[0].records[..] else { panic!("one record") };
    assert_eq!(record.body.as_deref(), Some("hello"));
    assert_eq!(record.md5_of_body.as_deref(), Some("5d41402abc4b2a76b9719d911017c592"));
    assert_eq!(record.event_source.as_deref(), Some("aws:sqs"));
    assert_eq!(record.event_source_arn, Some(chain.running.cloud.queue_arn("work")));
    assert_eq!(record.aws_region.as_deref(), Some(REGION));
    assert_eq!(record.attributes["ApproximateReceiveCount"], "1");
    assert_eq!(record.message_attributes["name"].string_value.as_deref(), Some("x"));
    assert!(record.receipt_handle.is_some() && record.message_id.is_some());
}

#[tokio::test]
async fn only_the_named_records_of_a_batch_come_again() {
    let chain = Chain::start().await;
    let function = Function::new(|event| async move { Ok(failures(&event, &["bad"])) });
    chain.send_batch(&["good", "bad", "fine"]).await;

    chain.poll(chain.mapping(), function.invoke.clone());

    eventually("two are deleted", || async { chain.held("work").await == 1 }).await;
    chain.running.cloud.clock().advance(Duration::from_secs(30));
    eventually("the bad one comes again", || async { function.bodies().len() == 4 }).await;
    assert_eq!(function.bodies().last().map(String::as_str), Some("bad"));
}

#[tokio::test]
async fn a_record_that_always_fails_ends_in_the_dead_letter_queue() {
    let chain = Chain::start().await;
    let function = Function::new(|_| async { Err("always".into()) });
    chain.send("poison").await;

    chain.poll(chain.mapping(), function.invoke.clone());

    for times in 1..=2 {
        eventually("it was tried", || async { function.batches().len() == times }).await;
        chain.running.cloud.clock().advance(Duration::from_secs(30));
    }
    eventually("it is dead", || async { chain.held("dead").await == 1 }).await;
    assert_eq!(function.batches().len(), 2);
    assert_eq!(chain.held("work").await, 0);
}

#[tokio::test]
async fn a_bad_identifier_fails_the_whole_batch() {
    let chain = Chain::start().await;
    let answer = json!({ "batchItemFailures": [{ "itemIdentifier": null }] });
    let function = Function::new(move |_| {
        let answer = answer.clone();
        async move { Ok(answer) }
    });
    chain.send_batch(&["a", "b"]).await;

    chain.poll(chain.mapping(), function.invoke.clone());

    eventually("it was tried", || async { function.bodies().len() == 2 }).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(chain.held("work").await, 2);
}

#[tokio::test]
async fn a_panic_is_an_error_and_the_next_batch_is_served() {
    let chain = Chain::start().await;
    let function = Function::new(|event: SqsEvent| async move {
        assert_ne!(event.records[0].body.as_deref(), Some("bad"), "as planned");
        Ok(Value::Null)
    });
    let mapping = EventSourceMapping { batch_size: 1, maximum_concurrency: 1, ..chain.mapping() };
    chain.send("bad").await;
    chain.send("good").await;

    chain.poll(mapping, function.invoke.clone());

    eventually("the good one is deleted", || async { chain.held("work").await == 1 }).await;
    assert_eq!(function.bodies(), ["bad", "good"]);
}

#[tokio::test]
async fn an_invocation_is_dropped_at_its_time_out() {
    let chain = Chain::start().await;
    let dropped = Arc::new(AtomicUsize::new(0));
    let count = dropped.clone();
    let function = Function::new(move |_| {
        let guard = OnDrop(count.clone());
        async move {
            std::future::pending::<()>().await;
            drop(guard);
            Ok(Value::Null)
        }
    });
    let timeout = Duration::from_millis(100);
    let mapping = EventSourceMapping { function_timeout: timeout, ..chain.mapping() };
    chain.send("slow").await;
    let started = Instant::now();

    chain.poll(mapping, function.invoke.clone());

    eventually("it was dropped", || async { dropped.load(Ordering::SeqCst) == 1 }).await;
    assert!(started.elapsed() >= timeout);
    assert_eq!(chain.held("work").await, 1);
}

struct OnDrop(Arc<AtomicUsize>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn no_more_run_at_a_time_than_the_maximum_concurrency() {
    let chain = Chain::start().await;
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (running, peak) = (now.clone(), most.clone());
    let function = Function::new(move |_| {
        let (running, peak) = (running.clone(), peak.clone());
        async move {
            peak.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(300)).await;
            running.fetch_sub(1, Ordering::SeqCst);
            Ok(Value::Null)
        }
    });
    let mapping = EventSourceMapping { batch_size: 1, ..chain.mapping() };
    chain.send_batch(&["a", "b", "c", "d", "e", "f", "g", "h"]).await;

    chain.poll(mapping, function.invoke.clone());

    chain.is_done().await;
    assert_eq!(most.load(Ordering::SeqCst), 2);
    assert_eq!(function.batches().len(), 8);
}

#[tokio::test]
async fn a_batch_window_gathers_records() {
    let chain = Chain::start().await;
    let function = Function::new(|_| async { Ok(Value::Null) });
    let window = Duration::from_millis(500);
    let mapping = EventSourceMapping { batch_window: window, ..chain.mapping() };
    chain.poll(mapping, function.invoke.clone());
    chain.send("first").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    chain.send("second").await;

    chain.is_done().await;

    assert_eq!(function.bodies(), ["first", "second"]);
    assert_eq!(function.batches().len(), 1);
}

#[tokio::test]
async fn a_message_reaches_its_function_at_once() {
    let chain = Chain::start().await;
    let function = Function::new(|_| async { Ok(Value::Null) });
    chain.poll(chain.mapping(), function.invoke.clone());
    tokio::time::sleep(Duration::from_millis(300)).await;

    let sent_at = Instant::now();
    chain.send("a").await;
    while function.batches().is_empty() {
        assert!(sent_at.elapsed() < Duration::from_secs(5), "it never came");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    println!("from send to function: {:?}", sent_at.elapsed());
    assert!(sent_at.elapsed() < Duration::from_millis(500), "{:?}", sent_at.elapsed());
}

#[tokio::test]
async fn a_stop_lets_an_invocation_finish_and_receives_nothing_more() {
    let chain = Chain::start().await;
    let function = Function::new(|_| async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        Ok(Value::Null)
    });
    let poller = chain.poll(chain.mapping(), function.invoke.clone());
    chain.send("under way").await;
    eventually("it began", || async { function.batches().len() == 1 }).await;

    chain.stop.cancel();
    chain.send("too late").await;
    poller.await.expect("joined");

    assert_eq!(function.bodies(), ["under way"]);
    assert_eq!(chain.held("work").await, 1);
}

#[tokio::test]
async fn a_scheduled_function_gets_the_event_of_the_scheduler() {
    let events = Arc::new(Mutex::new(Vec::new()));
    let seen = events.clone();
    let invoke: Invoke = Arc::new(move |event| {
        seen.lock().expect("not poisoned").push(event);
        async { Err("is tried again at the next tick".into()) }.boxed()
    });
    let stop = CancellationToken::new();
    let schedule =
        schedule(Duration::from_millis(20), Duration::from_mins(1), invoke, stop.clone());

    eventually("three ticks", || async { events.lock().expect("not poisoned").len() >= 3 }).await;
    stop.cancel();
    schedule.await.expect("joined");

    let event = events.lock().expect("not poisoned").remove(0);
    let event: EventBridgeEvent = serde_json::from_value(event).expect("an event");
    assert_eq!(
        (event.source.as_str(), event.detail_type.as_str()),
        ("aws.events", "Scheduled Event")
    );
}

#[tokio::test]
async fn a_scheduled_invocation_that_takes_too_long_is_ended() {
    let begun = Arc::new(Mutex::new(0));
    let count = begun.clone();
    let invoke: Invoke = Arc::new(move |_| {
        *count.lock().expect("not poisoned") += 1;
        futures::future::pending().boxed()
    });
    let stop = CancellationToken::new();
    let (rate, timeout) = (Duration::from_millis(20), Duration::from_millis(20));
    let schedule = schedule(rate, timeout, invoke, stop.clone());

    eventually("a second one", || async { *begun.lock().expect("not poisoned") >= 2 }).await;
    stop.cancel();
    schedule.await.expect("joined");
}
