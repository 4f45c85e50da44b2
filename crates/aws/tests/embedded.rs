//! The adapters keep the promises of their ports on the embedded cloud, with the tables of the
//! topology. The other judges are asked in the tests of the chain.

use aws::Aws;
use local_cloud::{Cloud, CloudConfig, Wiring};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::conformance;

const REGION: &str = "eu-west-1";
const ACCESS_KEY: &str = "local";
const SECRET_KEY: &str = "local-secret";

/// The bucket and the tables of the topology, by their names there.
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
    serde_json::from_value(json!({ "buckets": [{ "name": "media" }], "tables": tables }))
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
