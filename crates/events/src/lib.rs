//! The facts and messages on the wire: plain serde types, their JSON Schemas, and the one place
//! where a step of a job becomes the facts that it announces.
//!
//! Field names are camelCase and are a promise to strangers: a new optional field is the same
//! version, a changed meaning is a new one.

mod announce;
mod bus;
mod endpoint_disabled;
mod facts;
mod ltx_request;
mod object_created;
mod requests;
mod upload_options;
mod wire;

pub use announce::{Event, announce, announce_creation};
pub use bus::{BusEvent, WebhookBody};
pub use endpoint_disabled::{Announcement, WebhookEndpointDisabled};
pub use facts::{
    ClipMeta, DETAIL_TYPES, Detail, Envelope, Fact, GenerationStarted, JobCancelled, JobCreated,
    JobDeleted, JobExpired, JobFailed, JobRedriven, LtxDone, PhotoAccepted, PhotoRefused,
    RenderRequested, RenderStarted, Rendered, RerenderFailed, TOLD,
};
pub use ltx_request::{Heard, InvalidLtxRequest, LtxOptions, LtxRequest};
pub use object_created::ObjectCreated;
pub use requests::{DeliveryRequest, FetchItem, FetchRequest, FetchedAs, RenderRequest};
pub use upload_options::{InvalidUploadOptions, UploadOptions};
pub use wire::{from_rfc3339, rfc3339, s3_url};
