//! An independent judge: `ministack`, an emulator of AWS that shares no code with ours, wired as
//! the topology says.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType,
};
use aws_sdk_eventbridge::types::Target;
use aws_sdk_s3::types::{
    Event, FilterRule, FilterRuleName, NotificationConfiguration, NotificationConfigurationFilter,
    QueueConfiguration, S3KeyFilter,
};
use aws_sdk_sqs::types::QueueAttributeName;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use local_cloud::AttributeType;
use serde_json::{Value, json};
use stillmotion::Names;
use stillmotion::home::{ACCOUNT, REGION};
use stillmotion::topology::{BUS, Queue, Table, Topology};
use tempfile::TempDir;

/// Names the program.
const PROGRAM: &str = "STILLMOTION_MINISTACK";
/// What the suites were written against.
const VERSION: &str = "1.5.33";
/// Longest time until it answers.
const PATIENCE: Duration = Duration::from_mins(2);
/// How often another port is tried: the free one may be taken by the time it listens.
const STARTS: usize = 3;
/// How much of its log is shown with a failure, in bytes.
const SHOWN_BYTES: usize = 10_000;

/// What the names of the chain's secrets begin with.
pub(crate) const SECRETS: &str = "stillmotion/test/";

/// What the chain does, and so all that its user may do under `AUTH=true`.
const ACTIONS: [&str; 20] = [
    "s3:GetObject",
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
    "s3:ListBucket",
    "sqs:SendMessage",
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    // On AWS this is no action: `sqs:DeleteMessage` allows it. It is a known difference.
    "sqs:DeleteMessageBatch",
    "sqs:ChangeMessageVisibility",
    "sqs:GetQueueAttributes",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "dynamodb:DeleteItem",
    "dynamodb:Query",
    "events:PutEvents",
    "secretsmanager:GetSecretValue",
    "secretsmanager:DescribeSecret",
];

/// Whether it checks who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Auth {
    /// Everybody may do everything: its default.
    Off,
    /// Signatures, policies of users and policies of queues are checked: `AUTH=true`.
    On,
}

/// What requests are signed with.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    pub(crate) access: String,
    pub(crate) secret: String,
}

impl Keys {
    pub(crate) fn new(access: &str, secret: &str) -> Self {
        Self { access: access.to_owned(), secret: secret.to_owned() }
    }

    /// Of `ministack`'s root, as [`Ministack::start`] sets them.
    pub(crate) fn of_root() -> Self {
        Self::new("test", "test")
    }
}

/// A `ministack` that runs until it is dropped.
#[derive(Debug)]
pub(crate) struct Ministack {
    process: Child,
    endpoint: String,
    /// Its home, its temporary files and its log: gone with it.
    folder: TempDir,
}

impl Ministack {
    /// Starts one that holds nothing, on a free port of this machine and on no other.
    pub(crate) async fn start(auth: Auth) -> Self {
        for _ in 0..STARTS {
            let mut started = Self::spawn(auth);
            if started.answers(auth).await {
                return started;
            }
            println!("ministack did not start: {}", started.log());
        }
        panic!("ministack does not start");
    }

    fn spawn(auth: Auth) -> Self {
        let program = std::env::var_os(PROGRAM).expect("run ./stillmotion test");
        let folder = tempfile::tempdir().expect("a folder");
        let port = free_port();
        let log = File::create(folder.path().join("log")).expect("a log");
        let root = Keys::of_root();
        let process = Command::new(program)
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .env("HOME", folder.path())
            .env("TMPDIR", folder.path())
            .env("GATEWAY_PORT", port.to_string())
            .env("BIND_HOST", Ipv4Addr::LOCALHOST.to_string())
            .env("AUTH", (auth == Auth::On).to_string())
            .env("AWS_ACCESS_KEY_ID", root.access)
            .env("AWS_SECRET_ACCESS_KEY", root.secret)
            // Fixed ports that two of them would fight for.
            .env("IOT_MTLS_ENABLED", "0")
            .env("SFTP_ENABLED", "0")
            // It removes containers that look like its own, and they may be somebody's.
            .env("DOCKER_HOST", "unix:///nonexistent")
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn()
            .expect("ministack runs");
        Self { process, endpoint: format!("http://127.0.0.1:{port}"), folder }
    }

