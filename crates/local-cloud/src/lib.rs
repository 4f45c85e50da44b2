#![doc = include_str!("../README.md")]

mod clock;
mod cloud;
mod dynamodb;
mod events;
mod faults;
mod gateway;
pub mod lambda;
mod lock;
mod s3;
mod sigv4;
mod sqlite;
mod sqs;
mod wire;
mod wiring;

pub use clock::Clock;
pub use cloud::{Cloud, CloudConfig, CloudError};
pub use dynamodb::TableError;
pub use events::EventsError;
pub use faults::Faults;
pub use lock::LockError;
pub use s3::StartError;
pub use sqs::QueueError;
pub use wiring::{
    AttributeType, Bucket, Bus, Index, Key, Notification, Queue, Redrive, Rule, Table, Target,
    Wiring,
};
