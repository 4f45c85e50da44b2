//! How instants and places are written.

use chrono::{DateTime, SecondsFormat};
use domain::{ObjectKey, Timestamp};

/// RFC 3339 with milliseconds, in UTC: `2026-11-20T10:00:00.000Z`.
pub fn rfc3339(at: Timestamp) -> String {
    let ms = i64::try_from(at.epoch_ms()).unwrap_or(i64::MAX);
    DateTime::from_timestamp_millis(ms)
        .unwrap_or(DateTime::<chrono::Utc>::MAX_UTC)
        .to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Where an object is: `s3://bucket/key`.
pub fn s3_url(bucket: &str, key: &ObjectKey) -> String {
    format!("s3://{bucket}/{key}")
}
