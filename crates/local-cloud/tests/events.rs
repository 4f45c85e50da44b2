//! `EventBridge` as the real client sees it.

mod support;

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::error::ProvideErrorMetadata;
use aws_sdk_eventbridge::primitives::DateTime;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use local_cloud::{Cloud, Wiring};
use serde_json::{Value, json};
use support::{Running, config, credentials, events, eventually, sqs, start, start_in, wiring};
use tokio::net::TcpListener;

fn shop() -> Wiring {
    wiring(json!({
        "queues": [{ "name": "sold" }, { "name": "all" }],
        "buses": [{ "name": "shop", "rules": [
            { "name": "sold", "targets": [{ "queue": "sold" }], "pattern": {
                "source": [{ "prefix": "shop." }],
                "detail-type": ["Sold.v1"],
                "detail": { "price": [{ "numeric": [">", 10] }] },
            }},
            { "name": "all", "targets": [{ "queue": "all" }],
              "pattern": { "source": [{ "prefix": "shop." }] } },
        ]}],
    }))
}

/// A wiring whose one rule calls `endpoint`.
fn calls(endpoint: &str) -> Wiring {
    wiring(json!({ "buses": [{ "name": "shop", "rules": [{
        "name": "call",
        "pattern": { "source": [{ "prefix": "shop." }] },
        "targets": [{ "apiDestination": {
            "endpoint": endpoint, "headerName": "x-api-key", "headerValue": "the key",
        }}],
    }]}]}))
}

fn sold(price: u32) -> PutEventsRequestEntry {
    PutEventsRequestEntry::builder()
        .event_bus_name("shop")
        .source("shop.till")
        .detail_type("Sold.v1")
        .resources("arn:x")
        .time(DateTime::from_secs(1_440_938_160))
        .detail(json!({ "price": price }).to_string())
        .build()
}

async fn put(client: &Client, entry: PutEventsRequestEntry) {
    let answer = client.put_events().entries(entry).send().await.expect("answered");
    assert_eq!(answer.failed_entry_count(), 0, "{answer:?}");
}

async fn received(cloud: &Cloud, queue: &str, wait_secs: i32) -> Vec<String> {
    let request = sqs(cloud).receive_message().queue_url(cloud.queue_url(queue));
    let request = request.max_number_of_messages(10).wait_time_seconds(wait_secs);
    let messages = request.send().await.expect("received").messages.unwrap_or_default();
    messages.into_iter().filter_map(|message| message.body).collect()
}

#[tokio::test]
async fn a_matching_event_reaches_its_queue_in_the_envelope_of_aws() {
    let running = start(shop()).await;
    put(&events(&running.cloud), sold(99)).await;

    let bodies = received(&running.cloud, "sold", 10).await;

    let [body] = &bodies[..] else { panic!("one event, not {bodies:?}") };
    serde_json::from_str::<EventBridgeEvent>(body).expect("parsed as a function does");
    let mut event: Value = serde_json::from_str(body).expect("JSON");
    assert!(event["id"].take().as_str().is_some_and(|id| id.len() == 36));
    let expected = json!({
        "version": "0", "id": null, "detail-type": "Sold.v1", "source": "shop.till",
        "account": support::ACCOUNT, "time": "2015-08-30T12:36:00Z", "region": support::REGION,
        "resources": ["arn:x"], "detail": { "price": 99 },
    });
    assert_eq!(event, expected);
}

#[tokio::test]
async fn an_event_goes_to_every_rule_that_matches_and_to_no_other() {
    let running = start(shop()).await;
    put(&events(&running.cloud), sold(5)).await;

    assert_eq!(received(&running.cloud, "all", 10).await.len(), 1);
    assert!(received(&running.cloud, "sold", 0).await.is_empty());
}

#[tokio::test]
async fn refused_entries_are_counted_and_the_others_accepted() {
    let running = start(shop()).await;
    let entry = || PutEventsRequestEntry::builder().event_bus_name("shop").source("shop.till");
    let entries = [
        sold(99),
        entry().detail_type("a").detail("{").build(),
        entry().detail("{}").build(),
        entry().detail_type("a").detail("{}").source("").build(),
        entry().detail_type("a").detail("{}").event_bus_name("none").build(),
        entry().detail_type("a").detail(json!({ "x": "y".repeat(1 << 20) }).to_string()).build(),
        entry().detail_type("a").detail("{}").source("aws.s3").build(),
    ];
    let request = events(&running.cloud).put_events().set_entries(Some(entries.into()));
    let answer = request.send().await.expect("answered");

    assert_eq!(answer.failed_entry_count(), 6);
    let codes: Vec<_> = answer.entries().iter().map(|e| e.error_code().unwrap_or("ok")).collect();
    let invalid = "InvalidArgument";
    let expected =
        ["ok", "MalformedDetail", invalid, invalid, invalid, invalid, "NotAuthorizedForSource"];
    assert_eq!(codes, expected);
    assert!(answer.entries()[0].event_id().is_some());
    assert_eq!(received(&running.cloud, "sold", 10).await.len(), 1);
}

#[tokio::test]
async fn buses_and_rules_can_be_looked_at() {
    let running = start(shop()).await;
    let client = events(&running.cloud);
    let bus = client.describe_event_bus().name("shop").send().await.expect("described");
    assert!(bus.arn().is_some_and(|arn| arn.ends_with(":event-bus/shop")));
    let rules = client.list_rules().event_bus_name("shop").send().await.expect("listed");
    let names: Vec<_> = rules.rules().iter().filter_map(|rule| rule.name()).collect();
    assert_eq!(names, ["sold", "all"]);
    let error = client.describe_event_bus().name("none").send().await.expect_err("none");
    assert!(error.into_service_error().is_resource_not_found_exception());
}

