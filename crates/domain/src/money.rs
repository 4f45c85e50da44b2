//! Money, in the unit of the ledger.

use serde::{Deserialize, Serialize};

/// Micro-dollars in a dollar.
const DOLLAR: u64 = 1_000_000;

/// Millionths of a US dollar.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct MicroUsd(pub u64);

/// The text is not an amount of money.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an amount in dollars, such as 0.06")]
pub struct InvalidMoney(pub String);

impl MicroUsd {
    /// Nothing to pay.
    pub const ZERO: Self = Self(0);

    /// Reads dollars with up to six decimals: `"0.06"`, `"10"`.
    ///
    /// # Errors
    /// [`InvalidMoney`] if it is anything else.
    pub fn from_dollars(text: &str) -> Result<Self, InvalidMoney> {
        let invalid = || InvalidMoney(text.to_owned());
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || fraction.len() > 6 || !digits(whole) || !digits(fraction) {
            return Err(invalid());
        }
        let dollars: u64 = whole.parse().map_err(|_| invalid())?;
        let micro: u64 = format!("{fraction:0<6}").parse().map_err(|_| invalid())?;
        let sum = dollars.checked_mul(DOLLAR).and_then(|dollars| dollars.checked_add(micro));
        sum.map(Self).ok_or_else(invalid)
    }

    /// This amount `times` over; the largest there is when it would be larger.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self(self.0.saturating_mul(times.into()))
    }

    /// Both amounts together; the largest there is when they would be larger.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl std::iter::Sum for MicroUsd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Self::plus)
    }
}

/// Dollars: two decimals, more only where they say something.
impl std::fmt::Display for MicroUsd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let decimals = format!("{:06}", self.0 % DOLLAR);
        let shown = decimals.trim_end_matches('0').len().max(2);
        f.pad(&format!("${}.{}", self.0 / DOLLAR, &decimals[..shown]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_read_to_the_millionth() {
        assert_eq!(MicroUsd::from_dollars("0.06"), Ok(MicroUsd(60_000)));
        assert_eq!(MicroUsd::from_dollars("10"), Ok(MicroUsd(10_000_000)));
        for text in ["", ".5", "-1", "1.0000001", "1e3", "ten", "99999999999999999999"] {
            assert_eq!(MicroUsd::from_dollars(text), Err(InvalidMoney(text.to_owned())));
        }
    }

    #[test]
    fn an_amount_is_shown_with_the_decimals_that_it_needs() {
        let shown = [0, 360_000, 10_000_000, 1_234, 50].map(|micro| MicroUsd(micro).to_string());

        assert_eq!(shown, ["$0.00", "$0.36", "$10.00", "$0.001234", "$0.00005"]);
    }
}
