//! Every function, polling its queue as Lambda's event source mapping does.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aws::{bus_event, delivery_request, ltx_request, s3_event, sqs};
use deliver::{Deliver, HttpSender};
use domain::{Caps, Timestamp};
use fetch::{Fetch, MAY_TAKE};
use film::PhotoLimits;
use futures::future::BoxFuture;
use guard::{Fetcher, Guard, Limits};
use ingest::Ingest;
use local_cloud::lambda::{EventSourceMapping, Invoke, poll, schedule};
use ltx::{Ltx, Policy};
use notify::Notify;
use ports::{
    Chronicle, Clock, Endpoint, EndpointError, Endpoints, HandleRecord, Renderer, Rewrap,
    SigningSecret, Source, SystemClock, VerifyPost, VideoGenerator, WebhookSecret,
};
use provider_webhook::ProviderWebhook;
use render::Render;
use supabase::{PostgRest, Project, Supabase};
use sweep::{Patience, Sweep};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::Home;
use crate::topology::{Function, Topology, Trigger};

/// How the functions are set up here; the rest is in the topology.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Pauses between attempts to tell them.
    pub schedule: Vec<Duration>,
    /// Where rows of jobs are kept for the rest of the business, if they are.
    pub supabase: Option<Project>,
    /// Where photos may be fetched from, and webhooks be posted to.
    pub guard: Guard,
    /// When the sweep looks into things.
    pub patience: Patience,
    /// What `ltx` may spend, and when it stops trying.
    pub policy: Policy,
    /// The pause after the first fault of a record; it doubles with every further one.
    pub first_retry: Duration,
    /// Where media lies on its way.
    pub work: PathBuf,
}

impl Settings {
    /// The usual settings on a laptop, with media under `work`.
    pub fn new(work: PathBuf) -> Self {
        Self {
            schedule: deliver::STANDARD_SCHEDULE.to_vec(),
            supabase: None,
            guard: Guard::with_loopback(),
            patience: Patience {
                nudge_after: Duration::from_mins(2),
                expire_after: Duration::from_hours(24),
                give_up_after: Duration::from_hours(24),
            },
            policy: Policy::default(),
            first_retry: Duration::from_secs(1),
            work,
        }
    }
}

/// Polls queues until it is stopped.
#[derive(Debug)]
pub struct Pollers {
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
    mappings: Vec<EventSourceMapping>,
    schedules: Vec<Schedule>,
}

/// When a function runs by the clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Name of the function.
    pub function: String,
    /// The pause between invocations.
    pub every: Duration,
    /// An invocation that takes longer has failed.
    pub function_timeout: Duration,
}

impl Default for Pollers {
    fn default() -> Self {
        Self {
            stop: CancellationToken::new(),
            tasks: Vec::new(),
            mappings: Vec::new(),
            schedules: Vec::new(),
        }
    }
}

impl Pollers {
    /// Feeds the function `name` from its queue in `home`.
    ///
    /// # Panics
    /// If the topology has no function of that name, or none that a queue with a dead-letter queue feeds.
    pub fn feed<H, P>(&mut self, home: &Home, name: &str, handler: H, parse: P, retry: Duration)
    where
        H: HandleRecord + 'static,
        P: Fn(&str) -> Result<H::Record, Source> + Copy + Send + Sync + 'static,
    {
        let function = function(&home.topology, name);
        let mapping = mapping(home, name, function);
        let queue_name = function.queue().expect("a queue feeds it");
        let source = &home.topology.queues[queue_name];
        let policy = Arc::new(sqs::RetryPolicy {
            first: retry,
            ..sqs::RetryPolicy::up_to(source.max_receive_count.unwrap_or(u32::MAX))
        });
        let queue = home.queue(queue_name);
        let dead_letters = source.dead_letter_queue.as_deref().expect("it has a dead-letter queue");
        let dead_letters = home.queue(dead_letters);
        let handler = Arc::new(handler);

        let invoke: Invoke = Arc::new(move |event| {
            let (handler, queue, policy) = (handler.clone(), queue.clone(), policy.clone());
            let dead_letters = dead_letters.clone();
            Box::pin(async move {
                let batch = serde_json::from_value(event)?;
                let inbound =
                    sqs::Inbound { queue: &queue, dead_letters: &dead_letters, policy: &policy };
                let answer = sqs::each_record(batch, &*handler, parse, &inbound).await;
                Ok(serde_json::to_value(answer)?)
            })
        });
        self.mappings.push(mapping.clone());
        self.tasks.push(poll(home.aws.sqs_client(), mapping, invoke, self.stop.clone()));
    }

