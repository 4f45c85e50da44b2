//! Replicate: predictions, and signed webhooks when they end.

use std::sync::Arc;
use std::time::Duration;

use http::header::{CONTENT_TYPE, HeaderName};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::asked::Asked;
use crate::books::{Ask, Books, Entry, Upload};
use crate::clock::rfc3339;
use crate::contract::{self, Documented};
use crate::media::{hex, multipart};
use crate::name::{Endpoint, Name};
use crate::order::State;
use crate::photo::Photos;
use crate::providers::{Providers, now};
use crate::reply::Reply;
use crate::switches::{Download, Failure, OutputShape};
use crate::webhooks;

mod request;
pub(crate) mod signature;

const PREFER: HeaderName = HeaderName::from_static("prefer");
/// The longest that an answer is held, in seconds.
const MAX_WAIT_SECS: u64 = 60;
const FILE_LIFE: Duration = Duration::from_hours(24);

/// Every answer of Replicate that is documented and not a yes.
pub fn documented() -> Vec<Documented> {
    contract::documented(Name::Replicate)
}

pub(crate) async fn answer(providers: &Arc<Providers>, asked: &Asked) -> Reply {
    if !providers.admits(Name::Replicate, &asked.headers) {
        return of("error.401");
    }
    match asked.what {
        Endpoint::Submit => submit(providers, asked).await,
        Endpoint::Look => look(providers, asked.segment(1)),
        Endpoint::Cancel => cancel(providers, asked.segment(1)),
        Endpoint::Upload => upload(providers, asked),
        Endpoint::Secret => of("secret.answer").with("/key", providers.webhook_secret.as_str()),
        Endpoint::Account => of("account.answer"),
        _ => of("error.404"),
    }
}

fn of(contract: &str) -> Reply {
    Reply::of(Name::Replicate, contract)
}

async fn submit(providers: &Arc<Providers>, asked: &Asked) -> Reply {
    let entry = match take(providers, asked) {
        Ok(entry) => entry,
        Err(refusal) => return refusal,
    };
    webhooks::follow(providers, Name::Replicate, &entry);
    let wait = asked.header(PREFER).and_then(wait).filter(|_| !asked.hurried);
    let Some(wait) = wait else {
        let body = prediction(providers, &entry);
        return Reply::json(of("submit.answer").status, body);
    };
    tokio::time::sleep(wait.min(entry.latency)).await;
    let entry = providers.books(Name::Replicate).entry(&entry.order.id, now()).cloned();
    let Some(entry) = entry else { return of("error.404") };
    let ended = entry.order.state.is_final();
    let contract = if ended { "submit.answer" } else { "submit.answer-held" };
    Reply::json(of(contract).status, prediction(providers, &entry))
}

/// How long the customer would have the answer held.
fn wait(prefer: &str) -> Option<Duration> {
    let secs = match prefer.strip_prefix("wait")? {
        "" => MAX_WAIT_SECS,
        rest => rest.strip_prefix('=')?.parse().ok()?,
    };
    Some(Duration::from_secs(secs.min(MAX_WAIT_SECS)))
}

fn take(providers: &Providers, asked: &Asked) -> Result<Entry, Reply> {
    let body = asked.json();
    let mut books = providers.books(Name::Replicate);
    let model = match asked.segments.as_slice() {
        [_, owner, name, _] => Some(format!("{owner}/{name}")),
        _ => request::version(&body),
    };
    let model = model.ok_or_else(|| of("error.422-version"))?;
    let photo = photo(providers, &books, &model, &body).map_err(|message| invalid(&message))?;
    let events = body["webhook_events_filter"].as_array().into_iter().flatten();
    let ask = Ask {
        id: Uuid::new_v4().simple().to_string()[..26].to_owned(),
        prompt: body["input"]["prompt"].as_str().unwrap_or_default().to_owned(),
        model,
        photo,
        webhook: body["webhook"].as_str().map(str::to_owned),
        events: events.filter_map(Value::as_str).map(str::to_owned).collect(),
        credits: 0,
        body,
    };
    books.take(ask, now()).cloned().ok_or_else(|| of("error.429"))
}

fn photo(
    providers: &Providers,
    books: &Books,
    model: &str,
    body: &Value,
) -> Result<Option<usize>, String> {
    let own = format!("{}/files/", providers.base(Name::Replicate));
    let photos = Photos { own, max_data_uri: usize::MAX };
    photos.size_bytes(request::image(model, &body["input"])?, books)
}

fn invalid(description: &str) -> Reply {
    of("error.422-input")
        .with("/detail", format!("- input: {description}\n"))
        .with("/invalid_fields/0/description", description)
}

