//! What SQS answers when it does not do as asked.

use crate::wire::ApiError;

pub(crate) fn no_such_queue() -> ApiError {
    ApiError::sender("QueueDoesNotExist", "The specified queue does not exist.")
        .with_query_code("AWS.SimpleQueueService.NonExistentQueue")
}

pub(crate) fn queue_exists(name: &str) -> ApiError {
    let message =
        format!("A queue already exists with the same name and a different value: {name}");
    ApiError::sender("QueueNameExists", message).with_query_code("QueueAlreadyExists")
}

pub(crate) fn fifo() -> ApiError {
    unsupported("FIFO queues are not served by the embedded cloud.")
}

pub(crate) fn unsupported(message: impl Into<String>) -> ApiError {
    ApiError::sender("UnsupportedOperation", message)
        .with_query_code("AWS.SimpleQueueService.UnsupportedOperation")
}

pub(crate) fn unknown_attribute(name: &str) -> ApiError {
    ApiError::sender("InvalidAttributeName", format!("Unknown Attribute {name}."))
}

pub(crate) fn bad_attribute(name: &str, value: &str) -> ApiError {
    let message = format!("Invalid value for the parameter {name}: {value}");
    ApiError::sender("InvalidAttributeValue", message)
}

pub(crate) fn bad_parameter(name: &str, value: impl std::fmt::Display, reason: &str) -> ApiError {
    let message = format!("Value {value} for parameter {name} is invalid. Reason: {reason}.");
    ApiError::sender("InvalidParameterValue", message)
}

pub(crate) fn missing_parameter(name: &str) -> ApiError {
    let message = format!("The request must contain the parameter {name}.");
    ApiError::sender("MissingParameter", message)
}

pub(crate) fn bad_handle() -> ApiError {
    ApiError::sender("ReceiptHandleIsInvalid", "The input receipt handle is invalid.")
}

pub(crate) fn not_available(handle: &str) -> ApiError {
    let reason = "Message does not exist or is not available for visibility timeout change";
    bad_parameter("ReceiptHandle", handle, reason)
}

pub(crate) fn not_in_flight() -> ApiError {
    ApiError::sender("MessageNotInflight", "The message is not in flight.")
        .with_query_code("AWS.SimpleQueueService.MessageNotInflight")
}

pub(crate) fn bad_characters() -> ApiError {
    let message = "Message contains characters outside the set that SQS allows.";
    ApiError::sender("InvalidMessageContents", message)
}

pub(crate) fn empty_batch() -> ApiError {
    ApiError::sender("EmptyBatchRequest", "There should be at least one entry in the request.")
        .with_query_code("AWS.SimpleQueueService.EmptyBatchRequest")
}

pub(crate) fn too_many_entries(count: usize) -> ApiError {
    let message = format!("Maximum number of entries per request are 10. You have sent {count}.");
    ApiError::sender("TooManyEntriesInBatchRequest", message)
        .with_query_code("AWS.SimpleQueueService.TooManyEntriesInBatchRequest")
}

pub(crate) fn repeated_entry(id: &str) -> ApiError {
    ApiError::sender("BatchEntryIdsNotDistinct", format!("Id {id} repeated."))
        .with_query_code("AWS.SimpleQueueService.BatchEntryIdsNotDistinct")
}

pub(crate) fn bad_entry_id() -> ApiError {
    let message = "A batch entry id can only contain alphanumeric characters, hyphens and \
                   underscores. It can be at most 80 letters long.";
    ApiError::sender("InvalidBatchEntryId", message)
        .with_query_code("AWS.SimpleQueueService.InvalidBatchEntryId")
}

pub(crate) fn batch_too_long(bytes: usize) -> ApiError {
    let message = format!("Batch requests cannot be longer than 1048576 bytes; this is {bytes}.");
    ApiError::sender("BatchRequestTooLong", message)
        .with_query_code("AWS.SimpleQueueService.BatchRequestTooLong")
}

pub(crate) fn no_such_resource(arn: &str) -> ApiError {
    let message = format!("The resource that you specified for the SourceArn doesn't exist: {arn}");
    ApiError::sender("ResourceNotFoundException", message)
}
