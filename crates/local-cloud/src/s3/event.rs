//! The body of an S3 event message, and which notifications an object matches.

use chrono::{DateTime, SecondsFormat, Utc};
use http::Extensions;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::objects::Object;
use crate::wiring::Notification;

/// What made an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Creation {
    Put,
    Post,
    Copy,
    CompleteMultipartUpload,
}

impl Creation {
    fn event_name(self) -> &'static str {
        match self {
            Self::Put => "ObjectCreated:Put",
            Self::Post => "ObjectCreated:Post",
            Self::Copy => "ObjectCreated:Copy",
            Self::CompleteMultipartUpload => "ObjectCreated:CompleteMultipartUpload",
        }
    }
}

/// Who asked, and under which ids it was answered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Requester {
    pub(crate) request_id: String,
    pub(crate) host_id: String,
    pub(crate) access_key: String,
}

impl Requester {
    /// The requester of a request that came through the front.
    pub(crate) fn of(extensions: &Extensions, access_key: Option<&str>) -> Self {
        let mut requester: Self = extensions.get().cloned().unwrap_or_default();
        access_key.unwrap_or_default().clone_into(&mut requester.access_key);
        requester
    }
}

/// Whether `notification` wants to hear of `key`.
pub(crate) fn wants(notification: &Notification, key: &str) -> bool {
    let suffix = notification.suffix.as_deref().unwrap_or_default();
    key.starts_with(&notification.prefix) && key.ends_with(suffix)
}

/// The message that tells of one created object.
pub(crate) fn body(
    region: &str,
    notification: &Notification,
    object: &Object,
    creation: Creation,
    requester: &Requester,
    sequencer: i64,
) -> Value {
    json!({ "Records": [{
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": region,
        "eventTime": rfc3339(object.modified_ms),
        "eventName": creation.event_name(),
        "userIdentity": { "principalId": format!("AWS:{}", requester.access_key) },
        "requestParameters": { "sourceIPAddress": "127.0.0.1" },
        "responseElements": {
            "x-amz-request-id": requester.request_id,
            "x-amz-id-2": requester.host_id,
        },
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": notification.id,
            "bucket": {
                "name": object.bucket,
                "ownerIdentity": { "principalId": "LOCAL" },
                "arn": format!("arn:aws:s3:::{}", object.bucket),
            },
            "object": {
                "key": form_encoded(&object.key),
                "size": object.size,
                "eTag": object.etag,
                "sequencer": format!("{sequencer:018X}"),
            },
        },
    }]})
}

fn rfc3339(ms: i64) -> String {
    let time: DateTime<Utc> = DateTime::from_timestamp_millis(ms).unwrap_or_default();
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

const KEPT: AsciiSet =
    NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'*').remove(b'/');

/// A key as events carry it: like a form field, with slashes left alone.
/// Source: Amazon S3 User Guide, "Event message structure"
fn form_encoded(key: &str) -> String {
    utf8_percent_encode(key, &KEPT).to_string().replace("%20", "+")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_encoded_as_a_form_field_with_bare_slashes() {
        assert_eq!(form_encoded("a b+c/é (1)%20.jpg"), "a+b%2Bc/%C3%A9+%281%29%2520.jpg");
    }

    #[test]
    fn a_notification_wants_keys_with_its_prefix_and_suffix() {
        let mut notification = Notification {
            id: "ingest".to_owned(),
            prefix: "uploads/".to_owned(),
            suffix: None,
            queue: "ingest".to_owned(),
        };
        assert!(wants(&notification, "uploads/a.json"));
        assert!(!wants(&notification, "photos/a.json"));

        notification.suffix = Some(".jpg".to_owned());
        assert!(!wants(&notification, "uploads/a.json"));
        assert!(wants(&notification, "uploads/a.jpg"));
    }

    #[test]
    fn a_time_is_written_with_milliseconds() {
        assert_eq!(rfc3339(1_700_000_000_000), "2023-11-14T22:13:20.000Z");
    }
}
