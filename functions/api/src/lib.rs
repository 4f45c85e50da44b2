//! `api`: the front door.
//!
//! In: HTTP requests of frontends and servers.
//! Out: jobs, presigned requests for their uploads and downloads, what is known of them, and who is told
//! about them. It starts no stage itself: what arrives in the bucket does.

mod auth;
mod bad_fields;
mod body;
mod caller;
mod calls;
mod chance;
mod config;
mod cursor;
mod docs;
mod door;
mod endpoint_view;
mod extract;
mod fact_view;
mod gate;
mod health;
mod idempotency;
mod job_view;
mod layers;
mod limits;
mod lookup;
mod media_url;
mod new_job;
mod openapi;
mod ornaments;
mod parts;
mod problem;
mod query_fields;
mod quota;
mod router;
#[cfg(test)]
mod router_tests;
#[cfg(test)]
mod test_crash;
#[cfg(test)]
mod test_jobs;
#[cfg(test)]
mod test_world;
mod wishes;

pub use auth::{
    DEVELOPER, FetchKeys, FoundKey, HttpKeys, InvalidName, JwtSecret, KeyName, KeySet, NoKeys,
    NotBelieved, ServiceKey, ServiceKeyError, ServiceKeys, Verifier, any_service_key,
    create_service_key, list_service_keys, revoke_service_key,
};
pub use caller::Caller;
pub use config::{Config, LimitConfig, TokenConfig, quotas_from_vars};
pub use door::{Development, Door, Origin, Peer};
pub use health::{Check, Dependency, temporary_disk};
pub use limits::{Limits, Rate};
pub use openapi::document;
pub use parts::{Api, Parts, Queues, Rules};
pub use problem::{FieldProblem, Problem};
pub use router::router;
