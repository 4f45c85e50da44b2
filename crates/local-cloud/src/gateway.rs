//! The one port: tells the services apart and checks who calls.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::dynamodb::DynamoDb;
use crate::events::Events;
use crate::s3::S3Front;
use crate::sigv4::{self, Credentials};
use crate::sqs::Sqs;
use crate::wire::{self, ApiError, MAX_BODY_BYTES};

/// How long requests may take to finish when the cloud stops.
const GRACE: Duration = Duration::from_secs(2);
/// The wait after a connection could not be accepted, for lack of file handles as a rule.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What answers on the port.
#[derive(Clone)]
pub(crate) struct Gateway {
    pub(crate) credentials: Arc<Credentials>,
    pub(crate) objects: S3Front,
    pub(crate) queues: Sqs,
    pub(crate) events: Events,
    pub(crate) tables: DynamoDb,
}

/// The JSON service that a request is for.
#[derive(Clone, Copy)]
enum Service {
    Sqs,
    Events,
    DynamoDb,
}

impl Service {
    /// The service and the operation that `target` names.
    fn of(target: &str) -> Option<(Self, &str)> {
        let (service, operation) = target.split_once('.')?;
        match service {
            "AmazonSQS" => Some((Self::Sqs, operation)),
            "AWSEvents" => Some((Self::Events, operation)),
            "DynamoDB_20120810" => Some((Self::DynamoDb, operation)),
            _ => None,
        }
    }

    /// The name that requests are signed for.
    fn signing_name(self) -> &'static str {
        match self {
            Self::Sqs => "sqs",
            Self::Events => "events",
            Self::DynamoDb => "dynamodb",
        }
    }

    fn json_version(self) -> &'static str {
        match self {
            Self::Events => "1.1",
            Self::Sqs | Self::DynamoDb => "1.0",
        }
    }
}

impl Gateway {
    /// Serves `listener` until `stop`; requests under way get a moment to finish.
    pub(crate) async fn serve(self, listener: TcpListener, stop: CancellationToken) {
        let connections = TaskTracker::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(self.clone().connection(stream, stop.clone()));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept a connection");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
                () = stop.cancelled() => break,
            }
        }
        connections.close();
        connections.wait().await;
    }

    async fn connection(self, stream: TcpStream, stop: CancellationToken) {
        // Small answers must not wait for more to send.
        let _ = stream.set_nodelay(true);
        let service = service_fn(|request| {
            let gateway = self.clone();
            async move { Ok::<_, Infallible>(gateway.answer(request).await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            // Clients keep idle connections for the next call; closing one under them breaks it.
            .header_read_timeout(None)
            .serve_connection(TokioIo::new(stream), service);
        tokio::pin!(connection);
        tokio::select! {
            ended = connection.as_mut() => return log(ended),
            () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
        }
        if let Ok(ended) = tokio::time::timeout(GRACE, connection).await {
            log(ended);
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<s3s::Body> {
        let target = request.headers().get("x-amz-target").and_then(|value| value.to_str().ok());
        let target = target.map(str::to_owned);
        if let Some((service, operation)) = target.as_deref().and_then(Service::of) {
            return self.answer_json(service, operation, request).await;
        }
        if request.method() == Method::GET && request.uri().path() == "/_health" {
            return health();
        }
        self.objects.handle(request.map(s3s::Body::from)).await
    }

    async fn answer_json(
        &self,
        service: Service,
        operation: &str,
        request: Request<Incoming>,
    ) -> Response<s3s::Body> {
        let (parts, body) = request.into_parts();
        let checked = self.check(service, &parts, body).await;
        let body = match checked {
            Ok(body) => body,
            Err(error) => return wire::response(service.json_version(), Err(error)),
        };
        let answer = match service {
            Service::Sqs => self.queues.call(operation, body).await,
            Service::Events => self.events.call(operation, body).await,
            Service::DynamoDb => return self.tables.call(operation, body).await,
        };
        wire::response(service.json_version(), answer)
    }

    /// The body of a request that was signed for `service`.
    async fn check(
        &self,
        service: Service,
        parts: &Parts,
        body: Incoming,
    ) -> Result<Bytes, ApiError> {
        let body = read(body).await?;
        // Callers sign with the system's time, however far the cloud's own clock was moved.
        let now_ms = Clock::default().now_ms();
        sigv4::verify(&self.credentials, service.signing_name(), parts, &body, now_ms)?;
        Ok(body)
    }
}

async fn read(body: Incoming) -> Result<Bytes, ApiError> {
    match Limited::new(body, MAX_BODY_BYTES).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(ApiError {
            status: StatusCode::PAYLOAD_TOO_LARGE,
            ..ApiError::sender("RequestEntityTooLarge", "The request is too large.")
        }),
        Err(error) => Err(ApiError::sender("SerializationException", error.to_string())),
    }
}

fn health() -> Response<s3s::Body> {
    let mut response =
        Response::new(s3s::Body::from(Bytes::from_static(b"{\"status\":\"ready\"}")));
    let json = header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

fn log(ended: Result<(), hyper::Error>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}
