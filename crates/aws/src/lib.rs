//! The ports on AWS, and the inbound half for batches of SQS records.
//!
//! The only crate that names a type of the AWS SDK. [`Aws`] hands out the adapters; [`sqs`] runs a
//! handler on a batch; the other modules read what arrives in a record.

pub mod bus_event;
mod clients;
pub mod delivery_request;
mod dynamo;
mod event_bridge;
pub mod ltx_request;
mod s3;
pub mod s3_event;
mod secrets;
pub mod sqs;
mod sqs_queue;
pub mod telemetry;

pub use clients::Aws;
pub use dynamo::{
    DynamoDeliveries, DynamoEndpoints, DynamoJobs, DynamoLedger, DynamoMeters, DynamoRegisters,
};
pub use event_bridge::EventBridge;
pub use s3::S3;
pub use secrets::SecretsManager;
pub use sqs_queue::SqsQueue;