    /// Waits until it answers; it does not if the port was taken.
    async fn answers(&mut self, auth: Auth) -> bool {
        let began = Instant::now();
        while self.process.try_wait().expect("a child").is_none() {
            if let Some(health) = self.health().await {
                let expected = if auth == Auth::On { "enabled" } else { "disabled" };
                assert_eq!(
                    (&health["auth"], &health["version"]),
                    (&expected.into(), &VERSION.into())
                );
                return true;
            }
            assert!(began.elapsed() < PATIENCE, "ministack does not answer: {}", self.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        false
    }

    async fn health(&self) -> Option<Value> {
        let answer = reqwest::get(format!("{}/_ministack/health", self.endpoint)).await.ok()?;
        serde_json::from_slice(&answer.bytes().await.ok()?).ok()
    }

    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Makes a user who may do what the chain does with what the topology names, and nothing else.
    ///
    /// The secret of root is not checked: only requests of a user show that ours are well signed.
    pub(crate) async fn user(&self) -> Keys {
        self.user_who_may("stillmotion", &user_policy()).await
    }

    /// Makes a user with this policy alone.
    pub(crate) async fn user_who_may(&self, name: &str, policy: &Value) -> Keys {
        let name = ("UserName", name);
        let policy = policy.to_string();
        self.iam("CreateUser", &[name]).await;
        let policy = [name, ("PolicyName", "all"), ("PolicyDocument", &policy)];
        self.iam("PutUserPolicy", &policy).await;
        let made = self.iam("CreateAccessKey", &[name]).await;
        let element = |tag: &str| {
            let (_, rest) = made.split_once(&format!("<{tag}>")).expect("an element");
            rest.split_once('<').expect("its end").0.to_owned()
        };
        Keys { access: element("AccessKeyId"), secret: element("SecretAccessKey") }
    }

    /// Calls IAM as root. There is no need for a client: the signature of root is not checked.
    async fn iam(&self, action: &str, parameters: &[(&str, &str)]) -> String {
        let common = [("Action", action), ("Version", "2010-05-08")];
        let root = Keys::of_root().access;
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={root}/20260101/{REGION}/iam/aws4_request, \
             SignedHeaders=host, Signature=unchecked"
        );
        let request = reqwest::Client::new().post(&self.endpoint);
        let request = request.header("authorization", authorization);
        let answer = request.form(&[&common, parameters].concat()).send().await.expect("an answer");
        let (status, body) = (answer.status(), answer.text().await.expect("a body"));
        assert!(status.is_success(), "{action}: {status}: {body}");
        body
    }

    /// The end of its log.
    fn log(&self) -> String {
        let log = std::fs::read(self.folder.path().join("log")).unwrap_or_default();
        String::from_utf8_lossy(&log[log.len().saturating_sub(SHOWN_BYTES)..]).into_owned()
    }
}

impl Drop for Ministack {
    fn drop(&mut self) {
        // It may have ended already; either way it is waited for, so that nothing is left of it.
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            println!("the end of ministack's log:\n{}", self.log());
        }
    }
}

/// Where ministack's program is; the Python beside it has botocore.
pub(crate) fn python() -> PathBuf {
    let program = std::env::var_os(PROGRAM).expect("run ./stillmotion test");
    PathBuf::from(program).with_file_name("python")
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}

fn user_policy() -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Action": ACTIONS,
            "Resource": [
                "arn:aws:s3:::stillmotion-*",
                format!("arn:aws:sqs:{REGION}:{ACCOUNT}:stillmotion-*"),
                format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/stillmotion-*"),
                format!("arn:aws:events:{REGION}:{ACCOUNT}:event-bus/{BUS}"),
                format!("arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{SECRETS}*"),
            ],
        }],
    })
}

/// The clients of the services that the chain uses, behind the ports.
#[derive(Clone, Debug)]
pub(crate) struct Clients {
    pub(crate) s3: aws_sdk_s3::Client,
    pub(crate) sqs: aws_sdk_sqs::Client,
    pub(crate) dynamo: aws_sdk_dynamodb::Client,
    pub(crate) events: aws_sdk_eventbridge::Client,
    pub(crate) secrets: aws_sdk_secretsmanager::Client,
}

