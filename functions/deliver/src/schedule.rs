//! When an attempt is due. Pure.

use std::time::Duration;

use domain::{EventId, Timestamp};
use ports::Delivery;

use crate::breaker::LONGEST_OPENING;

/// Pauses between attempts when none are configured; the first attempt is made at once.
///
/// Source: Standard Webhooks specification, "Deliverability and reliability".
pub const STANDARD_SCHEDULE: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(5),
    Duration::from_hours(10),
    Duration::from_hours(14),
    Duration::from_hours(20),
    Duration::from_hours(24),
];

/// Longest time for which a message can be hidden; a longer pause is waited for in parts.
///
/// Source: Amazon SQS API Reference, `ChangeMessageVisibility`: 12 hours.
pub(crate) const LONGEST_HIDE: Duration = Duration::from_hours(11);

/// The longest `Retry-After` that is obeyed.
pub(crate) const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(24);

/// How long after its first attempt a delivery is still tried, whatever its receiver made it wait
/// for. The queue keeps a message for 10 days.
const OWED_FOR: Duration = Duration::from_hours(6 * 24);

/// The pause before the attempt after the `attempts`-th: that of the schedule, and up to a tenth of
/// it, so that what failed together does not come back together. None: the schedule is used up.
pub(crate) fn pause(schedule: &[Duration], attempts: u32, of: &Delivery) -> Option<Duration> {
    let pause = *schedule.get(attempts as usize - 1)?;
    Some(pause + pause * spread(of.event, &of.endpoint, u64::from(attempts)) / 10_000)
}

/// After this no attempt is made. Counted from the first attempt; where none was made, from when it
/// was due.
pub(crate) fn last_moment(delivery: &Delivery) -> Timestamp {
    let since = if delivery.attempts == 0 { delivery.next_at } else { delivery.first_at };
    since.plus(OWED_FOR)
}

/// When to look again whether there is a place: after a second or two.
pub(crate) fn until_a_place(delivery: &Delivery, now: Timestamp) -> Duration {
    let spread = spread(delivery.event, &delivery.endpoint, now.epoch_ms());
    Duration::from_millis(u64::from(1_000 + spread))
}

/// How long a delivery waits for others that is due and needs to wait for `needed`: a tenth at least
/// of what it has waited for already, up to a quarter of an hour.
///
/// Every look is a receipt, and a message is not received without end: so a delivery that is not
/// admitted for six days is looked at some 700 times.
pub(crate) fn patience(needed: Duration, delivery: &Delivery, now: Timestamp) -> Duration {
    let overdue = now.since(delivery.next_at);
    needed.max((overdue / 10).min(LONGEST_OPENING))
}

/// From 0 to 1000, the same for the same three, and as good as random for others.
///
/// Source: The FNV Non-Cryptographic Hash Algorithm (draft-eastlake-fnv), FNV-1a of 64 bits.
fn spread(event: EventId, endpoint: &str, number: u64) -> u32 {
    let text = format!("{event}\n{endpoint}\n{number}");
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    u32::try_from(hash % 1001).expect("at most 1000")
}

#[cfg(test)]
mod tests {
    use domain::JobId;
    use testkit::samples;

    use super::*;

    fn delivery(seq: u64) -> Delivery {
        let job: JobId = samples::job().id;
        Delivery {
            event: EventId::of_fact(job, seq, "JobCreated.v1"),
            ..samples::delivery(job, "n8n")
        }
    }

    #[test]
    fn a_pause_is_that_of_the_schedule_and_at_most_a_tenth_more() {
        for (attempts, expected) in (1..).zip(STANDARD_SCHEDULE) {
            let pause = pause(&STANDARD_SCHEDULE, attempts, &delivery(1)).expect("a pause");

            assert!((expected..=expected * 11 / 10).contains(&pause), "{attempts}: {pause:?}");
        }
        assert_eq!(pause(&STANDARD_SCHEDULE, 10, &delivery(1)), None);
    }

    #[test]
    fn the_same_attempt_waits_for_the_same_time_and_others_for_another() {
        let pause = |seq, attempts| pause(&[Duration::from_hours(1); 2], attempts, &delivery(seq));

        assert_eq!(pause(1, 1), pause(1, 1));
        assert_ne!(pause(1, 1), pause(2, 1));
        assert_ne!(pause(1, 1), pause(1, 2));
    }

    #[test]
    fn what_failed_together_comes_back_spread_over_a_tenth_of_the_pause() {
        let hour = [Duration::from_hours(1)];
        let mut tenths = [0; 10];
        for seq in 0..1000 {
            let pause = pause(&hour, 1, &delivery(seq)).expect("a pause");
            let more = pause.saturating_sub(hour[0]);
            tenths[usize::try_from(more.as_secs() / 36).expect("small").min(9)] += 1;
        }

        assert!(tenths.iter().all(|count| (60..140).contains(count)), "{tenths:?}");
    }

    #[test]
    fn a_delivery_that_is_never_admitted_is_received_less_often_than_the_queue_allows() {
        let delivery = Delivery { attempts: 0, ..delivery(1) };
        let (mut now, mut receipts) = (delivery.next_at, 0);

        while now < last_moment(&delivery) {
            let needed = until_a_place(&delivery, now);
            now = now.plus(patience(needed, &delivery, now));
            receipts += 1;
        }

        assert!((500..800).contains(&receipts), "{receipts}");
    }

    #[test]
    fn the_first_looks_are_a_second_or_two_apart() {
        let delivery = delivery(1);
        let needed = until_a_place(&delivery, delivery.next_at);

        let pause = patience(needed, &delivery, delivery.next_at);

        assert!((Duration::from_secs(1)..=Duration::from_secs(2)).contains(&pause), "{pause:?}");
    }
}
