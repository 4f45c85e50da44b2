//! The calls behind their layers, and what is open to everybody.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, Method, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::docs;
use crate::door::Door;
use crate::gate::{Gate, gate};
use crate::health::{Readied, health, ready};
use crate::layers::{
    MAX_BODY_BYTES, REQUEST_ID, at_home, careful, not_so, not_too_large, not_too_often,
    not_too_slow, nowhere, panicked, request_id,
};
use crate::{Api, Parts, calls};

/// How long a browser may keep what it was told about calling from other origins.
const PREFLIGHT_GOOD_FOR: Duration = Duration::from_hours(1);

/// Everything that can be asked for, behind `door`.
///
/// The server puts the address of the peer in the extensions of a request: [`crate::Peer`], or what
/// `axum` calls `ConnectInfo<SocketAddr>`.
pub fn router<P: Parts>(api: Arc<Api<P>>, door: Door) -> Router {
    behind(door, calls::routes(), api)
}

/// `calls` behind `door`, beside what is open to everybody.
pub(crate) fn behind<P: Parts>(
    mut door: Door,
    calls: Router<Arc<Api<P>>>,
    api: Arc<Api<P>>,
) -> Router {
    let readied = Arc::new(Readied::new(std::mem::take(&mut door.dependencies)));
    let door = Arc::new(door);
    let at_gate = Gate { api: api.clone(), door: door.clone() };
    let calls = calls.with_state(api).route_layer(from_fn_with_state(at_gate, gate::<P>));

    Router::new()
        .route("/health", get(health))
        .route("/ready", get(ready))
        .with_state(readied)
        .merge(docs::routes())
        .merge(calls)
        .fallback(nowhere)
        .method_not_allowed_fallback(not_so)
        .layer(
            ServiceBuilder::new()
                .layer(from_fn(request_id))
                .layer(from_fn_with_state(door.clone(), careful))
                .layer(cors(&door))
                .layer(CatchPanicLayer::custom(panicked))
                .layer(from_fn_with_state(door.clone(), at_home))
                .layer(from_fn_with_state(door.clone(), not_too_often))
                .layer(from_fn(not_too_large))
                .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
                .layer(from_fn_with_state(door, not_too_slow)),
        )
}

/// Pages of the origins that are set up, and no others. Callers say who they are in a header, never by
/// a cookie, so credentials of the browser are not asked for.
fn cors(door: &Door) -> CorsLayer {
    let origins = door.cors_origins.iter().map(|origin| origin.as_header().clone());
    let named = HeaderName::from_static;
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            named("idempotency-key"),
            named("last-event-id"),
            REQUEST_ID,
        ])
        .expose_headers([
            header::LOCATION,
            header::RETRY_AFTER,
            named("ratelimit"),
            named("ratelimit-policy"),
            REQUEST_ID,
        ])
        .max_age(PREFLIGHT_GOOD_FOR)
}