impl Clients {
    pub(crate) fn at(endpoint: &str, keys: &Keys) -> Self {
        let credentials = Credentials::new(&keys.access, &keys.secret, None, None, "tests");
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https();
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .http_client(http)
            .endpoint_url(endpoint)
            .region(Region::from_static(REGION))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build();
        let s3 = aws_sdk_s3::config::Builder::from(&config).force_path_style(true).build();
        Self {
            s3: aws_sdk_s3::Client::from_conf(s3),
            sqs: aws_sdk_sqs::Client::new(&config),
            dynamo: aws_sdk_dynamodb::Client::new(&config),
            events: aws_sdk_eventbridge::Client::new(&config),
            secrets: aws_sdk_secretsmanager::Client::new(&config),
        }
    }
}

/// Makes everything that the topology names, and connects it.
pub(crate) async fn provision(endpoint: &str, keys: &Keys, topology: &Topology) {
    provision_as(&Names::embedded(endpoint, REGION, ACCOUNT), endpoint, keys, topology).await;
}

/// As [`provision`], under these names.
pub(crate) async fn provision_as(names: &Names, endpoint: &str, keys: &Keys, topology: &Topology) {
    let clients = Clients::at(endpoint, keys);
    // A redrive policy must find its dead-letter queue.
    let (targets, sources): (Vec<_>, Vec<_>) =
        topology.queues.iter().partition(|(_, queue)| queue.dead_letter_queue.is_none());
    for (name, queue) in targets.into_iter().chain(sources) {
        make_queue(&clients, names, topology, (name, queue)).await;
    }
    for (name, table) in &topology.tables {
        make_table(&clients, names, name, table).await;
    }
    make_bucket(&clients, names, topology).await;
    make_bus(&clients, names, topology).await;
}

async fn make_queue(
    clients: &Clients,
    names: &Names,
    topology: &Topology,
    (name, queue): (&str, &Queue),
) {
    use QueueAttributeName as Name;

    let secs = |secs: u32| Some(secs.to_string());
    let redrive = queue.dead_letter_queue.as_ref().zip(queue.max_receive_count);
    let redrive = redrive.map(|(dead_letter_queue, max_receive_count)| {
        let target = names.queue_arn(dead_letter_queue);
        json!({ "deadLetterTargetArn": target, "maxReceiveCount": max_receive_count }).to_string()
    });
    let attributes = [
        (Name::VisibilityTimeout, secs(queue.visibility_timeout_secs)),
        (Name::MessageRetentionPeriod, secs(queue.retention_secs)),
        (Name::RedrivePolicy, redrive),
        (Name::Policy, queue_policy(names, topology, name).map(|policy| policy.to_string())),
    ];
    let attributes = attributes.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let request = clients.sqs.create_queue().queue_name(names.of(name));
    request.set_attributes(Some(attributes.collect())).send().await.expect("a queue");
}

/// Lets the bucket and the rules that feed a queue send to it; nothing if none does.
fn queue_policy(names: &Names, topology: &Topology, name: &str) -> Option<Value> {
    let bucket = &topology.bucket;
    let bucket_arn = format!("arn:aws:s3:::{}", names.bucket(&bucket.name));
    let bucket = bucket.notifications.iter().filter(|notification| notification.queue == name);
    let bucket = bucket.map(|_| ("s3.amazonaws.com", bucket_arn.clone()));
    let rules = topology.bus.rules.iter().filter(|rule| rule.queue == name).map(|rule| {
        let (bus, rule) = (names.bus(), names.of(&rule.name));
        ("events.amazonaws.com", format!("arn:aws:events:{REGION}:{ACCOUNT}:rule/{bus}/{rule}"))
    });
    let statement = |(service, source): (&str, String)| {
        json!({
            "Effect": "Allow",
            "Principal": { "Service": service },
            "Action": "sqs:SendMessage",
            "Resource": names.queue_arn(name),
            "Condition": { "ArnEquals": { "aws:SourceArn": source } },
        })
    };
    let statements: Vec<_> = bucket.chain(rules).map(statement).collect();
    let policy = json!({ "Version": "2012-10-17", "Statement": statements });
    (!statements.is_empty()).then_some(policy)
}

