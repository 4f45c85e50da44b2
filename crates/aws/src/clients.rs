//! One configuration, one client per service, any number of adapters.

use std::sync::OnceLock;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sdk_s3::config::SharedHttpClient;
use aws_sdk_secretsmanager::config::timeout::TimeoutConfig;
use aws_sdk_sqs::operation::get_queue_url::GetQueueUrlError;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use futures::FutureExt as _;
use ports::Source;

use crate::{
    DynamoDeliveries, DynamoEndpoints, DynamoJobs, DynamoLedger, DynamoMeters, DynamoRegisters,
    EventBridge, S3, SecretsManager, SqsQueue,
};

/// How often a call is made, in all, where the other side is on the same machine.
const LOOPBACK_ATTEMPTS: u32 = 2;
/// How long each of the two calls for a secret may take: invocations wait for them.
const SECRET_TIME: Duration = Duration::from_secs(4);
/// How long each attempt may take.
const SECRET_ATTEMPT_TIME: Duration = Duration::from_secs(2);

/// Makes adapters that share their connections.
#[derive(Debug)]
pub struct Aws {
    config: SdkConfig,
    s3: OnceLock<aws_sdk_s3::Client>,
    sqs: OnceLock<aws_sdk_sqs::Client>,
    dynamo: OnceLock<aws_sdk_dynamodb::Client>,
    events: OnceLock<aws_sdk_eventbridge::Client>,
}

impl Aws {
    /// The account and region that the environment names: credentials from variables, profile,
    /// container or instance, and with the feature `sign-in` also of whoever has signed in; the
    /// endpoint from `AWS_ENDPOINT_URL`, if it is set.
    pub async fn from_env() -> Self {
        let config = aws_config::defaults(behavior()).http_client(http_client()).load().await;
        Self::of(config)
    }

    /// A cloud on this machine.
    pub fn at(endpoint: &str, region: &str, access_key: &str, secret_key: &str) -> Self {
        let credentials = Credentials::new(access_key, secret_key, None, None, "loopback");
        let config = SdkConfig::builder()
            .behavior_version(behavior())
            .http_client(http_client())
            .endpoint_url(endpoint)
            .region(Region::new(region.to_owned()))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .retry_config(RetryConfig::standard().with_max_attempts(LOOPBACK_ATTEMPTS))
            .build();
        Self::of(config)
    }

    fn of(config: SdkConfig) -> Self {
        Self {
            config,
            s3: OnceLock::new(),
            sqs: OnceLock::new(),
            dynamo: OnceLock::new(),
            events: OnceLock::new(),
        }
    }

    /// The region that is called, if one is known.
    pub fn region(&self) -> Option<&str> {
        self.config.region().map(Region::as_ref)
    }

    /// Whether there are credentials to call with.
    ///
    /// # Errors
    /// Why there are none.
    pub async fn sign_in(&self) -> Result<(), Source> {
        if let Some(provider) = self.config.credentials_provider() {
            provider.provide_credentials().boxed().await?;
        }
        Ok(())
    }

    /// The URL of a queue, by its name; none if there is no such queue.
    ///
    /// # Errors
    /// What the service, or the way to it, said.
    pub async fn find_queue(&self, name: &str) -> Result<Option<String>, Source> {
        match self.sqs_client().get_queue_url().queue_name(name).send().boxed().await {
            Ok(answer) => Ok(answer.queue_url),
            Err(error) if error.as_service_error().is_some_and(is_no_queue) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The objects of a bucket.
    pub fn bucket(&self, name: impl Into<String>) -> S3 {
        S3::new(self.s3_client(), name.into())
    }

    /// A queue, by its URL.
    pub fn queue(&self, url: impl Into<String>) -> SqsQueue {
        SqsQueue::new(self.sqs_client(), url.into())
    }

    /// An event bus.
    pub fn event_bus(&self, name: impl Into<String>) -> EventBridge {
        EventBridge::new(self.events_client(), name.into())
    }

    /// The table of jobs.
    pub fn job_table(&self, name: impl Into<String>) -> DynamoJobs {
        DynamoJobs::new(self.dynamo_client(), name.into())
    }

    /// The table of paid work, and that of the accounts that limit it.
    pub fn ledger_table(
        &self,
        ledger: impl Into<String>,
        accounts: impl Into<String>,
    ) -> DynamoLedger {
        DynamoLedger::new(self.dynamo_client(), ledger.into(), accounts.into())
    }

    /// The table of registers.
    pub fn register_table(&self, name: impl Into<String>) -> DynamoRegisters {
        DynamoRegisters::new(self.dynamo_client(), name.into())
    }

    /// The table of deliveries.
    pub fn delivery_table(&self, name: impl Into<String>) -> DynamoDeliveries {
        DynamoDeliveries::new(self.dynamo_client(), name.into())
    }

    /// The table of those who asked to be told.
    pub fn endpoint_table(&self, name: impl Into<String>) -> DynamoEndpoints {
        DynamoEndpoints::new(self.dynamo_client(), name.into())
    }

    /// The table of meters.
    pub fn meter_table(&self, name: impl Into<String>) -> DynamoMeters {
        DynamoMeters::new(self.dynamo_client(), name.into())
    }

    /// Secrets that hold settings, by their names or ARNs; without any, nobody is asked.
    pub fn secrets(&self, ids: Vec<String>) -> SecretsManager {
        let times = TimeoutConfig::builder()
            .operation_timeout(SECRET_TIME)
            .operation_attempt_timeout(SECRET_ATTEMPT_TIME)
            .build();
        let config = aws_sdk_secretsmanager::config::Builder::from(&self.config);
        let config = config.timeout_config(times).build();
        SecretsManager::new(aws_sdk_secretsmanager::Client::from_conf(config), ids)
    }

    /// The client of the queues, for whoever polls them.
    pub fn sqs_client(&self) -> aws_sdk_sqs::Client {
        self.sqs.get_or_init(|| aws_sdk_sqs::Client::new(&self.config)).clone()
    }

    fn s3_client(&self) -> aws_sdk_s3::Client {
        let make = || {
            // Buckets have no host names of their own on an endpoint that is not AWS's.
            let path_style = self.config.endpoint_url().is_some();
            let config = aws_sdk_s3::config::Builder::from(&self.config);
            aws_sdk_s3::Client::from_conf(config.force_path_style(path_style).build())
        };
        self.s3.get_or_init(make).clone()
    }

    fn dynamo_client(&self) -> aws_sdk_dynamodb::Client {
        self.dynamo.get_or_init(|| aws_sdk_dynamodb::Client::new(&self.config)).clone()
    }

    fn events_client(&self) -> aws_sdk_eventbridge::Client {
        self.events.get_or_init(|| aws_sdk_eventbridge::Client::new(&self.config)).clone()
    }
}

/// Its code is that of the older protocol, in a header; whoever does not send that has the newer one.
fn is_no_queue(error: &GetQueueUrlError) -> bool {
    error.is_queue_does_not_exist() || error.meta().code() == Some("QueueDoesNotExist")
}

fn behavior() -> BehaviorVersion {
    BehaviorVersion::v2026_01_12()
}

fn http_client() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https()
}
