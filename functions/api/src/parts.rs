//! What the calls are put together from.

use std::time::Duration;

use ports::{
    Chronicle, Clock, DeliveryLog, Endpoints, EventPublisher, History, JobListing, JobStore,
    Ledger, MessageSender, Meters, ObjectStore, Recourse, Registers, Uploads,
};

/// The ports, one of each. A tuple of adapters in this order is one.
pub trait Parts: Send + Sync + 'static {
    /// The media bucket.
    type Store: ObjectStore + Uploads + Clone;
    /// Rows of jobs and their events.
    type Jobs: JobStore + History + JobListing + Clone;
    /// Where events go.
    type Bus: EventPublisher + Clone;
    /// What time it is.
    type Clock: Clock + Clone;
    /// What was ordered and paid.
    type Ledger: Ledger + Clone;
    /// Small shared documents.
    type Registers: Registers;
    /// What was delivered to whom.
    type Deliveries: DeliveryLog;
    /// Who asked to be told.
    type Endpoints: Endpoints;
    /// What is used.
    type Meters: Meters;
    /// Queues.
    type Queue: MessageSender + Clone;
}

impl<S, J, B, C, L, R, D, E, M, Q> Parts for (S, J, B, C, L, R, D, E, M, Q)
where
    S: ObjectStore + Uploads + Clone + 'static,
    J: JobStore + History + JobListing + Clone + 'static,
    B: EventPublisher + Clone + 'static,
    C: Clock + Clone + 'static,
    L: Ledger + Clone + 'static,
    R: Registers + 'static,
    D: DeliveryLog + 'static,
    E: Endpoints + 'static,
    M: Meters + 'static,
    Q: MessageSender + Clone + 'static,
{
    type Store = S;
    type Jobs = J;
    type Bus = B;
    type Clock = C;
    type Ledger = L;
    type Registers = R;
    type Deliveries = D;
    type Endpoints = E;
    type Meters = M;
    type Queue = Q;
}

/// Queues that calls send to: to have a failed stage tried again, a provider told, an event delivered
/// again.
#[derive(Clone, Debug)]
pub struct Queues<Q> {
    /// Notifications of uploads.
    pub ingest: Q,
    /// Orders for clips.
    pub ltx: Q,
    /// Notifications of clips.
    pub render: Q,
    /// Deliveries of events.
    pub deliver: Q,
}

/// What callers may do, and for how long things are good.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Jobs that a user may begin in a day (UTC); none: any number.
    pub jobs_per_day: Option<u64>,
    /// Bytes that a user may have stored; none: any number.
    pub bytes_stored: Option<u64>,
    /// How long a presigned upload in one piece is good.
    pub upload_expires: Duration,
    /// How long a presigned part is good.
    pub part_expires: Duration,
    /// How long a presigned download is good.
    pub download_expires: Duration,
    /// How long events are streamed before the client connects again.
    pub stream_for: Duration,
    /// Whether a stream ends with the first news, for a gateway that passes on whole answers only.
    pub stream_ends_with_news: bool,
    /// Whether addresses on this machine may be named, for development.
    pub allows_loopback: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            jobs_per_day: None,
            bytes_stored: None,
            upload_expires: Duration::from_mins(15),
            part_expires: Duration::from_hours(1),
            download_expires: Duration::from_hours(1),
            stream_for: Duration::from_mins(10),
            stream_ends_with_news: false,
            allows_loopback: false,
        }
    }
}

/// The front door, behind which every call has what it needs.
#[derive(Debug)]
pub struct Api<P: Parts> {
    /// Name of the media bucket.
    pub bucket: String,
    /// The media bucket.
    pub store: P::Store,
    /// Jobs and what is announced of them.
    pub chronicle: Chronicle<P::Jobs, P::Bus, P::Clock>,
    /// What was ordered and paid.
    pub ledger: P::Ledger,
    /// Small shared documents: keys of services.
    pub registers: P::Registers,
    /// What was delivered to whom.
    pub deliveries: P::Deliveries,
    /// Who asked to be told.
    pub endpoints: P::Endpoints,
    /// What is used.
    pub meters: P::Meters,
    /// Queues.
    pub queues: Queues<P::Queue>,
    /// What callers may do.
    pub rules: Rules,
}

/// [`Recourse`] on the ports.
pub(crate) type JobRecourse<P> = Recourse<
    <P as Parts>::Store,
    <P as Parts>::Jobs,
    <P as Parts>::Bus,
    <P as Parts>::Clock,
    <P as Parts>::Ledger,
    <P as Parts>::Queue,
>;

impl<P: Parts> Api<P> {
    /// What can be done about a job from outside.
    pub(crate) fn recourse(&self) -> JobRecourse<P> {
        let Chronicle { jobs, bus, clock } = &self.chronicle;
        Recourse {
            bucket: self.bucket.clone(),
            store: self.store.clone(),
            chronicle: Chronicle { jobs: jobs.clone(), bus: bus.clone(), clock: clock.clone() },
            ledger: self.ledger.clone(),
            ingest_queue: self.queues.ingest.clone(),
            ltx_queue: self.queues.ltx.clone(),
            render_queue: self.queues.render.clone(),
        }
    }
}
