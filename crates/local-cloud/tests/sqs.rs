//! SQS as the real client sees it.

mod support;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::ProvideErrorMetadata;
use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry,
    DeleteMessageBatchRequestEntry, Message, MessageAttributeValue, MessageSystemAttributeName,
    MessageSystemAttributeNameForSends, MessageSystemAttributeValue, QueueAttributeName,
    SendMessageBatchRequestEntry, SendMessageBatchResultEntry,
};
use local_cloud::{Cloud, Wiring};
use serde_json::json;
use support::{Running, config, credentials, sqs, start, start_in, wiring};

fn work() -> Wiring {
    wiring(json!({ "queues": [
        { "name": "dead" },
        { "name": "work", "visibilityTimeoutSecs": 30,
          "redrive": { "deadLetterQueue": "dead", "maxReceiveCount": 2 } },
    ]}))
}

async fn work_queue() -> (Running, Client, String) {
    let running = start(work()).await;
    let client = sqs(&running.cloud);
    let url = running.cloud.queue_url("work");
    (running, client, url)
}

async fn send(client: &Client, url: &str, body: &str) {
    client.send_message().queue_url(url).message_body(body).send().await.expect("sent");
}

async fn receive(client: &Client, url: &str) -> Vec<Message> {
    let request = client
        .receive_message()
        .queue_url(url)
        .max_number_of_messages(10)
        .message_system_attribute_names(MessageSystemAttributeName::All)
        .message_attribute_names("All");
    request.send().await.expect("received").messages.unwrap_or_default()
}

fn bodies(messages: &[Message]) -> Vec<&str> {
    messages.iter().filter_map(Message::body).collect()
}

#[allow(clippy::needless_pass_by_value, reason = "the variants are named at the call")]
fn attribute(message: &Message, name: MessageSystemAttributeName) -> String {
    message.attributes().and_then(|all| all.get(&name)).cloned().unwrap_or_default()
}

async fn counts(client: &Client, url: &str) -> [String; 3] {
    use QueueAttributeName::{
        ApproximateNumberOfMessages, ApproximateNumberOfMessagesDelayed,
        ApproximateNumberOfMessagesNotVisible,
    };
    let told =
        client.get_queue_attributes().queue_url(url).attribute_names(QueueAttributeName::All);
    let told = told.send().await.expect("told").attributes.expect("attributes");
    [
        ApproximateNumberOfMessages,
        ApproximateNumberOfMessagesNotVisible,
        ApproximateNumberOfMessagesDelayed,
    ]
    .map(|name| told[&name].clone())
}

#[tokio::test]
async fn a_message_comes_with_its_digests_attributes_and_receive_count() {
    let (_running, client, url) = work_queue().await;
    let text = MessageAttributeValue::builder().data_type("String").string_value("x").build();
    let bytes = MessageAttributeValue::builder()
        .data_type("Binary")
        .binary_value(Blob::new([1, 2]))
        .build();
    let sent = client
        .send_message()
        .queue_url(&url)
        .message_body("hello")
        .message_attributes("text", text.expect("an attribute"))
        .message_attributes("bytes", bytes.expect("an attribute"))
        .send()
        .await
        .expect("sent");
    assert_eq!(sent.md5_of_message_body(), Some("5d41402abc4b2a76b9719d911017c592"));

    let messages = receive(&client, &url).await;

    let [message] = &messages[..] else { panic!("one message, not {messages:?}") };
    assert_eq!(message.md5_of_body(), sent.md5_of_message_body());
    assert_eq!(message.md5_of_message_attributes(), sent.md5_of_message_attributes());
    assert_eq!(message.message_id(), sent.message_id());
    let attributes = message.message_attributes().expect("attributes");
    assert_eq!(attributes["text"].string_value(), Some("x"));
    assert_eq!(attributes["bytes"].binary_value(), Some(&Blob::new([1, 2])));
    assert_eq!(attribute(message, MessageSystemAttributeName::ApproximateReceiveCount), "1");
    assert!(!attribute(message, MessageSystemAttributeName::SentTimestamp).is_empty());
    let first = attribute(message, MessageSystemAttributeName::ApproximateFirstReceiveTimestamp);
    assert!(!first.is_empty());
}