async fn make_table(clients: &Clients, names: &Names, name: &str, table: &Table) {
    let indexes: Vec<_> = table.indexes.iter().map(index).collect();
    let keys = table.indexes.iter().flat_map(|index| [Some(&index.partition), index.sort.as_ref()]);
    let keys: Vec<_> = keys.chain([Some(&table.key.partition), table.key.sort.as_ref()]).collect();
    let attributes = table.attributes.iter().filter(|(name, _)| keys.contains(&Some(name)));
    clients
        .dynamo
        .create_table()
        .table_name(names.of(name))
        .billing_mode(BillingMode::PayPerRequest)
        .set_key_schema(Some(key_schema(&table.key.partition, table.key.sort.as_deref())))
        .set_attribute_definitions(Some(attributes.map(attribute).collect()))
        .set_global_secondary_indexes((!indexes.is_empty()).then_some(indexes))
        .send()
        .await
        .expect("a table");
}

fn attribute((name, kind): (&String, &AttributeType)) -> AttributeDefinition {
    let kind = match kind {
        AttributeType::S => ScalarAttributeType::S,
        AttributeType::N => ScalarAttributeType::N,
    };
    let attribute = AttributeDefinition::builder().attribute_name(name).attribute_type(kind);
    attribute.build().expect("a name and a type")
}

fn index(index: &local_cloud::Index) -> GlobalSecondaryIndex {
    let everything = Projection::builder().projection_type(ProjectionType::All).build();
    GlobalSecondaryIndex::builder()
        .index_name(&index.name)
        .set_key_schema(Some(key_schema(&index.partition, index.sort.as_deref())))
        .projection(everything)
        .build()
        .expect("a name and a key")
}

fn key_schema(partition: &str, sort: Option<&str>) -> Vec<KeySchemaElement> {
    let element = |name: &str, kind| {
        let element = KeySchemaElement::builder().attribute_name(name).key_type(kind);
        element.build().expect("a name and a type")
    };
    let sort = sort.map(|name| element(name, KeyType::Range));
    [element(partition, KeyType::Hash)].into_iter().chain(sort).collect()
}

async fn make_bucket(clients: &Clients, names: &Names, topology: &Topology) {
    let bucket = names.bucket(&topology.bucket.name);
    clients.s3.create_bucket().bucket(&bucket).send().await.expect("a bucket");
    let told = topology.bucket.notifications.iter().map(|notification| {
        let prefix = FilterRule::builder().name(FilterRuleName::Prefix).value(&notification.prefix);
        let filter = S3KeyFilter::builder().filter_rules(prefix.build()).build();
        QueueConfiguration::builder()
            .id(&notification.queue)
            .queue_arn(names.queue_arn(&notification.queue))
            .events(Event::S3ObjectCreated)
            .filter(NotificationConfigurationFilter::builder().key(filter).build())
            .build()
            .expect("a queue and events")
    });
    let told = told.collect();
    let told = NotificationConfiguration::builder().set_queue_configurations(Some(told)).build();
    let request = clients.s3.put_bucket_notification_configuration().bucket(&bucket);
    request.notification_configuration(told).send().await.expect("notifications");
}

async fn make_bus(clients: &Clients, names: &Names, topology: &Topology) {
    clients.events.create_event_bus().name(names.bus()).send().await.expect("a bus");
    for rule in &topology.bus.rules {
        let name = names.of(&rule.name);
        let request = clients.events.put_rule().event_bus_name(names.bus()).name(&name);
        request.event_pattern(rule.pattern.to_string()).send().await.expect("a rule");
        let target = Target::builder().id(&rule.queue).arn(names.queue_arn(&rule.queue)).build();
        let target = target.expect("an id and a queue");
        let request = clients.events.put_targets().event_bus_name(names.bus()).rule(&name);
        let answer = request.targets(target).send().await.expect("a target");
        assert_eq!(answer.failed_entry_count(), 0, "{:?}", answer.failed_entries());
    }
}
