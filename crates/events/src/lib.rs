//! The facts and messages on the wire: plain serde types, their JSON Schemas, and the one place
//! where a step of a job becomes the facts that it announces.
//!
//! Field names are camelCase and are a promise to strangers: a new optional field is the same
//! version, a changed meaning is a new one.

mod announce;
mod bus;
mod facts;
mod ltx_request;
mod object_created;
mod upload_options;
mod wire;

pub use announce::{Event, announce, announce_creation};
pub use bus::{BusEvent, WebhookBody};
pub use facts::{
    ClipMeta, Detail, Envelope, Fact, GenerationStarted, JobCancelled, JobCreated, JobExpired,
    JobFailed, JobRedriven, LtxDone, PhotoAccepted, PhotoRefused, RenderStarted, Rendered,
};
pub use ltx_request::{Heard, InvalidLtxRequest, LtxOptions, LtxRequest};
pub use object_created::ObjectCreated;
pub use upload_options::{InvalidUploadOptions, UploadOptions};
pub use wire::{rfc3339, s3_url};
