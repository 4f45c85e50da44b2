//! fal: a queue that is looked at, results that may be errors, and signed webhooks.

use std::sync::Arc;

use http::header::HeaderName;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::asked::Asked;
use crate::books::{Ask, Entry, Upload};
use crate::contract::{self, Documented};
use crate::name::{Endpoint, Name};
use crate::order::State;
use crate::photo::Photos;
use crate::providers::{Providers, now};
use crate::reply::Reply;
use crate::switches::Failure;
use crate::webhooks;

mod request;
mod signer;

pub(crate) use signer::Signer;

/// The header by which a request is told from others.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-fal-request-id");

/// Every answer of fal that is documented and not a yes.
pub fn documented() -> Vec<Documented> {
    contract::documented(Name::Fal)
}

pub(crate) fn answer(providers: &Arc<Providers>, asked: &Asked) -> Reply {
    if asked.what == Endpoint::Jwks {
        return of("jwks.answer").with("/keys", providers.signer.public_keys());
    }
    if !providers.admits(Name::Fal, &asked.headers) {
        return of("error.401");
    }
    let id = asked.segment(3);
    match asked.what {
        Endpoint::Submit => submit(providers, asked),
        Endpoint::Look => look(providers, id, asked.query("logs").is_some_and(|logs| logs == "1")),
        Endpoint::Result => result(providers, id).header(REQUEST_ID.as_str(), id),
        Endpoint::Cancel => cancel(providers, id),
        Endpoint::Upload => upload(providers, &asked.json()),
        // URLs of requests that were built with the whole path of the model.
        _ if asked.segments.iter().any(|part| part == "requests") => {
            of("error.404").status(405).with("/detail", "Method Not Allowed")
        }
        _ => of("error.404"),
    }
}

fn of(contract: &str) -> Reply {
    Reply::of(Name::Fal, contract)
}

fn submit(providers: &Arc<Providers>, asked: &Asked) -> Reply {
    let (model, body) = (asked.segments.join("/"), asked.json());
    let mut books = providers.books(Name::Fal);
    let mut faults = request::faults(&model, &body);
    let own = format!("{}/media/files/fal/", providers.root);
    let photos = Photos { own, max_data_uri: usize::MAX };
    let photo = match body["image_url"].as_str().map(|image| photos.size_bytes(image, &books)) {
        Some(Ok(photo)) => photo,
        Some(Err(message)) => {
            let fault = request::fault("image_url", &message, "file_download_error", &body);
            faults.push(fault);
            None
        }
        None => None,
    };
    if !faults.is_empty() {
        return of("error.422-input").with("/detail", faults);
    }
    let ask = Ask {
        id: Uuid::new_v4().to_string(),
        prompt: body["prompt"].as_str().unwrap_or_default().to_owned(),
        model,
        photo,
        webhook: asked.query("fal_webhook"),
        events: Vec::new(),
        credits: 0,
        body,
    };
    let Some(entry) = books.take(ask, now()).cloned() else { return of("error.429") };
    let before = books.before(&entry.order.id);
    drop(books);
    webhooks::follow(providers, Name::Fal, &entry);
    located(providers, of("submit.answer"), &entry)
        .with("/gateway_request_id", entry.order.id.as_str())
        .with("/queue_position", before)
        .header(REQUEST_ID.as_str(), &entry.order.id)
}

/// With the URLs of the request, in which nothing of the model but owner and app is left.
fn located(providers: &Providers, reply: Reply, entry: &Entry) -> Reply {
    let app: Vec<&str> = entry.order.model.splitn(3, '/').take(2).collect();
    let id = entry.order.id.as_str();
    let url = format!("{}/{}/requests/{id}", providers.base(Name::Fal), app.join("/"));
    reply
        .with("/request_id", id)
        .with("/status_url", format!("{url}/status"))
        .with("/cancel_url", format!("{url}/cancel"))
        .with("/response_url", url)
}

fn look(providers: &Providers, id: &str, logs: bool) -> Reply {
    let mut books = providers.books(Name::Fal);
    let Some(entry) = books.entry(id, now()).cloned() else { return of("error.404") };
    let before = books.before(id);
    drop(books);
    let shown = if logs { json!([]) } else { Value::Null };
    let reply = match entry.order.state {
        State::Waiting | State::Starting => of("look.in-queue").with("/queue_position", before),
        State::Running => of("look.in-progress").with("/logs", shown),
        _ => of("look.completed")
            .with("/logs", shown)
            .with("/metrics/inference_time", entry.worked().as_secs_f64()),
    };
    located(providers, reply, &entry)
}

fn result(providers: &Providers, id: &str) -> Reply {
    let entry = providers.books(Name::Fal).entry(id, now()).cloned();
    let Some(entry) = entry else { return of("error.404") };
    outcome(providers, &entry)
}

/// What became of a request.
pub(crate) fn outcome(providers: &Providers, entry: &Entry) -> Reply {
    let body = &entry.order.body;
    match (entry.order.state, entry.failure()) {
        (State::Waiting | State::Starting | State::Running, _) => {
            of("error.400-bad-request").with("/detail", "Request is still in progress")
        }
        (State::Succeeded, _) => of("result.answer")
            .with("/video/url", providers.result_url(Name::Fal, &entry.order.id))
            .with("/video/file_size", providers.file(Name::Fal).size_bytes()),
        (State::Cancelled, _) => of("error.499-client-cancelled"),
        (_, Some(Failure::Moderation)) => {
            of("error.422-moderation").with("/detail/0/input", body["prompt"].clone())
        }
        (_, Some(Failure::Input)) => {
            of("error.422-image").with("/detail/0/input", body["image_url"].clone())
        }
        (_, Some(Failure::Internal) | None) => of("error.500-runner-server-error"),
    }
}

/// The body of the webhook of a request that has ended.
pub(crate) fn webhook(providers: &Providers, entry: &Entry) -> Value {
    let id = entry.order.id.as_str();
    let outcome = outcome(providers, entry);
    let (status, good) = (outcome.status, outcome.status == 200);
    let contract = if good { "webhook.ok" } else { "webhook.error" };
    let mut body = contract::contract(Name::Fal, contract)["body"].take();
    body["request_id"] = id.into();
    body["gateway_request_id"] = id.into();
    if !good {
        body["error"] = format!("Invalid status code: {status}").into();
    }
    body["payload"] = outcome.into_json();
    body
}

/// Calls off what waits. What is worked on is told, and ends all the same.
fn cancel(providers: &Providers, id: &str) -> Reply {
    let mut books = providers.books(Name::Fal);
    let Some(entry) = books.entry(id, now()) else { return of("cancel.unknown") };
    match entry.order.state {
        State::Waiting | State::Starting => {
            entry.cancel(now());
            of("cancel.answer")
        }
        State::Running => of("cancel.requested"),
        _ => of("cancel.too-late"),
    }
}

fn upload(providers: &Providers, body: &Value) -> Reply {
    let missing = |key: &&&str| body[**key].as_str().is_none_or(str::is_empty);
    if let Some(key) = ["content_type", "file_name"].iter().find(missing) {
        let fault = request::fault(key, "Field required", "missing", body);
        return of("error.422-input").with("/detail", vec![fault]);
    }
    let id = Uuid::new_v4().simple().to_string();
    let file_name = body["file_name"].as_str().unwrap_or_default();
    providers.books(Name::Fal).uploads.insert(id.clone(), Upload::default());
    of("upload.answer")
        .with("/upload_url", providers.links.upload(Name::Fal, &id))
        .with("/file_url", format!("{}/media/files/fal/{id}/{file_name}", providers.root))
}
