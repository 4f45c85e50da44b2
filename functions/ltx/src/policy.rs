//! What may be spent, and when to stop trying.

use std::time::Duration;

use domain::Caps;
use ports::{InvalidSetting, Settings, caps};

/// What follows from an order whose answer was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownPolicy {
    /// It is held until an operator decides, the provider tells by itself, or
    /// [`Policy::hold_for`] has passed.
    Hold,
    /// After this time it is ordered again, although it may then be charged twice; the ledger says so.
    ResubmitAfter(Duration),
}

/// The rules of the stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Broken collections, looks that break after the deadline, and orders at which the provider broke
    /// for free, before the job is given up. A look that breaks earlier, or an order that was not
    /// taken, is made again until the deadline.
    pub max_faults: u32,
    /// How long an order may be on its way before its answer counts as lost.
    pub submit_grace: Duration,
    /// What follows from an order whose answer was lost.
    pub unknown: UnknownPolicy,
    /// How long a job waits for its unknown order before it ends.
    pub hold_for: Duration,
    /// What may be spent.
    pub caps: Caps,
    /// Who takes over when the default provider refuses for a reason of its own; none: nobody. A
    /// job that names its provider stays with it.
    pub failover: Option<String>,
    /// How long a stored clip may be taken for an equal order; none: every order is filmed.
    pub reuse_for: Option<Duration>,
    /// Where anybody can fetch the photos of the bucket by their keys; none: they are uploaded.
    pub photos_url: Option<String>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            max_faults: 5,
            submit_grace: Duration::from_mins(10),
            unknown: UnknownPolicy::Hold,
            hold_for: Duration::from_hours(20),
            caps: Caps::NONE,
            failover: None,
            reuse_for: Some(Duration::from_hours(30 * 24)),
            photos_url: None,
        }
    }
}

impl Policy {
    /// Reads settings from `lookup`. All may be missing:
    ///
    /// | setting | what it is | without it |
    /// |---|---|---|
    /// | `MAX_FAULTS` | see [`Policy::max_faults`] | 5 |
    /// | `SUBMIT_GRACE_SECS` | see [`Policy::submit_grace`] | 600 |
    /// | `UNKNOWN_POLICY` | `hold`, or `resubmit-after SECONDS` | `hold` |
    /// | `HOLD_FOR_SECS` | see [`Policy::hold_for`] | 72000 |
    /// | `CAP_…` | see [`caps`] | no limit |
    /// | `FAILOVER_PROVIDER` | see [`Policy::failover`] | nobody |
    /// | `REUSE_CLIPS_FOR_SECS` | see [`Policy::reuse_for`]; 0: never | 2592000 |
    /// | `PHOTOS_URL` | see [`Policy::photos_url`] | photos are uploaded |
    ///
    /// # Errors
    /// [`InvalidSetting`] names the first setting that is unreadable.
    pub fn from_vars(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, InvalidSetting> {
        let settings = Settings(lookup);
        let standard = Self::default();
        let max_faults =
            settings.maybe("MAX_FAULTS", "a whole number", |text| text.parse().ok())?;
        let unknown = "hold, or resubmit-after and a number of seconds";
        let reuse_for = settings.maybe_secs("REUSE_CLIPS_FOR_SECS")?.or(standard.reuse_for);
        Ok(Self {
            max_faults: max_faults.unwrap_or(standard.max_faults),
            submit_grace: settings
                .maybe_secs("SUBMIT_GRACE_SECS")?
                .unwrap_or(standard.submit_grace),
            unknown: settings
                .maybe("UNKNOWN_POLICY", unknown, UnknownPolicy::read)?
                .unwrap_or(standard.unknown),
            hold_for: settings.maybe_secs("HOLD_FOR_SECS")?.unwrap_or(standard.hold_for),
            caps: caps(&settings)?,
            failover: settings
                .maybe("FAILOVER_PROVIDER", "a name", |name| Some(name.to_owned()))?,
            reuse_for: reuse_for.filter(|time| !time.is_zero()),
            photos_url: settings.maybe("PHOTOS_URL", "an https address", |url| {
                url.starts_with("https://").then(|| url.to_owned())
            })?,
        })
    }
}

impl UnknownPolicy {
    fn read(text: &str) -> Option<Self> {
        match text.split_whitespace().collect::<Vec<_>>()[..] {
            ["hold"] => Some(Self::Hold),
            ["resubmit-after", secs] => {
                Some(Self::ResubmitAfter(Duration::from_secs(secs.parse().ok()?)))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::MicroUsd;

    use super::*;

    fn read(settings: &[(&str, &str)]) -> Result<Policy, InvalidSetting> {
        Policy::from_vars(|name| {
            let found = settings.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn without_settings_the_usual_rules_hold() {
        assert_eq!(read(&[]), Ok(Policy::default()));
    }

    #[test]
    fn every_rule_can_be_set() {
        let policy = read(&[
            ("UNKNOWN_POLICY", "resubmit-after 3600"),
            ("CAP_DAY_USD", "10"),
            ("CAP_USER_DAY_CLIPS", "3"),
            ("REUSE_CLIPS_FOR_SECS", "0"),
            ("FAILOVER_PROVIDER", "fal"),
        ])
        .expect("readable");

        assert_eq!(policy.unknown, UnknownPolicy::ResubmitAfter(Duration::from_hours(1)));
        assert_eq!(policy.caps.day.money, Some(MicroUsd(10_000_000)));
        assert_eq!(policy.caps.user_day.clips, Some(3));
        assert_eq!((policy.reuse_for, policy.failover.as_deref()), (None, Some("fal")));
    }

    #[test]
    fn an_unreadable_rule_is_named() {
        for (name, value) in [
            ("UNKNOWN_POLICY", "resubmit"),
            ("CAP_DAY_USD", "ten"),
            ("MAX_FAULTS", "-1"),
            ("PHOTOS_URL", "http://photos.example.com"),
        ] {
            let error = read(&[(name, value)]).expect_err("unreadable");
            assert!(error.to_string().contains(name), "{error}");
        }
    }
}
