//! Requests to addresses that somebody else named: a person, a receiver of webhooks, a provider.
//!
//! They go to public addresses over https and nowhere else. What is in the address is checked by
//! [`Guard::check`]; where its name leads is checked by the lookup of the connection itself
//! ([`Guard::client`]), so that no second lookup can lead elsewhere. [`Fetcher`] does both, for
//! every redirect anew.
//!
//! No refusal repeats the address: it may hold somebody's token.

mod address;
mod check;
mod client;
mod fetch;
mod headers;

pub use check::{Guard, GuardRefusal, MAX_CHARS};
pub use client::{Lookup, SystemLookup, plain};
pub use fetch::{FetchError, Fetched, Fetcher, Limits, Refusal, Wanted};
pub use headers::{Nowhere, media_type, obeyed, redirect, retry_after};
