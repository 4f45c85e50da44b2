//! Starting and stopping the cloud.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::dynamodb::{DynamoDb, TableError};
use crate::events::{Events, EventsError, Opened};
use crate::faults::Faults;
use crate::gateway::Gateway;
use crate::lock::{FolderLock, LockError};
use crate::s3::{self, S3Config, S3Half, StartError};
use crate::sigv4::Credentials;
use crate::sqs::{Names, QueueError, Sqs};
use crate::wiring::Wiring;

/// What a cloud needs to start.
#[derive(Clone)]
pub struct CloudConfig {
    /// Folder that keeps everything; created if it is missing.
    pub data: PathBuf,
    /// Where the cloud answers: a loopback address; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Region that requests are signed for, and that ARNs name.
    pub region: String,
    /// Account that ARNs and queue URLs name: twelve digits.
    pub account: String,
    /// Access key of the one caller there is.
    pub access_key: String,
    /// Secret key of that caller. `Debug` does not print it.
    pub secret_key: String,
    /// What exists when the cloud is ready.
    pub wiring: Wiring,
}

impl fmt::Debug for CloudConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloudConfig")
            .field("data", &self.data)
            .field("listen", &self.listen)
            .field("region", &self.region)
            .field("account", &self.account)
            .field("access_key", &self.access_key)
            .field("wiring", &self.wiring)
            .finish_non_exhaustive()
    }
}

