//! Every function as the program that is deployed, before a Lambda Runtime API and the embedded cloud:
//! what `cargo build` made of it, or what is in the packages that `STILLMOTION_PACKAGES` names.

mod api;
mod bad_events;
mod calls;
mod chain;
mod deployed;
mod events;
mod fetch;
mod filming;
mod ingest;
mod log;
mod process;
mod program;
mod provider_webhook;
mod recorder;
mod runtime;
mod secrets;
mod settings;
mod stage;
mod starting;
mod sweep;
mod telling;
mod unreachable;
mod vault;
