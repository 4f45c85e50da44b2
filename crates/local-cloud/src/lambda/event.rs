//! The event that a function gets from its queue.

use aws_sdk_sqs::types::{Message, MessageAttributeValue};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::EventSourceMapping;

/// The event for a batch.
pub(super) fn event(mapping: &EventSourceMapping, batch: &[Message]) -> Value {
    let records: Vec<_> = batch.iter().map(|message| record(mapping, message)).collect();
    json!({ "Records": records })
}

fn record(mapping: &EventSourceMapping, message: &Message) -> Value {
    let mut record = json!({
        "messageId": message.message_id(),
        "receiptHandle": message.receipt_handle(),
        "body": message.body(),
        "attributes": attributes(message),
        "messageAttributes": message_attributes(message),
        "md5OfBody": message.md5_of_body(),
        "eventSource": "aws:sqs",
        "eventSourceARN": mapping.queue_arn,
        "awsRegion": mapping.region,
    });
    if let Some(md5) = message.md5_of_message_attributes() {
        record["md5OfMessageAttributes"] = md5.into();
    }
    record
}

fn attributes(message: &Message) -> Map<String, Value> {
    let attributes = message.attributes().into_iter().flatten();
    attributes.map(|(name, value)| (name.as_str().to_owned(), value.clone().into())).collect()
}

fn message_attributes(message: &Message) -> Map<String, Value> {
    let attributes = message.message_attributes().into_iter().flatten();
    attributes.map(|(name, value)| (name.clone(), message_attribute(value))).collect()
}

fn message_attribute(value: &MessageAttributeValue) -> Value {
    let mut attribute = json!({
        "stringListValues": [],
        "binaryListValues": [],
        "dataType": value.data_type(),
    });
    if let Some(text) = value.string_value() {
        attribute["stringValue"] = text.into();
    }
    if let Some(bytes) = value.binary_value() {
        attribute["binaryValue"] = STANDARD.encode(bytes).into();
    }
    attribute
}
