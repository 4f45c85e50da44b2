//! Every port, in a process that may die.
#![deny(clippy::missing_trait_methods)]

mod uploads;

use std::path::Path;
use std::time::Duration;

use domain::{
    Account, Attempt, Booking, Caps, ClipOptions, Day, EventId, Job, JobId, JobState, ObjectKey,
    Timestamp, TraceId,
};
use events::{Announcement, Event};
use ports::{
    ByteStream, CallOff, CallOffError, ClipOrder, CollectError, Collected, Content, Created,
    Delivery, DeliveryLog, DeliveryLogError, Endpoint, EndpointError, Endpoints, EventPublisher,
    GenerationRefusal, Head, History, JobListing, JobStore, JobStoreError, Ledger, LedgerError,
    Listed, Look, LookError, MessageSender, MeterError, Metered, Meters, ObjectMeta, ObjectStore,
    Opened, Page, Place, ProviderJob, PublishError, QueueError, Quote, RegisterError, Registered,
    Registers, RenderError, RenderOrder, RenderOutput, Renderer, Replaced, Rewrap, RewrapError,
    Rewrapped, SendError, Source, StoreError, SubmitError, Submitted, VideoGenerator, Visibility,
    Wanted, WebhookAnswer, WebhookRequest, WebhookSender,
};

use crate::Fuse;

/// A port of a process that dies with its fuse.
///
/// Whatever stores, deletes, sends, publishes, orders, collects, calls off, renders or posts counts as
/// a change.
#[derive(Clone, Debug)]
pub struct Fused<T> {
    port: T,
    fuse: Fuse,
}

impl<T> Fused<T> {
    /// Puts `port` on `fuse`.
    pub fn new(port: T, fuse: &Fuse) -> Self {
        Self { port, fuse: fuse.clone() }
    }
}

impl<T: ObjectStore> ObjectStore for Fused<T> {
    async fn head(&self, key: &ObjectKey) -> Result<Option<Head>, StoreError> {
        self.fuse.read(self.port.head(key), store(key)).await
    }

    async fn get(&self, key: &ObjectKey, limit_bytes: u64) -> Result<Vec<u8>, StoreError> {
        self.fuse.read(self.port.get(key, limit_bytes), store(key)).await
    }

    async fn fetch(&self, key: &ObjectKey, to: &Path) -> Result<(), StoreError> {
        self.fuse.read(self.port.fetch(key, to), store(key)).await
    }

    async fn put(
        &self,
        key: &ObjectKey,
        content: Content<'_>,
        meta: &ObjectMeta,
    ) -> Result<String, StoreError> {
        self.fuse.change(self.port.put(key, content, meta), store(key)).await
    }

    async fn put_stream(
        &self,
        key: &ObjectKey,
        bytes: ByteStream,
        meta: &ObjectMeta,
    ) -> Result<u64, StoreError> {
        self.fuse.change(self.port.put_stream(key, bytes, meta), store(key)).await
    }

    async fn delete(&self, key: &ObjectKey) -> Result<(), StoreError> {
        self.fuse.change(self.port.delete(key), store(key)).await
    }

    async fn copy(
        &self,
        from: &ObjectKey,
        to: &ObjectKey,
        meta: Option<&ObjectMeta>,
    ) -> Result<(), StoreError> {
        self.fuse.change(self.port.copy(from, to, meta), store(to)).await
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&ObjectKey>,
    ) -> Result<Vec<Listed>, StoreError> {
        self.fuse.read(self.port.list(prefix, after), store(prefix)).await
    }
}

fn store(key: impl ToString + Send) -> impl Fn(Source) -> StoreError + Send {
    move |source| StoreError::Unavailable { key: key.to_string(), source }
}

impl<T: JobStore> JobStore for Fused<T> {
    async fn get(&self, job: JobId) -> Result<Option<Job>, JobStoreError> {
        self.fuse.read(self.port.get(job), jobs("read", job)).await
    }

    async fn create(&self, job: &Job, event: &Event) -> Result<Created, JobStoreError> {
        self.fuse.change(self.port.create(job, event), jobs("create", job.id)).await
    }

