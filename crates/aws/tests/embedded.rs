//! The adapters keep the promises of their ports on the embedded cloud, with the tables of the
//! topology. The other judges are asked in the tests of the chain.

use std::time::Duration;

use aws::Aws;
use domain::ObjectKey;
use local_cloud::{Cloud, CloudConfig, Wiring};
use ports::{ObjectStore, Presigned, Uploads};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::{conformance, samples};

const REGION: &str = "eu-west-1";
const ACCESS_KEY: &str = "local";
const SECRET_KEY: &str = "local-secret";

/// A bucket, a queue, a bus, and the tables of the topology, by their names there.
fn wiring() -> Wiring {
    let topology: Value = serde_json::from_str(include_str!("../../../infra/topology.json"))
        .expect("the topology is JSON");
    let tables = topology["tables"].as_object().expect("tables").iter();
    let tables = tables.map(|(name, table)| {
        json!({
            "name": name,
            "key": table["key"],
            "indexes": table["indexes"],
            "attributeTypes": table["attributes"],
            "ttlAttribute": table["expires"],
        })
    });
    let tables: Vec<_> = tables.collect();
    serde_json::from_value(json!({
        "buckets": [{ "name": "media" }],
        "queues": [{ "name": "ingest" }],
        "buses": [{ "name": "stillmotion" }],
        "tables": tables,
    }))
    .expect("a wiring")
}

async fn cloud() -> (Cloud, Aws, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let config = CloudConfig {
        data: folder.path().to_owned(),
        listen: "127.0.0.1:0".parse().expect("an address"),
        region: REGION.to_owned(),
        account: "000000000000".to_owned(),
        access_key: ACCESS_KEY.to_owned(),
        secret_key: SECRET_KEY.to_owned(),
        wiring: wiring(),
    };
    let cloud = Cloud::start(config).await.expect("the cloud starts");
    let aws = Aws::at(cloud.endpoint(), REGION, ACCESS_KEY, SECRET_KEY);
    (cloud, aws, folder)
}

#[tokio::test]
async fn objects() {
    let (_cloud, aws, _folder) = cloud().await;
    conformance::object_store(&aws.bucket("media")).await;
}

#[tokio::test]
async fn ledger() {
    let (_cloud, aws, _folder) = cloud().await;
    conformance::ledger(&aws.ledger_table("ledger", "accounts")).await;
}

#[tokio::test]
async fn registers() {
    let (_cloud, aws, _folder) = cloud().await;
    conformance::registers(&aws.register_table("registers")).await;
}

#[tokio::test]
async fn jobs() {
    let (_cloud, aws, _folder) = cloud().await;
    let jobs = aws.job_table("jobs");

    conformance::job_store(&jobs).await;
    conformance::job_listing(&jobs).await;
}

#[tokio::test]
async fn deliveries() {
    let (_cloud, aws, _folder) = cloud().await;
    conformance::delivery_log(&aws.delivery_table("deliveries")).await;
}

#[tokio::test]
async fn endpoints() {
    let (_cloud, aws, _folder) = cloud().await;
    conformance::endpoints(&aws.endpoint_table("endpoints")).await;
}

#[tokio::test]
async fn meters() {
    let (_cloud, aws, _folder) = cloud().await;
    conformance::meters(&aws.meter_table("meters")).await;
}

#[tokio::test]
async fn uploads() {
    let (_cloud, aws, _folder) = cloud().await;
    let bucket = aws.bucket("media");
    conformance::uploads(&bucket, send).await;
    conformance::uploads_are_bound(&bucket, send).await;
}

#[tokio::test]
async fn a_signed_request_is_good_for_its_time_only() {
    let (_cloud, aws, _folder) = cloud().await;
    let (bucket, second) = (aws.bucket("media"), Duration::from_secs(1));
    let key = ObjectKey::new("uploads/a.jpg").expect("valid");
    let bound = samples::bound_to(b"a photo", Some("image/jpeg"));
    let signed = bucket.sign_put(&key, &bound, second).await.expect("signed");

    tokio::time::sleep(2 * second).await;
    let (status, _) = send("PUT", signed, b"a photo".to_vec()).await;

    assert_eq!(status, 403);
    assert_eq!(bucket.head(&key).await.expect("head"), None);
}

#[tokio::test]
async fn what_is_there_can_be_reached_and_what_is_not_cannot() {
    let (cloud, aws, _folder) = cloud().await;
    aws.bucket("media").reach().await.expect("the bucket");
    aws.queue(cloud.queue_url("ingest")).reach().await.expect("the queue");
    aws.event_bus("stillmotion").reach().await.expect("the bus");
    aws.job_table("jobs").reach().await.expect("jobs");
    aws.ledger_table("ledger", "accounts").reach().await.expect("ledger");
    aws.register_table("registers").reach().await.expect("registers");
    aws.delivery_table("deliveries").reach().await.expect("deliveries");
    aws.endpoint_table("endpoints").reach().await.expect("endpoints");
    aws.meter_table("meters").reach().await.expect("meters");

    aws.bucket("none").reach().await.expect_err("no bucket");
    aws.queue(cloud.queue_url("none")).reach().await.expect_err("no queue");
    aws.event_bus("none").reach().await.expect_err("no bus");
    aws.job_table("none").reach().await.expect_err("no table");
    aws.ledger_table("ledger", "none").reach().await.expect_err("no table");
}

/// Makes a request that was signed in advance. The client says how long its body is.
async fn send(method: &'static str, signed: Presigned, body: Vec<u8>) -> (u16, Vec<u8>) {
    let method = method.parse().expect("a method");
    let mut request = reqwest::Client::new().request(method, &signed.url).body(body);
    for (name, value) in signed.headers.iter().filter(|(name, _)| name != "content-length") {
        request = request.header(name, value);
    }
    let answer = request.send().await.expect("an answer");
    (answer.status().as_u16(), answer.bytes().await.expect("a body").to_vec())
}
