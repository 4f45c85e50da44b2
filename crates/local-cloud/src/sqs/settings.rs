//! Attributes of a queue.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::errors;
use super::names::{Names, name_in_arn};
use crate::wire::ApiError;
use crate::wiring;

/// Largest message, its attributes included, in bytes.
pub(crate) const MAX_MESSAGE_BYTES: u32 = 1024 * 1024;
/// Attributes that are kept and told but change nothing here.
const KEPT: [&str; 5] = [
    "Policy",
    "RedriveAllowPolicy",
    "KmsMasterKeyId",
    "KmsDataKeyReusePeriodSeconds",
    "SqsManagedSseEnabled",
];

/// What can be set on a queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Settings {
    pub(crate) visibility_timeout_secs: u32,
    pub(crate) retention_secs: u32,
    pub(crate) delay_secs: u32,
    pub(crate) receive_wait_secs: u32,
    pub(crate) max_message_bytes: u32,
    pub(crate) redrive: Option<wiring::Redrive>,
    pub(crate) kept: BTreeMap<String, String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            visibility_timeout_secs: 30,
            retention_secs: 4 * 24 * 60 * 60,
            delay_secs: 0,
            receive_wait_secs: 0,
            max_message_bytes: MAX_MESSAGE_BYTES,
            redrive: None,
            kept: BTreeMap::new(),
        }
    }
}

impl Settings {
    /// These settings with `attributes` set, as `CreateQueue` and `SetQueueAttributes` name them.
    pub(crate) fn with(mut self, attributes: &BTreeMap<String, String>) -> Result<Self, ApiError> {
        for (name, value) in attributes {
            self.set(name, value)?;
        }
        Ok(self)
    }

    /// These settings with what the wiring says.
    pub(crate) fn wired(self, queue: &wiring::Queue) -> Self {
        Self {
            visibility_timeout_secs: queue.visibility_timeout_secs,
            retention_secs: queue.retention_secs,
            redrive: queue.redrive.clone(),
            ..self
        }
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), ApiError> {
        match name {
            "VisibilityTimeout" => self.visibility_timeout_secs = whole(name, value, 0..=43_200)?,
            "MessageRetentionPeriod" => self.retention_secs = whole(name, value, 60..=1_209_600)?,
            "DelaySeconds" => self.delay_secs = whole(name, value, 0..=900)?,
            "ReceiveMessageWaitTimeSeconds" => self.receive_wait_secs = whole(name, value, 0..=20)?,
            "MaximumMessageSize" => {
                self.max_message_bytes = whole(name, value, 1024..=MAX_MESSAGE_BYTES)?;
            }
            "RedrivePolicy" => self.redrive = redrive(value)?,
            "FifoQueue"
            | "ContentBasedDeduplication"
            | "DeduplicationScope"
            | "FifoThroughputLimit" => return Err(errors::fifo()),
            kept if KEPT.contains(&kept) => {
                self.kept.insert(kept.to_owned(), value.to_owned());
            }
            unknown => return Err(errors::unknown_attribute(unknown)),
        }
        Ok(())
    }

    /// The settings as `GetQueueAttributes` tells them.
    pub(crate) fn attributes(&self, names: &Names) -> BTreeMap<String, String> {
        let mut attributes = self.kept.clone();
        let numbers = [
            ("VisibilityTimeout", self.visibility_timeout_secs),
            ("MessageRetentionPeriod", self.retention_secs),
            ("DelaySeconds", self.delay_secs),
            ("ReceiveMessageWaitTimeSeconds", self.receive_wait_secs),
            ("MaximumMessageSize", self.max_message_bytes),
        ];
        for (name, value) in numbers {
            attributes.insert(name.to_owned(), value.to_string());
        }
        if let Some(redrive) = &self.redrive {
            let policy = json!({
                "deadLetterTargetArn": names.arn(&redrive.dead_letter_queue),
                "maxReceiveCount": redrive.max_receive_count,
            });
            attributes.insert("RedrivePolicy".to_owned(), policy.to_string());
        }
        attributes
    }
}

fn whole(name: &str, value: &str, allowed: std::ops::RangeInclusive<u32>) -> Result<u32, ApiError> {
    let number = value.parse().ok().filter(|number| allowed.contains(number));
    number.ok_or_else(|| errors::bad_attribute(name, value))
}

/// The count comes as a number or, from many tools, as a string; an empty policy removes it.
fn redrive(policy: &str) -> Result<Option<wiring::Redrive>, ApiError> {
    if policy.is_empty() {
        return Ok(None);
    }
    let bad = || errors::bad_attribute("RedrivePolicy", policy);

    let policy: Value = serde_json::from_str(policy).map_err(|_| bad())?;
    let target = policy["deadLetterTargetArn"].as_str().ok_or_else(bad)?;
    let count = match &policy["maxReceiveCount"] {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    let count = count.filter(|count| (1..=1000).contains(count)).ok_or_else(bad)?;
    Ok(Some(wiring::Redrive {
        dead_letter_queue: name_in_arn(target).ok_or_else(bad)?.to_owned(),
        max_receive_count: u32::try_from(count).map_err(|_| bad())?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(name: &str, value: &str) -> Result<Settings, ApiError> {
        Settings::default().with(&BTreeMap::from([(name.to_owned(), value.to_owned())]))
    }

    #[test]
    fn the_receive_count_may_be_a_number_or_a_string() {
        for count in ["3", "\"3\""] {
            let policy = format!(
                r#"{{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:0:dead","maxReceiveCount":{count}}}"#
            );
            let redrive = set("RedrivePolicy", &policy).expect("set").redrive.expect("a policy");
            assert_eq!(
                (redrive.dead_letter_queue.as_str(), redrive.max_receive_count),
                ("dead", 3)
            );
        }
    }

    #[test]
    fn what_is_out_of_range_is_refused() {
        assert!(set("VisibilityTimeout", "43201").is_err());
        assert!(set("DelaySeconds", "-1").is_err());
        assert!(set("NoSuchThing", "1").is_err());
    }
}