    async fn replace(
        &self,
        before: &Job,
        after: &Job,
        events: &[Event],
    ) -> Result<Replaced, JobStoreError> {
        let died = jobs("replace", after.id);
        self.fuse.change(self.port.replace(before, after, events), died).await
    }

    async fn forget(&self, job: &Job) -> Result<(), JobStoreError> {
        self.fuse.change(self.port.forget(job), jobs("forget", job.id)).await
    }

    async fn in_state(&self, state: JobState, limit: usize) -> Result<Vec<Job>, JobStoreError> {
        self.fuse.read(self.port.in_state(state, limit), jobs("list", "*")).await
    }
}

impl<T: JobListing> JobListing for Fused<T> {
    async fn of_owner(
        &self,
        owner: &str,
        wanted: &Wanted,
        after: Option<Place>,
        limit: usize,
    ) -> Result<Page, JobStoreError> {
        let page = self.port.of_owner(owner, wanted, after, limit);
        self.fuse.read(page, jobs("list", "*")).await
    }
}

impl<T: History> History for Fused<T> {
    async fn events(&self, job: JobId) -> Result<Vec<Event>, JobStoreError> {
        self.fuse.read(self.port.events(job), jobs("read the events of", job)).await
    }

    async fn unpublished(&self, job: JobId) -> Result<Vec<Event>, JobStoreError> {
        self.fuse.read(self.port.unpublished(job), jobs("read the events of", job)).await
    }

    async fn all_unpublished(&self, limit: usize) -> Result<Vec<Event>, JobStoreError> {
        self.fuse.read(self.port.all_unpublished(limit), jobs("list", "*")).await
    }

    async fn mark_published(&self, event: &Event) -> Result<(), JobStoreError> {
        let died = jobs("mark an event of", event.job);
        self.fuse.change(self.port.mark_published(event), died).await
    }
}

fn jobs(
    action: &'static str,
    job: impl ToString + Send,
) -> impl Fn(Source) -> JobStoreError + Send {
    move |source| JobStoreError { action, job: job.to_string(), source }
}

impl<T: Ledger> Ledger for Fused<T> {
    async fn attempts(&self, job: JobId) -> Result<Vec<Attempt>, LedgerError> {
        self.fuse.read(self.port.attempts(job), ledger("read", job)).await
    }

    async fn open(&self, attempt: &Attempt, caps: &Caps) -> Result<Opened, LedgerError> {
        let died = ledger("open an attempt in", attempt.job);
        self.fuse.change(self.port.open(attempt, caps), died).await
    }

    async fn replace(&self, before: &Attempt, after: &Attempt) -> Result<Replaced, LedgerError> {
        self.fuse.change(self.port.replace(before, after), ledger("write to", after.job)).await
    }

    async fn of_day(&self, day: Day) -> Result<Vec<Attempt>, LedgerError> {
        self.fuse.read(self.port.of_day(day), ledger("list", day)).await
    }

    async fn unknown(&self) -> Result<usize, LedgerError> {
        self.fuse.read(self.port.unknown(), ledger("count unknown attempts in", "*")).await
    }

    async fn booked(&self, account: &Account) -> Result<Booking, LedgerError> {
        self.fuse.read(self.port.booked(account), ledger("read", &account.key)).await
    }
}

fn ledger(
    action: &'static str,
    about: impl ToString + Send,
) -> impl Fn(Source) -> LedgerError + Send {
    move |source| LedgerError { action, about: about.to_string(), source }
}

impl<T: Registers> Registers for Fused<T> {
    async fn read(&self, name: &str, now: Timestamp) -> Result<Option<Registered>, RegisterError> {
        self.fuse.read(self.port.read(name, now), register("read", name)).await
    }

    async fn write(
        &self,
        name: &str,
        before: Option<u64>,
        text: &str,
        expires: Option<Timestamp>,
    ) -> Result<Replaced, RegisterError> {
        let write = self.port.write(name, before, text, expires);
        self.fuse.change(write, register("write", name)).await
    }
}

fn register(action: &'static str, name: &str) -> impl Fn(Source) -> RegisterError + Send {
    move |source| RegisterError { action, name: name.to_owned(), source }
}

impl<T: Meters> Meters for Fused<T> {
    async fn count(
        &self,
        name: &str,
        amount: u64,
        limit: Option<u64>,
        expires: Option<Timestamp>,
    ) -> Result<Metered, MeterError> {
        let count = self.port.count(name, amount, limit, expires);
        self.fuse.change(count, meter("count up", name)).await
    }

