//! `sweep`: compares bucket, rows and ledger, and brings every job to an end with a reason.
//!
//! In: a schedule.
//! Out: notifications and orders that were lost, again, on queues `fetch`, `ingest`, `ltx` and
//! `render`; events that were stored and not published; `JobExpired.v1` and `JobFailed.v1`; what was
//! left of deleted jobs is removed.

mod config;
mod error;
mod fetches;
mod handler;
#[cfg(test)]
mod handler_tests;
mod uploads;

pub use config::Config;
pub use error::SweepError;
pub use handler::{FORGET_AFTER, Patience, Sweep, Swept};
