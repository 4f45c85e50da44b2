//! A whole chain in an embedded cloud of its own, with a provider and a renderer that are ready at
//! once, on ports that can die together.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use aws::{bus_event, delivery_request, ltx_request, s3_event};
use deliver::Deliver;
use domain::{Caps, EventId, Job, JobId, JobState, ObjectKey, Timestamp, keys};
use film::PhotoLimits;
use ingest::Ingest;
use local_cloud::Cloud;
use ltx::{Ltx, Policy};
use notify::Notify;
use ports::{
    Chronicle, Clock, Content, Delivery, DeliveryLog, History, JobStore, ObjectMeta, ObjectStore,
    Renderer, SystemClock, VideoGenerator, WebhookSecret,
};
use render::Render;
use stillmotion::Home;
use stillmotion::chain::{Pollers, register, sweep};
use sweep::{Patience, Swept};
use tempfile::TempDir;
use testkit::{Fuse, Fused, PassThrough, ReadyClip, ReadyVideo, RecordingReceiver, samples};

/// What webhooks are signed with here.
pub(crate) const SECRET: &str = "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";

/// Longest wait for anything, in real time: a repeat of what is being told comes after a minute.
const PATIENCE: Duration = Duration::from_mins(2);

/// The time of the system, moved forward by tests.
#[derive(Clone, Debug, Default)]
pub(crate) struct ShiftedClock(Arc<AtomicU64>);

impl Clock for ShiftedClock {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus(Duration::from_millis(self.0.load(Ordering::SeqCst)))
    }
}

/// The parts of the chain that are not ours, or that break.
#[derive(Clone)]
pub(crate) struct Parts<R = ReadyVideo, G = ReadyClip> {
    pub(crate) generator: G,
    pub(crate) renderer: R,
    pub(crate) receiver: RecordingReceiver,
    pub(crate) fuse: Fuse,
    /// Whether those who tell others die with it.
    pub(crate) dies_telling: bool,
}

impl Default for Parts {
    fn default() -> Self {
        Self {
            generator: ReadyClip::new("a clip"),
            renderer: ReadyVideo::default(),
            receiver: RecordingReceiver::default(),
            fuse: Fuse::never(),
            dies_telling: true,
        }
    }
}

impl<R, G> Parts<R, G> {
    pub(crate) fn with_fuse(self, fuse: &Fuse) -> Self {
        Self { fuse: fuse.clone(), ..self }
    }

    pub(crate) fn with_generator<O>(self, generator: O) -> Parts<R, O> {
        let Self { renderer, receiver, fuse, dies_telling, .. } = self;
        Parts { generator, renderer, receiver, fuse, dies_telling }
    }
}

/// An embedded cloud and what runs on it.
pub(crate) struct World {
    pub(crate) home: Home,
    pub(crate) clock: ShiftedClock,
    pollers: Option<Pollers>,
    data: TempDir,
}

impl World {
    /// A cloud on which no function runs yet.
    pub(crate) async fn new() -> Self {
        let data = tempfile::tempdir().expect("a folder");
        let home = Home::start(&data.path().join("cloud"), None, &[]).await.expect("a cloud");
        Self { home, clock: ShiftedClock::default(), pollers: None, data }
    }

    /// A cloud that somebody else runs.
    pub(crate) fn on(home: Home) -> Self {
        let data = tempfile::tempdir().expect("a folder");
        Self { home, clock: ShiftedClock::default(), pollers: None, data }
    }

