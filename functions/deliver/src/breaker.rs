//! Leaves a receiver alone that is down, and keeps a slow one from taking everybody's time. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::Timestamp;
use serde::{Deserialize, Serialize};

/// How many attempts at one receiver are made at once.
pub(crate) const PLACES: usize = 4;

/// How long a place is kept for an attempt of which nothing is heard.
pub(crate) const LEASE: Duration = Duration::from_mins(1);

/// Failures in a row, over all deliveries, after which a receiver is left alone.
const PATIENCE: u32 = 5;

/// For how long, at first; it doubles whenever the receiver is then tried in vain.
const FIRST_OPENING: Duration = Duration::from_secs(30);

/// It does not grow beyond this.
pub(crate) const LONGEST_OPENING: Duration = Duration::from_mins(15);

/// For how long a receiver is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Opening {
    until: Timestamp,
    lasts: Duration,
}

/// How one receiver has been answering, over all deliveries to it.
///
/// Closed, it lets [`PLACES`] attempts through at once. Open, none. When its opening is over it lets
/// one through, which decides.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Breaker {
    /// Failures since the newest success.
    failures: u32,
    /// When the first of them was; none: the newest attempt was a success.
    failing_since: Option<Timestamp>,
    /// Since too many of them; none: closed.
    opening: Option<Opening>,
    /// Attempts that are being made, and until when nothing needs to be heard of them.
    places: BTreeMap<String, Timestamp>,
}

/// Whether an attempt may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// Yes; say what came of it.
    Admitted,
    /// Not before others have ended.
    Full,
    /// Not before this time is over.
    Open(Duration),
}

impl Breaker {
    /// Asks for a place for an attempt of `delivery`. Whoever has one keeps it.
    pub(crate) fn enter(&mut self, delivery: &str, now: Timestamp) -> Entry {
        self.places.retain(|_, until| *until > now);
        let others = self.places.keys().filter(|holder| *holder != delivery).count();
        let places = match self.opening {
            Some(opening) if opening.until > now => return Entry::Open(opening.until.since(now)),
            Some(_) => 1,
            None => PLACES,
        };
        if others >= places {
            return Entry::Full;
        }
        self.places.insert(delivery.to_owned(), now.plus(LEASE));
        Entry::Admitted
    }

    /// The attempt was a success: the receiver is well.
    pub(crate) fn succeeded(&mut self, delivery: &str) {
        self.places.remove(delivery);
        *self = Self { places: std::mem::take(&mut self.places), ..Self::default() };
    }

    /// The attempt failed. Returns since when every one has.
    pub(crate) fn failed(&mut self, delivery: &str, now: Timestamp) -> Timestamp {
        self.places.remove(delivery);
        self.failures = self.failures.saturating_add(1);
        self.opening = match self.opening {
            // It was under way when the breaker opened: it says nothing new.
            Some(opening) if opening.until > now => Some(opening),
            Some(Opening { lasts, .. }) => Some(Opening::at(now, lasts.saturating_mul(2))),
            None if self.failures >= PATIENCE => Some(Opening::at(now, FIRST_OPENING)),
            None => None,
        };
        *self.failing_since.get_or_insert(now)
    }
}