#[tokio::test]
async fn a_rule_that_names_a_missing_queue_stops_the_start() {
    let mut wiring = shop();
    wiring.queues.remove(1);
    let folder = tempfile::tempdir().expect("a folder");
    let error = Cloud::start(config(folder.path(), wiring)).await.expect_err("refused");
    let cause = std::error::Error::source(&error).expect("a cause").to_string();
    assert!(cause.contains("rule all names the queue all"), "{cause}");
}

#[tokio::test]
async fn a_wrong_secret_is_refused() {
    let running = start(shop()).await;
    let config = events(&running.cloud).config().to_builder();
    let client = Client::from_conf(config.credentials_provider(credentials("wrong")).build());
    let error = client.put_events().entries(sold(1)).send().await.expect_err("refused");
    assert_eq!(error.code(), Some("InvalidSignatureException"));
}

/// A web server that answers what it is told and remembers what it got.
#[derive(Clone)]
struct Webhook {
    endpoint: String,
    answers: Arc<Mutex<Vec<u16>>>,
    calls: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Webhook {
    /// Answers the given statuses, then 200 for ever.
    async fn start(answers: &[u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let endpoint = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let answers = answers.iter().rev().copied().collect();
        let webhook =
            Self { endpoint, answers: Arc::new(Mutex::new(answers)), calls: Arc::default() };
        tokio::spawn(webhook.clone().serve(listener));
        webhook
    }

    async fn serve(self, listener: TcpListener) {
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            let webhook = self.clone();
            tokio::spawn(async move {
                let service = service_fn(|request| webhook.answer(request));
                let connection = hyper::server::conn::http1::Builder::new();
                connection.serve_connection(TokioIo::new(stream), service).await
            });
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<String>, Infallible> {
        let key = request.headers().get("x-api-key").and_then(|key| key.to_str().ok());
        let key = key.unwrap_or_default().to_owned();
        let body = request.into_body().collect().await.expect("a body").to_bytes();
        let body = serde_json::from_slice(&body).expect("JSON");
        self.calls.lock().expect("not poisoned").push((key, body));
        let status = self.answers.lock().expect("not poisoned").pop().unwrap_or(200);
        Ok(Response::builder().status(status).body(String::new()).expect("a response"))
    }

    fn calls(&self) -> Vec<(String, Value)> {
        self.calls.lock().expect("not poisoned").clone()
    }

    async fn called(&self, times: usize) {
        eventually("it is called", || async { self.calls().len() >= times }).await;
    }
}

#[tokio::test]
async fn an_api_destination_is_called_with_its_key_and_the_event() {
    let webhook = Webhook::start(&[]).await;
    let running = start(calls(&webhook.endpoint)).await;
    put(&events(&running.cloud), sold(99)).await;

    webhook.called(1).await;

    let (key, event) = webhook.calls().remove(0);
    assert_eq!(key, "the key");
    assert_eq!(event["detail"]["price"], 99);
}

#[tokio::test]
async fn an_api_destination_that_fails_is_called_again_later() {
    let webhook = Webhook::start(&[503, 429]).await;
    let running = start(calls(&webhook.endpoint)).await;
    put(&events(&running.cloud), sold(99)).await;

    for times in 1..=3 {
        webhook.called(times).await;
        // Long enough for its next turn, whenever the failed one is written down.
        eventually("the failure is stored", || async { dropped_and_waiting(&running).1 <= 1 })
            .await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        running.cloud.clock().advance(Duration::from_secs(10));
    }

    eventually("it is delivered", || async { dropped_and_waiting(&running) == (0, 0) }).await;
    let ids: Vec<_> = webhook.calls().into_iter().map(|(_, event)| event["id"].clone()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "the same event: {ids:?}");
}

#[tokio::test]
async fn a_final_answer_of_an_api_destination_drops_the_event_and_records_it() {
    let webhook = Webhook::start(&[400]).await;
    let running = start(calls(&webhook.endpoint)).await;
    put(&events(&running.cloud), sold(99)).await;

    eventually("it is dropped", || async { dropped_and_waiting(&running) == (1, 0) }).await;
    assert_eq!(webhook.calls().len(), 1);
}

#[tokio::test]
async fn an_event_is_given_up_after_a_day() {
    let running = start(calls("http://127.0.0.1:9/closed")).await;
    put(&events(&running.cloud), sold(99)).await;
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        running.cloud.clock().advance(Duration::from_hours(24));
    }
    eventually("it is dropped", || async { dropped_and_waiting(&running) == (1, 0) }).await;
}

#[tokio::test]
async fn an_undelivered_event_goes_on_after_a_restart() {
    let webhook = Webhook::start(&[503]).await;
    let Running { cloud, folder } = start(calls(&webhook.endpoint)).await;
    put(&events(&cloud), sold(99)).await;
    webhook.called(1).await;
    cloud.stop().await;

    let cloud = start_in(folder.path(), calls(&webhook.endpoint)).await;
    cloud.clock().advance(Duration::from_secs(10));

    webhook.called(2).await;
}

/// How many events were given up, and how many wait.
fn dropped_and_waiting(running: &Running) -> (u32, u32) {
    let path = running.folder.path().join("events.sqlite");
    let database = rusqlite::Connection::open(path).expect("a database");
    let count = |table: &str| {
        let query = format!("SELECT COUNT(*) FROM {table}");
        database.query_row(&query, [], |row| row.get(0)).expect("a count")
    };
    (count("dropped"), count("delivery"))
}
