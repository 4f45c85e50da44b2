//! A receiver on this machine.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream;
use http::{HeaderMap, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// What it answers.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// Status, headers and text.
    Says(u16, Vec<(&'static str, String)>, String),
    /// Status 200, and text without end.
    Endless,
    /// Nothing, for as long as somebody waits.
    Silence,
}

/// What it was sent.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Answers every request alike and keeps what it is sent.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Receiver {
    pub(crate) async fn start(reply: Reply) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let received = Arc::<Mutex<Vec<Received>>>::default();
        let kept = received.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                let (kept, reply) = (kept.clone(), reply.clone());
                let service =
                    service_fn(move |request| answer(request, kept.clone(), reply.clone()));
                let http = hyper::server::conn::http1::Builder::new();
                tokio::spawn(http.serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { address, received }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().expect("not poisoned").clone()
    }
}

async fn answer(
    request: Request<Incoming>,
    kept: Arc<Mutex<Vec<Received>>>,
    reply: Reply,
) -> Result<Response<UnsyncBoxBody<Bytes, Infallible>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    kept.lock().expect("not poisoned").push(Received { headers: head.headers, body });
    match reply {
        Reply::Silence => std::future::pending().await,
        Reply::Says(status, headers, text) => {
            let mut response = Response::builder().status(status);
            for (name, value) in headers {
                response = response.header(name, value);
            }
            let body = Full::new(Bytes::from(text)).boxed_unsync();
            Ok(response.body(body).expect("a response"))
        }
        Reply::Endless => {
            let chunk = Bytes::from_static(&[b'x'; 4096]);
            let chunks = stream::repeat(chunk).map(|chunk| Ok(Frame::data(chunk)));
            Ok(Response::new(StreamBody::new(chunks).boxed_unsync()))
        }
    }
}
