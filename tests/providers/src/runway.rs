//! Runway: tasks, which wait rather than being refused, and tell what they cost.

use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::asked::Asked;
use crate::books::{Ask, Entry, Upload};
use crate::clock::rfc3339;
use crate::contract::{self, Documented};
use crate::keys::RUNWAY_VERSION;
use crate::name::{Endpoint, Name};
use crate::order::State;
use crate::photo::Photos;
use crate::providers::{Providers, now};
use crate::reply::Reply;
use crate::switches::Failure;

mod request;

const UPLOADS: &str = "runway://";
/// Longest data URI, in bytes.
const MAX_DATA_URI: usize = 5_000_000;

/// Every answer of Runway that is documented and not a yes.
pub fn documented() -> Vec<Documented> {
    contract::documented(Name::Runway)
}

pub(crate) fn answer(providers: &Arc<Providers>, asked: &Asked) -> Reply {
    if !providers.admits(Name::Runway, &asked.headers) {
        return of("error.401");
    }
    if asked.headers.get("x-runway-version").is_none_or(|version| *version != RUNWAY_VERSION) {
        return of("error.400-version");
    }
    match asked.what {
        Endpoint::Submit => submit(providers, &asked.json()),
        Endpoint::Look => look(providers, asked.segment(2)),
        Endpoint::Cancel => cancel(providers, asked.segment(2)),
        Endpoint::Upload => upload(providers, &asked.json()),
        Endpoint::Account => of("account.answer"),
        _ if ["image_to_video", "tasks", "uploads", "organization"].contains(&asked.segment(1)) => {
            of("error.405")
        }
        _ => of("error.404"),
    }
}

fn of(contract: &str) -> Reply {
    Reply::of(Name::Runway, contract)
}

fn invalid(issues: Vec<Value>) -> Reply {
    of("error.400-validation").with("/issues", issues)
}

fn submit(providers: &Providers, body: &Value) -> Reply {
    let mut books = providers.books(Name::Runway);
    let mut issues = request::issues(body);
    let photos = Photos { own: UPLOADS.to_owned(), max_data_uri: MAX_DATA_URI };
    let image = request::image(body).map(|image| photos.size_bytes(image, &books));
    let photo = match image {
        Some(Ok(photo)) => photo,
        Some(Err(message)) => {
            issues.push(request::issue("custom", &message, "promptImage"));
            None
        }
        None => None,
    };
    if !issues.is_empty() {
        return invalid(issues);
    }
    let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
    let ask = Ask {
        id: Uuid::new_v4().to_string(),
        prompt: text("promptText"),
        model: text("model"),
        body: body.clone(),
        photo,
        webhook: None,
        events: Vec::new(),
        credits: request::credits(body),
    };
    match books.take(ask, now()) {
        Some(entry) => of("submit.answer")
            .with("/id", entry.order.id.as_str())
            .with("/estimatedCost/credits", entry.credits),
        None => of("error.503"),
    }
}

fn look(providers: &Providers, id: &str) -> Reply {
    let now = now();
    let entry = providers.books(Name::Runway).entry(id, now).cloned();
    let Some(entry) = entry else { return of("error.404") };
    let reply = of(status(&entry)).with("/id", id).with("/createdAt", rfc3339(entry.order.at));
    match entry.order.state {
        State::Waiting | State::Starting => reply.with("/estimatedCost/credits", entry.credits),
        State::Running => reply
            .with("/estimatedCost/credits", entry.credits)
            .with("/progress", entry.progress(now)),
        State::Succeeded => reply
            .with("/cost/credits", entry.credits)
            .with("/output", json!([providers.result_url(Name::Runway, id)])),
        State::Failed | State::Cancelled | State::Aborted => {
            let credits = if entry.order.billed { entry.credits } else { 0 };
            reply.with("/cost/credits", credits)
        }
    }
}

fn status(entry: &Entry) -> &'static str {
    match (entry.order.state, entry.failure()) {
        (State::Waiting, _) => "look.throttled",
        (State::Starting, _) => "look.pending",
        (State::Running, _) => "look.running",
        (State::Succeeded, _) => "look.succeeded",
        (State::Cancelled, _) => "look.cancelled",
        (_, Some(Failure::Moderation)) => "look.failed",
        (_, Some(Failure::Input)) => "look.failed-input",
        (_, Some(Failure::Internal) | None) => "look.failed-bad-output",
    }
}

/// Calls off what is under way, and removes what has ended.
fn cancel(providers: &Providers, id: &str) -> Reply {
    let mut books = providers.books(Name::Runway);
    let Some(entry) = books.entry(id, now()) else { return of("error.404") };
    entry.deleted = entry.order.state.is_final();
    entry.cancel(now());
    of("cancel.answer")
}

fn upload(providers: &Providers, body: &Value) -> Reply {
    let Some(name) = body["filename"].as_str().filter(|name| !name.is_empty()) else {
        return invalid(vec![request::issue("invalid_type", "Required", "filename")]);
    };
    if body["type"] != "ephemeral" {
        return invalid(vec![request::issue("invalid_value", "Must be ephemeral", "type")]);
    }
    let id = Uuid::new_v4().to_string();
    let fields = [
        ("key", format!("{id}/{name}")),
        ("policy", "eyJjb25kaXRpb25zIjpbXX0=".to_owned()),
        ("x-amz-signature", Uuid::new_v4().simple().to_string()),
    ]
    .map(|(key, value)| (key.to_owned(), value));
    let shown: serde_json::Map<String, Value> =
        fields.iter().map(|(key, value)| (key.clone(), value.as_str().into())).collect();
    let upload = Upload { fields: fields.to_vec(), received: None };
    providers.books(Name::Runway).uploads.insert(id.clone(), upload);
    of("upload.answer")
        .with("/uploadUrl", providers.links.upload(Name::Runway, &id))
        .with("/fields", shown)
        .with("/runwayUri", format!("{UPLOADS}{id}"))
}