    /// Runs the function `name` on its schedule.
    ///
    /// # Panics
    /// If the topology has no function of that name, or none that runs on a schedule.
    pub fn every<F>(&mut self, home: &Home, name: &str, run: F)
    where
        F: Fn() -> BoxFuture<'static, Result<(), Source>> + Send + Sync + 'static,
    {
        let function = function(&home.topology, name);
        let Trigger::Schedule { every_secs } = function.trigger else {
            panic!("{name} does not run on a schedule");
        };
        let invoke: Invoke = Arc::new(move |_| {
            let running = run();
            Box::pin(async move { running.await.map(|()| serde_json::Value::Null) })
        });
        let every = Duration::from_secs(every_secs.into());
        let function_timeout = function.timeout();
        self.schedules.push(Schedule { function: name.to_owned(), every, function_timeout });
        self.tasks.push(schedule(every, function_timeout, invoke, self.stop.clone()));
    }

    /// Which queue feeds which function, as it was set up.
    pub fn mappings(&self) -> &[EventSourceMapping] {
        &self.mappings
    }

    /// Which function runs by the clock, as it was set up.
    pub fn schedules(&self) -> &[Schedule] {
        &self.schedules
    }

    /// Stops receiving and lets running invocations end, within the grace that the pollers give.
    pub async fn stop(self) {
        self.stop.cancel();
        futures::future::join_all(self.tasks).await;
    }
}

fn function<'a>(topology: &'a Topology, name: &str) -> &'a Function {
    topology.functions.get(name).expect("the topology names every function")
}

fn mapping(home: &Home, name: &str, function: &Function) -> EventSourceMapping {
    let Trigger::Queue { queue, batch_size, batch_window_secs, maximum_concurrency } =
        &function.trigger
    else {
        panic!("no queue feeds {name}");
    };
    EventSourceMapping {
        function: name.to_owned(),
        queue_url: home.queue_url(queue),
        queue_arn: home.queue_arn(queue),
        region: crate::home::REGION.to_owned(),
        batch_size: *batch_size,
        batch_window: Duration::from_secs((*batch_window_secs).into()),
        maximum_concurrency: *maximum_concurrency,
        function_timeout: function.timeout(),
    }
}

/// Who does the film work.
#[derive(Clone, Debug)]
pub struct Crew<G, R, W> {
    /// Who films clips; the first is the default.
    pub generators: Vec<G>,
    /// Who makes videos of them.
    pub renderer: R,
    /// Who judges delivered clips.
    pub rewrap: W,
}

