mod days;
mod limits;

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::{Attempt, Caps, MicroUsd, RefusedOver, Settlement, Timestamp};
use futures::future::join_all;
use ports::{Ledger, Opened, Replaced};
use uuid::Uuid;

use super::{PAUSE, RACERS, eventually, unique, unique_job};
use crate::samples;

/// How often an attempt is opened when others keep writing the same accounts.
const TRIES: usize = 20;

/// Milliseconds between the days of attempts that are to share no account.
const APART_MS: u64 = 40 * 86_400_000;

/// Asserts the promises of [`Ledger`]. The attempts of a day are given time to appear.
///
/// # Panics
/// On the first broken promise.
pub async fn ledger(ledger: &impl Ledger) {
    what_was_written_is_read_by_the_next_call(ledger).await;
    an_attempt_that_is_there_stays_as_it_is(ledger).await;
    one_of_many_opens_the_attempt(ledger).await;
    attempts_are_in_the_order_of_their_numbers(ledger).await;
    a_stale_write_is_left_out(ledger).await;
    one_of_many_writes_from_the_same_row_is_made(ledger).await;
    limits::are_kept(ledger).await;
    days::are_listed(ledger).await;
    unknown_attempts_are_counted_until_they_are_settled(ledger).await;
}

/// An attempt that shares neither its job nor an account with any other.
fn attempt() -> Attempt {
    static NEXT: LazyLock<AtomicU64> = LazyLock::new(|| {
        // In a month of its own, anywhere in eight thousand years: the backend may be shared.
        AtomicU64::new(samples::AT.epoch_ms() + Uuid::new_v4().as_u64_pair().0 % 70_000 * APART_MS)
    });
    let now = Timestamp::from_epoch_ms(NEXT.fetch_add(APART_MS, Ordering::SeqCst));
    let mut intent = samples::intent(unique_job().id);
    intent.user = Some(unique());
    Attempt::intend(intent, now)
}

/// An attempt for another job that is booked to the same accounts.
fn beside(attempt: &Attempt) -> Attempt {
    Attempt { job: unique_job().id, ..attempt.clone() }
}

async fn open(ledger: &impl Ledger, attempt: &Attempt) {
    assert_eq!(opened(ledger, attempt, &Caps::NONE).await, Opened::New);
}

