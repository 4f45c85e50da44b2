//! What happens to every request on its way in and out.

use std::any::Any;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::Instrument as _;
use uuid::Uuid;

use crate::Problem;
use crate::door::{Door, Peer};

/// Largest body that is read, in bytes. Media goes to the bucket.
pub(crate) const MAX_BODY_BYTES: usize = 64 * 1024;
/// Longest id of a request that is taken from the caller, in bytes.
const MAX_REQUEST_ID_BYTES: usize = 64;

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Gives the request its id and tells it: in a header, and in the body of a [`Problem`]. Logs one line.
pub(crate) async fn request_id(request: Request, next: Next) -> Response {
    let id = requested_id(request.headers()).unwrap_or_else(|| Uuid::new_v4().to_string());
    let (method, began) = (request.method().clone(), Instant::now());
    let path = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    // Neither query nor headers: both may hold secrets. The path as it was asked for may, too.
    let path = path.unwrap_or_else(|| "unknown".to_owned());
    let span =
        tracing::info_span!("request", request.id = %id, http.method = %method, http.path = %path);

    let mut response = next.run(request).instrument(span.clone()).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        name(&mut response, problem, &id, &method);
    }
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let status = response.status().as_u16();
    span.in_scope(|| tracing::info!(http.status = status, elapsed_ms = ms, "{method} {path}"));
    response
}

fn requested_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(REQUEST_ID)?.to_str().ok()?;
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    let is_usable = (1..=MAX_REQUEST_ID_BYTES).contains(&id.len()) && id.bytes().all(word);
    is_usable.then(|| id.to_owned())
}

/// Writes the body of `problem` anew, with the id of the request.
fn name(response: &mut Response, problem: Problem, id: &str, method: &Method) {
    let problem = Problem { request_id: id.to_owned(), ..problem };
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    response.headers_mut().insert(header::CONTENT_LENGTH, body.len().into());
    *response.body_mut() = if method == Method::HEAD { Body::empty() } else { body.into() };
}

/// What a panic is told as. What it said is in the log.
#[expect(clippy::needless_pass_by_value, reason = "the layer gives it away")]
pub(crate) fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let said = panic.downcast_ref::<String>().map(String::as_str);
    let said = said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("nothing");
    tracing::error!(panic = said, "a call panicked");
    let detail = "a mistake of ours: name the request id when you tell us";
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    Problem::new(status, "bug", "Something broke", detail).into_response()
}

/// What browsers are told to be careful with.
pub(crate) async fn careful(
    State(door): State<Arc<Door>>,
    request: Request,
    next: Next,
) -> Response {
    let is_page = matches!(request.uri().path(), "/docs" | "/openapi.json");
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut usual = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    usual(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    usual(header::X_FRAME_OPTIONS, "DENY");
    usual(header::REFERRER_POLICY, "no-referrer");
    usual(header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'");
    if door.is_behind_tls {
        usual(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains");
    }
    if !is_page {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// Where nobody says who they are, only this machine is let in: no page that a name leads here, and
/// none that is not known may change anything.
pub(crate) async fn at_home(
    State(door): State<Arc<Door>>,
    request: Request,
    next: Next,
) -> Response {
    if door.development.is_some() {
        let headers = request.headers();
        if !Door::names_this_machine(headers, request.uri()) {
            let detail = "call it as localhost or 127.0.0.1";
            return stranger(detail);
        }
        let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
        if changes && !door.is_welcome(headers) {
            let detail = "this page may change nothing: start with --cors-origin and its origin";
            return stranger(detail);
        }
    }
    next.run(request).await
}

fn stranger(detail: &str) -> Response {
    Problem::new(StatusCode::FORBIDDEN, "not-from-there", "Not from there", detail).into_response()
}

/// Lets an address ask as often as it may.
pub(crate) async fn not_too_often(
    State(door): State<Arc<Door>>,
    request: Request,
    next: Next,
) -> Response {
    let left = match door.limits.address(peer(&request)) {
        Ok(left) => left,
        Err(none) => return none.refuse(),
    };
    let mut response = next.run(request).await;
    if let Some(left) = left {
        left.tell(response.headers_mut());
    }
    response
}

/// Who is at the other end. No header is believed; those without an address share one bucket.
fn peer(request: &Request) -> IpAddr {
    let extensions = request.extensions();
    let connected = extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let peer = extensions.get::<Peer>().map(|peer| peer.0);
    peer.or(connected).unwrap_or(Ipv4Addr::UNSPECIFIED.into())
}

/// Refuses bodies that say they are too large; the others are bounded while they are read.
pub(crate) async fn not_too_large(request: Request, next: Next) -> Response {
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()).and_then(|text| text.parse().ok());
    if length.is_some_and(|length: u64| length > MAX_BODY_BYTES as u64) {
        let detail = format!("a body has at most {MAX_BODY_BYTES} bytes: media goes to the bucket");
        let status = StatusCode::PAYLOAD_TOO_LARGE;
        return Problem::new(status, "too-large", "Too large", detail).into_response();
    }
    next.run(request).await
}

/// Bounds the time until an answer begins; a stream may go on after that.
pub(crate) async fn not_too_slow(
    State(door): State<Arc<Door>>,
    request: Request,
    next: Next,
) -> Response {
    let answer = tokio::time::timeout(door.time_limit, next.run(request)).await;
    answer.unwrap_or_else(|_| too_slow(door.time_limit).into_response())
}

fn too_slow(limit: Duration) -> Problem {
    let detail = format!("there was no answer after {} s: ask again", limit.as_secs());
    let status = StatusCode::SERVICE_UNAVAILABLE;
    let problem = Problem::new(status, "too-slow", "No answer in time", detail);
    Problem { retry_after_secs: Some(2), ..problem }
}

/// There is nothing at this address.
pub(crate) async fn nowhere() -> Problem {
    let detail = "there is nothing at this address: see /openapi.json";
    Problem::new(StatusCode::NOT_FOUND, "no-such-address", "No such address", detail)
}

/// There is something at this address, but it does not take this method.
pub(crate) async fn not_so() -> Problem {
    let detail = "this address does not take this method: see the header allow";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "no-such-method", "No such method", detail)
}
