//! Whether the door works, and what is behind it.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use futures::future::{BoxFuture, join_all};
use ports::{Chain, Source};
use serde::Serialize;
use tokio::sync::Mutex;
use utoipa::ToSchema;

use crate::openapi::Open;

/// How long a dependency may take to answer.
const ANSWER_TIME: Duration = Duration::from_secs(2);
/// How long an answer is good: anybody may ask, and every question is asked on.
const GOOD_FOR: Duration = Duration::from_secs(2);

/// Asks a dependency whether it answers.
pub type Check = Box<dyn Fn() -> BoxFuture<'static, Result<(), Source>> + Send + Sync>;

/// Something that the door cannot do without.
pub struct Dependency {
    /// Its name, as an operator knows it. Anybody can read it.
    pub name: &'static str,
    /// How to ask it; none: it is not configured.
    pub check: Option<Check>,
}

impl Dependency {
    /// A dependency that `check` asks.
    pub fn new<F, R>(name: &'static str, check: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), Source>> + Send + 'static,
    {
        Self { name, check: Some(Box::new(move || Box::pin(check()))) }
    }

    /// A dependency that `adapter` reaches, as `reach` asks it.
    pub fn of<A, F, R>(name: &'static str, adapter: A, reach: F) -> Self
    where
        A: Clone + Send + Sync + 'static,
        F: Fn(A) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), Source>> + Send + 'static,
    {
        Self::new(name, move || reach(adapter.clone()))
    }

    async fn ask(&self) -> Asked {
        let began = Instant::now();
        let answer = match &self.check {
            None => {
                let state = Standing::NotConfigured;
                return Asked { name: self.name, state, ms: 0, detail: None };
            }
            Some(check) => tokio::time::timeout(ANSWER_TIME, check()).await,
        };
        let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (state, detail) = match answer {
            Ok(Ok(())) => (Standing::Up, None),
            Ok(Err(error)) => {
                tracing::warn!(dependency = self.name, error = %Chain(&*error), "it is not ready");
                // What it said may name addresses: the log has it.
                (Standing::Down, Some("it answered with an error, or could not be reached"))
            }
            Err(_) => (Standing::Down, Some("it did not answer within 2 seconds")),
        };
        Asked { name: self.name, state, ms, detail }
    }
}

impl fmt::Debug for Dependency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Dependency").field(&self.name).finish()
    }
}

/// Whether a small file can be written and read at `folder`.
pub fn temporary_disk(folder: std::path::PathBuf) -> Dependency {
    Dependency::new("temporary disk", move || {
        let file = folder.join(format!("ready-{}", uuid::Uuid::new_v4()));
        async move {
            let written = tokio::fs::write(&file, b"ready").await;
            let removed = tokio::fs::remove_file(&file).await;
            Ok(written.and(removed)?)
        }
    })
}

/// How a dependency is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
enum Standing {
    /// It answers.
    #[serde(rename = "up")]
    Up,
    /// It does not, or says that it cannot work.
    #[serde(rename = "down")]
    Down,
    /// This stage works without it.
    #[serde(rename = "not configured")]
    NotConfigured,
}

/// What was asked of a dependency.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Asked {
    /// Its name.
    name: &'static str,
    /// How it is.
    state: Standing,
    /// How long it took to answer, in milliseconds.
    ms: u64,
    /// What is the matter, if it is down.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'static str>,
}

/// Whether requests can be dealt with.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Readiness {
    /// Whether every dependency that is configured answers.
    ready: bool,
    /// Each of them.
    dependencies: Vec<Asked>,
}

/// Asks dependencies, and remembers for a moment what they said.
#[derive(Debug)]
pub(crate) struct Readied {
    dependencies: Vec<Dependency>,
    last: Mutex<Option<(Instant, Readiness)>>,
}

impl Readied {
    pub(crate) fn new(dependencies: Vec<Dependency>) -> Self {
        Self { dependencies, last: Mutex::default() }
    }

