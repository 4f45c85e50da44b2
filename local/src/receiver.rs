//! A receiver of webhooks on loopback, which believes nothing that is not signed.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::Arc;

use domain::Timestamp;
use events::WebhookBody;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::HeaderMap;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use ports::{Clock, SystemClock};
use standardwebhooks::Webhook;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Largest body that is read, in bytes.
const MAX_BODY_BYTES: usize = 256 * 1024;

/// Something that was told, and verified.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// `webhook-id`.
    pub id: String,
    /// What was told.
    pub body: WebhookBody,
    /// When it arrived.
    pub received_at: Timestamp,
}

/// Receives webhooks until it is dropped.
#[derive(Debug)]
pub struct Receiver {
    url: String,
    told: mpsc::UnboundedReceiver<Told>,
    _stop: DropGuard,
}

impl Receiver {
    /// Listens on a free port and verifies with `secret`.
    ///
    /// # Errors
    /// If there is no port, or the secret is not one.
    pub async fn start(secret: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let webhook = Arc::new(Webhook::new(secret)?);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}/webhooks", listener.local_addr()?);
        let (sender, told) = mpsc::unbounded_channel();
        let stop = CancellationToken::new();

        tokio::spawn(stop.clone().run_until_cancelled_owned(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (webhook, sender) = (webhook.clone(), sender.clone());
                let answer = service_fn(move |request| {
                    let (webhook, sender) = (webhook.clone(), sender.clone());
                    async move { Ok::<_, Infallible>(answer(request, &webhook, &sender).await) }
                });
                let connection = hyper::server::conn::http1::Builder::new();
                tokio::spawn(async move {
                    let served = connection.serve_connection(TokioIo::new(stream), answer).await;
                    if let Err(error) = served {
                        tracing::debug!(%error, "webhook connection");
                    }
                });
            }
        }));
        Ok(Self { url, told, _stop: stop.drop_guard() })
    }

    /// Where to post to.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The next thing that is told.
    pub async fn next(&mut self) -> Option<Told> {
        self.told.recv().await
    }
}

async fn answer(
    request: Request<Incoming>,
    webhook: &Webhook,
    sender: &mpsc::UnboundedSender<Told>,
) -> Response<Empty<Bytes>> {
    let status = match verified(request, webhook).await.map(|told| sender.send(told).is_ok()) {
        Some(true) => StatusCode::NO_CONTENT,
        Some(false) => StatusCode::SERVICE_UNAVAILABLE,
        None => StatusCode::UNAUTHORIZED,
    };
    let mut response = Response::new(Empty::new());
    *response.status_mut() = status;
    response
}

async fn verified(request: Request<Incoming>, webhook: &Webhook) -> Option<Told> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, MAX_BODY_BYTES).collect().await.ok()?.to_bytes();
    webhook.verify(&body, &head.headers).ok()?;
    Some(Told {
        id: id(&head.headers)?,
        body: serde_json::from_slice(&body).ok()?,
        received_at: SystemClock.now(),
    })
}

fn id(headers: &HeaderMap) -> Option<String> {
    Some(headers.get("webhook-id")?.to_str().ok()?.to_owned())
}
