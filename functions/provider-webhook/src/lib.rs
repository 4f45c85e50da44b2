//! `provider-webhook`: hears from image-to-video providers that work has ended.
//!
//! In: signed posts of providers, over HTTP.
//! Out: the wish for a look now, through queue `ltx`. What a post says decides nothing: the look does.

mod config;
mod error;
mod handler;
#[cfg(test)]
mod handler_tests;

pub use config::Config;
pub use error::ProviderWebhookError;
pub use handler::{Answer, MAX_BODY_BYTES, ProviderWebhook};
