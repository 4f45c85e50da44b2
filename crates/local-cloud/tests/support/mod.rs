//! A cloud in a temporary folder, and real clients for it.

#![allow(dead_code, reason = "every test binary uses its own part")]

use std::path::Path;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_smithy_http_client::Builder;
use local_cloud::{Cloud, CloudConfig, Wiring};
use tempfile::TempDir;

pub(crate) const REGION: &str = "eu-west-1";
pub(crate) const ACCOUNT: &str = "000000000000";
pub(crate) const ACCESS_KEY: &str = "local";
pub(crate) const SECRET_KEY: &str = "local-secret";

/// A cloud and the folder it lives in.
pub(crate) struct Running {
    pub(crate) cloud: Cloud,
    pub(crate) folder: TempDir,
}

/// Starts a cloud with `wiring` in a new folder.
pub(crate) async fn start(wiring: Wiring) -> Running {
    let folder = tempfile::tempdir().expect("a folder");
    let cloud = start_in(folder.path(), wiring).await;
    Running { cloud, folder }
}

/// Starts a cloud with `wiring` in `folder`.
pub(crate) async fn start_in(folder: &Path, wiring: Wiring) -> Cloud {
    Cloud::start(config(folder, wiring)).await.expect("the cloud starts")
}

pub(crate) fn config(folder: &Path, wiring: Wiring) -> CloudConfig {
    CloudConfig {
        data: folder.to_owned(),
        listen: "127.0.0.1:0".parse().expect("an address"),
        region: REGION.to_owned(),
        account: ACCOUNT.to_owned(),
        access_key: ACCESS_KEY.to_owned(),
        secret_key: SECRET_KEY.to_owned(),
        wiring,
    }
}

/// Reads a wiring from JSON.
pub(crate) fn wiring(json: serde_json::Value) -> Wiring {
    serde_json::from_value(json).expect("a wiring")
}

macro_rules! client {
    ($name:ident, $at:ident, $sdk:ident) => {
        pub(crate) fn $name(cloud: &Cloud) -> $sdk::Client {
            $at(cloud.endpoint())
        }

        pub(crate) fn $at(endpoint: &str) -> $sdk::Client {
            $sdk::Client::from_conf(
                $sdk::Config::builder()
                    .behavior_version($sdk::config::BehaviorVersion::latest())
                    .endpoint_url(endpoint)
                    .region($sdk::config::Region::new(REGION))
                    .credentials_provider(credentials(SECRET_KEY))
                    .retry_config($sdk::config::retry::RetryConfig::disabled())
                    .http_client(Builder::new().build_http())
                    .build(),
            )
        }
    };
}

client!(sqs, sqs_at, aws_sdk_sqs);
client!(events, events_at, aws_sdk_eventbridge);
client!(dynamodb, dynamodb_at, aws_sdk_dynamodb);

pub(crate) fn credentials(secret_key: &str) -> Credentials {
    Credentials::new(ACCESS_KEY, secret_key, None, None, "tests")
}

/// Waits until `condition` holds.
pub(crate) async fn eventually<F: Future<Output = bool>>(
    what: &str,
    mut condition: impl FnMut() -> F,
) {
    for _ in 0..500 {
        if condition().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never happened: {what}");
}