    async fn ask(&self) -> Readiness {
        let mut last = self.last.lock().await;
        if let Some((at, known)) = &*last
            && at.elapsed() < GOOD_FOR
        {
            return known.clone();
        }
        let dependencies = join_all(self.dependencies.iter().map(Dependency::ask)).await;
        let ready = dependencies.iter().all(|asked| asked.state != Standing::Down);
        let known = Readiness { ready, dependencies };
        *last = Some((Instant::now(), known.clone()));
        known
    }
}

/// Whether the process is up.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// Always `up`: who is not answers nothing.
    state: &'static str,
    /// Version of the program.
    version: &'static str,
}

/// Whether the process is up.
///
/// Asks nobody else: see `/ready`.
#[utoipa::path(
    get,
    path = "/health",
    operation_id = "health",
    tag = "door",
    security(()),
    responses(
        (status = 200, description = "It is.", body = Health,
            example = json!({ "state": "up", "version": "0.1.0" })),
        Open,
    ),
)]
pub(crate) async fn health() -> axum::Json<Health> {
    axum::Json(Health { state: "up", version: env!("CARGO_PKG_VERSION") })
}

/// Whether requests can be dealt with.
///
/// Every dependency is asked, all at once, each for 2 seconds at most. An answer is good for 2 seconds.
#[utoipa::path(
    get,
    path = "/ready",
    operation_id = "ready",
    tag = "door",
    security(()),
    responses(
        (status = 200, description = "They can.", body = Readiness, example = json!({
            "ready": true,
            "dependencies": [
                { "name": "media bucket", "state": "up", "ms": 4 },
                { "name": "supabase", "state": "not configured", "ms": 0 },
            ],
        })),
        (status = 503, description = "They cannot.", body = Readiness, example = json!({
            "ready": false,
            "dependencies": [{
                "name": "media bucket",
                "state": "down",
                "ms": 2000,
                "detail": "it did not answer within 2 seconds",
            }],
        })),
        Open,
    ),
)]
pub(crate) async fn ready(State(readied): State<Arc<Readied>>) -> Response {
    let known = readied.ask().await;
    let status = if known.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, axum::Json(known)).into_response()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn told(readiness: &Readiness) -> Vec<(&str, Standing)> {
        readiness.dependencies.iter().map(|asked| (asked.name, asked.state)).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn every_dependency_is_asked_and_none_is_waited_for() {
        let readied = Readied::new(vec![
            Dependency::new("good", || async { Ok(()) }),
            Dependency::new("bad", || async { Err("connect to 10.0.0.7: refused".into()) }),
            Dependency::new("slow", std::future::pending),
            Dependency { name: "absent", check: None },
        ]);

        let readiness = readied.ask().await;

        let (up, down) = (Standing::Up, Standing::Down);
        let absent = Standing::NotConfigured;
        assert!(!readiness.ready);
        assert_eq!(
            told(&readiness),
            [("good", up), ("bad", down), ("slow", down), ("absent", absent)]
        );
        assert!(!serde_json::to_string(&readiness).expect("JSON").contains("10.0.0.7"));
    }

    #[tokio::test]
    async fn many_questions_are_asked_on_once() {
        let asked = Arc::new(AtomicU32::new(0));
        let count = asked.clone();
        let readied = Readied::new(vec![Dependency::new("good", move || {
            count.fetch_add(1, Ordering::SeqCst);
            async { Ok(()) }
        })]);

        let all = join_all((0..20).map(|_| readied.ask())).await;

        assert!(all.iter().all(|readiness| readiness.ready));
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn the_disk_is_left_as_it_was() {
        let folder = std::env::temp_dir().join(format!("ready-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&folder).expect("a folder");

        let asked = temporary_disk(folder.clone()).ask().await;

        assert_eq!(asked.state, Standing::Up);
        assert_eq!(std::fs::read_dir(&folder).expect("a folder").count(), 0);
        std::fs::remove_dir(&folder).expect("empty");
        assert_eq!(temporary_disk(folder).ask().await.state, Standing::Down);
    }
}
