//! What callers see of a running program: the front door, the bucket behind it, and webhooks.

#[path = "../support/mod.rs"]
mod support;

mod browser;
mod elsewhere;
mod keys;
mod killed;
mod session;
mod webhooks;
