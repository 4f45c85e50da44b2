//! What a bucket says of a new object.

use domain::ObjectKey;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

/// What S3 leaves bare in the keys of its notifications; a space becomes `+`.
///
/// Source: Amazon S3 User Guide, "Event message structure".
const BARE: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'*').remove(b' ');

/// An object was created or overwritten; from one record of an S3 notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectCreated {
    /// The bucket.
    pub bucket: String,
    /// Its key, decoded.
    pub key: ObjectKey,
    /// Its entity tag, without quotes.
    pub etag: String,
    /// Its size, in bytes.
    pub size_bytes: u64,
}

impl ObjectCreated {
    /// The notification that S3 would send, for one that it has lost.
    pub fn to_notification(&self) -> String {
        let key = utf8_percent_encode(self.key.as_str(), BARE).to_string().replace(' ', "+");
        json!({ "Records": [{
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "awsRegion": "",
            "eventTime": "1970-01-01T00:00:00.000Z",
            "eventName": "ObjectCreated:Put",
            "userIdentity": { "principalId": "stillmotion.sweep" },
            "requestParameters": { "sourceIPAddress": "" },
            "responseElements": {},
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": "sweep",
                "bucket": {
                    "name": self.bucket,
                    "ownerIdentity": { "principalId": "" },
                    "arn": format!("arn:aws:s3:::{}", self.bucket),
                },
                "object": {
                    "key": key, "size": self.size_bytes, "eTag": self.etag, "sequencer": "00",
                },
            },
        }]})
        .to_string()
    }
}