    async fn give_back(&self, name: &str, amount: u64) -> Result<(), MeterError> {
        self.fuse.change(self.port.give_back(name, amount), meter("give back to", name)).await
    }

    async fn read(&self, name: &str) -> Result<u64, MeterError> {
        self.fuse.read(self.port.read(name), meter("read", name)).await
    }
}

fn meter(action: &'static str, name: &str) -> impl Fn(Source) -> MeterError + Send {
    move |source| MeterError { action, name: name.to_owned(), source }
}

impl<T: Endpoints> Endpoints for Fused<T> {
    async fn get(&self, owner: Option<&str>, id: &str) -> Result<Option<Endpoint>, EndpointError> {
        self.fuse.read(self.port.get(owner, id), endpoints("read")).await
    }

    async fn of_owner(&self, owner: Option<&str>) -> Result<Vec<Endpoint>, EndpointError> {
        self.fuse.read(self.port.of_owner(owner), endpoints("list")).await
    }

    async fn write(
        &self,
        before: Option<&Endpoint>,
        after: &Endpoint,
    ) -> Result<Replaced, EndpointError> {
        self.fuse.change(self.port.write(before, after), endpoints("store")).await
    }

    async fn delete(&self, owner: Option<&str>, id: &str) -> Result<(), EndpointError> {
        self.fuse.change(self.port.delete(owner, id), endpoints("remove")).await
    }
}

fn endpoints(action: &'static str) -> impl Fn(Source) -> EndpointError + Send {
    move |source| EndpointError { action, source }
}

impl<T: DeliveryLog> DeliveryLog for Fused<T> {
    async fn get(
        &self,
        event: EventId,
        endpoint: &str,
    ) -> Result<Option<Delivery>, DeliveryLogError> {
        self.fuse.read(self.port.get(event, endpoint), deliveries("read", event)).await
    }

    async fn write(
        &self,
        before: Option<&Delivery>,
        after: &Delivery,
    ) -> Result<Replaced, DeliveryLogError> {
        self.fuse.change(self.port.write(before, after), deliveries("store", after.event)).await
    }

    async fn of_endpoint(
        &self,
        endpoint: &str,
        since: Timestamp,
        after: Option<&Delivery>,
        limit: usize,
    ) -> Result<Vec<Delivery>, DeliveryLogError> {
        let found = self.port.of_endpoint(endpoint, since, after, limit);
        self.fuse.read(found, deliveries("list", endpoint)).await
    }

    async fn of_job(&self, job: JobId) -> Result<Vec<Delivery>, DeliveryLogError> {
        self.fuse.read(self.port.of_job(job), deliveries("list", job)).await
    }
}

fn deliveries(
    action: &'static str,
    about: impl ToString + Send,
) -> impl Fn(Source) -> DeliveryLogError + Send {
    move |source| DeliveryLogError { action, event: about.to_string(), source }
}

impl<T: EventPublisher> EventPublisher for Fused<T> {
    async fn publish(&self, event: &Event) -> Result<(), PublishError> {
        let died = |source| PublishError { detail_type: event.detail_type.clone(), source };
        self.fuse.change(self.port.publish(event), died).await
    }

    async fn announce(&self, announcement: &Announcement) -> Result<(), PublishError> {
        let died = |source| PublishError { detail_type: announcement.detail_type.clone(), source };
        self.fuse.change(self.port.announce(announcement), died).await
    }
}

impl<T: MessageSender> MessageSender for Fused<T> {
    async fn send(&self, body: &str, trace: Option<&TraceId>) -> Result<(), QueueError> {
        self.fuse.change(self.port.send(body, trace), queue("send to")).await
    }
}

impl<T: Visibility> Visibility for Fused<T> {
    async fn hide(&self, receipt_handle: &str, after: Duration) -> Result<(), QueueError> {
        self.fuse.change(self.port.hide(receipt_handle, after), queue("hide a message of")).await
    }
}

fn queue(action: &'static str) -> impl Fn(Source) -> QueueError + Send {
    move |source| QueueError { action, queue: "*".to_owned(), source }
}

