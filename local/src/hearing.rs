//! The door at which providers post, on this machine.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use ports::{ProviderPost, VerifyPost};
use provider_webhook::MAX_BODY_BYTES;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::Home;
use crate::chain::{Hearing, provider_webhook};

/// Listens for providers until it is dropped.
#[derive(Debug)]
pub struct Door {
    address: SocketAddr,
    _stop: DropGuard,
}

impl Door {
    /// Listens at `address` and lets `provider-webhook` on `home` deal with what is posted.
    ///
    /// # Errors
    /// If the address is taken.
    pub async fn open<V: VerifyPost + 'static>(
        address: SocketAddr,
        home: &Home,
        verifiers: Vec<V>,
    ) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let hearing = Arc::new(provider_webhook(home, verifiers));
        let stop = CancellationToken::new();

        tokio::spawn(stop.clone().run_until_cancelled_owned(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let hearing = hearing.clone();
                let answer = service_fn(move |request| {
                    let hearing = hearing.clone();
                    async move { Ok::<_, Infallible>(answer(request, &hearing).await) }
                });
                let connection = hyper::server::conn::http1::Builder::new();
                tokio::spawn(async move {
                    let served = connection.serve_connection(TokioIo::new(stream), answer).await;
                    if let Err(error) = served {
                        tracing::debug!(%error, "connection of a provider");
                    }
                });
            }
        }));
        Ok(Self { address, _stop: stop.drop_guard() })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn answer<V: VerifyPost>(
    request: Request<Incoming>,
    hearing: &Hearing<V>,
) -> Response<Empty<Bytes>> {
    let status = if request.method() == Method::POST { heard(request, hearing).await } else { 405 };
    let mut response = Response::new(Empty::new());
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}

async fn heard<V: VerifyPost>(request: Request<Incoming>, hearing: &Hearing<V>) -> u16 {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, MAX_BODY_BYTES).collect().await else { return 413 };
    let text = |(name, value): (&hyper::header::HeaderName, &hyper::header::HeaderValue)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    };
    let headers = head.headers.iter().filter_map(text).collect();
    let post = ProviderPost { headers, body: body.to_bytes().to_vec() };
    hearing.hear(head.uri.path(), &post).await.status()
}
