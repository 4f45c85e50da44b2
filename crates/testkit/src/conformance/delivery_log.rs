use std::time::Duration;

use ports::{Delivery, DeliveryLog, DeliveryState, Replaced};

use super::{eventually, unique, unique_job};
use crate::samples;

/// Asserts the promises of [`DeliveryLog`]. The deliveries of a job are given time to appear.
///
/// # Panics
/// On the first broken promise.
pub async fn delivery_log(log: &impl DeliveryLog) {
    what_was_written_is_read_and_replaced_by_whoever_has_read_it(log).await;
    one_of_many_writers_wins(log).await;
    the_deliveries_of_a_job_are_in_the_order_of_first_attempts(log).await;
    the_deliveries_to_an_endpoint_are_listed_part_by_part(log).await;
}

async fn get(log: &impl DeliveryLog, delivery: &Delivery) -> Option<Delivery> {
    log.get(delivery.event, &delivery.endpoint).await.expect("get")
}

async fn write(log: &impl DeliveryLog, before: Option<&Delivery>, after: &Delivery) -> Replaced {
    log.write(before, after).await.expect("write")
}

fn other_outcome(delivery: &Delivery) -> Delivery {
    Delivery { outcome: "late to the party".to_owned(), ..delivery.clone() }
}

/// Of many who would make the same attempt, one does.
async fn one_of_many_writers_wins(log: &impl DeliveryLog) {
    let delivery = samples::delivery(unique_job().id, "contended");
    let writers = (0..16).map(|_| log.write(None, &delivery));

    let written = futures::future::join_all(writers).await;

    let done = written.into_iter().filter(|answer| matches!(answer, Ok(Replaced::Done)));
    assert_eq!(done.count(), 1);
}

async fn what_was_written_is_read_and_replaced_by_whoever_has_read_it(log: &impl DeliveryLog) {
    let job = unique_job().id;
    let (first, other) = (samples::delivery(job, "n8n"), samples::delivery(job, "crm a/b"));
    assert_eq!(get(log, &first).await, None);

    assert_eq!(write(log, None, &first).await, Replaced::Done);
    assert_eq!(write(log, None, &other).await, Replaced::Done);
    let delivered = Delivery { state: DeliveryState::Delivered, attempts: 2, ..first.clone() };
    assert_eq!(write(log, Some(&first), &delivered).await, Replaced::Done);
    assert_eq!(write(log, Some(&first), &other_outcome(&first)).await, Replaced::Conflict);
    assert_eq!(write(log, None, &first).await, Replaced::Conflict);

    assert_eq!(get(log, &first).await, Some(delivered));
    assert_eq!(get(log, &other).await, Some(other));
}

async fn the_deliveries_of_a_job_are_in_the_order_of_first_attempts(log: &impl DeliveryLog) {
    let job = unique_job().id;
    let late = |endpoint, secs| {
        let delivery = samples::delivery(job, endpoint);
        Delivery { first_at: delivery.first_at.plus(Duration::from_secs(secs)), ..delivery }
    };
    let (a, b, c) = (late("a", 30), late("b", 10), late("c", 20));
    for delivery in [&a, &b, &c, &samples::delivery(unique_job().id, "a")] {
        write(log, None, delivery).await;
    }

    let of_job = async || log.of_job(job).await.expect("of job");
    eventually("deliveries", of_job, |seen| *seen == [b.clone(), c.clone(), a.clone()]).await;
}

async fn the_deliveries_to_an_endpoint_are_listed_part_by_part(log: &impl DeliveryLog) {
    let endpoint = unique();
    let late = |secs| {
        let delivery = samples::delivery(unique_job().id, &endpoint);
        Delivery { first_at: delivery.first_at.plus(Duration::from_secs(secs)), ..delivery }
    };
    // Two were first attempted at the same instant.
    let deliveries = [30, 10, 20, 20].map(late);
    let elsewhere = Delivery { endpoint: unique(), ..late(15) };
    for delivery in deliveries.iter().chain([&elsewhere]) {
        write(log, None, delivery).await;
    }
    let listed = async |secs, after, limit| {
        let since = samples::AT.plus(Duration::from_secs(secs));
        log.of_endpoint(&endpoint, since, after, limit).await.expect("of endpoint")
    };

    let all = eventually("deliveries", || listed(10, None, 9), |seen| seen.len() == 4).await;
    assert!(all.is_sorted_by_key(|delivery| delivery.first_at));
    assert!(deliveries.iter().all(|delivery| all.contains(delivery)));
    assert_eq!(listed(11, None, 9).await, all[1..]);
    assert_eq!(listed(31, None, 9).await, []);
    assert_eq!(listed(10, None, 2).await, all[..2]);
    assert_eq!(listed(10, Some(&all[1]), 1).await, all[2..3]);
    assert_eq!(listed(10, Some(&all[3]), 9).await, []);
    assert_eq!(listed(20, Some(&all[0]), 9).await, all[1..], "a place before the first");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::InMemoryDeliveries;

    #[tokio::test]
    async fn deliveries_in_memory() {
        delivery_log(&InMemoryDeliveries::default()).await;
    }
}
