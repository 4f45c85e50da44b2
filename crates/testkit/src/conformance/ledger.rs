use domain::{Attempt, AttemptState};
use futures::future::join_all;
use ports::{Created, Ledger, Replaced};

use super::{RACERS, unique_job};
use crate::samples;

/// Asserts the promises of [`Ledger`].
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
}

fn attempt() -> Attempt {
    samples::attempt(unique_job().id)
}

async fn open(ledger: &impl Ledger, attempt: &Attempt) {
    assert_eq!(ledger.open(attempt).await.expect("open"), Created::New);
}

async fn read(ledger: &impl Ledger, attempt: &Attempt) -> Vec<Attempt> {
    ledger.attempts(attempt.job).await.expect("attempts")
}

async fn what_was_written_is_read_by_the_next_call(ledger: &impl Ledger) {
    let attempt = attempt();
    assert_eq!(read(ledger, &attempt).await, []);

    open(ledger, &attempt).await;
    assert_eq!(read(ledger, &attempt).await, std::slice::from_ref(&attempt));

    let submitted = attempt.submitted("p-1").expect("legal");
    let replaced = ledger.replace(&attempt, &submitted).await.expect("replace");
    assert_eq!(replaced, Replaced::Done);
    assert_eq!(read(ledger, &attempt).await, [submitted]);
}

async fn an_attempt_that_is_there_stays_as_it_is(ledger: &impl Ledger) {
    let attempt = attempt();
    open(ledger, &attempt).await;
    let other = Attempt { provider: "other".to_owned(), ..attempt.clone() };

    let again = ledger.open(&other).await.expect("open");

    assert_eq!(again, Created::Exists);
    assert_eq!(read(ledger, &attempt).await, [attempt]);
}

async fn one_of_many_opens_the_attempt(ledger: &impl Ledger) {
    let attempt = attempt();
    let rivals = (0..RACERS).map(|at| Attempt { provider: at.to_string(), ..attempt.clone() });
    let rivals: Vec<_> = rivals.collect();

    let opened = rivals.iter().map(async |rival| ledger.open(rival).await.expect("open"));
    let opened = join_all(opened).await;

    let winners: Vec<_> = (0..RACERS).filter(|at| opened[*at] == Created::New).collect();
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
    let submitted = first.submitted("p-1").expect("legal");
    ledger.replace(&first, &submitted).await.expect("replace");
    let failed = first.settled(AttemptState::Failed, None, samples::AT).expect("legal");

    let stale = ledger.replace(&first, &failed).await.expect("replace");
    let unopened = missing.submitted("p-2").expect("legal");
    let unopened = ledger.replace(&missing, &unopened).await.expect("replace");

    assert_eq!((stale, unopened), (Replaced::Conflict, Replaced::Conflict));
    assert_eq!(read(ledger, &first).await, [submitted]);
    assert_eq!(read(ledger, &missing).await, []);
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