impl<T: WebhookSender> WebhookSender for Fused<T> {
    async fn post(&self, request: &WebhookRequest) -> Result<WebhookAnswer, SendError> {
        self.fuse.change(self.port.post(request), SendError).await
    }
}

impl<T: VideoGenerator> VideoGenerator for Fused<T> {
    fn name(&self) -> &'static str {
        self.port.name()
    }

    fn resubmits_safely(&self) -> bool {
        self.port.resubmits_safely()
    }

    fn time_limit(&self) -> Duration {
        self.port.time_limit()
    }

    fn poll_every(&self) -> Duration {
        self.port.poll_every()
    }

    fn concurrency(&self) -> Option<u32> {
        self.port.concurrency()
    }

    fn quote(&self, wanted: &ClipOptions) -> Result<Quote, GenerationRefusal> {
        self.port.quote(wanted)
    }

    async fn submit(&self, order: &ClipOrder) -> Result<Submitted, SubmitError> {
        self.fuse.change(self.port.submit(order), SubmitError::Lost).await
    }

    async fn look(&self, order: &ClipOrder, job: &ProviderJob) -> Result<Look, LookError> {
        let died = |source| LookError { provider_job: job.id.clone(), source };
        self.fuse.read(self.port.look(order, job), died).await
    }

    async fn collect(
        &self,
        order: &ClipOrder,
        job: &ProviderJob,
        to: &Path,
    ) -> Result<Collected, CollectError> {
        let died = |source| CollectError { provider_job: job.id.clone(), source };
        self.fuse.change(self.port.collect(order, job, to), died).await
    }

    async fn call_off(
        &self,
        order: &ClipOrder,
        job: &ProviderJob,
    ) -> Result<CallOff, CallOffError> {
        let died = |source| CallOffError { provider_job: job.id.clone(), source };
        self.fuse.change(self.port.call_off(order, job), died).await
    }
}

impl<T: Rewrap> Rewrap for Fused<T> {
    async fn rewrap(
        &self,
        from: &Path,
        expected: Duration,
        keep_audio: bool,
        to: &Path,
    ) -> Result<Rewrapped, RewrapError> {
        let rewrap = self.port.rewrap(from, expected, keep_audio, to);
        self.fuse.read(rewrap, RewrapError::Fault).await
    }
}

impl<T: Renderer> Renderer for Fused<T> {
    async fn render(&self, order: &RenderOrder, work: &Path) -> Result<RenderOutput, RenderError> {
        self.fuse.change(self.port.render(order, work), RenderError::Fault).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{InMemoryStore, Moment, RecordingQueue};

    async fn put(store: &impl ObjectStore) -> Result<String, StoreError> {
        let key = ObjectKey::new("a").expect("valid");
        store.put(&key, Content::Bytes(b"a"), &ObjectMeta::default()).await
    }

    #[tokio::test]
    async fn a_process_that_died_before_a_call_has_not_made_it() {
        let (world, fuse) = (InMemoryStore::default(), Fuse::new(1, Moment::Before));
        let store = Fused::new(world.clone(), &fuse);

        assert!(put(&store).await.is_err());

        assert!(fuse.blown() && world.keys().is_empty());
    }

    #[tokio::test]
    async fn a_process_that_died_after_a_call_has_made_it_and_makes_no_other() {
        let (world, sent) = (InMemoryStore::default(), RecordingQueue::default());
        let fuse = Fuse::new(2, Moment::After);
        let (store, queue) = (Fused::new(world.clone(), &fuse), Fused::new(sent.clone(), &fuse));

        queue.send("1", None).await.expect("alive");
        assert!(put(&store).await.is_err());
        assert!(queue.send("2", None).await.is_err());
        assert!(store.list("", None).await.is_err());

        assert_eq!((world.keys(), sent.sent()), (vec!["a".to_owned()], vec!["1".to_owned()]));
        assert_eq!(fuse.count(), 2);
    }

    #[tokio::test]
    async fn reads_do_not_count() {
        let fuse = Fuse::never();
        let store = Fused::new(InMemoryStore::default(), &fuse);

        put(&store).await.expect("stored");
        store.list("", None).await.expect("listed");

        assert_eq!((fuse.count(), fuse.blown()), (1, false));
    }
}
