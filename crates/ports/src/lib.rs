//! What handlers need from the world, as traits that promise before they explain.
//!
//! Adapters are in `aws`, `providers` and the functions' own edges; fakes, and the suites that hold
//! both to the same promises, are in `testkit`.

mod admission;
mod chronicle;
mod clip_cache;
mod clock;
mod delivery_log;
mod endpoints;
mod erasure;
mod event_publisher;
mod inbound;
mod job_listing;
mod job_store;
mod ledger;
mod meters;
mod metric;
mod object_store;
mod provider_post;
mod queue;
mod recourse;
mod refreshed;
mod registers;
mod renderer;
mod rewrap;
mod secrets;
mod settings;
mod source;
mod spending;
mod trace;
mod uploads;
mod video_generator;
mod webhook_sender;

pub use admission::{Admission, AdmissionError};
pub use chronicle::{Chronicle, ChronicleError, Stepped};
pub use clip_cache::{CachedClip, ClipCache, OrderDigest};
pub use clock::{Clock, SystemClock};
pub use delivery_log::{Delivery, DeliveryLog, DeliveryLogError, DeliveryState};
pub use endpoints::{Disabled, Endpoint, EndpointError, Endpoints, SigningSecret, WebhookSecret};
pub use erasure::erase;
pub use event_publisher::{EventPublisher, PublishError};
pub use inbound::{HandleRecord, Handled};
pub use job_listing::{JobListing, NOBODY, Page, Place, Wanted, owner_of};
pub use job_store::{Created, History, JobStore, JobStoreError, Replaced};
pub use ledger::{Ledger, LedgerError, Opened};
pub use meters::{MeterError, Metered, Meters, bytes_meter, jobs_meter};
pub use metric::{MEASURED, Metric, Unit};
pub use object_store::{
    ByteStream, Content, Head, Listed, ObjectMeta, ObjectStore, StoreError, TRACE_ID,
};
pub use provider_post::{NotGenuine, Notice, ProviderPost, VerifyPost};
pub use queue::{MessageSender, QueueError, Visibility};
pub use recourse::{NotAgain, Recourse, RecourseError};
pub use refreshed::Refreshed;
pub use registers::{RegisterError, Registered, Registers};
pub use renderer::{RenderError, RenderOrder, RenderOutput, Renderer};
pub use rewrap::{Rewrap, RewrapError, Rewrapped};
pub use secrets::{SecretError, SecretSource, Secrets, SecretsConfig};
pub use settings::{InvalidSetting, Settings, environment};
pub use source::{Chain, Source};
pub use spending::{Spent, caps, spent};
pub use trace::{about, copy_traced};
pub use uploads::{Bound, Presigned, StoredPart, UploadName, Uploads};
pub use video_generator::{
    CallOff, CallOffError, ClipDelivery, ClipOrder, CollectError, Collected, GenerationRefusal,
    Look, LookError, ProviderJob, Quote, SubmitError, Submitted, VideoGenerator,
};
pub use webhook_sender::{SendError, WebhookAnswer, WebhookRequest, WebhookSender};
