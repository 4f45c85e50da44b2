//! Moments, as they are written on the wire.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

const DAY_SECS: u64 = 24 * 60 * 60;

/// Since the epoch; zero before it.
pub(crate) fn since_epoch(at: SystemTime) -> Duration {
    at.duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// A moment in UTC with milliseconds, as RFC 3339 has it.
pub(crate) fn rfc3339(at: SystemTime) -> String {
    let since = since_epoch(at);
    let (year, month, day) = civil(since.as_secs() / DAY_SECS);
    let secs = since.as_secs() % DAY_SECS;
    let (hour, minute, second) = (secs / 3600, secs / 60 % 60, secs % 60);
    let millis = since.subsec_millis();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// Year, month and day of a day since the epoch. Counts in years that begin with March.
fn civil(days: u64) -> (u64, u64, u64) {
    const ERA_DAYS: u64 = 146_097;
    let days = days + 719_468;
    let (era, day_of_era) = (days / ERA_DAYS, days % ERA_DAYS);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_in_utc() {
        let texts = [0, 951_782_400_250, 1_790_000_000_000]
            .map(|ms| rfc3339(UNIX_EPOCH + Duration::from_millis(ms)));

        let expected =
            ["1970-01-01T00:00:00.000Z", "2000-02-29T00:00:00.250Z", "2026-09-21T14:13:20.000Z"];
        assert_eq!(texts, expected);
    }
}
