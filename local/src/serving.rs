//! The front door of a home: the calls of `api` on this machine.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use api::{
    Api, DEVELOPER, Dependency, Development, HttpKeys, LimitConfig, Origin, Queues, Rules,
    ServiceKeyError, ServiceKeys, TokenConfig, any_service_key, quotas_from_vars, router,
    temporary_disk,
};
use axum::Router;
use axum::body::Body;
use axum::http::header;
use axum::middleware::map_response;
use axum::response::Response;
use futures::StreamExt;
use ports::{Chronicle, Clock, InvalidSetting, SystemClock};
use supabase::{PostgRest, Project};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::Home;

/// How long a call may take to begin its answer.
const TIME_LIMIT: Duration = Duration::from_secs(30);
/// How long calls that are under way may take to end when the door is closed.
const GRACE: Duration = Duration::from_secs(5);

/// The ports on a home.
type OnHome = (
    aws::S3,
    aws::DynamoJobs,
    aws::EventBridge,
    SystemClock,
    aws::DynamoLedger,
    aws::DynamoRegisters,
    aws::DynamoDeliveries,
    aws::DynamoEndpoints,
    aws::DynamoMeters,
    aws::SqsQueue,
);

/// The door could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ServingError {
    /// A setting cannot be read.
    #[error(transparent)]
    Setting(#[from] InvalidSetting),
    /// Somebody else listens there, or this machine has no such address.
    #[error("the API cannot listen at {address}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// Everybody could call.
    #[error(
        "{0} can be reached from elsewhere, and anybody could call: set SUPABASE_URL or \
         SUPABASE_JWT_SECRET, or make a key with `stillmotion key create NAME`"
    )]
    Open(SocketAddr),
    /// It is not known whether there is a key.
    #[error("keys")]
    Keys(#[from] ServiceKeyError),
    /// There is no TLS for calls to others.
    #[error("TLS")]
    Tls(#[from] reqwest::Error),
}

/// What the door is opened with; the rest is in the environment.
#[derive(Clone, Debug)]
pub struct FrontConfig {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Whose pages may call from a browser.
    pub cors_origins: Vec<Origin>,
    /// The project whose rows are kept, if any.
    pub project: Option<Project>,
    /// A folder for small files.
    pub work: std::path::PathBuf,
}

/// Answers calls until it is closed or dropped.
#[derive(Debug)]
pub struct Front {
    address: SocketAddr,
    is_for_developer: bool,
    stop: DropGuard,
    serving: JoinHandle<()>,
}

impl Front {
    /// Listens, and answers calls on `home`. `lookup` finds settings: those of tokens, limits and quotas.
    ///
    /// # Errors
    /// [`ServingError`].
    pub async fn open(
        home: &Home,
        config: FrontConfig,
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ServingError> {
        let tokens = TokenConfig::from_vars(&lookup)?;
        let limits = LimitConfig::from_vars(&lookup, LimitConfig::default())?;
        let address = config.listen;
        // Whoever calls from elsewhere is not let in to this machine by naming it in an address.
        let allows_loopback = address.ip().is_loopback();
        let rules = quotas_from_vars(&lookup, &Rules { allows_loopback, ..Rules::default() })?;
        let is_known =
            tokens.is_some() || any_service_key(&home.registers(), SystemClock.now()).await?;
        if !is_known && !address.ip().is_loopback() {
            return Err(ServingError::Open(address));
        }
        let listening = |source| ServingError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(listening)?;
        let address = listener.local_addr().map_err(listening)?;

        let door = api::Door {
            tokens: tokens.as_ref().map(TokenConfig::verifier).transpose()?,
            service_keys: ServiceKeys::default(),
            development: (!is_known).then(|| Development::act_as(DEVELOPER.to_owned())),
            dependencies: dependencies(home, &config, tokens.as_ref())?,
            cors_origins: config.cors_origins,
            is_behind_tls: false,
            limits: limits.limits(),
            time_limit: TIME_LIMIT,
        };
        let stop = CancellationToken::new();
        let router = ending(router(Arc::new(calls(home, rules)), door), stop.clone());
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let stopped = stop.clone().cancelled_owned();
        let serving = tokio::spawn(async move {
            // It never fails: a connection that cannot be accepted is tried again.
            let _ = axum::serve(listener, service).with_graceful_shutdown(stopped).await;
        });
        Ok(Self { address, is_for_developer: !is_known, stop: stop.drop_guard(), serving })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether requests that do not say who is calling act as whoever develops here.
    pub const fn is_for_developer(&self) -> bool {
        self.is_for_developer
    }

    /// Listens no more, ends streams, and lets calls end that are under way.
    pub async fn close(self) {
        drop(self.stop);
        let _ = tokio::time::timeout(GRACE, self.serving).await;
    }
}

/// Ends event streams when `stop` says so: they are never done by themselves.
fn ending(router: Router, stop: CancellationToken) -> Router {
    router.layer(map_response(move |response: Response| {
        let stop = stop.clone();
        async move {
            let media_type = response.headers().get(header::CONTENT_TYPE);
            if media_type.is_none_or(|is| !is.as_bytes().starts_with(b"text/event-stream")) {
                return response;
            }
            response.map(|body| {
                Body::from_stream(body.into_data_stream().take_until(stop.cancelled_owned()))
            })
        }
    }))
}

fn calls(home: &Home, rules: Rules) -> Api<OnHome> {
    Api {
        bucket: home.bucket_name(),
        store: home.bucket(),
        chronicle: Chronicle { jobs: home.jobs(), bus: home.bus(), clock: SystemClock },
        ledger: home.ledger(),
        registers: home.registers(),
        deliveries: home.deliveries(),
        endpoints: home.endpoints(),
        meters: home.meters(),
        queues: Queues {
            ingest: home.queue("ingest"),
            ltx: home.queue("ltx"),
            render: home.queue("render"),
            deliver: home.queue("deliver"),
        },
        rules,
    }
}

fn dependencies(
    home: &Home,
    config: &FrontConfig,
    tokens: Option<&TokenConfig>,
) -> Result<Vec<Dependency>, reqwest::Error> {
    let queue =
        |name, queue| Dependency::of(name, home.queue(queue), |it| async move { it.reach().await });
    let rows = config.project.as_ref().map(PostgRest::new).transpose()?;
    let supabase = match rows {
        Some(rows) => {
            Dependency::of("supabase", Arc::new(rows), |it| async move { Ok(it.ping().await?) })
        }
        None => Dependency { name: "supabase", check: None },
    };
    Ok(vec![
        Dependency::of("media bucket", home.bucket(), |it| async move { it.reach().await }),
        Dependency::of("table jobs", home.jobs(), |it| async move { it.reach().await }),
        Dependency::of("table ledger", home.ledger(), |it| async move { it.reach().await }),
        Dependency::of("table registers", home.registers(), |it| async move { it.reach().await }),
        Dependency::of("table deliveries", home.deliveries(), |it| async move { it.reach().await }),
        Dependency::of("table endpoints", home.endpoints(), |it| async move { it.reach().await }),
        Dependency::of("table meters", home.meters(), |it| async move { it.reach().await }),
        queue("queue ingest", "ingest"),
        queue("queue ltx", "ltx"),
        queue("queue render", "render"),
        queue("queue deliver", "deliver"),
        Dependency::of("event bus", home.bus(), |it| async move { it.reach().await }),
        HttpKeys::dependency(tokens.and_then(|tokens| tokens.keys_url.clone()))?,
        supabase,
        temporary_disk(config.work.clone()),
    ])
}
