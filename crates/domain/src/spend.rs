//! Limits on spending: how much in which time, and by whom.

use crate::{Attempt, Booking, Day, MicroUsd, Timestamp};

/// How much may be spent in some time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cap {
    /// Money; none: no limit.
    pub money: Option<MicroUsd>,
    /// Clips; none: no limit.
    pub clips: Option<u32>,
}

/// The limits of a stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Caps {
    /// What one user may spend in a day. All that nobody in particular asked for counts as one user.
    pub user_day: Cap,
    /// What the stage may spend in a day.
    pub day: Cap,
    /// What the stage may spend in a month.
    pub month: Cap,
}

impl Caps {
    /// No limits.
    pub const NONE: Self = {
        let none = Cap { money: None, clips: None };
        Self { user_day: none, day: none, month: none }
    };

    /// The limit on what an account counts.
    pub const fn of(&self, window: Window) -> Cap {
        match window {
            Window::UserDay => self.user_day,
            Window::Day => self.day,
            Window::Month => self.month,
        }
    }
}

/// What an account counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// One user's day.
    UserDay,
    /// The stage's day.
    Day,
    /// The stage's month.
    Month,
}

/// A sum that grows with every reservation. Days and months are those of UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its name: `day#2026-11-21`, `user#u-1#2026-11-21`, `month#2026-11`.
    pub key: String,
    /// What it counts.
    pub window: Window,
    /// When a new one begins.
    pub resets_at: Timestamp,
}

impl Account {
    /// The accounts that an order of `user` at `now` is booked to.
    pub fn of(user: Option<&str>, now: Timestamp) -> [Self; 3] {
        let day = now.day();
        let user = user.unwrap_or("-");
        let (tomorrow, next_month) = (day.next().begins(), day.next_month().begins());
        let account = |key, window, resets_at| Self { key, window, resets_at };
        [
            account(format!("user#{user}#{day}"), Window::UserDay, tomorrow),
            account(format!("day#{day}"), Window::Day, tomorrow),
            account(format!("month#{}", day.month()), Window::Month, next_month),
        ]
    }

    /// The accounts that an attempt is booked to: those of the day on which it was written down.
    pub fn of_attempt(attempt: &Attempt) -> [Self; 3] {
        Self::of(attempt.user.as_deref(), attempt.intended_at)
    }

    /// Whether `wanted` fits under the cap when `booked` is in the account already.
    ///
    /// # Errors
    /// [`OverCap`] names the limit that it would pass.
    pub fn check(&self, caps: &Caps, booked: Booking, wanted: Booking) -> Result<(), OverCap> {
        let Cap { money, clips } = caps.of(self.window);
        let over = |limit| OverCap { window: self.window, limit, resets_at: self.resets_at.day() };
        match (money, clips) {
            (Some(cap), _) if booked.money.plus(wanted.money) > cap => Err(over(Limit::Money(cap))),
            (_, Some(cap)) if booked.clips + wanted.clips > cap => Err(over(Limit::Clips(cap))),
            _ => Ok(()),
        }
    }
}

/// A limit: of money or of clips.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// So much money.
    Money(MicroUsd),
    /// So many clips.
    Clips(u32),
}

/// An order would pass a limit. The text is for the person who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverCap {
    /// What the limit is on.
    pub window: Window,
    /// How much it is.
    pub limit: Limit,
    /// The day, in UTC, at whose beginning counting starts anew.
    pub resets_at: Day,
}

impl std::fmt::Display for OverCap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let of = match self.window {
            Window::UserDay => "a day for one user",
            Window::Day => "a day",
            Window::Month => "a month",
        };
        match self.limit {
            Limit::Money(money) => write!(f, "the limit of {money} {of} is reached")?,
            Limit::Clips(clips) => write!(f, "the limit of {clips} clips {of} is reached")?,
        }
        write!(f, "; it resets on {} at 00:00 UTC", self.resets_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_epoch_ms(1_795_168_800_000);

    fn booked(dollars: u64, clips: u32) -> Booking {
        Booking { money: MicroUsd(dollars * 1_000_000), clips }
    }

    #[test]
    fn an_order_is_booked_to_its_user_its_day_and_its_month() {
        let keys = Account::of(Some("u-1"), NOW).map(|account| account.key);

        assert_eq!(keys, ["user#u-1#2026-11-20", "day#2026-11-20", "month#2026-11"]);
    }

    #[test]
    fn a_limit_can_be_reached_and_not_passed() {
        let ten = Cap { money: Some(MicroUsd(10_000_000)), clips: Some(5) };
        let caps = Caps { day: ten, ..Caps::NONE };
        let [user, day, _] = Account::of(None, NOW);

        assert_eq!(day.check(&caps, booked(9, 4), booked(1, 1)), Ok(()));
        assert_eq!(user.check(&caps, booked(90, 40), booked(1, 1)), Ok(()));
        let over = day.check(&caps, booked(9, 4), booked(2, 1)).expect_err("over");
        assert_eq!(
            over.to_string(),
            "the limit of $10.00 a day is reached; it resets on 2026-11-21 at 00:00 UTC"
        );
        let over = day.check(&caps, booked(0, 5), booked(1, 1)).expect_err("over");
        assert_eq!(over.limit, Limit::Clips(5));
    }
}