/// The value was computed with the algorithm of the SQS developer guide by hand, in Python.
#[tokio::test]
async fn the_digest_of_attributes_is_that_of_aws() {
    let (_running, client, url) = work_queue().await;
    let attribute = |kind: &str, value: &str| {
        MessageAttributeValue::builder().data_type(kind).string_value(value)
    };
    let sent = client
        .send_message()
        .queue_url(&url)
        .message_body("x")
        .message_attributes("timestamp", attribute("Number", "1493147359900").build().expect("one"))
        .send()
        .await
        .expect("sent");
    assert_eq!(sent.md5_of_message_attributes(), Some("235c5c510d26fb653d073faed50ae77c"));
}

#[tokio::test]
async fn a_received_message_is_invisible_until_its_time_out() {
    let (running, client, url) = work_queue().await;
    send(&client, &url, "a").await;

    assert_eq!(receive(&client, &url).await.len(), 1);
    assert!(receive(&client, &url).await.is_empty());
    assert_eq!(counts(&client, &url).await, ["0", "1", "0"]);

    running.cloud.clock().advance(Duration::from_secs(30));
    let again = receive(&client, &url).await;
    assert_eq!(attribute(&again[0], MessageSystemAttributeName::ApproximateReceiveCount), "2");
}

#[tokio::test]
async fn a_message_goes_to_the_dead_letter_queue_after_exactly_max_receive_count() {
    let (running, client, url) = work_queue().await;
    let dead = running.cloud.queue_url("dead");
    send(&client, &url, "poison").await;

    for _ in 0..2 {
        assert_eq!(receive(&client, &url).await.len(), 1);
        assert_eq!(counts(&client, &dead).await[0], "0");
        running.cloud.clock().advance(Duration::from_secs(30));
    }
    assert!(receive(&client, &url).await.is_empty());

    let letters = receive(&client, &dead).await;
    assert_eq!(bodies(&letters), ["poison"]);
    let source = attribute(&letters[0], MessageSystemAttributeName::DeadLetterQueueSourceArn);
    assert_eq!(source, running.cloud.queue_arn("work"));
}

#[tokio::test]
async fn what_goes_with_a_message_goes_with_it_to_the_dead_letter_queue() {
    let (running, client, url) = work_queue().await;
    let dead = running.cloud.queue_url("dead");
    let trace = "0192f0c17e577abc8def001122334455";
    let header = "Root=1-5759e988-bd862e3fe1be46a994272793";
    let told = MessageAttributeValue::builder().data_type("String").string_value(trace).build();
    let system = MessageSystemAttributeValue::builder().data_type("String").string_value(header);
    client
        .send_message()
        .queue_url(&url)
        .message_body("poison")
        .message_attributes("traceId", told.expect("an attribute"))
        .message_system_attributes(
            MessageSystemAttributeNameForSends::AwsTraceHeader,
            system.build().expect("an attribute"),
        )
        .send()
        .await
        .expect("sent");

    let mut seen = Vec::new();
    for queue in [&url, &url, &url, &dead] {
        seen.extend(receive(&client, queue).await);
        running.cloud.clock().advance(Duration::from_secs(30));
    }

    assert_eq!(seen.len(), 3, "twice in its queue, then in the other");
    for message in &seen {
        let attributes = message.message_attributes().expect("attributes");
        assert_eq!(attributes["traceId"].string_value(), Some(trace));
        assert_eq!(attribute(message, MessageSystemAttributeName::AwsTraceHeader), header);
    }
}

