//! Rows in `DynamoDB`. Each is a document with, beside it, what it is found by.

mod accounts;
mod deliveries;
mod endpoints;
mod jobs;
mod ledger;
mod listing;
mod meters;
mod registers;
mod table;

pub use deliveries::DynamoDeliveries;
pub use endpoints::DynamoEndpoints;
pub use jobs::DynamoJobs;
pub use ledger::DynamoLedger;
pub use meters::DynamoMeters;
pub use registers::DynamoRegisters;
