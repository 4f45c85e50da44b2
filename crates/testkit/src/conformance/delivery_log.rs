use std::time::Duration;

use ports::{Delivery, DeliveryLog, DeliveryState};

use super::{eventually, unique_job};
use crate::samples;

/// Asserts the promises of [`DeliveryLog`]. The deliveries of a job are given time to appear.
///
/// # Panics
/// On the first broken promise.
pub async fn delivery_log(log: &impl DeliveryLog) {
    what_was_put_is_read_and_replaced(log).await;
    the_deliveries_of_a_job_are_in_the_order_of_first_attempts(log).await;
}

async fn get(log: &impl DeliveryLog, delivery: &Delivery) -> Option<Delivery> {
    log.get(delivery.event, &delivery.endpoint).await.expect("get")
}

async fn what_was_put_is_read_and_replaced(log: &impl DeliveryLog) {
    let job = unique_job().id;
    let (first, other) = (samples::delivery(job, "n8n"), samples::delivery(job, "crm a/b"));
    assert_eq!(get(log, &first).await, None);

    log.put(&first).await.expect("put");
    log.put(&other).await.expect("put");
    let delivered = Delivery { state: DeliveryState::Delivered, attempts: 2, ..first.clone() };
    log.put(&delivered).await.expect("put again");

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
        log.put(delivery).await.expect("put");
    }

    let of_job = async || log.of_job(job).await.expect("of job");
    eventually("deliveries", of_job, |seen| *seen == [b.clone(), c.clone(), a.clone()]).await;
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
