//! What was written down on a day.

use std::time::Duration;

use domain::{Attempt, Day};
use ports::Ledger;

use super::{attempt, beside, open, replace};
use crate::conformance::eventually;

pub(super) async fn are_listed(ledger: &impl Ledger) {
    attempts_of_a_day_are_in_the_order_in_which_they_were_written_down(ledger).await;
}

async fn listed(ledger: &impl Ledger, day: Day, expected: &[Attempt]) {
    let look = || async { ledger.of_day(day).await.expect("of day") };
    eventually("the attempts of a day", look, |seen| seen == expected).await;
}

async fn attempts_of_a_day_are_in_the_order_in_which_they_were_written_down(ledger: &impl Ledger) {
    let begins = attempt().intended_at.day().begins();
    let at = |secs| Attempt {
        intended_at: begins.plus(Duration::from_secs(secs)),
        ..beside(&attempt())
    };
    let [third, first, second, tomorrow] = [86_399, 0, 9_000, 86_400].map(at);
    for attempt in [&third, &first, &second, &tomorrow] {
        open(ledger, attempt).await;
    }
    let submitted = second.submitted("p-1", None).expect("legal");
    replace(ledger, &second, &submitted).await;

    listed(ledger, begins.day(), &[first, submitted, third]).await;
    listed(ledger, begins.day().next(), &[tomorrow]).await;
    listed(ledger, begins.day().back(1), &[]).await;
}
