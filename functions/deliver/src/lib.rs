//! `deliver`: tells one receiver of one event, until it has heard or its time is over.
//!
//! In: requests for one delivery, through queue `deliver`.
//! Out: signed webhooks (Standard Webhooks), how each delivery is going in the log, and
//! `WebhookEndpointDisabled.v1`.

mod attempt;
mod breaker;
mod config;
mod disabling;
mod error;
mod gate;
mod handler;
#[cfg(test)]
mod handler_tests;
mod http_sender;
mod schedule;
mod signing;

pub use config::Config;
pub use error::DeliverError;
pub use handler::Deliver;
pub use http_sender::HttpSender;
pub use schedule::STANDARD_SCHEDULE;
