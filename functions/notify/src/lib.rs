//! `notify`: tells everybody who asked, once and verifiably.
//!
//! In: events of the bus, through queue `notify`.
//! Out: signed webhooks (Standard Webhooks), and a record of each delivery.

mod config;
mod error;
mod handler;
#[cfg(test)]
mod handler_tests;
mod http_sender;
mod signing;

pub use config::{Config, Endpoint, WebhookSecret};
pub use error::NotifyError;
pub use handler::{Notify, STANDARD_SCHEDULE};
pub use http_sender::HttpSender;
