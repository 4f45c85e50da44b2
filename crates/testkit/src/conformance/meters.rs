use std::time::Duration;

use domain::Timestamp;
use futures::future::join_all;
use ports::{Metered, Meters};

use super::{RACERS, unique};
use crate::samples;

/// Asserts the promises of [`Meters`].
///
/// # Panics
/// On the first broken promise.
pub async fn meters(meters: &impl Meters) {
    what_is_counted_is_read_by_the_next_call(meters).await;
    nothing_is_counted_past_the_limit(meters).await;
    those_who_count_at_the_same_time_are_all_counted_up_to_the_limit(meters).await;
    what_is_given_back_can_be_used_again(meters).await;
    what_has_expired_begins_again(meters).await;
}

/// An instant before any clock of a test.
const PAST: Timestamp = Timestamp::from_epoch_ms(1_000);

/// An instant after any clock of a test.
fn later() -> Timestamp {
    samples::AT.plus(Duration::from_hours(24 * 365 * 50))
}

async fn count(meters: &impl Meters, name: &str, amount: u64, limit: Option<u64>) -> Metered {
    meters.count(name, amount, limit, None).await.expect("count")
}

async fn sum(meters: &impl Meters, name: &str) -> u64 {
    meters.read(name).await.expect("read")
}

async fn what_is_counted_is_read_by_the_next_call(meters: &impl Meters) {
    let (name, other) = (unique(), unique());
    assert_eq!(sum(meters, &name).await, 0);

    assert_eq!(count(meters, &name, 3, None).await, Metered::Counted(3));
    assert_eq!(count(meters, &name, 0, None).await, Metered::Counted(3));
    assert_eq!(count(meters, &name, 1 << 40, None).await, Metered::Counted(3 + (1 << 40)));
    assert_eq!(count(meters, &other, 0, Some(0)).await, Metered::Counted(0));

    assert_eq!(sum(meters, &name).await, 3 + (1 << 40));
    assert_eq!(sum(meters, &other).await, 0);
}

async fn nothing_is_counted_past_the_limit(meters: &impl Meters) {
    let name = unique();

    assert_eq!(count(meters, &name, 6, Some(5)).await, Metered::Over);
    assert_eq!(count(meters, &name, 5, Some(5)).await, Metered::Counted(5));
    assert_eq!(count(meters, &name, 1, Some(5)).await, Metered::Over);
    assert_eq!(count(meters, &name, 0, Some(5)).await, Metered::Counted(5));
    assert_eq!(count(meters, &name, 0, Some(4)).await, Metered::Over);
    assert_eq!(count(meters, &name, 1, Some(6)).await, Metered::Counted(6));

    assert_eq!(sum(meters, &name).await, 6);
}

async fn those_who_count_at_the_same_time_are_all_counted_up_to_the_limit(meters: &impl Meters) {
    let name = unique();
    let limit = RACERS as u64 - 6;
    let counted = (0..RACERS).map(|_| count(meters, &name, 1, Some(limit)));

    let mut stood: Vec<_> = join_all(counted)
        .await
        .into_iter()
        .filter_map(|metered| match metered {
            Metered::Counted(sum) => Some(sum),
            Metered::Over => None,
        })
        .collect();

    stood.sort_unstable();
    assert_eq!(stood, (1..=limit).collect::<Vec<_>>());
    assert_eq!(sum(meters, &name).await, limit);
}

async fn what_is_given_back_can_be_used_again(meters: &impl Meters) {
    let name = unique();
    let give_back = async |amount| meters.give_back(&name, amount).await.expect("give back");

    give_back(3).await;
    assert_eq!(sum(meters, &name).await, 0);
    count(meters, &name, 10, Some(10)).await;
    give_back(0).await;
    give_back(4).await;
    assert_eq!(sum(meters, &name).await, 6);
    assert_eq!(count(meters, &name, 4, Some(10)).await, Metered::Counted(10));
    give_back(11).await;
    assert_eq!(sum(meters, &name).await, 0, "and not less");
    assert_eq!(count(meters, &name, 1, Some(10)).await, Metered::Counted(1));
}

async fn what_has_expired_begins_again(meters: &impl Meters) {
    let name = unique();
    let count = async |amount, expires| {
        meters.count(&name, amount, Some(10), expires).await.expect("count")
    };

    assert_eq!(count(9, Some(PAST)).await, Metered::Counted(9));
    assert_eq!(sum(meters, &name).await, 0);
    assert_eq!(count(8, Some(later())).await, Metered::Counted(8), "it began again");
    assert_eq!(count(1, Some(PAST)).await, Metered::Counted(9), "and has begun already");
    assert_eq!(sum(meters, &name).await, 9);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::InMemoryMeters;

    #[tokio::test]
    async fn meters_in_memory() {
        meters(&InMemoryMeters::default()).await;
    }
}