impl Opening {
    fn at(now: Timestamp, lasts: Duration) -> Self {
        let lasts = lasts.min(LONGEST_OPENING);
        Self { until: now.plus(lasts), lasts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::from_epoch_ms(1_795_168_800_000);

    fn secs(secs: u64) -> Timestamp {
        AT.plus(Duration::from_secs(secs))
    }

    fn open(secs: u64) -> Entry {
        Entry::Open(Duration::from_secs(secs))
    }

    /// One attempt after the other, each a failure.
    fn after_failures(count: u32) -> Breaker {
        let mut breaker = Breaker::default();
        for _ in 0..count {
            assert_eq!(breaker.enter("a", AT), Entry::Admitted);
            breaker.failed("a", AT);
        }
        breaker
    }

    #[test]
    fn four_attempts_are_made_at_once_and_a_fifth_when_one_has_ended() {
        let mut breaker = Breaker::default();

        let entries = ["a", "b", "c", "d", "e"].map(|delivery| breaker.enter(delivery, AT));
        breaker.succeeded("b");

        assert_eq!(entries[..4], [Entry::Admitted; 4]);
        assert_eq!(entries[4], Entry::Full);
        assert_eq!(breaker.enter("e", AT), Entry::Admitted);
        assert_eq!(breaker.enter("f", AT), Entry::Full);
    }

    #[test]
    fn whoever_has_a_place_keeps_it() {
        let mut breaker = Breaker::default();
        let entries = ["a", "b", "c", "d"].map(|delivery| breaker.enter(delivery, AT));

        assert_eq!((entries, breaker.enter("d", AT)), ([Entry::Admitted; 4], Entry::Admitted));
        assert_eq!(breaker.places.len(), 4);
    }

    #[test]
    fn a_place_that_its_process_took_into_the_grave_is_free_after_a_minute() {
        let mut breaker = Breaker::default();
        for delivery in ["a", "b", "c", "d"] {
            breaker.enter(delivery, AT);
        }

        assert_eq!(breaker.enter("e", secs(59)), Entry::Full);
        assert_eq!(breaker.enter("e", secs(60)), Entry::Admitted);
    }

    #[test]
    fn five_failures_in_a_row_open_it_and_a_success_between_them_does_not_count_as_none() {
        let mut four = after_failures(4);
        let mut mended = after_failures(4);
        mended.succeeded("b");
        mended.failed("a", AT);

        assert_eq!(four.enter("a", AT), Entry::Admitted);
        assert_eq!(mended.enter("a", AT), Entry::Admitted);
        assert_eq!(after_failures(5).enter("a", secs(10)), open(20));
    }

    #[test]
    fn when_its_time_is_over_one_attempt_is_made_and_the_others_wait() {
        let mut breaker = after_failures(5);

        assert_eq!(breaker.enter("a", secs(30)), Entry::Admitted);
        assert_eq!(breaker.enter("b", secs(30)), Entry::Full);
    }

    #[test]
    fn a_success_closes_it_and_clears_everything_but_the_places_of_others() {
        let mut breaker = after_failures(5);
        breaker.enter("a", secs(30));

        breaker.succeeded("a");

        assert_eq!(breaker, Breaker::default());
        assert_eq!(breaker.enter("b", secs(31)), Entry::Admitted);
        assert_eq!(breaker.enter("c", secs(31)), Entry::Admitted);
    }

    #[test]
    fn a_failure_opens_it_for_twice_as_long_up_to_a_quarter_of_an_hour() {
        let mut breaker = after_failures(5);
        let mut now = AT;

        let openings = [0; 7].map(|_| {
            let Entry::Open(lasts) = breaker.enter("b", now) else { panic!("it is open") };
            now = now.plus(lasts);
            assert_eq!(breaker.enter("a", now), Entry::Admitted);
            breaker.failed("a", now);
            lasts.as_secs()
        });

        assert_eq!(openings, [30, 60, 120, 240, 480, 900, 900]);
    }

    #[test]
    fn a_failure_of_what_was_under_way_when_it_opened_does_not_open_it_longer() {
        let mut breaker = after_failures(4);
        breaker.enter("a", AT);
        breaker.enter("b", AT);

        breaker.failed("a", AT);
        breaker.failed("b", secs(5));

        assert_eq!(breaker.enter("c", secs(5)), open(25));
    }

    #[test]
    fn an_attempt_that_was_to_decide_and_died_is_replaced_after_a_minute() {
        let mut breaker = after_failures(5);
        breaker.enter("a", secs(30));

        assert_eq!(breaker.enter("b", secs(89)), Entry::Full);
        assert_eq!(breaker.enter("b", secs(90)), Entry::Admitted);
    }

    #[test]
    fn it_knows_since_when_every_attempt_has_failed() {
        let mut breaker = Breaker::default();

        let first = breaker.failed("a", secs(1));
        let second = breaker.failed("a", secs(2));
        breaker.succeeded("a");
        let third = breaker.failed("a", secs(3));

        assert_eq!([first, second, third], [secs(1), secs(1), secs(3)]);
    }

    #[test]
    fn what_is_stored_is_read_and_nothing_stored_is_well() {
        let mut breaker = after_failures(5);
        breaker.enter("a", secs(30));

        let text = serde_json::to_string(&breaker).expect("JSON");

        assert_eq!(serde_json::from_str::<Breaker>(&text).expect("a breaker"), breaker);
        assert_eq!(serde_json::from_str::<Breaker>("{}").expect("a breaker"), Breaker::default());
    }
}
