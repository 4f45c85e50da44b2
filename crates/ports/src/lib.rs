//! What handlers need from the world, as traits that promise before they explain.
//!
//! Adapters are in `aws`, `providers` and the functions' own edges; fakes, and the suites that hold
//! both to the same promises, are in `testkit`.

mod admission;
mod chronicle;
mod clip_cache;
mod clock;
mod delivery_log;
mod event_publisher;
mod inbound;
mod job_store;
mod ledger;
mod object_store;
mod provider_post;
mod queue;
mod registers;
mod renderer;
mod rewrap;
mod settings;
mod source;
mod video_generator;
mod webhook_sender;

pub use admission::{Admission, AdmissionError};
pub use chronicle::{Chronicle, ChronicleError, Stepped};
pub use clip_cache::{CachedClip, ClipCache, OrderDigest};
pub use clock::{Clock, SystemClock};
pub use delivery_log::{Delivery, DeliveryLog, DeliveryLogError, DeliveryState};
pub use event_publisher::{EventPublisher, PublishError};
pub use inbound::{HandleRecord, Handled};
pub use job_store::{Created, History, JobStore, JobStoreError, Replaced};
pub use ledger::{Ledger, LedgerError, Opened};
pub use object_store::{ByteStream, Content, Head, Listed, ObjectMeta, ObjectStore, StoreError};
pub use provider_post::{NotGenuine, Notice, ProviderPost, VerifyPost};
pub use queue::{MessageSender, QueueError, Visibility};
pub use registers::{RegisterError, Registered, Registers};
pub use renderer::{RenderError, RenderOrder, RenderOutput, Renderer};
pub use rewrap::{Rewrap, RewrapError, Rewrapped};
pub use settings::{InvalidSetting, Settings, environment};
pub use source::{Chain, Source};
pub use video_generator::{
    CallOff, CallOffError, ClipDelivery, ClipOrder, CollectError, Collected, GenerationRefusal,
    Look, LookError, ProviderJob, Quote, SubmitError, Submitted, VideoGenerator,
};
pub use webhook_sender::{SendError, WebhookAnswer, WebhookRequest, WebhookSender};
