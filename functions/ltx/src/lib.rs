//! `ltx`: has a clip filmed by an image-to-video provider, ordered once and paid once.
//!
//! In: orders, and wishes for a look, through queue `ltx`.
//! Out: `ltx-videos/{jobId}.mp4`, `GenerationStarted.v1`, `LtxDone.v1` or `JobFailed.v1`.

mod collecting;
mod config;
mod error;
mod film_rewrap;
mod handler;
#[cfg(test)]
mod handler_tests;
mod ordering;
mod parts;
mod policy;
mod reuse;
mod settling;
mod unknown;
mod winding_up;

pub use config::Config;
pub use error::LtxError;
pub use film_rewrap::FilmRewrap;
pub use handler::Ltx;
pub use parts::Parts;
pub use policy::{Policy, UnknownPolicy};