/// Starts every function of the chain that a queue or the clock triggers on `home`.
///
/// # Errors
/// If webhooks cannot be set up.
pub fn start<G, R, W>(
    home: &Home,
    settings: &Settings,
    crew: Crew<G, R, W>,
) -> Result<Pollers, reqwest::Error>
where
    G: VideoGenerator + 'static,
    R: Renderer + 'static,
    W: Rewrap + 'static,
{
    let mut pollers = Pollers::default();
    let retry = settings.first_retry;
    let chronicle = || Chronicle { jobs: home.jobs(), bus: home.bus(), clock: SystemClock };

    let fetch = Fetch {
        bucket: home.bucket_name(),
        store: home.bucket(),
        chronicle: chronicle(),
        elsewhere: Fetcher::new(settings.guard, Limits { total: MAY_TAKE, ..Limits::default() }),
        max_photo_bytes: PhotoLimits::default().max_bytes,
        may_take: MAY_TAKE,
    };
    pollers.feed(home, "fetch", fetch, s3_event::objects_created, retry);

    let ingest = Ingest {
        store: home.bucket(),
        chronicle: chronicle(),
        ltx_queue: home.queue("ltx"),
        limits: PhotoLimits::default(),
    };
    pollers.feed(home, "ingest", ingest, s3_event::objects_created, retry);

    let ltx = Ltx::<(_, _, _, _, _, _, _, _)> {
        store: home.bucket(),
        chronicle: chronicle(),
        ledger: home.ledger(),
        registers: home.registers(),
        generators: crew.generators,
        rewrap: crew.rewrap,
        policy: settings.policy.clone(),
        work: settings.work.clone(),
    };
    pollers.feed(home, "ltx", ltx, ltx_request::parse, retry);

    let render = Render {
        store: home.bucket(),
        chronicle: chronicle(),
        renderer: crew.renderer,
        work: settings.work.clone(),
    };
    pollers.feed(home, "render", render, s3_event::objects_created, retry);

    let notify = Notify {
        log: home.deliveries(),
        endpoints: home.endpoints(),
        queue: home.queue("deliver"),
        clock: SystemClock,
    };
    pollers.feed(home, "notify", notify, bus_event::parse, retry);

    let deliver = Deliver {
        log: home.deliveries(),
        endpoints: home.endpoints(),
        registers: home.registers(),
        bus: home.bus(),
        sender: HttpSender::new(settings.guard)?,
        clock: SystemClock,
        schedule: settings.schedule.clone(),
    };
    pollers.feed(home, "deliver", deliver, delivery_request::parse, retry);

    if let Some(project) = &settings.supabase {
        let supabase = Supabase { rows: PostgRest::new(project)?, jobs: home.jobs() };
        pollers.feed(home, "supabase", supabase, bus_event::parse, retry);
    }

    let sweep = Arc::new(sweep(home, settings.patience, settings.policy.caps, SystemClock));
    pollers.every(home, "sweep", move || {
        let sweep = sweep.clone();
        Box::pin(async move {
            let swept = sweep.run().await.map_err(Source::from)?;
            tracing::debug!(?swept, "swept");
            Ok(())
        })
    });
    Ok(pollers)
}

/// Has an endpoint of the house told about every job: one of this name is replaced.
///
/// # Errors
/// [`EndpointError`].
pub async fn register(
    home: &Home,
    name: &str,
    url: &str,
    secret: &WebhookSecret,
) -> Result<(), EndpointError> {
    let endpoints = home.endpoints();
    let before = endpoints.get(None, name).await?;
    let endpoint = Endpoint {
        id: name.to_owned(),
        owner: None,
        url: url.to_owned(),
        events: Vec::new(),
        secrets: vec![SigningSecret { secret: secret.clone(), until: None }],
        disabled: None,
        created_at: SystemClock.now(),
    };
    endpoints.write(before.as_ref(), &endpoint).await.map(drop)
}

/// Has an endpoint of the house told nothing any more.
///
/// # Errors
/// [`EndpointError`].
pub async fn unregister(home: &Home, name: &str) -> Result<(), EndpointError> {
    home.endpoints().delete(None, name).await
}

/// The function that hears from providers, on `home`.
pub fn provider_webhook<V: VerifyPost>(home: &Home, verifiers: Vec<V>) -> Hearing<V> {
    ProviderWebhook {
        jobs: home.jobs(),
        ledger: home.ledger(),
        registers: home.registers(),
        ltx_queue: home.queue("ltx"),
        clock: SystemClock,
        verifiers,
    }
}

/// `provider-webhook` on a home.
pub type Hearing<V> = ProviderWebhook<
    aws::DynamoJobs,
    aws::DynamoLedger,
    aws::DynamoRegisters,
    aws::SqsQueue,
    SystemClock,
    V,
>;

/// `sweep` on a home.
pub type Sweeper<C> = Sweep<
    aws::S3,
    aws::DynamoJobs,
    aws::EventBridge,
    C,
    aws::SqsQueue,
    aws::DynamoMeters,
    aws::DynamoLedger,
>;

/// The sweep of `home`.
pub fn sweep<C: Clock>(home: &Home, patience: Patience, caps: Caps, clock: C) -> Sweeper<C> {
    Sweep {
        meters: home.meters(),
        ledger: home.ledger(),
        caps,
        fetch_queue: home.queue("fetch"),
        bucket: home.bucket_name(),
        store: home.bucket(),
        chronicle: Chronicle { jobs: home.jobs(), bus: home.bus(), clock },
        ingest_queue: home.queue("ingest"),
        ltx_queue: home.queue("ltx"),
        render_queue: home.queue("render"),
        patience,
    }
}

/// How long ago `at` was.
pub fn age(at: Timestamp) -> Duration {
    SystemClock.now().since(at)
}
