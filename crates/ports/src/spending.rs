//! What the limits of a stage are, and how much of them is used.

use domain::{Account, Booking, Cap, Caps, MicroUsd, Timestamp, Window};

use crate::{InvalidSetting, Ledger, LedgerError, Settings};

/// What is booked against one of the stage's own limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    /// What the limit is on.
    pub window: Window,
    /// How much may be spent.
    pub cap: Cap,
    /// How much is spent or reserved.
    pub booked: Booking,
}

impl Spent {
    /// How many hundredths of the limit are used, of money or of clips, whichever is more; none if
    /// nothing is limited.
    pub fn percent(&self) -> Option<u32> {
        let Cap { money, clips } = self.cap;
        let money = money.map(|cap| hundredths(self.booked.money.0, cap.0));
        let clips = clips.map(|cap| hundredths(self.booked.clips, cap));
        money.into_iter().chain(clips).max()
    }
}

/// Whole ones. A limit of nothing is used up.
fn hundredths(used: impl Into<u128>, of: impl Into<u128>) -> u32 {
    let hundredths = (used.into() * 100).checked_div(of.into()).unwrap_or(100);
    u32::try_from(hundredths).unwrap_or(u32::MAX)
}

/// What is booked of today and of this month. Two reads, whatever was ordered.
///
/// # Errors
/// [`LedgerError`].
pub async fn spent(
    ledger: &impl Ledger,
    caps: &Caps,
    now: Timestamp,
) -> Result<[Spent; 2], LedgerError> {
    let [_, day, month] = Account::of(None, now);
    let of = async |account: Account| {
        let booked = ledger.booked(&account).await?;
        Ok::<_, LedgerError>(Spent { window: account.window, cap: caps.of(account.window), booked })
    };
    Ok([of(day).await?, of(month).await?])
}

/// Reads the limits of a stage. All may be missing:
///
/// | setting | what it is | without it |
/// |---|---|---|
/// | `CAP_USER_DAY_USD`, `CAP_DAY_USD`, `CAP_MONTH_USD` | money, in dollars | no limit |
/// | `CAP_USER_DAY_CLIPS`, `CAP_DAY_CLIPS`, `CAP_MONTH_CLIPS` | clips | no limit |
///
/// # Errors
/// [`InvalidSetting`] names the first setting that is unreadable.
pub fn caps<F: Fn(&str) -> Option<String>>(settings: &Settings<F>) -> Result<Caps, InvalidSetting> {
    Ok(Caps {
        user_day: cap(settings, "CAP_USER_DAY_USD", "CAP_USER_DAY_CLIPS")?,
        day: cap(settings, "CAP_DAY_USD", "CAP_DAY_CLIPS")?,
        month: cap(settings, "CAP_MONTH_USD", "CAP_MONTH_CLIPS")?,
    })
}

fn cap<F: Fn(&str) -> Option<String>>(
    settings: &Settings<F>,
    money: &'static str,
    clips: &'static str,
) -> Result<Cap, InvalidSetting> {
    let dollars = |text: &str| MicroUsd::from_dollars(text).ok();
    Ok(Cap {
        money: settings.maybe(money, "an amount in dollars, such as 10 or 2.50", dollars)?,
        clips: settings.maybe(clips, "a whole number", |text| text.parse().ok())?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(cap: Cap, dollars: u64, clips: u32) -> Option<u32> {
        let booked = Booking { money: MicroUsd(dollars * 1_000_000), clips };
        Spent { window: Window::Day, cap, booked }.percent()
    }

    #[test]
    fn of_two_limits_the_tighter_one_counts() {
        let cap = Cap { money: Some(MicroUsd(10_000_000)), clips: Some(4) };

        assert_eq!(used(cap, 9, 1), Some(90));
        assert_eq!(used(cap, 1, 3), Some(75));
        assert_eq!(used(cap, 12, 0), Some(120));
    }

    #[test]
    fn where_nothing_is_limited_nothing_is_told() {
        assert_eq!(used(Cap::default(), 9, 9), None);
    }

    #[test]
    fn a_limit_of_nothing_is_used_up() {
        let nothing = Cap { money: None, clips: Some(0) };

        assert_eq!(used(nothing, 0, 0), Some(100));
    }

    #[test]
    fn limits_are_read_and_may_be_missing() {
        let set = |name: &str| (name == "CAP_DAY_USD").then(|| "2.50".to_owned());
        let day = Cap { money: Some(MicroUsd(2_500_000)), clips: None };

        assert_eq!(caps(&Settings(set)), Ok(Caps { day, ..Caps::NONE }));
        let error = caps(&Settings(|_: &str| Some("ten".to_owned()))).expect_err("unreadable");
        assert!(error.to_string().starts_with("CAP_USER_DAY_USD"), "{error}");
    }
}