/// Opens an attempt; again, when others keep writing the same accounts.
async fn opened(ledger: &impl Ledger, attempt: &Attempt, caps: &Caps) -> Opened {
    for _ in 1..TRIES {
        match ledger.open(attempt, caps).await {
            Ok(opened) => return opened,
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
    ledger.open(attempt, caps).await.expect("open")
}

async fn replace(ledger: &impl Ledger, before: &Attempt, after: &Attempt) {
    let replaced = ledger.replace(before, after).await.expect("replace");
    assert_eq!(replaced, Replaced::Done);
}

fn refused() -> Settlement {
    Settlement::refused(RefusedOver::Content, "no".to_owned(), MicroUsd::ZERO)
}

async fn read(ledger: &impl Ledger, attempt: &Attempt) -> Vec<Attempt> {
    ledger.attempts(attempt.job).await.expect("attempts")
}

async fn what_was_written_is_read_by_the_next_call(ledger: &impl Ledger) {
    let attempt = attempt();
    assert_eq!(read(ledger, &attempt).await, []);

    open(ledger, &attempt).await;
    assert_eq!(read(ledger, &attempt).await, std::slice::from_ref(&attempt));

    let submitted = attempt.submitted("p-1", Some("links")).expect("legal");
    replace(ledger, &attempt, &submitted).await;
    assert_eq!(read(ledger, &attempt).await, [submitted]);
}

async fn an_attempt_that_is_there_stays_as_it_is(ledger: &impl Ledger) {
    let attempt = attempt();
    open(ledger, &attempt).await;
    let other = Attempt { provider: "other".to_owned(), ..attempt.clone() };

    let again = ledger.open(&other, &Caps::NONE).await.expect("open");

    assert_eq!(again, Opened::Exists);
    assert_eq!(read(ledger, &attempt).await, [attempt]);
}

async fn one_of_many_opens_the_attempt(ledger: &impl Ledger) {
    let attempt = attempt();
    let rivals = (0..RACERS).map(|at| Attempt { provider: at.to_string(), ..attempt.clone() });
    let rivals: Vec<_> = rivals.collect();

    let opened = rivals.iter().map(async |rival| opened(ledger, rival, &Caps::NONE).await);
    let opened = join_all(opened).await;

    let winners: Vec<_> = (0..RACERS).filter(|at| opened[*at] == Opened::New).collect();
    assert_eq!(winners.len(), 1, "{winners:?} opened the attempt");
    assert_eq!(read(ledger, &attempt).await, [rivals[winners[0]].clone()]);
}

async fn attempts_are_in_the_order_of_their_numbers(ledger: &impl Ledger) {
    let first = attempt();
    let numbered = |number| Attempt { number, ..first.clone() };
    for number in [10, 1, 2] {
        open(ledger, &numbered(number)).await;
    }
    open(ledger, &attempt()).await;

    assert_eq!(read(ledger, &first).await, [1, 2, 10].map(numbered));
}

async fn a_stale_write_is_left_out(ledger: &impl Ledger) {
    let (first, missing) = (attempt(), attempt());
    open(ledger, &first).await;
    let submitted = first.submitted("p-1", None).expect("legal");
    replace(ledger, &first, &submitted).await;
    let failed = first.settled(refused(), first.deadline).expect("legal");

    let stale = ledger.replace(&first, &failed).await.expect("replace");
    let unopened = missing.submitted("p-2", None).expect("legal");
    let unopened = ledger.replace(&missing, &unopened).await.expect("replace");

    assert_eq!((stale, unopened), (Replaced::Conflict, Replaced::Conflict));
    assert_eq!(read(ledger, &first).await, [submitted]);
    assert_eq!(read(ledger, &missing).await, []);
}

async fn unknown_attempts_are_counted_until_they_are_settled(ledger: &impl Ledger) {
    let count = async || ledger.unknown().await.expect("unknown");
    let before = count().await;
    // Of different months, of which some may be long ago.
    let attempts = [attempt(), attempt(), attempt()];
    let lost = attempts.each_ref().map(|attempt| {
        attempt.settled(Settlement::unknown("lost".to_owned()), attempt.deadline).expect("legal")
    });
    for (attempt, lost) in attempts.iter().zip(&lost) {
        open(ledger, attempt).await;
        replace(ledger, attempt, lost).await;
    }
    eventually("three unknown attempts", count, |seen| *seen == before + 3).await;

    let found = lost[0].submitted("found", None).expect("legal");
    replace(ledger, &lost[0], &found).await;
    let failed = lost[1].settled(refused(), lost[1].deadline).expect("legal");
    replace(ledger, &lost[1], &failed).await;
    let faulty = lost[2].with_fault("still unknown".to_owned());
    replace(ledger, &lost[2], &faulty).await;
    eventually("one unknown attempt", count, |seen| *seen == before + 1).await;

    let settled = faulty.settled(refused(), faulty.deadline).expect("legal");
    replace(ledger, &faulty, &settled).await;
    eventually("no unknown attempt", count, |seen| *seen == before).await;
}

async fn one_of_many_writes_from_the_same_row_is_made(ledger: &impl Ledger) {
    let attempt = attempt();
    open(ledger, &attempt).await;
    let rivals: Vec<_> = (0..RACERS).map(|at| attempt.with_fault(at.to_string())).collect();

    let written =
        rivals.iter().map(async |after| ledger.replace(&attempt, after).await.expect("replace"));
    let written = join_all(written).await;

    let winners: Vec<_> = (0..RACERS).filter(|at| written[*at] == Replaced::Done).collect();
    assert!(winners.len() <= 1, "{winners:?} all wrote the row");
    // Rivals may keep each other out, and then all of them are told to read again.
    let expected = winners.first().map_or(&attempt, |at| &rivals[*at]);
    assert_eq!(read(ledger, &attempt).await, std::slice::from_ref(expected));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::InMemoryLedger;

    #[tokio::test]
    async fn the_ledger_in_memory() {
        ledger(&InMemoryLedger::default()).await;
    }
}
