//! A receiver of webhooks, which keeps all that comes.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// Something that came.
#[derive(Debug)]
pub(crate) struct Mail {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Mail {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().expect("text")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }
}

/// Receives until it is dropped. The first answers are those it was given.
pub(crate) struct Mailbox {
    pub(crate) url: String,
    mail: mpsc::UnboundedReceiver<Mail>,
}

impl Mailbox {
    pub(crate) async fn open(mut statuses: Vec<u16>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let (sender, mail) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let status = if statuses.is_empty() { 204 } else { statuses.remove(0) };
                let sender = sender.clone();
                let service = service_fn(move |request| receive(request, sender.clone(), status));
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new()
                        .keep_alive(false)
                        .serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        Self { url, mail }
    }

    pub(crate) async fn next(&mut self) -> Mail {
        let next = tokio::time::timeout(Duration::from_secs(5), self.mail.recv()).await;
        next.expect("mail in time").expect("mail")
    }

    pub(crate) async fn stays_empty(&mut self) -> bool {
        tokio::time::timeout(Duration::from_millis(200), self.mail.recv()).await.is_err()
    }
}

async fn receive(
    request: Request<Incoming>,
    sender: mpsc::UnboundedSender<Mail>,
    status: u16,
) -> Result<Response<Empty<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    let mut response = Response::new(Empty::new());
    *response.status_mut() = http::StatusCode::from_u16(status).expect("a status");
    // A test that has ended does not care.
    let _ = sender.send(Mail { headers: head.headers, body });
    Ok(response)
}
