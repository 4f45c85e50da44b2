//! `ingest`: makes an uploaded photo usable and orders its clip.
//!
//! In: S3 notifications of `uploads/`, through queue `ingest`.
//! Out: `photos/{jobId}.jpg`, a message on queue `ltx`, `JobCreated.v1`, `PhotoAccepted.v1` or
//! `PhotoRefused.v1` and `JobFailed.v1`.

mod config;
mod error;
mod handler;
#[cfg(test)]
mod handler_tests;
mod upload;

pub use config::Config;
pub use error::IngestError;
pub use handler::Ingest;
