//! Rows in `DynamoDB`. Each is a document with, beside it, what it is found by.

mod accounts;
mod deliveries;
mod jobs;
mod ledger;
mod registers;
mod table;

pub use deliveries::DynamoDeliveries;
pub use jobs::DynamoJobs;
pub use ledger::DynamoLedger;
pub use registers::DynamoRegisters;
