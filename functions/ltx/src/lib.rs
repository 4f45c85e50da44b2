//! `ltx`: has a clip filmed by an image-to-video provider, ordered once and paid once.
//!
//! In: orders, through queue `ltx`.
//! Out: `ltx-videos/{jobId}.mp4`, `GenerationStarted.v1`, `LtxDone.v1` or `JobFailed.v1`.

mod config;
mod error;
mod handler;
#[cfg(test)]
mod handler_tests;
mod ordering;

pub use config::Config;
pub use error::LtxError;
pub use handler::{Limits, Ltx};
