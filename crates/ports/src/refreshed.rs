//! What is made of secrets, and made anew when they change.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::Timestamp;

use crate::{Chain, Clock, SecretSource, Secrets, Source};

/// The pause after secrets could not be read: every invocation would wait for them otherwise.
const PAUSE: Duration = Duration::from_secs(30);

/// Something made of secrets, made anew when they have changed.
///
/// A change is used as soon as what was read before is no longer good. After the first time nothing
/// fails: what cannot be read again, or made anew, leaves what there is in use.
pub struct Refreshed<S, C, T> {
    source: S,
    clock: C,
    good_for: Duration,
    maker: Box<Maker<T>>,
    state: Mutex<State<T>>,
}

/// Makes something of secrets.
type Maker<T> = dyn Fn(&Secrets) -> Result<T, Source> + Send + Sync;

struct State<T> {
    /// What was read last, whether or not something could be made of it.
    read: Secrets,
    /// What was made last.
    made: Arc<T>,
    /// When to read again.
    due: Timestamp,
}

impl<S: SecretSource, C: Clock, T> Refreshed<S, C, T> {
    /// Reads the secrets of `source`, which are good for `good_for`, and makes the first of it.
    ///
    /// # Errors
    /// If they cannot be read, or nothing can be made of them.
    pub async fn load(
        source: S,
        clock: C,
        good_for: Duration,
        maker: impl Fn(&Secrets) -> Result<T, Source> + Send + Sync + 'static,
    ) -> Result<Self, Source> {
        let due = clock.now().plus(good_for);
        let read = source.fetch().await?;
        let made = Arc::new(maker(&read)?);
        let state = Mutex::new(State { read, made, due });
        Ok(Self { source, clock, good_for, maker: Box::new(maker), state })
    }

    /// What is made of the secrets as they were read last, after reading them again if that is due.
    /// One at a time reads: whoever comes meanwhile goes on with what there is.
    pub async fn current(&self) -> Arc<T> {
        let now = self.clock.now();
        if self.is_due(now) {
            match self.source.fetch().await {
                Ok(secrets) => self.take(secrets, now),
                Err(error) => tracing::warn!(
                    error = %Chain(&error),
                    "secrets cannot be read again, what was read before stays in use"
                ),
            }
        }
        self.state().made.clone()
    }

    /// Whether it is the caller who is to read. From then on nobody else is for a while, should the
    /// caller fail or be cut off.
    fn is_due(&self, now: Timestamp) -> bool {
        let mut state = self.state();
        let is_due = now >= state.due;
        if is_due {
            state.due = now.plus(self.good_for.min(PAUSE));
        }
        is_due
    }

    fn take(&self, secrets: Secrets, now: Timestamp) {
        let changes = {
            let mut state = self.state();
            state.due = now.plus(self.good_for);
            secrets.changes_since(&state.read)
        };
        if changes.is_empty() {
            return;
        }
        let made = (self.maker)(&secrets);
        let mut state = self.state();
        // Of what cannot be used too, so that it is told once.
        state.read = secrets;
        match made {
            Ok(made) => {
                state.made = Arc::new(made);
                tracing::info!("secrets have changed and are used: {changes}");
            }
            Err(error) => tracing::error!(
                error = %Chain(&*error),
                "secrets have changed and cannot be used, the earlier ones stay: {changes}"
            ),
        }
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S, C, T> fmt::Debug for Refreshed<S, C, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refreshed").field("good_for", &self.good_for).finish_non_exhaustive()
    }
}
