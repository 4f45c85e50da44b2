//! The calls over ports in memory, for tests.
//!
//! ```ignore
//! let world = World::default().user("user-1");
//! let (status, headers, body) = world.call("POST", "/api/jobs", json!({ … })).await;
//! assert_eq!(world.api.chronicle.bus.detail_types(), ["JobCreated.v1"]);
//! ```

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::{Extension, Router};
use http_body_util::BodyExt;
use ports::Chronicle;
use serde_json::Value;
use testkit::{
    InMemoryDeliveries, InMemoryEndpoints, InMemoryJobs, InMemoryLedger, InMemoryMeters,
    InMemoryRegisters, InMemoryStore, RecordingBus, RecordingQueue, TestClock, samples,
};
use tower::ServiceExt;

use crate::{Api, Caller, Queues, Rules, calls};

/// Ports in memory.
pub(crate) type Fakes = (
    InMemoryStore,
    InMemoryJobs,
    RecordingBus,
    TestClock,
    InMemoryLedger,
    InMemoryRegisters,
    InMemoryDeliveries,
    InMemoryEndpoints,
    InMemoryMeters,
    RecordingQueue,
);

/// The calls over ports in memory, as somebody calls them. The ports are in `api`.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) api: Arc<Api<Fakes>>,
    caller: Option<Caller>,
}

impl Default for World {
    fn default() -> Self {
        Self::with(|_| ())
    }
}

impl World {
    /// A world that `change` has changed before anybody calls; nobody calls yet.
    pub(crate) fn with(change: impl FnOnce(&mut Api<Fakes>)) -> Self {
        let clock = TestClock::default();
        let mut api = Api {
            bucket: samples::BUCKET.to_owned(),
            store: InMemoryStore::timed_by(&clock),
            chronicle: Chronicle {
                jobs: InMemoryJobs::default(),
                bus: RecordingBus::default(),
                clock,
            },
            ledger: InMemoryLedger::default(),
            registers: InMemoryRegisters::default(),
            deliveries: InMemoryDeliveries::default(),
            endpoints: InMemoryEndpoints::default(),
            meters: InMemoryMeters::default(),
            queues: Queues {
                ingest: RecordingQueue::default(),
                ltx: RecordingQueue::default(),
                render: RecordingQueue::default(),
                deliver: RecordingQueue::default(),
            },
            rules: Rules::default(),
        };
        change(&mut api);
        Self { api: Arc::new(api), caller: None }
    }

    /// The same world, called by the user `id`. The owner of the sample jobs is `user-1`.
    pub(crate) fn user(&self, id: &str) -> Self {
        self.called_by(Caller::User(id.to_owned()))
    }

    /// The same world, called by a server.
    pub(crate) fn service(&self) -> Self {
        self.called_by(Caller::Service("n8n".to_owned()))
    }

    fn called_by(&self, caller: Caller) -> Self {
        Self { api: self.api.clone(), caller: Some(caller) }
    }

    /// The clock of everything.
    pub(crate) fn clock(&self) -> &TestClock {
        &self.api.chronicle.clock
    }

    /// The calls, without the door: who is calling is found out already.
    pub(crate) fn router(&self) -> Router {
        let calls = calls::routes().with_state(self.api.clone());
        match &self.caller {
            Some(caller) => calls.layer(Extension(caller.clone())),
            None => calls,
        }
    }

    /// Calls; `body` is sent as JSON unless it is null. The answer's body is null if it is no JSON.
    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        body: Value,
    ) -> (StatusCode, HeaderMap, Value) {
        self.send(request(method, path, &[], &body)).await
    }

    /// As [`World::call`], with headers.
    pub(crate) async fn call_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Value,
    ) -> (StatusCode, HeaderMap, Value) {
        self.send(request(method, path, headers, &body)).await
    }

    /// As [`World::call`], with a request that is put together elsewhere.
    pub(crate) async fn send(&self, request: Request<Body>) -> (StatusCode, HeaderMap, Value) {
        answer(self.router(), request).await
    }
}

/// A request; `body` is sent as JSON unless it is null.
pub(crate) fn request(
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &Value,
) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if body.is_null() {
        return request.body(Body::empty()).expect("a request");
    }
    let request = request.header(header::CONTENT_TYPE, "application/json");
    request.body(Body::from(body.to_string())).expect("a request")
}

/// What `router` answers.
pub(crate) async fn answer(
    router: Router,
    request: Request<Body>,
) -> (StatusCode, HeaderMap, Value) {
    let response = router.oneshot(request).await.expect("a router never fails");
    let (head, body) = response.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    (head.status, head.headers, serde_json::from_slice(&body).unwrap_or_default())
}