/// The cloud could not start.
#[derive(Debug, thiserror::Error)]
pub enum CloudError {
    /// The address can be reached from outside this machine.
    #[error("{0} is not a loopback address, and the embedded cloud is for this machine only")]
    NotLoopback(SocketAddr),
    /// Another process works in the data folder, or it cannot be written.
    #[error("data folder")]
    Folder(#[from] LockError),
    /// Nothing can be served at the address.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// A bucket notifies a queue that does not exist.
    #[error("bucket {bucket} notifies the queue {queue}, which does not exist")]
    NoSuchQueue {
        /// The bucket.
        bucket: String,
        /// The queue that is missing.
        queue: String,
    },
    /// The buckets failed.
    #[error("buckets")]
    Buckets(#[from] StartError),
    /// The queues failed.
    #[error("queues")]
    Queues(#[from] QueueError),
    /// The tables failed.
    #[error("tables")]
    Tables(#[from] TableError),
    /// The event buses failed.
    #[error("event buses")]
    Buses(#[from] EventsError),
}

/// A running cloud. It ends with [`Cloud::stop`], or when it is dropped.
pub struct Cloud {
    endpoint: String,
    queues: Sqs,
    clock: Clock,
    faults: Faults,
    objects: Option<S3Half>,
    tasks: TaskTracker,
    stop: CancellationToken,
    _lock: FolderLock,
}

impl Cloud {
    /// Starts a cloud on the state in its data folder; when this returns, it answers.
    ///
    /// What the wiring names and the folder lacks is created; nothing stored is removed.
    ///
    /// # Errors
    /// [`CloudError`]: nothing runs then. A stored table whose key differs from the wiring is one.
    pub async fn start(config: CloudConfig) -> Result<Self, CloudError> {
        if !config.listen.ip().is_loopback() {
            return Err(CloudError::NotLoopback(config.listen));
        }
        let lock = FolderLock::take(&config.data)?;
        let (listener, endpoint) = listen(config.listen).await?;
        // Opening databases blocks, but nothing else is under way yet.
        let opened = Parts::open(&config, endpoint.clone())?;
        Ok(opened.run(config, listener, endpoint, lock))
    }

    /// Where the cloud answers, `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// URL of the queue `name`, whether or not it exists.
    pub fn queue_url(&self, name: &str) -> String {
        self.queues.names().url(name)
    }

    /// ARN of the queue `name`, whether or not it exists.
    pub fn queue_arn(&self, name: &str) -> String {
        self.queues.names().arn(name)
    }

    /// Makes every message visible that was received and neither deleted nor seen again, as if it had
    /// not been received that time, and says how many there were.
    ///
    /// For whoever knows that no receiver is at work any more: after a restart of the only process
    /// that polls, nobody has to wait for the visibility time-out of what it was at, and being killed
    /// often does not send healthy messages to the dead-letter queue.
    ///
    /// # Errors
    /// [`CloudError::Queues`].
    pub fn release_in_flight(&self) -> Result<usize, CloudError> {
        Ok(self.queues.release_in_flight()?)
    }

    /// The clock of the cloud, which tests move forward.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// What may go wrong, on request.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Stops answering, lets what is under way finish shortly, and frees the data folder.
    pub async fn stop(mut self) {
        self.stop.cancel();
        self.tasks.wait().await;
        if let Some(objects) = self.objects.take() {
            objects.stop().await;
        }
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl fmt::Debug for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cloud").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

/// The four services, opened but not yet answering.
struct Parts {
    objects: S3Half,
    queues: Sqs,
    events: Opened,
    tables: DynamoDb,
    clock: Clock,
    faults: Faults,
    stop: CancellationToken,
}

impl Parts {
    fn open(config: &CloudConfig, endpoint: String) -> Result<Self, CloudError> {
        let stop = CancellationToken::new();
        let clock = Clock::default();
        let faults = Faults::default();
        let file = |name: &str| config.data.join(name);

        let names =
            Names { endpoint, region: config.region.clone(), account: config.account.clone() };
        let queues =
            Sqs::open(&file("sqs.sqlite"), names, clock.clone(), faults.clone(), stop.clone())?;
        queues.ensure(&config.wiring.queues)?;
        let buses = &config.wiring.buses;
        let events = Events::open(&file("events.sqlite"), buses, &queues, &clock, &stop)?;
        let tables = DynamoDb::open(&file("dynamodb.sqlite"), clock.clone())?;
        tables.ensure(&config.wiring.tables)?;
        let objects = open_objects(config, &config.data, &queues, &faults)?;
        Ok(Self { objects, queues, events, tables, clock, faults, stop })
    }

    fn run(
        self,
        config: CloudConfig,
        listener: TcpListener,
        endpoint: String,
        lock: FolderLock,
    ) -> Cloud {
        let tasks = TaskTracker::new();
        let Opened { events, couriers } = self.events;
        for courier in couriers {
            tasks.spawn(courier.run());
        }
        tasks.spawn(self.queues.clone().expire_messages());
        tasks.spawn(self.tables.clone().expire_items(self.stop.clone()));
        let gateway = Gateway {
            credentials: Arc::new(Credentials {
                access_key: config.access_key,
                secret_key: config.secret_key,
                region: config.region,
            }),
            objects: self.objects.front(),
            queues: self.queues.clone(),
            events,
            tables: self.tables,
        };
        tasks.spawn(gateway.serve(listener, self.stop.clone()));
        tasks.close();
        Cloud {
            endpoint,
            queues: self.queues,
            clock: self.clock,
            faults: self.faults,
            objects: Some(self.objects),
            tasks,
            stop: self.stop,
            _lock: lock,
        }
    }
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, String), CloudError> {
    let failed = |source| CloudError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let endpoint = format!("http://{}", listener.local_addr().map_err(failed)?);
    Ok((listener, endpoint))
}

fn open_objects(
    config: &CloudConfig,
    data: &Path,
    queues: &Sqs,
    faults: &Faults,
) -> Result<S3Half, CloudError> {
    let buckets = &config.wiring.buckets;
    for bucket in buckets {
        for notification in &bucket.notifications {
            if !queues.exists(&notification.queue) {
                let (bucket, queue) = (bucket.name.clone(), notification.queue.clone());
                return Err(CloudError::NoSuchQueue { bucket, queue });
            }
        }
    }
    let s3 = S3Config {
        data: data.to_owned(),
        region: config.region.clone(),
        access_key: config.access_key.clone(),
        secret_key: config.secret_key.clone(),
        buckets: buckets.clone(),
        lose_events: Some(faults.s3_events()),
    };
    Ok(s3::start(s3, Arc::new(queues.clone()))?)
}
