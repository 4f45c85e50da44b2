//! Between a program and the embedded cloud: notes what is asked, and passes it on as it is; answers for
//! secrets itself.

use std::net::Ipv4Addr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use reqwest::redirect::Policy;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::calls;
use crate::vault::Vault;

/// Largest request, in bytes: more than a part of an upload.
const MAX_BYTES: usize = 64 << 20;

/// `AWS_ENDPOINT_URL` of one program.
#[derive(Debug)]
pub(crate) struct Recorder {
    /// Where it listens.
    pub(crate) endpoint: String,
    serving: JoinHandle<()>,
}

struct Way {
    function: String,
    to: String,
    client: reqwest::Client,
    objects_are_old: bool,
    vault: Vault,
}

impl Recorder {
    /// Passes on what `function` asks of `to`; with `objects_are_old`, the bucket says of everything in
    /// it that it was stored long ago. Secrets are those in `vault`.
    pub(crate) async fn start(
        function: &str,
        to: &str,
        objects_are_old: bool,
        vault: Vault,
    ) -> Self {
        let client = reqwest::Client::builder().no_proxy().redirect(Policy::none()).build();
        let way = Way {
            function: function.to_owned(),
            to: to.to_owned(),
            client: client.expect("a client"),
            objects_are_old,
            vault,
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let router = Router::new().fallback(pass_on).with_state(Arc::new(way));
        let serving = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("it serves");
        });
        Self { endpoint, serving }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn pass_on(State(way): State<Arc<Way>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let asked = calls::asked(&parts.method, &parts.uri, &parts.headers, &body);
    let lists = parts.method == Method::GET && asked == [calls::TO_HEAR_OF_ABSENCE];
    let reads = asked.iter().any(|call| call.starts_with("s3:GetObject "));
    for call in asked {
        calls::note(&way.function, call);
    }
    let target = parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    if let Some(operation) = target.and_then(|target| target.strip_prefix("secretsmanager.")) {
        return way.vault.answer(operation, &body);
    }

    // The host is passed on too: it is signed.
    let url = format!("{}{}", way.to, parts.uri);
    let mut onward = way.client.request(parts.method, url).headers(without_framing(&parts.headers));
    if !body.is_empty() || parts.headers.contains_key(header::CONTENT_LENGTH) {
        onward = onward.body(body);
    }
    let answer = match onward.send().await {
        Ok(answer) => answer,
        Err(error) => return (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    };
    let status = answer.status();
    if reads && status == StatusCode::NOT_FOUND {
        calls::note(&way.function, calls::TO_HEAR_OF_ABSENCE.to_owned());
    }
    let mut headers = answer.headers().clone();
    headers.remove(header::CONNECTION);
    headers.remove(header::TRANSFER_ENCODING);
    if way.objects_are_old && lists {
        headers.remove(header::CONTENT_LENGTH);
        let listing = answer.text().await.expect("a listing");
        return (status, headers, aged(&listing)).into_response();
    }
    (status, headers, Body::from_stream(answer.bytes_stream())).into_response()
}

/// A listing of objects that were stored long ago.
fn aged(listing: &str) -> String {
    let (begin, end) = ("<LastModified>", "</LastModified>");
    let mut parts = listing.split(begin);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |aged, part| {
        let (_, rest) = part.split_once(end).expect("a time");
        aged + begin + "2020-01-01T00:00:00.000Z" + end + rest
    })
}

/// What the next connection says itself is left out.
fn without_framing(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    for name in [header::CONNECTION, header::CONTENT_LENGTH, header::TRANSFER_ENCODING] {
        headers.remove(name);
    }
    headers
}
