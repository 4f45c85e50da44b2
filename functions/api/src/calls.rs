//! What can be asked for, one module for each group of calls. Every call is an `axum` handler over
//! [`Api`], described by `utoipa` where it is written.

mod endpoints;
mod jobs;
mod media;
mod progress;
mod render;
mod start;
mod usage;

use std::sync::Arc;

use axum::Router;

use crate::{Api, Parts};

/// Every call that needs a known caller.
pub(crate) fn routes<P: Parts>() -> Router<Arc<Api<P>>> {
    Router::new()
        .merge(media::routes())
        .merge(start::routes())
        .merge(render::routes())
        .merge(jobs::routes())
        .merge(progress::routes())
        .merge(endpoints::routes())
        .merge(usage::routes())
}

/// What each module says of its calls.
pub(crate) fn docs() -> Vec<utoipa::openapi::OpenApi> {
    vec![
        media::docs(),
        start::docs(),
        render::docs(),
        jobs::docs(),
        progress::docs(),
        endpoints::docs(),
        usage::docs(),
    ]
}
