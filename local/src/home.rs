//! The cloud of a data folder, or that of a deployed stage.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use aws::Aws;
use local_cloud::{Cloud, CloudConfig, CloudError};
use ports::{Chronicle, Recourse, Source, SystemClock};

use crate::names::{Names, StageName};
use crate::topology::{BUS, Topology, Trigger};

/// Region that the embedded cloud says it is in.
pub const REGION: &str = "us-east-1";
/// Account that the embedded cloud says it is.
pub const ACCOUNT: &str = "000000000000";
/// Access key of the embedded cloud, which only this machine can reach.
pub const ACCESS_KEY: &str = "stillmotion";
/// Secret key of the embedded cloud.
pub const SECRET_KEY: &str = "stillmotion-local";

/// File in the data folder that tells other commands where a running cloud answers.
const ENDPOINT_FILE: &str = "endpoint";

/// Every stage has this queue, whose URL tells the account.
const FIRST_QUEUE: &str = "ingest";

/// The cloud could not be had.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// The embedded one did not start.
    #[error("the embedded cloud did not start")]
    Cloud(#[from] CloudError),
    /// The data folder failed.
    #[error("data folder {folder}")]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the file system said.
        source: std::io::Error,
    },
    /// There is nothing there.
    #[error("there is no data in {0}: start with `stillmotion up`")]
    Empty(PathBuf),
    /// Nobody is signed in.
    #[error(
        "no AWS credentials for stage {stage}: sign in (`aws sso login` or `aws login`), or set \
         AWS_PROFILE"
    )]
    NoCredentials {
        /// The stage.
        stage: StageName,
        /// What was looked for in vain.
        source: Source,
    },
    /// Nobody says where.
    #[error("no AWS region for stage {0}: set AWS_REGION, or the region of the profile")]
    NoRegion(StageName),
    /// There is no such stage.
    #[error(
        "there is no stage {stage} in {region} of this account (no queue {queue}): deploy it with \
         `./stillmotion deploy {stage}`, or set AWS_PROFILE and AWS_REGION to where it is"
    )]
    NoStage {
        /// The stage.
        stage: StageName,
        /// The region.
        region: String,
        /// What was looked for.
        queue: String,
    },
    /// It could not be looked for.
    #[error("cannot look for stage {stage} in {region} with sqs:GetQueueUrl")]
    Stage {
        /// The stage.
        stage: StageName,
        /// The region.
        region: String,
        /// What AWS, or the way to it, said.
        source: Source,
    },
}

/// [`Recourse`] on a home.
pub type HomeRecourse = Recourse<
    aws::S3,
    aws::DynamoJobs,
    aws::EventBridge,
    SystemClock,
    aws::DynamoLedger,
    aws::SqsQueue,
>;

/// A cloud, run here or by another process, and clients for it.
#[derive(Debug)]
pub struct Home {
    cloud: Option<Cloud>,
    names: Names,
    /// Clients for it.
    pub aws: Aws,
    /// How it is wired.
    pub topology: Topology,
}

impl Home {
    /// Starts the cloud of `data`, on `port` or on any free one. `cors_origins` may use the bucket
    /// from a browser.
    ///
    /// # Errors
    /// [`HomeError`]; a folder that another process works in is one.
    pub async fn start(
        data: &Path,
        port: Option<u16>,
        cors_origins: &[String],
    ) -> Result<Self, HomeError> {
        // Nobody would take the messages.
        let topology = Topology::built_in().without_rule("supabase");
        Self::start_wired(topology, data, port, cors_origins).await
    }