#[tokio::test]
async fn dead_letters_move_back_to_their_source_as_new_messages() {
    let (running, client, url) = work_queue().await;
    send(&client, &url, "poison").await;
    for _ in 0..3 {
        receive(&client, &url).await;
        running.cloud.clock().advance(Duration::from_secs(30));
    }

    let dead = running.cloud.queue_arn("dead");
    client.start_message_move_task().source_arn(&dead).send().await.expect("started");

    let tasks = client.list_message_move_tasks().source_arn(&dead).send().await.expect("listed");
    let [task] = tasks.results() else { panic!("one task") };
    assert_eq!(
        (task.status(), task.approximate_number_of_messages_moved()),
        (Some("COMPLETED"), 1)
    );
    let messages = receive(&client, &url).await;
    assert_eq!(bodies(&messages), ["poison"]);
    assert_eq!(attribute(&messages[0], MessageSystemAttributeName::ApproximateReceiveCount), "1");
}

#[tokio::test]
async fn only_a_dead_letter_queue_can_be_moved_from() {
    let (running, client, _url) = work_queue().await;
    let work = running.cloud.queue_arn("work");
    let error = client.start_message_move_task().source_arn(&work).send().await.expect_err("no");
    assert_eq!(error.code(), Some("AWS.SimpleQueueService.UnsupportedOperation"));
}

