//! What things are and what follows: jobs, their states and steps, the ledger of paid work,
//! and the keys under which everything is stored.
//!
//! Pure: time, identity and randomness come in as arguments, nothing goes out but values.

mod clip;
mod id;
mod job;
mod key;
mod ledger;
mod line;
mod metadata;
mod money;
mod settlement;
mod spend;
mod state;
mod step;
mod time;

pub use clip::{ClipOptions, ClipSpec, InvalidClipOptions, Resolution};
pub use id::{EventId, InvalidId, JobId, RenderId, TraceId};
pub use job::{Branding, Failure, FailureKind, Job, JobOrder, Photo, Rerender, Stage};
pub use key::{InvalidKey, ObjectKey, keys};
pub use ledger::{Attempt, AttemptState, Booking, IllegalAttemptState, Intent};
pub use line::{Line, Ticket, Turn};
pub use money::{InvalidMoney, MicroUsd};
pub use settlement::{RefusedOver, Settlement};
pub use spend::{Account, Cap, Caps, Limit, OverCap, Window};
pub use state::JobState;
pub use step::{ClipMade, IllegalStep, Step, VideoMade};
pub use time::{Day, Timestamp};
