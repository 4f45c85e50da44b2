//! Brings the events of one target to it, however long it takes.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::destination::{Destination, Verdict, send};
use super::store::{Delivery, Store};
use crate::clock::Clock;

/// `EventBridge` gives up after a day or so many attempts.
const MAX_AGE_MS: i64 = 24 * 60 * 60 * 1000;
const MAX_ATTEMPTS: u32 = 185;
/// The wait after the first failed attempt; it doubles with each.
const FIRST_BACKOFF: Duration = Duration::from_secs(1);
const MAX_BACKOFF: Duration = Duration::from_mins(5);
/// Deliveries that are looked up at once.
const ROUND: u32 = 64;
/// Calls to one API destination at a time.
const CALLS: usize = 8;
/// The wait after the database failed.
const DATABASE_PAUSE: Duration = Duration::from_secs(1);

/// Brings the events of one target to it.
#[derive(Debug)]
pub(crate) struct Courier {
    pub(crate) key: String,
    pub(crate) destination: Destination,
    pub(crate) store: Arc<Store>,
    pub(crate) clock: Clock,
    /// Told when there is something new.
    pub(crate) wake: Arc<Notify>,
    pub(crate) stop: CancellationToken,
}

impl Courier {
    /// Delivers until the cloud stops.
    pub(crate) async fn run(self) {
        let this = Arc::new(self);
        loop {
            let pause = match this.round().await {
                Ok(Some(due_ms)) => Some(due_ms),
                Ok(None) => None,
                Err(error) => {
                    tracing::error!(%error, target = this.key, "cannot look up deliveries");
                    let pause_ms = i64::try_from(DATABASE_PAUSE.as_millis()).unwrap_or(i64::MAX);
                    Some(this.clock.now_ms() + pause_ms)
                }
            };
            tokio::select! {
                () = this.wake.notified() => {}
                () = this.clock.sleep_until(pause) => {}
                () = this.stop.cancelled() => return,
            }
        }
    }

    /// Tries what is due, and tells when something is due next.
    async fn round(self: &Arc<Self>) -> rusqlite::Result<Option<i64>> {
        let now_ms = self.clock.now_ms();
        let due = self.blocking(move |this| this.store.due(&this.key, ROUND, now_ms)).await?;
        if due.is_empty() {
            return self.blocking(|this| this.store.next_ms(&this.key)).await;
        }
        let attempts = async {
            match &self.destination {
                Destination::Queue { name, queues } => {
                    let verdict = send(queues, name, &due).await;
                    self.settle_all(due, verdict).await
                }
                Destination::Http(_) => self.post_all(due).await,
            }
        };
        tokio::select! {
            settled = attempts => settled?,
            // What was under way is tried again after the next start.
            () = self.stop.cancelled() => return Ok(None),
        }
        Ok(Some(now_ms))
    }

    async fn post_all(self: &Arc<Self>, due: Vec<Delivery>) -> rusqlite::Result<()> {
        let outcomes = futures::stream::iter(due)
            .map(|delivery| async {
                let verdict = match &self.destination {
                    Destination::Http(api) => api.post(delivery.body.clone()).await,
                    Destination::Queue { .. } => unreachable!("posts go to API destinations"),
                };
                self.settle_all(vec![delivery], verdict).await
            })
            .buffer_unordered(CALLS)
            .collect::<Vec<_>>()
            .await;
        outcomes.into_iter().collect()
    }

    async fn settle_all(
        self: &Arc<Self>,
        deliveries: Vec<Delivery>,
        verdict: Verdict,
    ) -> rusqlite::Result<()> {
        self.blocking(move |this| match verdict {
            Verdict::Delivered => this.store.delivered(&deliveries),
            failed => deliveries.iter().try_for_each(|delivery| this.settle(delivery, &failed)),
        })
        .await
    }

    fn settle(&self, delivery: &Delivery, failed: &Verdict) -> rusqlite::Result<()> {
        let now_ms = self.clock.now_ms();
        let (reason, after) = match failed {
            Verdict::Later { reason, after } => (reason, Some(*after)),
            Verdict::Refused { reason } => (reason, None),
            Verdict::Delivered => return Ok(()),
        };
        if let Some(next_ms) = after.and_then(|after| next_attempt_ms(delivery, after, now_ms)) {
            tracing::warn!(target = self.key, reason, "an event was not delivered yet");
            self.store.postpone(delivery, next_ms)
        } else {
            tracing::error!(target = self.key, reason, "an event was given up");
            self.store.drop_delivery(delivery.id, reason, now_ms)
        }
    }

    async fn blocking<T, F>(self: &Arc<Self>, work: F) -> rusqlite::Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Self) -> rusqlite::Result<T> + Send + 'static,
    {
        let this = self.clone();
        tokio::task::spawn_blocking(move || work(&this))
            .await
            .unwrap_or(Err(rusqlite::Error::InvalidQuery))
    }
}

/// When to try again after a failed attempt, if at all.
fn next_attempt_ms(delivery: &Delivery, after: Duration, now_ms: i64) -> Option<i64> {
    let doubled = FIRST_BACKOFF.saturating_mul(1_u32 << delivery.attempts.min(20));
    let wait = doubled.min(MAX_BACKOFF).max(after);
    let next_ms = now_ms.saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX));
    let in_time = next_ms.saturating_sub(delivery.accepted_ms) <= MAX_AGE_MS;
    (in_time && delivery.attempts + 1 < MAX_ATTEMPTS).then_some(next_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(attempts: u32) -> Delivery {
        Delivery { id: 1, attempts, accepted_ms: 0, body: String::new() }
    }

    #[test]
    fn waits_double_up_to_five_minutes() {
        let waits = [0, 1, 2, 20].map(|n| next_attempt_ms(&delivery(n), Duration::ZERO, 0));
        assert_eq!(waits, [Some(1000), Some(2000), Some(4000), Some(300_000)]);
    }

    #[test]
    fn a_target_may_ask_for_a_longer_wait() {
        let next_ms = next_attempt_ms(&delivery(0), Duration::from_mins(1), 0);
        assert_eq!(next_ms, Some(60_000));
    }

    #[test]
    fn after_a_day_an_event_is_given_up() {
        assert_eq!(next_attempt_ms(&delivery(3), Duration::ZERO, MAX_AGE_MS), None);
        assert_eq!(next_attempt_ms(&delivery(MAX_ATTEMPTS), Duration::ZERO, 0), None);
    }
}
