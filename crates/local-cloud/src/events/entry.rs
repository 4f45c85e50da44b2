//! One entry of `PutEvents`: what is refused, and the event that targets get.

use chrono::{DateTime, SecondsFormat};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// Largest entry, in bytes.
const MAX_ENTRY_BYTES: usize = 1024 * 1024;

/// An entry as it is sent.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Entry {
    pub(crate) event_bus_name: Option<String>,
    pub(crate) source: Option<String>,
    pub(crate) detail_type: Option<String>,
    pub(crate) detail: Option<String>,
    pub(crate) resources: Vec<String>,
    /// Seconds since 1970.
    pub(crate) time: Option<f64>,
}

/// An event as targets get it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Event {
    version: &'static str,
    pub(crate) id: String,
    detail_type: String,
    source: String,
    account: String,
    time: String,
    region: String,
    resources: Vec<String>,
    detail: Value,
}

/// Why an entry is refused: the code and the message that AWS answers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl Entry {
    /// The name of the bus; buses may be given by ARN.
    pub(crate) fn bus(&self) -> &str {
        let bus = self.event_bus_name.as_deref().unwrap_or("default");
        bus.rsplit('/').next().unwrap_or(bus)
    }

    /// The event of this entry, if it is accepted.
    pub(crate) fn accept(self, account: &str, region: &str, now_ms: i64) -> Result<Event, Refusal> {
        let size_bytes = self.size_bytes();
        if size_bytes > MAX_ENTRY_BYTES {
            return Err(Refusal::too_large(size_bytes));
        }
        let time = self.time_text(now_ms)?;
        let source = given(self.source, "Source")?;
        if source.starts_with("aws.") {
            let message = "Not authorized for the source.".to_owned();
            return Err(Refusal { code: "NotAuthorizedForSource", message });
        }
        Ok(Event {
            version: "0",
            id: Uuid::new_v4().to_string(),
            detail_type: given(self.detail_type, "DetailType")?,
            detail: object(&given(self.detail, "Detail")?)?,
            source,
            account: account.to_owned(),
            time,
            region: region.to_owned(),
            resources: self.resources,
        })
    }

    /// The size as AWS counts it.
    fn size_bytes(&self) -> usize {
        const TIME_BYTES: usize = 14;
        let texts = [&self.source, &self.detail_type, &self.detail];
        let text_bytes: usize = texts.into_iter().flatten().map(String::len).sum();
        let resource_bytes: usize = self.resources.iter().map(String::len).sum();
        let time_bytes = if self.time.is_some() { TIME_BYTES } else { 0 };
        text_bytes + resource_bytes + time_bytes
    }

    #[allow(clippy::cast_possible_truncation, reason = "whole milliseconds are meant")]
    fn time_text(&self, now_ms: i64) -> Result<String, Refusal> {
        let time_ms = self.time.map_or(now_ms, |secs| (secs * 1000.0) as i64);
        DateTime::from_timestamp_millis(time_ms)
            .map(|time| time.to_rfc3339_opts(SecondsFormat::Secs, true))
            .ok_or_else(|| Refusal::invalid("Time", "Time is out of range"))
    }
}

impl Event {
    /// The event as targets get it, and as patterns are matched with it.
    pub(crate) fn encode(&self) -> (String, Value) {
        let body = serde_json::to_string(self).expect("JSON and strings can be written as JSON");
        let value = serde_json::to_value(self).expect("JSON and strings can be written as JSON");
        (body, value)
    }
}

impl Refusal {
    pub(crate) fn invalid(parameter: &str, reason: &str) -> Self {
        let message = format!("Parameter {parameter} is not valid. Reason: {reason}.");
        Self { code: "InvalidArgument", message }
    }

    pub(crate) fn no_such_bus(bus: &str) -> Self {
        Self::invalid("EventBusName", &format!("Event bus {bus} does not exist"))
    }

    fn too_large(size_bytes: usize) -> Self {
        let reason = format!("the entry has {size_bytes} bytes, more than {MAX_ENTRY_BYTES}");
        Self::invalid("Entry", &reason)
    }
}

fn given(value: Option<String>, name: &str) -> Result<String, Refusal> {
    value
        .filter(|value| !value.is_empty())
        .ok_or_else(|| Refusal::invalid(name, &format!("{name} is a required argument")))
}

fn object(detail: &str) -> Result<Value, Refusal> {
    match serde_json::from_str(detail) {
        Ok(detail @ Value::Object(_)) => Ok(detail),
        _ => Err(Refusal { code: "MalformedDetail", message: "Detail is malformed.".to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(detail: &str) -> Entry {
        Entry {
            source: Some("shop".to_owned()),
            detail_type: Some("Sold.v1".to_owned()),
            detail: Some(detail.to_owned()),
            ..Entry::default()
        }
    }

    #[test]
    fn an_event_has_the_envelope_of_aws() {
        let event = entry(r#"{"id":7}"#).accept("123456789012", "eu-west-1", 1_440_938_160_123);

        let mut event = serde_json::to_value(event.expect("accepted")).expect("JSON");
        event["id"] = "the id".into();
        let expected = serde_json::json!({
            "version": "0", "id": "the id", "detail-type": "Sold.v1", "source": "shop",
            "account": "123456789012", "time": "2015-08-30T12:36:00Z", "region": "eu-west-1",
            "resources": [], "detail": { "id": 7 },
        });
        assert_eq!(event, expected);
    }

    #[test]
    fn a_detail_that_is_no_object_is_refused() {
        for detail in ["{", "[]", "7"] {
            let refusal = entry(detail).accept("", "", 0).expect_err("refused");
            assert_eq!(refusal.code, "MalformedDetail");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let refusal = Entry { source: None, ..entry("{}") }.accept("", "", 0).expect_err("refused");
        assert!(refusal.message.contains("Source is a required argument"), "{refusal:?}");
    }
}
