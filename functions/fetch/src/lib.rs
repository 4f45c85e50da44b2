//! `fetch`: gets what a job needs from elsewhere, so that only this function ever asks strangers.
//!
//! In: requests under `fetch-requests/`, through queue `fetch`.
//! Out: photos under `uploads/`, logos and music under their own prefixes, and the request to render,
//! where that is what waits for them; `JobFailed.v1` or `RerenderFailed.v1`.

mod config;
mod error;
mod handler;
#[cfg(test)]
mod handler_tests;

pub use config::Config;
pub use error::FetchFunctionError;
pub use handler::{Fetch, MAY_TAKE};
