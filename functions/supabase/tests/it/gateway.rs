//! What stands in front of `PostgREST` on Supabase: it takes `/rest/v1` off the path, looks at the
//! key, and makes tokens of the new keys.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HOST, LOCATION, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::keys::{PUBLISHABLE_KEY, SECRET_KEY, legacy};

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Path and query, decoded.
    pub(crate) target: String,
    pub(crate) api_key: Option<String>,
    pub(crate) authorization: Option<String>,
}

/// An answer in place of that of `PostgREST`.
#[derive(Clone, Debug)]
pub(crate) struct Odd {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) body: Vec<u8>,
}

#[derive(Debug, Default)]
struct Books {
    asked: Vec<Asked>,
    /// The next answer to requests whose target holds the text.
    odd: Vec<(String, Odd)>,
}

#[derive(Debug)]
struct Shared {
    upstream: String,
    client: reqwest::Client,
    books: Mutex<Books>,
}

/// A gateway on a free port of this machine, until it is dropped.
#[derive(Debug)]
pub(crate) struct Gateway {
    shared: Arc<Shared>,
    address: SocketAddr,
    /// Its own: tests come and go.
    runtime: Option<Runtime>,
}

impl Gateway {
    /// Stands in front of the `PostgREST` at `upstream`.
    pub(crate) fn start(upstream: String) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let client = reqwest::Client::new();
        let shared = Arc::new(Shared { upstream, client, books: Mutex::default() });
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
        let listener = listener.expect("a port");
        let address = listener.local_addr().expect("bound");
        runtime.spawn(serve(listener, shared.clone()));
        Self { shared, address, runtime: Some(runtime) }
    }

    /// `SUPABASE_URL`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests so far whose target holds `text`.
    pub(crate) fn asked(&self, text: &str) -> Vec<Asked> {
        let mut asked = self.shared.books.lock().expect("no panic").asked.clone();
        asked.retain(|asked| asked.target.contains(text));
        asked
    }

    /// Answers the next request whose target holds `text` itself.
    pub(crate) fn answer(&self, text: &str, odd: Odd) {
        self.shared.books.lock().expect("no panic").odd.push((text.to_owned(), odd));
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = shared.clone();
        let service = service_fn(move |request| {
            let shared = shared.clone();
            async move { Ok::<_, Infallible>(shared.respond(request).await) }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

impl Shared {
    async fn respond(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
        if let Some(odd) = self.note(target, &head.method, &head.headers) {
            return odd;
        }
        let Some(path) = target.strip_prefix("/rest/v1") else {
            return said(404, r#"{"message":"no Route matched with those values"}"#);
        };
        let Some(headers) = let_in(head.headers) else {
            return said(401, r#"{"message":"Invalid API key"}"#);
        };
        let body = body.collect().await.expect("a body").to_bytes();
        let url = format!("{}{path}", self.upstream);
        let passed_on = self.client.request(head.method, url).headers(headers).body(body);
        match passed_on.send().await {
            Ok(answer) => pass_back(answer).await,
            Err(error) => said(502, &error.to_string()),
        }
    }

    /// Writes the request down; the odd answer that is due, if one is.
    fn note(
        &self,
        target: &str,
        method: &http::Method,
        headers: &HeaderMap,
    ) -> Option<Response<Full<Bytes>>> {
        let header = |name: &str| Some(headers.get(name)?.to_str().ok()?.to_owned());
        let target = decoded(target);
        let mut books = self.books.lock().expect("no panic");
        let odd = books.odd.iter().position(|(text, _)| target.contains(text.as_str()));
        let odd = odd.map(|at| books.odd.remove(at).1);
        books.asked.push(Asked {
            method: method.to_string(),
            target,
            api_key: header("apikey"),
            authorization: header("authorization"),
        });
        odd.map(|odd| {
            let mut answer = Response::new(Full::new(Bytes::from(odd.body)));
            *answer.status_mut() = StatusCode::from_u16(odd.status).expect("a status");
            if let Some(location) = odd.location {
                let location = HeaderValue::from_str(&location).expect("an address");
                answer.headers_mut().insert(LOCATION, location);
            }
            answer
        })
    }
}

/// Path and query as they are meant.
fn decoded(target: &str) -> String {
    let Some((path, query)) = target.split_once('?') else { return target.to_owned() };
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    let pairs: Vec<_> = pairs.map(|(name, value)| format!("{name}={value}")).collect();
    format!("{path}?{}", pairs.join("&"))
}

/// The headers with which the request goes on; none if its key is not one of the project.
fn let_in(mut headers: HeaderMap) -> Option<HeaderMap> {
    let key = headers.remove("apikey")?.to_str().ok()?.to_owned();
    let role = match key.as_str() {
        SECRET_KEY => Some("service_role"),
        PUBLISHABLE_KEY => Some("anon"),
        key if key == legacy("service_role") || key == legacy("anon") => None,
        _ => return None,
    };
    // supabase-js sends a new key as a token too; that of a user goes before it.
    let of_key = HeaderValue::from_str(&format!("Bearer {key}")).ok();
    let sent = headers.get(AUTHORIZATION).cloned();
    if let Some(role) = role.filter(|_| sent.is_none() || sent == of_key) {
        let token = HeaderValue::from_str(&format!("Bearer {}", legacy(role))).ok()?;
        headers.insert(AUTHORIZATION, token);
    }
    for of_the_hop in [HOST, CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING] {
        headers.remove(of_the_hop);
    }
    Some(headers)
}

async fn pass_back(answer: reqwest::Response) -> Response<Full<Bytes>> {
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    for of_the_hop in [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING] {
        headers.remove(of_the_hop);
    }
    let mut back = Response::new(Full::new(answer.bytes().await.expect("a body")));
    *back.status_mut() = status;
    *back.headers_mut() = headers;
    back
}

fn said(status: u16, body: &str) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::new(Bytes::copy_from_slice(body.as_bytes())));
    *answer.status_mut() = StatusCode::from_u16(status).expect("a status");
    answer
}
