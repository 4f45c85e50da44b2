//! Somebody on this machine who is asked for things, or told them.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::HeaderMap;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use super::until;

/// What it was asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// What it answers: a status, headers, and a body.
pub(crate) type Reply = (u16, Vec<(&'static str, String)>, Vec<u8>);

/// Keeps what it is asked, until it is dropped.
pub(crate) struct Stranger {
    url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    serving: AbortHandle,
}

impl Stranger {
    /// Answers a path with what `reply` says.
    pub(crate) async fn start(reply: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = Arc::<Mutex<Vec<Asked>>>::default();
        let (kept, reply) = (asked.clone(), Arc::new(reply));
        let serving = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                let (kept, reply) = (kept.clone(), reply.clone());
                let answer = service_fn(move |request: Request<Incoming>| {
                    let (kept, reply) = (kept.clone(), reply.clone());
                    async move {
                        let asked = read(request).await;
                        let (status, headers, body) = reply(&asked.path);
                        kept.lock().expect("not poisoned").push(asked);
                        let mut response = Response::builder().status(status);
                        for (name, value) in headers {
                            response = response.header(name, value);
                        }
                        Ok::<_, Infallible>(
                            response.body(Full::<Bytes>::from(body)).expect("a response"),
                        )
                    }
                });
                let http = hyper::server::conn::http1::Builder::new();
                tokio::spawn(http.serve_connection(TokioIo::new(stream), answer));
            }
        });
        Self { url, asked, serving: serving.abort_handle() }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("not poisoned").clone()
    }

    /// Waits until it was asked at least so often.
    pub(crate) async fn asked_times(&self, times: usize) -> Vec<Asked> {
        let what = format!("{times} requests");
        until(&what, async || Some(self.asked()).filter(|asked| asked.len() >= times)).await
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn read(request: Request<Incoming>) -> Asked {
    let (head, body) = request.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    Asked { path: head.uri.path().to_owned(), headers: head.headers, body }
}
