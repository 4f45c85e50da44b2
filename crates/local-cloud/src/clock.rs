//! The time of a cloud: the system's, moved forward by tests.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

/// The time of a cloud. Clones show the same time.
#[derive(Clone, Debug)]
pub struct Clock {
    ahead: Arc<watch::Sender<Duration>>,
}

impl Default for Clock {
    fn default() -> Self {
        Self { ahead: Arc::new(watch::Sender::new(Duration::ZERO)) }
    }
}

impl Clock {
    /// Moves the clock forward: what was due in between is due now.
    pub fn advance(&self, by: Duration) {
        self.ahead.send_modify(|ahead| *ahead += by);
    }

    /// How far the clock is ahead of the system's.
    pub fn ahead(&self) -> Duration {
        *self.ahead.borrow()
    }

    /// Now.
    pub fn now(&self) -> SystemTime {
        SystemTime::now() + self.ahead()
    }

    /// Now, in milliseconds since 1970.
    pub fn now_ms(&self) -> i64 {
        let since = self.now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    /// Waits until the clock shows `due_ms`, at once if it is past; never with `None`.
    ///
    /// Notices when the clock is moved, so nothing has to poll.
    pub fn sleep_until(&self, due_ms: Option<i64>) -> impl Future<Output = ()> + Send + use<> {
        let clock = self.clone();
        let mut moved = self.ahead.subscribe();
        async move {
            loop {
                moved.mark_unchanged();
                let Some(due_ms) = due_ms else {
                    return std::future::pending().await;
                };
                let left_ms = due_ms.saturating_sub(clock.now_ms());
                let Some(left_ms) = u64::try_from(left_ms).ok().filter(|left| *left > 0) else {
                    return;
                };
                tokio::select! {
                    () = tokio::time::sleep(Duration::from_millis(left_ms)) => {}
                    _ = moved.changed() => {}
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_sleeper_wakes_when_the_clock_is_moved() {
        let clock = Clock::default();
        let sleeper = tokio::spawn(clock.sleep_until(Some(clock.now_ms() + 3_600_000)));
        tokio::task::yield_now().await;

        clock.advance(Duration::from_secs(3601));

        tokio::time::timeout(Duration::from_secs(2), sleeper)
            .await
            .expect("woken")
            .expect("joined");
    }
}
