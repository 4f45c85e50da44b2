//! From the name of an operation to the method of the database.
//!
//! Called directly rather than through the server of `dynoxide`, which would need a second port that
//! checks no signature.

use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;

type Answer = Result<String, DynoxideError>;

/// Does `operation` as `body` asks.
pub(super) fn run(db: &Database, operation: &str, body: &[u8]) -> Answer {
    match operation {
        "BatchGetItem" => with(body, |request| db.batch_get_item(request)),
        "BatchWriteItem" => with(body, |request| db.batch_write_item(request)),
        "DeleteItem" => with(body, |request| db.delete_item(request)),
        "GetItem" => with(body, |request| db.get_item(request)),
        "PutItem" => with(body, |request| db.put_item(request)),
        "Query" => with(body, |request| db.query(request)),
        "Scan" => with(body, |request| db.scan(request)),
        "TransactGetItems" => with(body, |request| db.transact_get_items(request)),
        "TransactWriteItems" => with(body, |request| db.transact_write_items(request)),
        "UpdateItem" => with(body, |request| db.update_item(request)),
        _ => run_on_table(db, operation, body),
    }
}

fn run_on_table(db: &Database, operation: &str, body: &[u8]) -> Answer {
    match operation {
        "CreateTable" => with(body, |request| db.create_table(request)),
        "DeleteTable" => with(body, |request| db.delete_table(request)),
        "DescribeTable" => with(body, |request| db.describe_table(request)),
        "DescribeTimeToLive" => with(body, |request| db.describe_time_to_live(request)),
        "ListTables" => with(body, |request| db.list_tables(request)),
        "ListTagsOfResource" => with(body, |request| db.list_tags_of_resource(request)),
        "TagResource" => with(body, |request| db.tag_resource(request)),
        "UntagResource" => with(body, |request| db.untag_resource(request)),
        "UpdateTable" => with(body, |request| db.update_table(request)),
        "UpdateTimeToLive" => with(body, |request| db.update_time_to_live(request)),
        other => Err(DynoxideError::ValidationException(format!(
            "{other} is not served by the embedded cloud"
        ))),
    }
}

fn with<Q, A>(body: &[u8], run: impl FnOnce(Q) -> Result<A, DynoxideError>) -> Answer
where
    Q: DeserializeOwned,
    A: Serialize,
{
    let request = serde_json::from_slice(body).map_err(|error| malformed(&error.to_string()))?;
    serde_json::to_string(&run(request)?)
        .map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

/// The error for a request that could not be read.
///
/// The types of `dynoxide` mark what `DynamoDB` words itself; `serde` says the rest.
fn malformed(message: &str) -> DynoxideError {
    let marked = ["VALIDATION_REQUEST:", "VALIDATION_AS_READ:", "VALIDATION:"];
    if let Some(text) = marked.iter().find_map(|marker| message.strip_prefix(marker)) {
        return DynoxideError::ValidationException(without_position(text));
    }
    let marked = ["SERIALIZATION_AS_READ:", "SERIALIZATION:"];
    if let Some(text) = marked.iter().find_map(|marker| message.strip_prefix(marker)) {
        return DynoxideError::SerializationException(without_position(text));
    }
    let invalid = ["missing field", "unknown variant", "invalid type: null", "AttributeValue"];
    if invalid.iter().any(|part| message.contains(part)) {
        return DynoxideError::ValidationException(without_position(message));
    }
    DynoxideError::SerializationException(without_position(message))
}

fn without_position(message: &str) -> String {
    message.rsplit_once(" at line ").map_or(message, |(text, _)| text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marked_message_is_told_without_its_marker_and_position() {
        let error = malformed("VALIDATION:too long at line 1 column 4");
        assert!(matches!(error, DynoxideError::ValidationException(text) if text == "too long"));
    }
}
