//! What was acknowledged survives `kill -9`.

mod support;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use local_cloud::Wiring;
use serde_json::json;
use support::{dynamodb_at, events_at, sqs_at, start_in, wiring};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

const FOLDER: &str = "LOCAL_CLOUD_TEST_FOLDER";

fn everything() -> Wiring {
    wiring(json!({
        "queues": [{ "name": "work" }, { "name": "facts" }],
        "tables": [{ "name": "jobs", "key": { "partition": "pk" } }],
        "buses": [{ "name": "shop", "rules": [{
            "name": "all", "targets": [{ "queue": "facts" }],
            "pattern": { "source": ["shop"] },
        }]}],
    }))
}

/// Not a test: the process that is killed. It runs when the test below starts it.
#[tokio::test]
#[ignore = "is started by the test below"]
async fn child() {
    let Ok(folder) = std::env::var(FOLDER) else {
        return;
    };
    let cloud = start_in(Path::new(&folder), everything()).await;
    println!("\nendpoint {}", cloud.endpoint());
    std::future::pending::<()>().await;
}

async fn spawn_child(folder: &Path) -> (Child, String) {
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "child", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("a child");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    loop {
        let line = lines.next_line().await.expect("a line").expect("an endpoint");
        if let Some(endpoint) = line.strip_prefix("endpoint ") {
            return (child, endpoint.to_owned());
        }
    }
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut child, endpoint) = spawn_child(folder.path()).await;
    let queue = format!("{endpoint}/{}/work", support::ACCOUNT);

    for number in 0..50 {
        let body = number.to_string();
        let item = AttributeValue::S(body.clone());
        let event = PutEventsRequestEntry::builder().event_bus_name("shop").source("shop");
        let event = event.detail_type("Sold.v1").detail(json!({ "n": number }).to_string());
        let message = sqs_at(&endpoint).send_message().queue_url(&queue).message_body(&body);
        message.send().await.expect("sent");
        let put = dynamodb_at(&endpoint).put_item().table_name("jobs").item("pk", item);
        put.send().await.expect("put");
        let put = events_at(&endpoint).put_events().entries(event.build());
        put.send().await.expect("put");
    }
    child.kill().await.expect("killed with SIGKILL");

    let cloud = start_in(folder.path(), everything()).await;
    assert_eq!(drain(cloud.endpoint(), &cloud.queue_url("work")).await.len(), 50);
    assert_eq!(drain(cloud.endpoint(), &cloud.queue_url("facts")).await.len(), 50);
    let items = dynamodb_at(cloud.endpoint()).scan().table_name("jobs").send().await;
    assert_eq!(items.expect("scanned").count(), 50);
}

/// The bodies in the queue at `url`, each once: an event may be delivered twice.
async fn drain(endpoint: &str, url: &str) -> BTreeSet<String> {
    let client = sqs_at(endpoint);
    let mut bodies = BTreeSet::new();
    loop {
        let request = client.receive_message().queue_url(url).max_number_of_messages(10);
        let received = request.wait_time_seconds(1).send().await.expect("received");
        if received.messages().is_empty() {
            return bodies;
        }
        bodies.extend(received.messages.unwrap_or_default().into_iter().filter_map(|m| m.body));
    }
}
