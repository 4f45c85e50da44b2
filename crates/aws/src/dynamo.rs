//! Rows in `DynamoDB`. Each is a document with, beside it, what it is found by.

mod deliveries;
mod jobs;
mod ledger;
mod table;

pub use deliveries::DynamoDeliveries;
pub use jobs::DynamoJobs;
pub use ledger::DynamoLedger;