    /// As [`Home::start`], wired like this.
    ///
    /// # Errors
    /// As [`Home::start`].
    pub async fn start_wired(
        topology: Topology,
        data: &Path,
        port: Option<u16>,
        cors_origins: &[String],
    ) -> Result<Self, HomeError> {
        let cloud = Cloud::start(CloudConfig {
            data: data.to_owned(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, port.unwrap_or(0))),
            region: REGION.to_owned(),
            account: ACCOUNT.to_owned(),
            access_key: ACCESS_KEY.to_owned(),
            secret_key: SECRET_KEY.to_owned(),
            wiring: topology.wiring(cors_origins),
        })
        .await?;
        // Only this process polls: what one that was killed was at is nobody's now.
        cloud.release_in_flight()?;
        let endpoint = cloud.endpoint().to_owned();
        let file = data.join(ENDPOINT_FILE);
        std::fs::write(&file, &endpoint)
            .map_err(|source| HomeError::Folder { folder: data.to_owned(), source })?;
        Ok(Self { cloud: Some(cloud), topology, ..Self::at(&endpoint, ACCESS_KEY, SECRET_KEY) })
    }

    /// A cloud that somebody else runs at `endpoint`, wired as the topology says.
    pub fn at(endpoint: &str, access_key: &str, secret_key: &str) -> Self {
        let names = Names::embedded(endpoint, REGION, ACCOUNT);
        Self::called(names, Aws::at(endpoint, REGION, access_key, secret_key))
    }

    /// A cloud that somebody else runs, with clients for it, in which things have these names.
    pub fn called(names: Names, aws: Aws) -> Self {
        Self { cloud: None, names, aws, topology: Topology::built_in() }
    }

    /// A deployed stage of the account and region that the environment names.
    ///
    /// # Errors
    /// [`HomeError`] says what the environment lacks, or that there is no such stage.
    pub async fn deployed(stage: &StageName) -> Result<Self, HomeError> {
        let (aws, stage) = (Aws::from_env().await, stage.clone());
        if let Err(source) = aws.sign_in().await {
            return Err(HomeError::NoCredentials { stage, source });
        }
        let Some(region) = aws.region().map(ToOwned::to_owned) else {
            return Err(HomeError::NoRegion(stage));
        };
        let queue = format!("{BUS}-{stage}-{FIRST_QUEUE}");
        let url = match aws.find_queue(&queue).await {
            Ok(url) => url,
            Err(source) => return Err(HomeError::Stage { stage, region, source }),
        };
        let names = url.and_then(|url| Names::of_stage(stage.clone(), &region, &url));
        let names = names.ok_or(HomeError::NoStage { stage, region, queue })?;
        Ok(Self::called(names, aws))
    }

    /// The cloud of `data` to look at: the one that is running, or one started for the look.
    ///
    /// # Errors
    /// [`HomeError::Empty`] if nothing was ever started there.
    pub async fn look(data: &Path) -> Result<Self, HomeError> {
        let Ok(endpoint) = std::fs::read_to_string(data.join(ENDPOINT_FILE)) else {
            return Err(HomeError::Empty(data.to_owned()));
        };
        match Self::start(data, None, &[]).await {
            Err(HomeError::Cloud(CloudError::Folder(_))) => {
                Ok(Self::at(&endpoint, ACCESS_KEY, SECRET_KEY))
            }
            started => started,
        }
    }

    /// Changes the pause between sweeps, in seconds.
    pub fn set_sweep_every(&mut self, secs: u32) {
        if let Some(sweep) = self.topology.functions.get_mut("sweep") {
            sweep.trigger = Trigger::Schedule { every_secs: secs };
        }
    }

    /// What things are called there.
    pub const fn names(&self) -> &Names {
        &self.names
    }

    /// Where the cloud answers; of a stage, where its queues do.
    pub fn endpoint(&self) -> &str {
        self.names.endpoint()
    }

    /// The cloud, if it runs in this process.
    pub const fn cloud(&self) -> Option<&Cloud> {
        self.cloud.as_ref()
    }

    /// The media bucket.
    pub fn bucket(&self) -> aws::S3 {
        self.aws.bucket(self.bucket_name())
    }

    /// Name of the media bucket.
    pub fn bucket_name(&self) -> String {
        self.names.bucket(&self.topology.bucket.name)
    }

    /// The table of jobs.
    pub fn jobs(&self) -> aws::DynamoJobs {
        self.aws.job_table(self.names.of("jobs"))
    }

    /// The ledger.
    pub fn ledger(&self) -> aws::DynamoLedger {
        self.aws.ledger_table(self.names.of("ledger"), self.names.of("accounts"))
    }

    /// The shared documents.
    pub fn registers(&self) -> aws::DynamoRegisters {
        self.aws.register_table(self.names.of("registers"))
    }

    /// The log of deliveries.
    pub fn deliveries(&self) -> aws::DynamoDeliveries {
        self.aws.delivery_table(self.names.of("deliveries"))
    }

    /// Who asked to be told.
    pub fn endpoints(&self) -> aws::DynamoEndpoints {
        self.aws.endpoint_table(self.names.of("endpoints"))
    }

    /// What is used.
    pub fn meters(&self) -> aws::DynamoMeters {
        self.aws.meter_table(self.names.of("meters"))
    }

    /// The bus.
    pub fn bus(&self) -> aws::EventBridge {
        self.aws.event_bus(self.names.bus())
    }

    /// What can be done about its jobs from outside.
    pub fn recourse(&self) -> HomeRecourse {
        Recourse {
            bucket: self.bucket_name(),
            store: self.bucket(),
            chronicle: Chronicle { jobs: self.jobs(), bus: self.bus(), clock: SystemClock },
            ledger: self.ledger(),
            ingest_queue: self.queue("ingest"),
            ltx_queue: self.queue("ltx"),
            render_queue: self.queue("render"),
        }
    }

    /// URL of a queue, by its name in the topology.
    pub fn queue_url(&self, name: &str) -> String {
        self.names.queue_url(name)
    }

    /// ARN of a queue, by its name in the topology.
    pub fn queue_arn(&self, name: &str) -> String {
        self.names.queue_arn(name)
    }

    /// A queue, by its name in the topology.
    pub fn queue(&self, name: &str) -> aws::SqsQueue {
        self.aws.queue(self.queue_url(name))
    }

    /// Stops the cloud if it runs in this process; what it holds stays in its folder.
    pub async fn stop(self) {
        if let Some(cloud) = self.cloud {
            cloud.stop().await;
        }
    }
}
