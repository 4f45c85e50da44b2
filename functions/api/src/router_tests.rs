//! The door, from outside.

mod bodies;
mod document;
mod layers;
mod who;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use serde_json::{Value, json};

use crate::auth::ServiceKeys;
use crate::extract::Json;
use crate::router::behind;
use crate::test_world::{Fakes, World, answer, request};
use crate::{Api, Caller, Development, Door, Limits, Origin, Problem, Rate};

/// A door that knows nobody, and limits nobody.
fn door() -> Door {
    Door {
        tokens: None,
        service_keys: ServiceKeys::default(),
        development: None,
        cors_origins: vec![Origin::parse("https://app.example.com").expect("an origin")],
        is_behind_tls: false,
        limits: Limits::new(None, None),
        dependencies: Vec::new(),
        time_limit: Duration::from_secs(5),
    }
}

/// A door on the machine of a developer.
fn open_door() -> Door {
    Door { development: Some(Development::act_as("dev-1".to_owned())), ..door() }
}

fn rate(per_sec: u32, burst: u32) -> Option<Rate> {
    Some(Rate { per_sec: per_sec.try_into().ok()?, burst: burst.try_into().ok()? })
}

/// Calls that do what a test asks for.
fn calls() -> Router<Arc<Api<Fakes>>> {
    let who = |State(_): State<Arc<Api<Fakes>>>, caller: Caller| async move { caller.name() };
    let echo = |_: Caller, Json(body): Json<Value>| async move {
        match body["do"].as_str() {
            Some("panic") => panic!("a secret"),
            Some("sleep") => tokio::time::sleep(Duration::from_mins(10)).await,
            Some("refuse") => return Err(Problem::conflict("it is so")),
            _ => (),
        }
        Ok(axum::Json(body))
    };
    let events = |_: Result<Caller, Problem>| async { "whoever has a ticket" };
    let calls = Router::new().route("/api/who", get(who)).route("/api/echo", post(echo));
    calls.route("/api/jobs/{id}/events", get(events))
}

struct Asked {
    method: &'static str,
    path: &'static str,
    headers: Vec<(&'static str, String)>,
    body: Value,
}

/// A request of this machine.
fn ask(method: &'static str, path: &'static str) -> Asked {
    Asked { method, path, headers: vec![("host", "127.0.0.1:4701".to_owned())], body: Value::Null }
}

impl Asked {
    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.into()));
        self
    }

    fn body(self, body: Value) -> Self {
        Self { body, ..self }
    }

    async fn of(self, router: &Router) -> (StatusCode, HeaderMap, Value) {
        let headers: Vec<_> =
            self.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let request = request(self.method, self.path, &headers, &self.body);
        answer(router.clone(), request).await
    }
}

/// The test's calls behind `door`.
fn behind_door(door: Door) -> Router {
    behind(door, calls(), World::default().api)
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().expect("text"))
}

fn kind(problem: &Value) -> &str {
    problem["type"].as_str().and_then(|kind| kind.rsplit(':').next()).unwrap_or_default()
}
