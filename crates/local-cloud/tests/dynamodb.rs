//! `DynamoDB` as the real client sees it.

mod support;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use local_cloud::{Cloud, Wiring};
use serde_json::json;
use support::{Running, config, credentials, dynamodb, eventually, start, start_in, wiring};

fn jobs() -> Wiring {
    wiring(json!({ "tables": [{
        "name": "jobs",
        "key": { "partition": "pk", "sort": "sk" },
        "indexes": [{ "name": "byState", "partition": "state", "sort": "at" }],
        "attributeTypes": { "at": "N" },
        "ttlAttribute": "expires",
    }]}))
}

fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

async fn put(client: &Client, key: &str, expires_secs: u64) {
    let request = client.put_item().table_name("jobs").item("pk", s(key)).item("sk", s("job"));
    let request = request.item("state", s("queued")).item("at", AttributeValue::N("7".to_owned()));
    let request = request.item("expires", AttributeValue::N(expires_secs.to_string()));
    request.send().await.expect("put");
}

async fn has(client: &Client, key: &str) -> bool {
    let request = client.get_item().table_name("jobs").key("pk", s(key)).key("sk", s("job"));
    request.send().await.expect("got").item.is_some()
}

fn now_secs() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

#[tokio::test]
async fn the_table_of_the_wiring_keeps_items_and_its_index_finds_them() {
    let running = start(jobs()).await;
    let client = dynamodb(&running.cloud);
    put(&client, "a", now_secs() + 60).await;

    let found = client
        .query()
        .table_name("jobs")
        .index_name("byState")
        .key_condition_expression("#state = :state AND #at > :at")
        .expression_attribute_names("#state", "state")
        .expression_attribute_names("#at", "at")
        .expression_attribute_values(":state", s("queued"))
        .expression_attribute_values(":at", AttributeValue::N("6".to_owned()))
        .send()
        .await
        .expect("found");

    assert_eq!(found.items().len(), 1);
    assert_eq!(found.items()[0]["pk"], s("a"));
}

#[tokio::test]
async fn a_failed_condition_and_a_cancelled_transaction_tell_why() {
    let running = start(jobs()).await;
    let client = dynamodb(&running.cloud);
    put(&client, "a", now_secs() + 60).await;

    let create = client.put_item().table_name("jobs").item("pk", s("a")).item("sk", s("job"));
    let create = create.condition_expression("attribute_not_exists(pk)");
    let error = create.send().await.expect_err("it exists").into_service_error();
    assert!(error.is_conditional_check_failed_exception(), "{error:?}");

    let put = |key: &str| {
        let put = Put::builder().table_name("jobs").item("pk", s(key)).item("sk", s("job"));
        let put = put.condition_expression("attribute_not_exists(pk)").build().expect("a put");
        TransactWriteItem::builder().put(put).build()
    };
    let request = client.transact_write_items();
    let request = request.transact_items(put("b")).transact_items(put("a"));
    let error = request.send().await.expect_err("cancelled").into_service_error();
    let aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError::TransactionCanceledException(error) = error
    else {
        panic!("cancelled, not {error:?}")
    };
    let codes: Vec<_> = error.cancellation_reasons().iter().filter_map(|r| r.code()).collect();
    assert_eq!(codes, ["None", "ConditionalCheckFailed"]);
    assert!(!has(&client, "b").await);
}

#[tokio::test]
async fn a_request_that_makes_no_sense_is_a_validation_error() {
    let running = start(jobs()).await;
    let client = dynamodb(&running.cloud);
    let request = client.put_item().table_name("jobs").item("pk", s("no sort key"));
    let error = request.send().await.expect_err("refused");
    assert_eq!(error.code(), Some("ValidationException"));
    let error = client.get_item().table_name("none").key("pk", s("a")).send().await;
    assert!(error.expect_err("refused").into_service_error().is_resource_not_found_exception());
}

#[tokio::test]
async fn an_item_whose_time_has_come_is_deleted() {
    let running = start(jobs()).await;
    let client = dynamodb(&running.cloud);
    put(&client, "soon", now_secs() + 60).await;
    put(&client, "later", now_secs() + 36_000).await;

    running.cloud.clock().advance(Duration::from_mins(10));

    eventually("it is gone", || async { !has(&client, "soon").await }).await;
    assert!(has(&client, "later").await);
}

#[tokio::test]
async fn items_survive_a_restart_on_the_same_folder() {
    let Running { cloud, folder } = start(jobs()).await;
    put(&dynamodb(&cloud), "a", now_secs() + 60).await;
    cloud.stop().await;

    let cloud = start_in(folder.path(), jobs()).await;

    assert!(has(&dynamodb(&cloud), "a").await);
}

#[tokio::test]
async fn an_index_that_is_missing_is_added_to_a_stored_table() {
    let Running { cloud, folder } = start(jobs()).await;
    put(&dynamodb(&cloud), "a", now_secs() + 60).await;
    cloud.stop().await;

    let mut changed = jobs();
    changed.tables[0].indexes.push(local_cloud::Index {
        name: "bySort".to_owned(),
        partition: "sk".to_owned(),
        sort: None,
    });
    let cloud = start_in(folder.path(), changed).await;
    let found = dynamodb(&cloud)
        .query()
        .table_name("jobs")
        .index_name("bySort")
        .key_condition_expression("sk = :sk")
        .expression_attribute_values(":sk", s("job"))
        .send()
        .await
        .expect("found");
    assert_eq!(found.count(), 1);
}

#[tokio::test]
async fn a_changed_key_is_refused_because_it_would_lose_the_items() {
    let Running { cloud, folder } = start(jobs()).await;
    cloud.stop().await;

    let mut changed = jobs();
    changed.tables[0].key.partition = "id".to_owned();
    let error = Cloud::start(config(folder.path(), changed)).await.expect_err("refused");

    let cause = std::error::Error::source(&error).expect("a cause").to_string();
    assert!(cause.contains("jobs") && cause.contains("pk S HASH"), "{cause}");
}

#[tokio::test]
async fn a_wrong_secret_is_refused() {
    let running = start(jobs()).await;
    let config = dynamodb(&running.cloud).config().to_builder();
    let client = Client::from_conf(config.credentials_provider(credentials("wrong")).build());
    let error = client.list_tables().send().await.expect_err("refused");
    assert_eq!(error.code(), Some("InvalidSignatureException"));
}
