//! An embedded cloud, and what is in it.

use std::time::{Duration, Instant};

use domain::{Job, JobId, JobOrder, ObjectKey, Step, keys};
use events::Event;
use ports::{Chronicle, Clock, Content, History, JobStore, ObjectMeta, ObjectStore, SystemClock};
use stillmotion::Home;
use stillmotion::topology::Topology;
use tempfile::TempDir;
use testkit::samples;

use crate::deployed::Setup;
use crate::events::{From, Message, Told, object_created, told_key};

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_mins(1);

/// An embedded cloud with every rule of the topology, and no function.
pub(crate) struct Stage {
    pub(crate) home: Home,
    _data: TempDir,
}

/// An object that was put in the bucket.
#[derive(Clone, Debug)]
pub(crate) struct Put {
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) etag: String,
    pub(crate) size_bytes: u64,
}

impl Put {
    /// The job that a photo begins.
    pub(crate) fn job(&self) -> JobId {
        JobId::of_object(&self.bucket, &self.key, &self.etag)
    }

    /// What S3 tells of it.
    pub(crate) fn told(&self, from: From) -> String {
        self.told_as(from, &told_key(&self.key))
    }

    /// What S3 tells of it, the key encoded like this.
    pub(crate) fn told_as(&self, from: From, key: &str) -> String {
        let Self { bucket, etag, size_bytes, .. } = self;
        object_created(from, &Told { bucket, key, etag, size_bytes: *size_bytes })
    }
}

impl Stage {
    /// With nothing in it.
    pub(crate) async fn new() -> Self {
        let data = tempfile::tempdir().expect("a folder");
        let topology = Topology::built_in();
        let home = Home::start_wired(topology, &data.path().join("cloud"), None, &[]).await;
        Self { home: home.expect("a cloud"), _data: data }
    }

    /// A function, to be started.
    pub(crate) fn setup(&self, function: &str) -> Setup {
        Setup::of(&self.home, function)
    }

    /// Puts an object in the bucket.
    pub(crate) async fn put(&self, key: &str, bytes: &[u8], user: &[(&str, &str)]) -> Put {
        let to = ObjectKey::new(key).expect("a key");
        let user = user.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let meta = ObjectMeta { content_type: "image/jpeg".to_owned(), user: user.collect() };
        let etag = self.home.bucket().put(&to, Content::Bytes(bytes), &meta).await.expect("put");
        let (bucket, size_bytes) = (self.home.bucket_name(), bytes.len() as u64);
        Put { bucket, key: key.to_owned(), etag, size_bytes }
    }

    /// Puts a photo in the bucket.
    pub(crate) async fn put_photo(&self, key: &str) -> Put {
        self.put(key, &samples::photo_jpeg(640, 480), &[]).await
    }

    /// Keys under a prefix.
    pub(crate) async fn keys(&self, prefix: &str) -> Vec<String> {
        let listed = self.home.bucket().list(prefix, None).await.expect("listed");
        listed.into_iter().map(|object| object.key.to_string()).collect()
    }

    /// Where jobs are written.
    pub(crate) fn chronicle(&self) -> Chronicle<aws::DynamoJobs, aws::EventBridge, SystemClock> {
        Chronicle { jobs: self.home.jobs(), bus: self.home.bus(), clock: SystemClock }
    }

    /// A job of the photo at `key`, after these steps.
    pub(crate) async fn begin(&self, key: &str, order: JobOrder, steps: &[Step]) -> Job {
        let id = JobId::of_object(&self.home.bucket_name(), key, "e");
        self.begin_as(id, key, order, steps).await
    }

    /// As [`Stage::begin`], under this id.
    pub(crate) async fn begin_as(
        &self,
        id: JobId,
        key: &str,
        order: JobOrder,
        steps: &[Step],
    ) -> Job {
        let (bucket, key) = (self.home.bucket_name(), ObjectKey::new(key).expect("a key"));
        let chronicle = self.chronicle();
        let job = Job::new(id, &bucket, key, order, SystemClock.now());
        let mut job = chronicle.begin(job).await.expect("begun");
        for step in steps {
            job = chronicle.step(&job, step).await.expect("stepped").job();
        }
        job
    }

    /// The row of a job.
    pub(crate) async fn job(&self, id: JobId) -> Job {
        let job = self.home.jobs().get(id).await.expect("the table of jobs");
        job.unwrap_or_else(|| panic!("there is no job {id}"))
    }

    /// Whether there is a row of a job.
    pub(crate) async fn knows(&self, id: JobId) -> bool {
        self.home.jobs().get(id).await.expect("the table of jobs").is_some()
    }

    /// What has happened to a job.
    pub(crate) async fn history(&self, id: JobId) -> Vec<Event> {
        self.home.jobs().events(id).await.expect("its history")
    }

    /// Takes everything that is in a queue now.
    pub(crate) async fn take(&self, queue: &str) -> Vec<Message> {
        let (client, url) = (self.home.aws.sqs_client(), self.home.queue_url(queue));
        let mut all = Vec::new();
        loop {
            let request = client.receive_message().queue_url(&url).max_number_of_messages(10);
            let received = request.send().await.expect("received").messages.unwrap_or_default();
            if received.is_empty() {
                return all;
            }
            for message in received {
                let receipt = message.receipt_handle.expect("a receipt");
                all.push(Message {
                    id: message.message_id.expect("an id"),
                    body: message.body.expect("a body"),
                    received: 1,
                    receipt,
                });
            }
        }
    }

    /// Whether none of these queues holds a message, visible or not.
    pub(crate) async fn are_empty(&self, queues: &[&str]) -> bool {
        use aws_sdk_sqs::types::QueueAttributeName as Name;
        let wanted = [
            Name::ApproximateNumberOfMessages,
            Name::ApproximateNumberOfMessagesNotVisible,
            Name::ApproximateNumberOfMessagesDelayed,
        ];
        for queue in queues {
            let request = self.home.aws.sqs_client().get_queue_attributes();
            let request = request.queue_url(self.home.queue_url(queue));
            let answer = request.set_attribute_names(Some(wanted.to_vec())).send().await;
            let told = answer.expect("attributes").attributes.unwrap_or_default();
            if wanted.iter().any(|name| told.get(name).is_none_or(|count| count != "0")) {
                return false;
            }
        }
        true
    }

    /// Takes what is in a queue once there is something.
    pub(crate) async fn take_some(&self, queue: &str) -> Vec<Message> {
        let began = Instant::now();
        loop {
            let taken = self.take(queue).await;
            if !taken.is_empty() {
                return taken;
            }
            assert!(began.elapsed() < PATIENCE, "nothing comes to queue {queue}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// Where everything is that is stored for a job: prefixes.
pub(crate) fn all_of(job: JobId, owner: &str) -> Vec<String> {
    let fetched = [keys::LOGOS, keys::MUSIC]
        .map(|prefix| format!("{}{job}/", keys::folder_of(prefix, owner)));
    keys::prefixes_of(job).into_iter().chain(fetched).collect()
}

/// Waits until `done` gives something.
pub(crate) async fn until<T>(what: &str, mut done: impl AsyncFnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(done) = done().await {
            return done;
        }
        assert!(began.elapsed() < PATIENCE, "{what}: waited for {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