fn look(providers: &Providers, id: &str) -> Reply {
    let entry = providers.books(Name::Replicate).entry(id, now()).cloned();
    entry.map_or_else(|| of("error.404"), |entry| Reply::json(200, prediction(providers, &entry)))
}

fn cancel(providers: &Providers, id: &str) -> Reply {
    let entry = providers.books(Name::Replicate).entry(id, now()).map(|entry| {
        entry.cancel(now());
        entry.clone()
    });
    entry.map_or_else(|| of("error.404"), |entry| Reply::json(200, prediction(providers, &entry)))
}

/// A prediction as it stands.
pub(crate) fn prediction(providers: &Providers, entry: &Entry) -> Value {
    let id = entry.order.id.as_str();
    let (download, shape) = {
        let switches = &providers.books(Name::Replicate).switches;
        (switches.download, switches.output)
    };
    let expired = matches!(download, Download::Expired { expire_first: None, .. });
    let removed = expired && !entry.dead_urls.is_empty();
    let reply = described(providers, of(status(entry, shape, removed)), entry);
    if entry.order.state != State::Succeeded || removed {
        return reply.into_json();
    }
    let url = providers.result_url(Name::Replicate, id);
    let output = match shape {
        OutputShape::Url => json!(url),
        OutputShape::List => json!([url]),
        OutputShape::Object => json!({"video": url}),
    };
    reply.with("/output", output).into_json()
}

fn described(providers: &Providers, reply: Reply, entry: &Entry) -> Reply {
    let (id, body) = (entry.order.id.as_str(), &entry.order.body);
    let get = format!("{}/predictions/{id}", providers.base(Name::Replicate));
    let began = entry.started.filter(|_| {
        !matches!(entry.order.state, State::Starting | State::Waiting | State::Aborted)
    });
    let reply = reply
        .with("/id", id)
        .with("/model", request::model(&entry.order.model))
        .with("/version", request::version_id(&entry.order.model))
        .with("/input", body["input"].clone())
        .with("/created_at", rfc3339(entry.order.at))
        .with("/started_at", began.map(rfc3339))
        .with("/completed_at", entry.ended.map(rfc3339))
        .with("/urls", json!({"get": get, "cancel": format!("{get}/cancel")}));
    let reply = match &entry.order.user_webhook {
        Some(webhook) => reply
            .with("/webhook", webhook.as_str())
            .with("/webhook_events_filter", body["webhook_events_filter"].clone()),
        None => reply,
    };
    let secs = entry.worked().as_secs_f64();
    match entry.order.state {
        State::Succeeded => {
            reply.with("/metrics", json!({"predict_time": secs, "total_time": secs}))
        }
        _ => reply.with("/metrics", json!({})),
    }
}

fn status(entry: &Entry, shape: OutputShape, removed: bool) -> &'static str {
    match (entry.order.state, entry.failure(), shape) {
        (State::Waiting | State::Starting, ..) => "look.starting",
        (State::Running, ..) => "look.processing",
        (State::Cancelled, ..) => "look.canceled",
        (State::Aborted, ..) => "look.aborted",
        (State::Succeeded, ..) if removed => "look.succeeded-removed",
        (State::Succeeded, _, OutputShape::Url) => "look.succeeded",
        (State::Succeeded, _, OutputShape::List) => "look.succeeded-list",
        (State::Succeeded, _, OutputShape::Object) => "look.succeeded-object",
        (State::Failed, Some(Failure::Moderation), _) => "look.failed",
        (State::Failed, Some(Failure::Input), _) => "look.failed-input",
        (State::Failed, ..) => "look.failed-internal",
    }
}

/// Takes a photo, of which nothing but its size is kept.
fn upload(providers: &Providers, asked: &Asked) -> Reply {
    let content_type = asked.header(CONTENT_TYPE).unwrap_or_default();
    let parts = multipart::parts(content_type, &asked.body).unwrap_or_default();
    let Some(file) = parts.into_iter().find(|part| part.name == "content") else {
        return invalid("content is required");
    };
    let id = Uuid::new_v4().simple().to_string();
    let upload = Upload { received: Some(file.data.len()), ..Upload::default() };
    providers.books(Name::Replicate).uploads.insert(id.clone(), upload);
    let hash = hex(&Sha256::digest(&file.data));
    let kind = file.content_type.unwrap_or_else(|| "application/octet-stream".to_owned());
    of("upload.answer")
        .with("/id", id.as_str())
        .with("/name", file.file_name.unwrap_or_default())
        .with("/content_type", kind)
        .with("/size", file.data.len())
        .with("/etag", &hash[..32])
        .with("/checksums/sha256", hash.as_str())
        .with("/created_at", rfc3339(now()))
        .with("/expires_at", rfc3339(now() + FILE_LIFE))
        .with("/urls/get", format!("{}/files/{id}", providers.base(Name::Replicate)))
}
