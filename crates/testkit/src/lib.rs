//! For tests: the ports in memory, a fuse that makes a process die at any call, the suites that hold
//! fakes and adapters to the same promises, and samples of what the chain works on.

pub mod conformance;
mod fake;
mod fuse;
mod fused;
mod measurements;
mod rng;
pub mod samples;

pub use fake::{
    Answer, InMemoryDeliveries, InMemoryEndpoints, InMemoryJobs, InMemoryLedger, InMemoryMeters,
    InMemoryRegisters, InMemorySecrets, InMemoryStore, Loss, PassThrough, ReadyClip, ReadyVideo,
    RecordingBus, RecordingQueue, RecordingReceiver, TestClock,
};
pub use fuse::{Fuse, Moment};
pub use fused::Fused;
pub use measurements::{Measurements, listen_on_any_thread};
pub use rng::Rng;
