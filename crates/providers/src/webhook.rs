//! Whether a webhook comes from the provider that it claims to come from.
//!
//! What is verified are the bytes that came, before anything is read from them. A webhook that is
//! verified is still only a hint: that the work has ended, and to look at it.

mod fal;
#[cfg(test)]
pub(crate) mod receiver;
mod replicate;

use std::time::Duration;

use domain::Timestamp;
use ports::NotGenuine;

pub use fal::FalVerifier;
pub use replicate::{InvalidSecret, ReplicateVerifier, SecretUnavailable, fetch_replicate_secret};

/// How far a webhook's time may be from now, either way.
///
/// Source: fal docs, "Webhooks"; Standard Webhooks reference library, which Replicate's fit.
const TOLERANCE: Duration = Duration::from_mins(5);

/// A header by its name, in any case; the first, if there are several.
fn header<'a>(headers: &'a [(String, String)], name: &str) -> Result<&'a str, NotGenuine> {
    let found = headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
    let value = found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty());
    value.ok_or(NotGenuine::Unsigned)
}

/// Whether a time in whole seconds since the epoch is about now.
fn check_time(secs: &str, now: Timestamp) -> Result<(), NotGenuine> {
    let secs: u64 = secs.parse().map_err(|_| NotGenuine::Unsigned)?;
    let apart = (now.epoch_ms() / 1000).abs_diff(secs);
    if apart > TOLERANCE.as_secs() { Err(NotGenuine::Stale) } else { Ok(()) }
}

#[cfg(test)]
mod samples {
    use super::*;

    /// When the known answers were signed.
    pub(super) const SIGNED_AT: Timestamp = Timestamp::from_epoch_ms(1_790_000_000_000);

    pub(super) fn seconds_later(secs: u64) -> Timestamp {
        SIGNED_AT.plus(Duration::from_secs(secs))
    }

    pub(super) fn headers(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn now_is_five_minutes_either_way() {
        let judged = |secs: &str| check_time(secs, SIGNED_AT).is_ok();

        assert_eq!(["1789999700", "1790000300"].map(judged), [true, true]);
        assert_eq!(["1789999699", "1790000301", "-1", "soon", ""].map(judged), [false; 5]);
    }
}