#[tokio::test]
async fn a_waiting_receiver_gets_a_new_message_at_once() {
    let (_running, client, url) = work_queue().await;
    let waiting = tokio::spawn({
        let request = client.receive_message().queue_url(&url).wait_time_seconds(20);
        async move {
            let received = request.send().await.expect("received");
            (Instant::now(), received.messages.unwrap_or_default().len())
        }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    let sent_at = Instant::now();
    send(&client, &url, "a").await;

    let (received_at, count) = waiting.await.expect("joined");
    assert_eq!(count, 1);
    let latency = received_at.saturating_duration_since(sent_at);
    assert!(latency < Duration::from_millis(500), "{latency:?}");
}

#[tokio::test]
async fn a_waiting_receiver_gets_a_message_whose_time_out_ends() {
    let (running, client, url) = work_queue().await;
    send(&client, &url, "a").await;
    receive(&client, &url).await;
    let request = client.receive_message().queue_url(&url).wait_time_seconds(20);
    let waiting = tokio::spawn(request.send());
    tokio::time::sleep(Duration::from_millis(200)).await;

    running.cloud.clock().advance(Duration::from_secs(30));

    let received = tokio::time::timeout(Duration::from_secs(5), waiting).await.expect("in time");
    assert_eq!(received.expect("joined").expect("received").messages().len(), 1);
}

#[tokio::test]
async fn a_delayed_message_is_not_visible_before_its_time() {
    let (running, client, url) = work_queue().await;
    let request = client.send_message().queue_url(&url).message_body("later").delay_seconds(60);
    request.send().await.expect("sent");

    assert!(receive(&client, &url).await.is_empty());
    assert_eq!(counts(&client, &url).await, ["0", "0", "1"]);

    running.cloud.clock().advance(Duration::from_mins(1));
    assert_eq!(bodies(&receive(&client, &url).await), ["later"]);
}

#[tokio::test]
async fn visibility_can_be_changed_with_the_latest_handle_only() {
    let (running, client, url) = work_queue().await;
    send(&client, &url, "a").await;
    let first = receive(&client, &url).await.remove(0);
    running.cloud.clock().advance(Duration::from_secs(30));
    let second = receive(&client, &url).await.remove(0);
    assert_ne!(first.receipt_handle(), second.receipt_handle());

    let change = |message: &Message, secs| {
        let request = client.change_message_visibility().queue_url(&url).visibility_timeout(secs);
        request.set_receipt_handle(message.receipt_handle.clone()).send()
    };
    let error = change(&first, 0).await.expect_err("stale");
    assert_eq!(error.code(), Some("InvalidParameterValue"));
    change(&second, 0).await.expect("changed");
    let error = change(&second, 0).await.expect_err("visible already");
    assert_eq!(error.code(), Some("AWS.SimpleQueueService.MessageNotInflight"));
}

#[tokio::test]
async fn a_message_is_deleted_with_any_of_its_handles() {
    let (running, client, url) = work_queue().await;
    send(&client, &url, "a").await;
    let first = receive(&client, &url).await.remove(0);
    running.cloud.clock().advance(Duration::from_secs(30));
    receive(&client, &url).await;

    let delete = client.delete_message().queue_url(&url);
    delete.set_receipt_handle(first.receipt_handle).send().await.expect("deleted");

    assert_eq!(counts(&client, &url).await, ["0", "0", "0"]);
    let delete = client.delete_message().queue_url(&url).receipt_handle("nonsense");
    let error = delete.send().await.expect_err("no handle");
    assert_eq!(error.code(), Some("ReceiptHandleIsInvalid"));
}

fn entry(id: &str, body: &str) -> SendMessageBatchRequestEntry {
    SendMessageBatchRequestEntry::builder().id(id).message_body(body).build().expect("an entry")
}

#[tokio::test]
async fn every_entry_of_a_batch_has_its_own_outcome() {
    let (_running, client, url) = work_queue().await;
    let entries = vec![entry("good", "a"), entry("bad", "\u{0}"), entry("empty", "")];
    let sent = client.send_message_batch().queue_url(&url).set_entries(Some(entries));
    let sent = sent.send().await.expect("answered");

    let ok: Vec<_> = sent.successful().iter().map(SendMessageBatchResultEntry::id).collect();
    let failed: Vec<_> = sent.failed().iter().map(|entry| (entry.id(), entry.code())).collect();
    assert_eq!(ok, ["good"]);
    assert_eq!(failed, [("bad", "InvalidMessageContents"), ("empty", "MissingParameter")]);
    assert!(sent.failed().iter().all(BatchResultErrorEntry::sender_fault));

    let message = receive(&client, &url).await.remove(0);
    let handle = message.receipt_handle().expect("a handle");
    let change = |id: &str, handle: &str| {
        let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(id);
        entry.receipt_handle(handle).visibility_timeout(60).build().expect("an entry")
    };
    let changed = client.change_message_visibility_batch().queue_url(&url);
    let changed = changed.entries(change("a", handle)).entries(change("b", "nonsense"));
    let changed = changed.send().await.expect("answered");
    assert_eq!((changed.successful().len(), changed.failed().len()), (1, 1));

    let delete = |id: &str, handle: &str| {
        let entry = DeleteMessageBatchRequestEntry::builder().id(id);
        entry.receipt_handle(handle).build().expect("an entry")
    };
    let deleted = client.delete_message_batch().queue_url(&url);
    let deleted = deleted.entries(delete("a", handle)).entries(delete("b", "nonsense"));
    let deleted = deleted.send().await.expect("answered");
    assert_eq!((deleted.successful().len(), deleted.failed().len()), (1, 1));
    assert_eq!(counts(&client, &url).await, ["0", "0", "0"]);
}

#[tokio::test]
async fn a_batch_that_is_wrong_as_a_whole_is_refused_as_a_whole() {
    let (_running, client, url) = work_queue().await;
    let code = async |entries: Vec<SendMessageBatchRequestEntry>| {
        let request = client.send_message_batch().queue_url(&url).set_entries(Some(entries));
        let error = request.send().await.expect_err("refused");
        error.code().unwrap_or_default().to_owned()
    };
    let repeated = vec![entry("a", "x"), entry("a", "y")];
    assert_eq!(code(repeated).await, "AWS.SimpleQueueService.BatchEntryIdsNotDistinct");
    let many = (0..11).map(|id| entry(&id.to_string(), "x")).collect();
    assert_eq!(code(many).await, "AWS.SimpleQueueService.TooManyEntriesInBatchRequest");
    assert_eq!(code(Vec::new()).await, "AWS.SimpleQueueService.EmptyBatchRequest");
    let half = "x".repeat(600 * 1024);
    let long = vec![entry("a", &half), entry("b", &half)];
    assert_eq!(code(long).await, "AWS.SimpleQueueService.BatchRequestTooLong");
    assert!(receive(&client, &url).await.is_empty());
}

#[tokio::test]
async fn a_message_may_have_one_mebibyte_and_no_more() {
    let (_running, client, url) = work_queue().await;
    let largest = "x".repeat(1024 * 1024);
    send(&client, &url, &largest).await;
    assert_eq!(bodies(&receive(&client, &url).await), [largest.as_str()]);

    let request = client.send_message().queue_url(&url).message_body(largest + "x");
    let error = request.send().await.expect_err("too long");
    assert_eq!(error.code(), Some("InvalidParameterValue"));
}

#[tokio::test]
async fn a_message_does_not_outlive_the_retention_of_its_queue() {
    let wiring = wiring(json!({ "queues": [{ "name": "short", "retentionSecs": 60 }] }));
    let running = start(wiring).await;
    let (client, url) = (sqs(&running.cloud), running.cloud.queue_url("short"));
    send(&client, &url, "a").await;

    running.cloud.clock().advance(Duration::from_secs(61));

    assert_eq!(counts(&client, &url).await[0], "0");
    assert!(receive(&client, &url).await.is_empty());
}

#[tokio::test]
async fn queues_can_be_made_listed_changed_purged_and_deleted() {
    let (running, client, _url) = work_queue().await;
    let dead = running.cloud.queue_arn("dead");
    // The count as a string, as many tools write it.
    let policy = json!({ "deadLetterTargetArn": dead, "maxReceiveCount": "3" }).to_string();
    let create = || client.create_queue().queue_name("made");
    let made = create().attributes(QueueAttributeName::RedrivePolicy, &policy);
    let url = made.clone().send().await.expect("made").queue_url.expect("a URL");
    made.send().await.expect("made again");
    let other = create().attributes(QueueAttributeName::DelaySeconds, "5");
    let error = other.send().await.expect_err("differs");
    assert_eq!(error.code(), Some("QueueAlreadyExists"));

    let found = client.get_queue_url().queue_name("made").send().await.expect("found");
    assert_eq!(found.queue_url(), Some(url.as_str()));
    let listed = client.list_queues().queue_name_prefix("ma").send().await.expect("listed");
    assert_eq!(listed.queue_urls(), std::slice::from_ref(&url));

    let set = client.set_queue_attributes().queue_url(&url);
    let set = set.attributes(QueueAttributeName::VisibilityTimeout, "7");
    set.send().await.expect("set");
    let told =
        client.get_queue_attributes().queue_url(&url).attribute_names(QueueAttributeName::All);
    let told = told.send().await.expect("told").attributes.expect("attributes");
    assert_eq!(told[&QueueAttributeName::VisibilityTimeout], "7");
    assert_eq!(told[&QueueAttributeName::QueueArn], running.cloud.queue_arn("made"));
    let redrive = &told[&QueueAttributeName::RedrivePolicy];
    let redrive: serde_json::Value = serde_json::from_str(redrive).expect("JSON");
    assert_eq!(redrive["maxReceiveCount"], 3);

    send(&client, &url, "a").await;
    client.purge_queue().queue_url(&url).send().await.expect("purged");
    assert_eq!(counts(&client, &url).await[0], "0");
    client.delete_queue().queue_url(&url).send().await.expect("deleted");
    let error = client.get_queue_url().queue_name("made").send().await.expect_err("gone");
    assert!(error.into_service_error().is_queue_does_not_exist());
}

#[tokio::test]
async fn fifo_queues_are_refused_in_clear_words() {
    let (_running, client, _url) = work_queue().await;
    let request = client.create_queue().queue_name("a.fifo");
    let request = request.attributes(QueueAttributeName::FifoQueue, "true");
    let error = request.send().await.expect_err("refused");
    assert_eq!(error.code(), Some("AWS.SimpleQueueService.UnsupportedOperation"));
    assert!(error.message().is_some_and(|message| message.contains("FIFO")));
}

#[tokio::test]
async fn messages_survive_a_restart_on_the_same_folder() {
    let (Running { cloud, folder }, client, url) = work_queue().await;
    send(&client, &url, "in flight").await;
    receive(&client, &url).await;
    send(&client, &url, "waiting").await;
    cloud.stop().await;

    let cloud = start_in(folder.path(), work()).await;
    let (client, url) = (sqs(&cloud), cloud.queue_url("work"));
    assert_eq!(bodies(&receive(&client, &url).await), ["waiting"]);
    cloud.clock().advance(Duration::from_secs(30));
    let messages = receive(&client, &url).await;
    let by_body: HashMap<_, _> = messages
        .iter()
        .map(|m| {
            (
                m.body().unwrap_or_default(),
                attribute(m, MessageSystemAttributeName::ApproximateReceiveCount),
            )
        })
        .collect();
    assert_eq!(by_body["in flight"], "2");
}

#[tokio::test]
async fn a_changed_wiring_changes_a_stored_queue() {
    let (Running { cloud, folder }, client, url) = work_queue().await;
    send(&client, &url, "kept").await;
    cloud.stop().await;

    let mut changed = work();
    changed.queues[1].visibility_timeout_secs = 99;
    let cloud = start_in(folder.path(), changed).await;
    let (client, url) = (sqs(&cloud), cloud.queue_url("work"));
    let told =
        client.get_queue_attributes().queue_url(&url).attribute_names(QueueAttributeName::All);
    let told = told.send().await.expect("told").attributes.expect("attributes");
    assert_eq!(told[&QueueAttributeName::VisibilityTimeout], "99");
    assert_eq!(bodies(&receive(&client, &url).await), ["kept"]);
}

#[tokio::test]
async fn duplicates_are_delivered_on_request() {
    let (running, client, url) = work_queue().await;
    running.cloud.faults().duplicate_every(2);
    send(&client, &url, "once").await;
    send(&client, &url, "twice").await;

    let messages = receive(&client, &url).await;

    assert_eq!(bodies(&messages), ["once", "twice", "twice"]);
    assert_eq!(messages[1].message_id(), messages[2].message_id());
}

fn client_with_secret(cloud: &Cloud, secret_key: &str) -> Client {
    let config = sqs(cloud).config().to_builder().credentials_provider(credentials(secret_key));
    Client::from_conf(config.build())
}

#[tokio::test]
async fn a_wrong_secret_is_refused() {
    let (running, _client, url) = work_queue().await;
    let client = client_with_secret(&running.cloud, "wrong");
    let error = client.send_message().queue_url(url).message_body("a").send().await;
    assert_eq!(error.expect_err("refused").code(), Some("InvalidSignatureException"));
}

#[tokio::test]
async fn an_unsigned_request_is_refused_and_health_needs_no_signature() {
    let (running, _client, _url) = work_queue().await;
    let http = reqwest::Client::new();
    let request = http.post(running.cloud.endpoint()).body("{}");
    let refused = request.header("x-amz-target", "AmazonSQS.ListQueues").send().await;
    let refused = refused.expect("answered");
    assert_eq!(refused.status(), 403);
    assert!(refused.text().await.expect("text").contains("MissingAuthenticationToken"));

    let health = http.get(format!("{}/_health", running.cloud.endpoint())).send().await;
    assert_eq!(health.expect("answered").status(), 200);
}

#[tokio::test]
async fn a_second_cloud_on_the_same_folder_is_refused() {
    let (running, _client, _url) = work_queue().await;
    let error = Cloud::start(config(running.folder.path(), work())).await.expect_err("refused");
    let cause = std::error::Error::source(&error).expect("a cause").to_string();
    assert!(cause.contains(&std::process::id().to_string()), "{cause}");
}

#[tokio::test]
async fn only_a_loopback_address_is_served() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut config = config(folder.path(), work());
    config.listen = "0.0.0.0:0".parse().expect("an address");
    let error = Cloud::start(config).await.expect_err("refused").to_string();
    assert!(error.contains("loopback"), "{error}");
}
