//! Instants, in the one unit that is stored, and the calendar that limits are kept by.

use std::time::Duration;

use serde::{Deserialize, Serialize};

const DAY_MS: u64 = 86_400_000;

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The instant `ms` milliseconds after the epoch.
    pub const fn from_epoch_ms(ms: u64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the epoch.
    pub const fn epoch_ms(self) -> u64 {
        self.0
    }

    /// The time that passed from `earlier` to this instant; zero when `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// This instant moved into the future.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        let by = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(by))
    }

    /// The day it is in.
    pub const fn day(self) -> Day {
        Day(self.0 / DAY_MS)
    }
}

/// A day of the calendar, in UTC. Displayed as `2026-11-21`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(u64);

impl Day {
    /// When it begins.
    pub const fn begins(self) -> Timestamp {
        Timestamp(self.0 * DAY_MS)
    }

    /// The day `days` earlier; the first of all when there is none.
    #[must_use]
    pub const fn back(self, days: u64) -> Self {
        Self(self.0.saturating_sub(days))
    }

    /// The day after it.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The first day of the month after it.
    #[must_use]
    pub fn next_month(self) -> Self {
        let mut day = self.next();
        while day.civil().2 != 1 {
            day = day.next();
        }
        day
    }

    /// The month it is in: `2026-11`.
    pub fn month(self) -> String {
        let (year, month, _) = self.civil();
        format!("{year:04}-{month:02}")
    }

    /// Year, month and day of the Gregorian calendar.
    ///
    /// Source: Fliegel and Van Flandern, "A machine algorithm for processing calendar dates",
    /// Communications of the ACM 11 (1968), from the Julian day number.
    const fn civil(self) -> (u64, u64, u64) {
        let l = self.0 + 2_440_588 + 68_569;
        let n = 4 * l / 146_097;
        let l = l - (146_097 * n).div_ceil(4);
        let i = 4_000 * (l + 1) / 1_461_001;
        let l = l - 1_461 * i / 4 + 31;
        let j = 80 * l / 2_447;
        let day = l - 2_447 * j / 80;
        let l = j / 11;
        (100 * (n - 49) + i + l, j + 2 - 12 * l, day)
    }
}

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (year, month, day) = self.civil();
        f.pad(&format!("{year:04}-{month:02}-{day:02}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(epoch_secs: u64) -> Day {
        Timestamp::from_epoch_ms(epoch_secs * 1000).day()
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        let days = [0, 951_782_399, 951_782_400, 951_868_800, 1_795_168_800, 4_107_542_400];

        let shown = days.map(|secs| day(secs).to_string());

        assert_eq!(
            shown,
            ["1970-01-01", "2000-02-28", "2000-02-29", "2000-03-01", "2026-11-20", "2100-03-01"]
        );
    }

    #[test]
    fn a_month_ends_when_the_next_begins() {
        let leap = day(951_782_400);

        assert_eq!(
            (leap.month().as_str(), leap.next_month().to_string().as_str()),
            ("2000-02", "2000-03-01")
        );
        assert_eq!(day(1_798_675_200).next_month().to_string(), "2027-01-01");
        assert_eq!(leap.begins().day(), leap);
        assert_eq!(leap.back(59).to_string(), "2000-01-01");
    }
}
