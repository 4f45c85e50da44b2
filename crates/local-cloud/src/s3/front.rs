//! The HTTP front: request ids, browsers' questions, and the protocol layer behind them.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use s3s::Body;
use s3s::auth::SimpleAuth;
use s3s::config::StaticConfigProvider;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{S3Error, S3ErrorCode};
use uuid::Uuid;

use super::S3Config;
use super::cors::{Browser, Cors};
use super::event::Requester;
use super::operations::Operations;
use super::signed;
use super::store::Store;

/// The largest file in a posted form; the protocol layer holds it whole, unlike other bodies.
const FORM_FILE_LIMIT_BYTES: u64 = 64 * 1024 * 1024;

/// S3 over HTTP, in the path style: a hyper service that the gateway gives every request of S3 to.
#[derive(Clone)]
pub(crate) struct S3Front {
    service: S3Service,
    cors: Arc<Cors>,
}

impl fmt::Debug for S3Front {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Front").field("cors", &self.cors).finish_non_exhaustive()
    }
}

impl S3Front {
    pub(crate) fn new(store: Arc<Store>, config: S3Config) -> Self {
        let cors = Arc::new(Cors::new(&config.buckets));
        let mut limits = s3s::config::S3Config::default();
        limits.post_object_max_file_size = FORM_FILE_LIMIT_BYTES;
        let mut builder = S3ServiceBuilder::new(Operations { store });
        builder.set_config(Arc::new(StaticConfigProvider::new(Arc::new(limits))));
        builder.set_auth(SimpleAuth::from_single(config.access_key, config.secret_key));
        Self { service: builder.build(), cors }
    }

    /// Answers one request; a fault is an answer too.
    pub(crate) async fn handle(&self, request: Request<Body>) -> Response<Body> {
        let (mut parts, body) = request.into_parts();
        let requester = new_requester();
        let ids = id_headers(&requester);
        parts.extensions.insert(requester);

        let browser = self.cors.look(&parts);
        let mut response = match browser {
            Browser::Preflight(ref permit) => answer_preflight(permit.is_some()),
            _ => match signed::check(&parts) {
                Ok(()) => self.serve(Request::from_parts(parts, body)).await,
                Err(refusal) => {
                    discard(body).await;
                    written(refusal)
                }
            },
        };
        response.headers_mut().extend(ids);
        if let Browser::Preflight(Some(headers)) | Browser::Request(headers) = browser {
            response.headers_mut().extend(headers);
        }
        response
    }

    async fn serve(&self, request: Request<Body>) -> Response<Body> {
        match self.service.call(request).await {
            Ok(response) => response,
            Err(error) => {
                tracing::error!(?error, "an answer of S3 could not be written");
                written(S3Error::new(S3ErrorCode::InternalError))
            }
        }
    }
}

/// Takes a body to its end and forgets it, so that the client hears the refusal that follows.
async fn discard(mut body: Body) {
    while let Some(Ok(_)) = body.frame().await {}
}

impl hyper::service::Service<Request<Incoming>> for S3Front {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let front = self.clone();
        Box::pin(async move { Ok(front.handle(request.map(Body::from)).await) })
    }
}

fn new_requester() -> Requester {
    let id = Uuid::new_v4().simple().to_string().to_uppercase();
    Requester {
        request_id: id[..16].to_owned(),
        host_id: BASE64_STANDARD.encode(&id),
        ..Requester::default()
    }
}

fn id_headers(requester: &Requester) -> HeaderMap {
    let ids = [("x-amz-request-id", &requester.request_id), ("x-amz-id-2", &requester.host_id)];
    ids.into_iter()
        .filter_map(|(name, id)| {
            Some((http::HeaderName::from_static(name), HeaderValue::from_str(id).ok()?))
        })
        .collect()
}

fn answer_preflight(permitted: bool) -> Response<Body> {
    if permitted { Response::new(Body::empty()) } else { forbidden() }
}

fn forbidden() -> Response<Body> {
    let code = S3ErrorCode::Custom("AccessForbidden".into());
    let mut refusal = S3Error::with_message(code, "this origin may not use the bucket like this");
    refusal.set_status_code(StatusCode::FORBIDDEN);
    written(refusal)
}

fn written(refusal: S3Error) -> Response<Body> {
    refusal.to_http_response().unwrap_or_else(|_| {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}
