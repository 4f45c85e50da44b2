//! What S3 tells a queue about new objects.

use aws_lambda_events::event::s3::{S3Event, S3EventRecord};
use domain::ObjectKey;
use events::ObjectCreated;
use percent_encoding::percent_decode_str;
use ports::Source;
use serde::Deserialize;
use serde_json::Value;

/// The notification is not what S3 writes.
#[derive(Debug, thiserror::Error)]
enum InvalidNotification {
    #[error("the S3 notification cannot be read")]
    Json(#[from] serde_json::Error),
    #[error("the S3 notification has no {0}")]
    Missing(&'static str),
    #[error("the key {0:?} of the S3 notification is not UTF-8")]
    NotUtf8(String, #[source] std::str::Utf8Error),
    #[error("the S3 notification has no valid key")]
    Key(#[from] domain::InvalidKey),
}

/// Reads the body of one record: objects that were created or overwritten, in the order told.
///
/// Empty for the `s3:TestEvent` that S3 sends when it is set up; news of other kinds, such as
/// removals, is left out.
///
/// Source: Amazon S3 User Guide, "Event message structure".
///
/// # Errors
/// If it is no S3 notification, or lacks bucket, key, entity tag or size.
pub fn objects_created(body: &str) -> Result<Vec<ObjectCreated>, Source> {
    Ok(parse(body)?)
}

fn parse(body: &str) -> Result<Vec<ObjectCreated>, InvalidNotification> {
    let notification: Value = serde_json::from_str(body)?;
    if notification["Event"] == "s3:TestEvent" {
        return Ok(Vec::new());
    }
    let records = S3Event::deserialize(notification)?.records;
    records.into_iter().filter(is_creation).map(object_created).collect()
}

fn is_creation(record: &S3EventRecord) -> bool {
    let name = record.event_name.as_deref().unwrap_or_default();
    name.trim_start_matches("s3:").starts_with("ObjectCreated:")
}

fn object_created(record: S3EventRecord) -> Result<ObjectCreated, InvalidNotification> {
    let missing = InvalidNotification::Missing;
    let object = record.s3.object;
    let size = object.size.and_then(|size| size.try_into().ok());
    Ok(ObjectCreated {
        bucket: record.s3.bucket.name.ok_or(missing("s3.bucket.name"))?,
        key: decoded(&object.key.ok_or(missing("s3.object.key"))?)?,
        etag: object.e_tag.ok_or(missing("s3.object.eTag"))?.trim_matches('"').to_owned(),
        size_bytes: size.ok_or(missing("s3.object.size"))?,
    })
}

/// Undoes the form encoding of keys: `+` is a space, `%2B` a plus.
fn decoded(key: &str) -> Result<ObjectKey, InvalidNotification> {
    let spaced = key.replace('+', " ");
    let text = percent_decode_str(&spaced).decode_utf8();
    let text = text.map_err(|error| InvalidNotification::NotUtf8(key.to_owned(), error))?;
    Ok(ObjectKey::new(text)?)
}

#[cfg(test)]
mod tests {
    use ports::Chain;
    use testkit::samples;

    use super::*;

    /// As S3 writes it, with everything that it writes.
    const RECORD: &str = r#"{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"eu-central-1",
        "eventTime":"2026-11-20T10:00:00.000Z","eventName":"ObjectCreated:Put",
        "userIdentity":{"principalId":"AWS:AIDAEXAMPLE"},
        "requestParameters":{"sourceIPAddress":"203.0.113.7"},
        "responseElements":{"x-amz-request-id":"C3D13FE58DE4C810","x-amz-id-2":"FMyUVURIY8"},
        "s3":{"s3SchemaVersion":"1.0","configurationId":"ingest",
            "bucket":{"name":"media","ownerIdentity":{"principalId":"A3NL1K"},"arn":"arn:aws:s3:::media"},
            "object":{"key":"uploads/Vila+S%C3%A3o+Jo%C3%A3o%2F1%2B1+%28a%29.jpg","size":1024,
                "eTag":"d41d8cd98f00b204e9800998ecf8427e","sequencer":"0055AED6DCD90281E5"}}}"#;

    fn body(records: &[&str]) -> String {
        format!(r#"{{"Records":[{}]}}"#, records.join(","))
    }

    fn fault(body: &str) -> String {
        Chain(objects_created(body).expect_err("a fault").as_ref()).to_string()
    }

    #[test]
    fn keys_are_decoded() {
        let objects = objects_created(&body(&[RECORD])).expect("readable");

        let expected = ObjectCreated {
            bucket: "media".into(),
            key: ObjectKey::new("uploads/Vila São João/1+1 (a).jpg").expect("valid"),
            etag: "d41d8cd98f00b204e9800998ecf8427e".into(),
            size_bytes: 1024,
        };
        assert_eq!(objects, [expected]);
    }

    #[test]
    fn several_records_are_told_in_order_and_removals_left_out() {
        let second = RECORD.replace("Put", "CompleteMultipartUpload").replace("1024", "7");
        let removal = RECORD.replace("ObjectCreated:Put", "ObjectRemoved:Delete");

        let objects = objects_created(&body(&[RECORD, &removal, &second])).expect("readable");

        let sizes: Vec<_> = objects.iter().map(|object| object.size_bytes).collect();
        assert_eq!(sizes, [1024, 7]);
    }

    #[test]
    fn the_test_event_tells_of_nothing() {
        let body = r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2026-11-20T10:00:00.000Z",
            "Bucket":"media","RequestId":"5582815E1AEA5ADF","HostId":"8cLeGAmw098X5cv4Zkwcmo8vvZa3"}"#;

        assert_eq!(objects_created(body).expect("readable"), []);
    }

    #[test]
    fn what_is_missing_is_named() {
        let cases = [
            (r#""name":"media","#, "s3.bucket.name"),
            (r#""eTag":"d41d8cd98f00b204e9800998ecf8427e","#, "s3.object.eTag"),
            (r#""size":1024,"#, "s3.object.size"),
            (r#""key":"uploads/Vila+S%C3%A3o+Jo%C3%A3o%2F1%2B1+%28a%29.jpg","#, "s3.object.key"),
        ];
        for (field, name) in cases {
            assert!(RECORD.contains(field), "{field}");
            let told = fault(&body(&[&RECORD.replace(field, "")]));
            assert_eq!(told, format!("the S3 notification has no {name}"));
        }
    }

    #[test]
    fn what_s3_does_not_write_is_a_fault() {
        assert!(fault("holiday.jpg").starts_with("the S3 notification cannot be read: "));
        assert!(fault("{}").contains("Records"));
        assert!(fault(&body(&[&RECORD.replace("%C3%A3", "%C3")])).contains("is not UTF-8"));
        assert!(
            fault(&body(&[
                &RECORD.replace("uploads/Vila+S%C3%A3o+Jo%C3%A3o%2F1%2B1+%28a%29.jpg", "")
            ]))
            .contains("no valid key")
        );
    }

    #[test]
    fn the_sample_notification_is_read_back() {
        let key = ObjectKey::new("uploads/a b+c/é%2F.jpg").expect("valid");

        let body = samples::s3_notification("media", &key, "e1", 5);

        let expected =
            ObjectCreated { bucket: "media".into(), key, etag: "e1".into(), size_bytes: 5 };
        assert_eq!(objects_created(&body).expect("readable"), [expected]);
    }
}
