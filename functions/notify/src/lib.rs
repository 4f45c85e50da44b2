//! `notify`: finds out who is to be told of an event, and asks for one delivery to each.
//!
//! In: events of the bus, through queue `notify`.
//! Out: a row in the log of deliveries and a message on queue `deliver`, for every endpoint that asked.

mod config;
mod error;
mod handler;
#[cfg(test)]
mod handler_tests;

pub use config::Config;
pub use error::NotifyError;
pub use handler::Notify;
