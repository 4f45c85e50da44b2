//! The side of Lambda that a program talks to.
//!
//! Source: AWS Lambda developer guide, "Using the Lambda runtime API for custom runtimes".

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

const BASE: &str = "/2018-06-01/runtime";
/// Header that names the kind of an error.
const ERROR_TYPE: &str = "lambda-runtime-function-error-type";

/// What a program says instead of an answer.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Reported {
    /// What kind of error it is.
    pub(crate) error_type: String,
    /// What happened.
    pub(crate) error_message: String,
}

/// What became of an invocation.
pub(crate) type Outcome = Result<Value, Reported>;

/// An event on its way to a program.
struct Invocation {
    event: Bytes,
    deadline: SystemTime,
    reply: oneshot::Sender<Outcome>,
}

struct Shared {
    function_arn: String,
    waiting: tokio::sync::Mutex<mpsc::UnboundedReceiver<Invocation>>,
    /// Who waits for the answer to an invocation that a program has taken.
    taken: Mutex<HashMap<String, oneshot::Sender<Outcome>>>,
    asked: watch::Sender<u64>,
    init_errors: Mutex<Vec<Reported>>,
}

/// A Runtime API for one program.
#[derive(Debug)]
pub(crate) struct Runtime {
    address: SocketAddr,
    events: mpsc::UnboundedSender<Invocation>,
    asked: watch::Receiver<u64>,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("function_arn", &self.function_arn).finish_non_exhaustive()
    }
}

impl Runtime {
    /// Listens on loopback.
    pub(crate) async fn start(function_arn: String) -> Self {
        let (events, waiting) = mpsc::unbounded_channel();
        let (asked, watched) = watch::channel(0);
        let shared = Arc::new(Shared {
            function_arn,
            waiting: tokio::sync::Mutex::new(waiting),
            taken: Mutex::default(),
            asked,
            init_errors: Mutex::default(),
        });
        let router = Router::new()
            .route(&format!("{BASE}/invocation/next"), get(next))
            .route(&format!("{BASE}/invocation/{{id}}/response"), post(response))
            .route(&format!("{BASE}/invocation/{{id}}/error"), post(error))
            .route(&format!("{BASE}/init/error"), post(init_error))
            .with_state(shared.clone());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let serving = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("it serves");
        });
        Self { address, events, asked: watched, shared, serving }
    }

    /// `AWS_LAMBDA_RUNTIME_API`.
    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// Waits until the program has asked for its first event: it is initialised then.
    pub(crate) async fn is_asked(&self) {
        let mut asked = self.asked.clone();
        asked
            .wait_for(|times| *times > 0)
            .await
            .expect("the runtime lives as long as its watchers");
    }

    /// Has the program get `event`; what it says of it, if it says anything.
    pub(crate) async fn invoke(&self, event: Bytes, limit: Duration) -> Option<Outcome> {
        let (reply, answer) = oneshot::channel();
        let invocation = Invocation { event, deadline: SystemTime::now() + limit, reply };
        self.events.send(invocation).expect("the runtime is there");
        answer.await.ok()
    }

    /// What the program reported of its own start.
    pub(crate) fn init_errors(&self) -> Vec<Reported> {
        self.shared.init_errors.lock().expect("not poisoned").clone()
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn next(State(shared): State<Arc<Shared>>) -> Response {
    shared.asked.send_modify(|times| *times += 1);
    let Some(invocation) = shared.waiting.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let number = *shared.asked.borrow();
    // The ids of Lambda are UUIDs.
    let id = format!("8476a536-e9f4-11e8-9739-{number:012x}");
    shared.taken.lock().expect("not poisoned").insert(id.clone(), invocation.reply);
    let deadline = invocation.deadline.duration_since(UNIX_EPOCH).expect("after 1970");
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("lambda-runtime-aws-request-id", id),
        ("lambda-runtime-deadline-ms", deadline.as_millis().to_string()),
        ("lambda-runtime-invoked-function-arn", shared.function_arn.clone()),
        (
            "lambda-runtime-trace-id",
            format!("Root=1-5bef4de7-{number:024x};Parent=9a9197af755a6419;Sampled=1"),
        ),
    ];
    (headers, invocation.event).into_response()
}

async fn response(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    let answer = serde_json::from_slice(&body);
    let outcome = answer.map_err(|error| Reported {
        error_type: "Runtime.InvalidAnswer".to_owned(),
        error_message: error.to_string(),
    });
    settle(&shared, &id, outcome)
}

async fn error(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    settle(&shared, &id, Err(reported(&headers, &body)))
}

async fn init_error(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let reported = reported(&headers, &body);
    shared.init_errors.lock().expect("not poisoned").push(reported);
    StatusCode::ACCEPTED
}

fn reported(headers: &HeaderMap, body: &[u8]) -> Reported {
    let named = headers.get(ERROR_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    serde_json::from_slice(body).unwrap_or_else(|_| Reported {
        error_type: named.to_owned(),
        error_message: String::from_utf8_lossy(body).into_owned(),
    })
}

fn settle(shared: &Shared, id: &str, outcome: Outcome) -> Response {
    let taken = shared.taken.lock().expect("not poisoned").remove(id);
    let Some(reply) = taken else {
        let refusal = r#"{"errorMessage":"no such request","errorType":"InvalidRequestID"}"#;
        return (StatusCode::BAD_REQUEST, refusal).into_response();
    };
    // Nobody waits for it any more where the time was over.
    let _ = reply.send(outcome);
    (StatusCode::ACCEPTED, r#"{"status":"OK"}"#).into_response()
}