    /// A cloud with the whole chain on it.
    pub(crate) async fn with<G: VideoGenerator + Clone + 'static>(
        parts: &Parts<ReadyVideo, G>,
    ) -> Self {
        let mut world = Self::new().await;
        world.start(parts).await;
        world
    }

    /// Starts every function but the sweep.
    pub(crate) async fn start<R, G>(&mut self, parts: &Parts<R, G>)
    where
        R: Renderer + Clone + 'static,
        G: VideoGenerator + Clone + 'static,
    {
        let home = &self.home;
        let secret = WebhookSecret::new(SECRET.to_owned());
        register(home, "test", "https://receiver.test/", &secret).await.expect("registered");
        let fuse = &parts.fuse;
        let retry = Duration::from_millis(20);
        let chronicle = || Chronicle {
            jobs: Fused::new(home.jobs(), fuse),
            bus: Fused::new(home.bus(), fuse),
            clock: self.clock.clone(),
        };
        let store = || Fused::new(home.bucket(), fuse);
        let work = self.data.path().to_owned();
        let mut pollers = Pollers::default();

        let ingest = Ingest {
            store: store(),
            chronicle: chronicle(),
            ltx_queue: Fused::new(home.queue("ltx"), fuse),
            limits: PhotoLimits::default(),
        };
        pollers.feed(home, "ingest", ingest, s3_event::objects_created, retry);
        let ltx = Ltx::<(_, _, _, _, _, _, _, _)> {
            store: store(),
            chronicle: chronicle(),
            ledger: Fused::new(home.ledger(), fuse),
            registers: Fused::new(home.registers(), fuse),
            generators: vec![Fused::new(parts.generator.clone(), fuse)],
            rewrap: Fused::new(PassThrough::default(), fuse),
            policy: Policy {
                max_faults: 3,
                hold_for: Duration::from_mins(30),
                // Every job of a test has the same photo.
                reuse_for: None,
                ..Policy::default()
            },
            work: work.clone(),
        };
        pollers.feed(home, "ltx", ltx, ltx_request::parse, retry);
        let render = Render {
            store: store(),
            chronicle: chronicle(),
            renderer: Fused::new(parts.renderer.clone(), fuse),
            work,
        };
        pollers.feed(home, "render", render, s3_event::objects_created, retry);
        let fuse = &if parts.dies_telling { fuse.clone() } else { Fuse::never() };
        let notify = Notify {
            log: Fused::new(home.deliveries(), fuse),
            endpoints: Fused::new(home.endpoints(), fuse),
            queue: Fused::new(home.queue("deliver"), fuse),
            clock: self.clock.clone(),
        };
        pollers.feed(home, "notify", notify, bus_event::parse, retry);
        let deliver = Deliver {
            log: Fused::new(home.deliveries(), fuse),
            endpoints: Fused::new(home.endpoints(), fuse),
            registers: Fused::new(home.registers(), fuse),
            sender: Fused::new(parts.receiver.clone(), fuse),
            bus: Fused::new(home.bus(), fuse),
            clock: self.clock.clone(),
            schedule: deliver::STANDARD_SCHEDULE.to_vec(),
        };
        pollers.feed(home, "deliver", deliver, delivery_request::parse, retry);
        self.pollers = Some(pollers);
    }

    /// Stops the functions; what they were at stays as it is.
    pub(crate) async fn stop(&mut self) {
        if let Some(pollers) = self.pollers.take() {
            pollers.stop().await;
        }
    }

    pub(crate) fn cloud(&self) -> &Cloud {
        self.home.cloud().expect("it runs here")
    }

    /// Moves the time of the cloud and of the functions forward.
    pub(crate) fn advance(&self, by: Duration) {
        let ms = u64::try_from(by.as_millis()).expect("not for ever");
        self.clock.0.fetch_add(ms, Ordering::SeqCst);
        self.cloud().clock().advance(by);
    }

    /// Sweeps once, as if everything had been untouched for an hour.
    pub(crate) async fn sweep(&self) -> Swept {
        let patience = Patience {
            nudge_after: Duration::ZERO,
            expire_after: Duration::from_hours(24),
            give_up_after: Duration::from_hours(24),
        };
        sweep(&self.home, patience, Caps::NONE, self.clock.clone()).run().await.expect("swept")
    }

    /// Drops a photo in and returns its job.
    pub(crate) async fn upload(&self, name: &str) -> JobId {
        self.upload_bytes(name, &samples::photo_jpeg(640, 480)).await
    }

    /// Drops a photo in with wishes beside it and returns its job.
    pub(crate) async fn upload_with(&self, name: &str, wishes: &[(&str, &str)]) -> JobId {
        self.put(name, &samples::photo_jpeg(640, 480), wishes).await
    }

    /// Drops a file in and returns its job.
    pub(crate) async fn upload_bytes(&self, name: &str, bytes: &[u8]) -> JobId {
        self.put(name, bytes, &[]).await
    }

    async fn put(&self, name: &str, bytes: &[u8], wishes: &[(&str, &str)]) -> JobId {
        let key = ObjectKey::new(format!("{}{name}", keys::UPLOADS)).expect("a key");
        let user = wishes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let meta = ObjectMeta { content_type: "image/jpeg".to_owned(), user: user.collect() };
        let etag = self.home.bucket().put(&key, Content::Bytes(bytes), &meta).await.expect("put");
        JobId::of_object(&self.home.bucket_name(), key.as_str(), &etag)
    }

    pub(crate) async fn job(&self, id: JobId) -> Option<Job> {
        self.home.jobs().get(id).await.expect("the table of jobs")
    }

    /// Waits until a job has ended.
    pub(crate) async fn ended(&self, id: JobId) -> Job {
        self.ended_with(id, Duration::ZERO).await
    }

    /// Waits until a job has ended, and lets `step` of time pass with every look.
    pub(crate) async fn ended_with(&self, id: JobId, step: Duration) -> Job {
        let began = Instant::now();
        loop {
            let job = self.job(id).await;
            if let Some(job) = &job
                && job.state.is_end()
            {
                return job.clone();
            }
            assert!(began.elapsed() < PATIENCE, "job {id} does not end: {job:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
            if !step.is_zero() {
                self.advance(step);
            }
        }
    }

    /// Waits until no queue holds a message but the dead-letter queues, and lets `step` of time pass
    /// with every look.
    pub(crate) async fn drained_with(&self, step: Duration) {
        let began = Instant::now();
        while let Some((queue, messages)) = self.fullest_queue().await {
            assert!(began.elapsed() < PATIENCE, "{messages} messages stay in queue {queue}");
            tokio::time::sleep(Duration::from_millis(10)).await;
            if !step.is_zero() {
                self.advance(step);
            }
        }
    }

    pub(crate) async fn drained(&self) {
        self.drained_with(Duration::ZERO).await;
    }

    async fn fullest_queue(&self) -> Option<(String, usize)> {
        for name in ["ingest", "ltx", "render", "notify", "deliver"] {
            let messages = self.messages_in(name).await;
            if messages > 0 {
                return Some((name.to_owned(), messages));
            }
        }
        None
    }

    /// How many messages a queue holds, visible or not.
    pub(crate) async fn messages_in(&self, queue: &str) -> usize {
        use aws_sdk_sqs::types::QueueAttributeName as Name;
        let wanted = [
            Name::ApproximateNumberOfMessages,
            Name::ApproximateNumberOfMessagesNotVisible,
            Name::ApproximateNumberOfMessagesDelayed,
        ];
        let request = self.home.aws.sqs_client().get_queue_attributes();
        let request = request.queue_url(self.home.queue_url(queue));
        let answer = request.set_attribute_names(Some(wanted.to_vec())).send().await;
        let attributes = answer.expect("attributes").attributes.unwrap_or_default();
        wanted.iter().filter_map(|name| attributes.get(name)?.parse::<usize>().ok()).sum()
    }

    /// Puts a message in a queue, whatever it says.
    pub(crate) async fn send(&self, queue: &str, body: &str) {
        ports::MessageSender::send(&self.home.queue(queue), body, None).await.expect("sent");
    }

    pub(crate) async fn deliveries(&self, id: JobId) -> Vec<Delivery> {
        self.home.deliveries().of_job(id).await.expect("the log of deliveries")
    }

    /// Keys of the bucket under a prefix.
    pub(crate) async fn keys(&self, prefix: &str) -> Vec<String> {
        let listed = self.home.bucket().list(prefix, None).await.expect("listed");
        listed.into_iter().map(|object| object.key.to_string()).collect()
    }

    /// What must be true of a job that has ended with a video, whatever happened on the way.
    pub(crate) async fn assert_rendered_once(&self, parts: &Parts, id: JobId, context: &str) {
        assert_eq!(parts.generator.billed(id), 1, "{context}: charges");
        self.assert_rendered(parts, id, context).await;
    }

    /// As [`World::assert_rendered_once`], whoever filmed it.
    pub(crate) async fn assert_rendered<G>(
        &self,
        parts: &Parts<ReadyVideo, G>,
        id: JobId,
        context: &str,
    ) {
        let job = self.job(id).await.expect("a row");
        assert_eq!(job.state, JobState::Rendered, "{context}: {:?}", job.failure);
        let renders = self.keys(&format!("{}{id}/", keys::RENDERS)).await;
        let expected = [keys::video(id).to_string(), keys::poster(id).to_string()];
        assert_eq!(renders, expected, "{context}: renders");
        self.assert_whole_history_told(parts, id, context).await;
    }

    /// Nothing that happened to a job may be lost on its way to whoever asked.
    pub(crate) async fn assert_whole_history_told<G>(
        &self,
        parts: &Parts<ReadyVideo, G>,
        id: JobId,
        context: &str,
    ) {
        let store = self.home.jobs();
        let history = store.events(id).await.expect("history");
        let seqs: Vec<_> = history.iter().map(|event| event.seq).collect();
        assert_eq!(seqs, (1..=history.len() as u64).collect::<Vec<_>>(), "{context}: sequence");
        let unpublished = store.unpublished(id).await.expect("unpublished");
        assert_eq!(unpublished, [], "{context}: unpublished");

        let told = told_ids(&parts.receiver);
        let rules = &self.home.topology.bus.rules[0].pattern["detail-type"];
        let wanted = rules.as_array().expect("detail types");
        for event in history {
            if wanted.iter().any(|detail_type| *detail_type == event.detail_type) {
                assert!(told.contains(&event.id), "{context}: {} was not told", event.detail_type);
            }
        }
    }
}

/// Ids of what a receiver was told, in the order of arrival.
pub(crate) fn told_ids(receiver: &RecordingReceiver) -> Vec<EventId> {
    let id = |request: &ports::WebhookRequest| {
        let header = request.headers.iter().find(|(name, _)| *name == "webhook-id");
        EventId::parse(&header.expect("an id").1).expect("an id")
    };
    receiver.requests().iter().map(id).collect()
}
