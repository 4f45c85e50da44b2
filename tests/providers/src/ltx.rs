//! LTX: v2 with jobs to look at, and the legacy v1 that answers with the clip.

use std::sync::Arc;

use http::header::HeaderName;
use serde_json::Value;
use uuid::Uuid;

use crate::asked::Asked;
use crate::books::{Ask, Entry, Upload};
use crate::clock::rfc3339;
use crate::contract::{self, Documented};
use crate::media::{LIFE, download};
use crate::name::{Endpoint, Name};
use crate::order::State;
use crate::photo::Photos;
use crate::providers::{Providers, now};
use crate::reply::Reply;
use crate::switches::{Download, Failure, Outcome};

mod request;

const UPLOADS: &str = "ltx://uploads/";
/// Longest data URI, in bytes.
const MAX_DATA_URI: usize = 7_000_000;
/// The header by which the support finds a request.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Every answer of LTX that is documented and not a yes.
pub fn documented() -> Vec<Documented> {
    contract::documented(Name::Ltx)
}

pub(crate) async fn answer(providers: &Arc<Providers>, asked: &Asked) -> Reply {
    let reply = if providers.admits(Name::Ltx, &asked.headers) {
        match asked.what {
            Endpoint::Submit => submit(providers, asked).await,
            Endpoint::Look => look(providers, asked),
            Endpoint::Upload => upload(providers),
            _ => error("error.404", "There is nothing here."),
        }
    } else {
        of("error.401")
    };
    reply.header(REQUEST_ID.as_str(), &Uuid::new_v4().to_string())
}

fn of(contract: &str) -> Reply {
    Reply::of(Name::Ltx, contract)
}

fn error(contract: &str, message: &str) -> Reply {
    of(contract).with("/error/message", message)
}

async fn submit(providers: &Arc<Providers>, asked: &Asked) -> Reply {
    match take(providers, &asked.json()) {
        Ok(entry) if asked.segment(0) == "v1" => legacy(providers, asked, &entry).await,
        Ok(entry) => of("submit.answer")
            .with("/id", entry.order.id.as_str())
            .with("/created_at", rfc3339(entry.order.at)),
        Err(refusal) => refusal,
    }
}

fn take(providers: &Providers, body: &Value) -> Result<Entry, Reply> {
    let mut books = providers.books(Name::Ltx);
    let photos = Photos { own: UPLOADS.to_owned(), max_data_uri: MAX_DATA_URI };
    let photo = request::check(body)
        .and_then(|image| photos.size_bytes(image, &books))
        .map_err(|message| error("error.400", &message))?;
    if let Outcome::Fail { kind, at_submit: true } = books.switches.outcome {
        return Err(refused(kind));
    }
    let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
    let ask = Ask {
        id: format!("job_{}", Uuid::new_v4().simple()),
        prompt: text("prompt"),
        model: text("model"),
        body: body.clone(),
        photo,
        webhook: None,
        events: Vec::new(),
        credits: 0,
    };
    books.take(ask, now()).cloned().ok_or_else(|| of("error.429-concurrency"))
}

fn refused(kind: Failure) -> Reply {
    of(match kind {
        Failure::Moderation => "error.422",
        Failure::Input => "error.400",
        Failure::Internal => "error.500",
    })
}

/// Waits for the end of the work, and answers with the clip.
async fn legacy(providers: &Arc<Providers>, asked: &Asked, entry: &Entry) -> Reply {
    if asked.hurried {
        return Reply::empty(200);
    }
    if entry.outcome == Outcome::Never {
        std::future::pending::<()>().await;
    }
    tokio::time::sleep(entry.latency).await;
    if let Some(kind) = entry.failure() {
        return refused(kind);
    }
    let (mode, octets) = {
        let mut books = providers.books(Name::Ltx);
        books.settle(now());
        (books.next_download(), books.switches.legacy_octets)
    };
    let kind = if octets { "application/octet-stream" } else { "video/mp4" };
    match mode {
        Download::Html => download::page(),
        mode => download::send(&providers.file(Name::Ltx), None, mode).header("content-type", kind),
    }
}

fn look(providers: &Providers, asked: &Asked) -> Reply {
    let id = asked.segment(2);
    let entry = providers.books(Name::Ltx).entry(id, now()).cloned();
    let Some(entry) = entry else { return of("error.404") };
    let reply = of(match (entry.order.state, entry.failure()) {
        (State::Waiting | State::Starting, _) => "look.pending",
        (State::Running, _) => "look.processing",
        (State::Succeeded, _) => "look.completed",
        (_, Some(Failure::Moderation)) => "look.failed",
        (_, Some(Failure::Input)) => "look.failed-input",
        (_, Some(Failure::Internal) | None) => "look.failed-internal",
    });
    let reply = reply.with("/id", id).with("/created_at", rfc3339(entry.order.at));
    let reply = match entry.ended {
        Some(ended) => reply.with("/completed_at", rfc3339(ended)),
        None => reply,
    };
    match entry.order.state {
        State::Succeeded => reply.with("/result/video_url", providers.result_url(Name::Ltx, id)),
        _ => reply,
    }
}

fn upload(providers: &Providers) -> Reply {
    let id = Uuid::new_v4().simple().to_string();
    providers.books(Name::Ltx).uploads.insert(id.clone(), Upload::default());
    of("upload.answer")
        .with("/upload_url", providers.links.upload(Name::Ltx, &id))
        .with("/storage_uri", format!("{UPLOADS}{id}"))
        .with("/expires_at", rfc3339(now() + LIFE))
}
