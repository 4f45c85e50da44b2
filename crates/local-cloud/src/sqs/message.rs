//! Messages on their way in and out.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{digest, errors};
use crate::wire::ApiError;

/// Message attributes by name, in the order in which they are digested.
pub(crate) type Attributes = BTreeMap<String, Attribute>;

/// One message attribute, as on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Attribute {
    pub(crate) data_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) string_value: Option<String>,
    /// Base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) binary_value: Option<String>,
}

impl Attribute {
    /// The binary value, if there is a proper one.
    pub(crate) fn bytes(&self) -> Option<Vec<u8>> {
        STANDARD.decode(self.binary_value.as_ref()?).ok()
    }

    fn check(&self, name: &str) -> Result<usize, ApiError> {
        let kind = self.data_type.split('.').next().unwrap_or_default();
        let size_bytes = match kind {
            "String" | "Number" => self.string_value.as_ref().map(String::len),
            "Binary" => self.bytes().map(|bytes| bytes.len()),
            _ => None,
        };
        let size_bytes = size_bytes.filter(|size| *size > 0).ok_or_else(|| {
            errors::bad_parameter(
                "MessageAttributes",
                name,
                "The message attribute must have a type and a value of it that is not empty",
            )
        })?;
        Ok(name.len() + self.data_type.len() + size_bytes)
    }
}

/// A message that was checked and may be stored.
#[derive(Clone, Debug)]
pub(crate) struct NewMessage {
    pub(crate) id: Uuid,
    pub(crate) body: String,
    pub(crate) md5: String,
    pub(crate) attributes: Attributes,
    /// `AWSTraceHeader`, the one system attribute that senders may set.
    pub(crate) trace_header: Option<String>,
    /// Invisible for so long; the queue's own delay if none.
    pub(crate) delay_secs: Option<u32>,
    pub(crate) size_bytes: usize,
}

impl NewMessage {
    /// A message with nothing but a body.
    pub(crate) fn plain(body: String) -> Self {
        Self {
            id: Uuid::new_v4(),
            md5: digest::of_body(&body),
            size_bytes: body.len(),
            body,
            attributes: Attributes::new(),
            trace_header: None,
            delay_secs: None,
        }
    }

    /// Checks what a client sent.
    pub(crate) fn check(
        body: String,
        attributes: Attributes,
        system: &Attributes,
        delay_secs: Option<i64>,
    ) -> Result<Self, ApiError> {
        if body.is_empty() {
            return Err(errors::missing_parameter("MessageBody"));
        }
        if !body.chars().all(is_allowed) {
            return Err(errors::bad_characters());
        }
        if attributes.len() > 10 {
            let reason = "Number of message attributes exceeds the allowed maximum of 10";
            return Err(errors::bad_parameter("MessageAttributes", attributes.len(), reason));
        }
        let mut size_bytes = body.len();
        for (name, attribute) in &attributes {
            size_bytes += attribute.check(name)?;
        }
        Ok(Self {
            attributes,
            trace_header: system.get("AWSTraceHeader").and_then(|a| a.string_value.clone()),
            delay_secs: delay_secs.map(check_delay).transpose()?,
            size_bytes,
            ..Self::plain(body)
        })
    }

    /// Checks the size against what the queue takes.
    pub(crate) fn check_size(&self, limit_bytes: u32) -> Result<(), ApiError> {
        if u32::try_from(self.size_bytes).is_ok_and(|size| size <= limit_bytes) {
            return Ok(());
        }
        let message = format!(
            "One or more parameters are invalid. Reason: Message must be shorter than \
             {limit_bytes} bytes."
        );
        Err(ApiError::sender("InvalidParameterValue", message))
    }
}

/// A message as a receiver gets it.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) handle: String,
    pub(crate) message_id: String,
    pub(crate) md5: String,
    pub(crate) body: String,
    pub(crate) attributes: Attributes,
    pub(crate) trace_header: Option<String>,
    pub(crate) sent_ms: i64,
    pub(crate) first_receive_ms: i64,
    pub(crate) receives: u32,
    /// The queue that gave it up, if it is a dead letter.
    pub(crate) source: Option<String>,
}

fn check_delay(secs: i64) -> Result<u32, ApiError> {
    let delay = u32::try_from(secs).ok().filter(|secs| *secs <= 900);
    delay.ok_or_else(|| {
        errors::bad_parameter("DelaySeconds", secs, "DelaySeconds must be >= 0 and <= 900")
    })
}

/// The characters of XML 1.0, which is what SQS allows.
fn is_allowed(c: char) -> bool {
    matches!(c, '\u{9}' | '\u{a}' | '\u{d}' | '\u{20}'..='\u{fffd}' | '\u{10000}'..)
}
