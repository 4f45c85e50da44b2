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

/// Reads what [`rfc3339`] writes, and any other RFC 3339, to the millisecond; none for anything else
/// and for what was before 1970.
pub fn from_rfc3339(text: &str) -> Option<Timestamp> {
    let at = DateTime::parse_from_rfc3339(text).ok()?;
    u64::try_from(at.timestamp_millis()).ok().map(Timestamp::from_epoch_ms)
}

/// Where an object is: `s3://bucket/key`.
pub fn s3_url(bucket: &str, key: &ObjectKey) -> String {
    format!("s3://{bucket}/{key}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_read_as_it_is_written() {
        let at = Timestamp::from_epoch_ms(1_795_168_800_123);

        assert_eq!(from_rfc3339(&rfc3339(at)), Some(at));
        assert_eq!(from_rfc3339("2026-11-20T11:00:00.123+01:00"), Some(at));
        for text in ["", "2026-11-20", "2026-11-20T10:00:00", "1969-12-31T23:59:59Z"] {
            assert_eq!(from_rfc3339(text), None, "{text}");
        }
    }
}
