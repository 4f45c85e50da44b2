//! `DynamoDB`: `dynoxide` in this process, with the tables of the wiring.

mod operations;
mod tables;
mod ttl;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use dynoxide::{Database, DynoxideError};
use http::Response;
use serde_json::Value;

use crate::clock::Clock;
use crate::wire::{ApiError, response};

/// All tables. Clones are the same tables.
#[derive(Clone)]
pub(crate) struct DynamoDb {
    database: Arc<Database>,
    clock: Clock,
}

/// The tables could not be opened or brought to what the wiring says.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The database failed or refused what the wiring says.
    #[error("the database of the tables")]
    Database(#[from] DynoxideError),
    /// The path of the database is not Unicode.
    #[error("the path of the data folder is not Unicode")]
    BadPath,
    /// A stored table is not what the wiring says; changing it would lose its items.
    #[error("table {table} is stored with {what} {stored} but wired with {wired}")]
    Drift {
        /// The table.
        table: String,
        /// The part of it that differs.
        what: String,
        /// As it is stored.
        stored: String,
        /// As it is wired.
        wired: String,
    },
}

impl DynamoDb {
    /// Opens the tables that are stored at `path`.
    pub(crate) fn open(path: &Path, clock: Clock) -> Result<Self, TableError> {
        let database = Database::new(path.to_str().ok_or(TableError::BadPath)?)?;
        // The name misleads: this sets `synchronous = NORMAL`, as in our other databases.
        database.disable_bulk_loading()?;
        Ok(Self { database: Arc::new(database), clock })
    }

    /// Does `operation` as `body` asks.
    pub(crate) async fn call(&self, operation: &str, body: Bytes) -> Response<s3s::Body> {
        let (tables, operation) = (self.clone(), operation.to_owned());
        let done = tokio::task::spawn_blocking(move || {
            operations::run(&tables.database, &operation, &body)
        });
        match done.await {
            Ok(Ok(json)) => response("1.0", Ok(Bytes::from(json))),
            Ok(Err(error)) => refusal(&error),
            Err(error) => response("1.0", Err(ApiError::internal(&error))),
        }
    }

    /// Does `operation` as `request` asks, for the cloud itself.
    fn ask(&self, operation: &str, request: &Value) -> Result<Value, DynoxideError> {
        let answer = operations::run(&self.database, operation, request.to_string().as_bytes())?;
        serde_json::from_str(&answer)
            .map_err(|error| DynoxideError::InternalServerError(error.to_string()))
    }
}

impl fmt::Debug for DynamoDb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DynamoDb").finish_non_exhaustive()
    }
}

/// The database words its errors as AWS does.
fn refusal(error: &DynoxideError) -> Response<s3s::Body> {
    let mut refusal = response("1.0", Ok(Bytes::from(error.to_json())));
    let status = http::StatusCode::from_u16(error.status_code()).unwrap_or_default();
    *refusal.status_mut() = status;
    refusal
}
