//! The embedded cloud of a data folder.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use aws::Aws;
use local_cloud::{Cloud, CloudConfig, CloudError};
use ports::{Chronicle, Recourse, SystemClock};

use crate::topology::{BUS, Topology, Trigger, physical};

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

/// The embedded cloud could not be had.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// It did not start.
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
    endpoint: String,
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
        Self {
            cloud: None,
            endpoint: endpoint.to_owned(),
            aws: Aws::at(endpoint, REGION, access_key, secret_key),
            topology: Topology::built_in(),
        }
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

    /// Where the cloud answers.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
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
        physical(&self.topology.bucket.name)
    }

    /// The table of jobs.
    pub fn jobs(&self) -> aws::DynamoJobs {
        self.aws.job_table(physical("jobs"))
    }

    /// The ledger.
    pub fn ledger(&self) -> aws::DynamoLedger {
        self.aws.ledger_table(physical("ledger"), physical("accounts"))
    }

    /// The shared documents.
    pub fn registers(&self) -> aws::DynamoRegisters {
        self.aws.register_table(physical("registers"))
    }

    /// The log of deliveries.
    pub fn deliveries(&self) -> aws::DynamoDeliveries {
        self.aws.delivery_table(physical("deliveries"))
    }

    /// Who asked to be told.
    pub fn endpoints(&self) -> aws::DynamoEndpoints {
        self.aws.endpoint_table(physical("endpoints"))
    }

    /// What is used.
    pub fn meters(&self) -> aws::DynamoMeters {
        self.aws.meter_table(physical("meters"))
    }

    /// The bus.
    pub fn bus(&self) -> aws::EventBridge {
        self.aws.event_bus(BUS)
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
        format!("{}/{ACCOUNT}/{}", self.endpoint, physical(name))
    }

    /// ARN of a queue, by its name in the topology.
    pub fn queue_arn(&self, name: &str) -> String {
        format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{}", physical(name))
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
