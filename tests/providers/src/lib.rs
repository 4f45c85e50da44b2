//! Image-to-video providers on loopback, built from what is documented of the real ones.
//!
//! [`Fake`] plays LTX, Runway, Replicate and fal under prefixes of one port. It takes orders, counts
//! what it would bill, and misbehaves as its [`Switches`] have it. What it answers is made from the
//! recorded examples in `contracts`, which [`contract`] shows.

mod asked;
mod books;
mod clip;
mod clock;
mod contract;
mod control;
mod fake;
pub mod fal;
mod fuse;
mod keys;
pub mod ltx;
mod media;
mod name;
mod order;
mod photo;
mod providers;
pub mod replicate;
mod reply;
pub mod runway;
mod server;
mod switches;
mod webhooks;

pub use clip::sample_clip;
pub use contract::{Documented, contract, contracts};
pub use fake::Fake;
pub use keys::{FAL_USER, KEY_FAL, KEY_LTX, KEY_REPLICATE, KEY_RUNWAY, RUNWAY_VERSION};
pub use media::file::sized_content;
pub use name::{Endpoint, Name};
pub use order::{Bill, Call, Order, State};
pub use switches::{Cut, Download, Failure, Outcome, OutputShape, Scripted, Switches, Webhooks};
