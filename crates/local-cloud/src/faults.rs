//! Things that may go wrong in a real cloud, on request.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use crate::s3::LoseEvents;

/// Faults that tests switch on. Clones are the same switches.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    switches: Arc<Switches>,
}

#[derive(Default)]
struct Switches {
    lose_events: RwLock<Option<LoseEvents>>,
    duplicate_every: AtomicU32,
    sends: AtomicU32,
    late_every: AtomicU32,
    late_ms: AtomicU32,
    late_sends: AtomicU32,
}

impl fmt::Debug for Switches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Switches").finish_non_exhaustive()
    }
}

impl Faults {
    /// From now on the S3 events of the objects whose keys `are_lost` names are lost.
    pub fn lose_events(&self, are_lost: impl Fn(&str) -> bool + Send + Sync + 'static) {
        self.set_lost_events(Some(Arc::new(are_lost)));
    }

    /// From now on no S3 event is lost.
    pub fn keep_events(&self) {
        self.set_lost_events(None);
    }

    fn set_lost_events(&self, lose_events: Option<LoseEvents>) {
        *self.switches.lose_events.write().unwrap_or_else(PoisonError::into_inner) = lose_events;
    }

    /// Whether the S3 event of the object at `key` is lost.
    fn loses_event(&self, key: &str) -> bool {
        let switch = self.switches.lose_events.read().unwrap_or_else(PoisonError::into_inner);
        switch.as_ref().is_some_and(|are_lost| are_lost(key))
    }

    /// These faults as S3 asks for them.
    pub(crate) fn s3_events(&self) -> LoseEvents {
        let faults = self.clone();
        Arc::new(move |key| faults.loses_event(key))
    }

    /// From now on every `n`th request to send stores its messages twice; 0 ends it.
    ///
    /// Both copies have the same message id, as SQS may deliver a message more than once.
    pub fn duplicate_every(&self, n: u32) {
        self.switches.duplicate_every.store(n, Ordering::Relaxed);
        self.switches.sends.store(0, Ordering::Relaxed);
    }

    /// From now on the messages of every `n`th request to send are seen only after `late`, so that
    /// those behind them pass; 0 ends it.
    pub fn delay_every(&self, n: u32, late: Duration) {
        let late_ms = u32::try_from(late.as_millis()).unwrap_or(u32::MAX);
        self.switches.late_every.store(n, Ordering::Relaxed);
        self.switches.late_ms.store(late_ms, Ordering::Relaxed);
        self.switches.late_sends.store(0, Ordering::Relaxed);
    }

    /// By how much the messages of a request are late, in milliseconds.
    pub(crate) fn lateness_ms(&self) -> i64 {
        let every = self.switches.late_every.load(Ordering::Relaxed);
        if every == 0 {
            return 0;
        }
        let sends = self.switches.late_sends.fetch_add(1, Ordering::Relaxed) + 1;
        let late = sends.is_multiple_of(every);
        if late { self.switches.late_ms.load(Ordering::Relaxed).into() } else { 0 }
    }

    /// How often the messages of a request are to be stored.
    pub(crate) fn copies_of_message(&self) -> u32 {
        let every = self.switches.duplicate_every.load(Ordering::Relaxed);
        if every == 0 {
            return 1;
        }
        let sends = self.switches.sends.fetch_add(1, Ordering::Relaxed) + 1;
        if sends.is_multiple_of(every) { 2 } else { 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_nth_send_is_stored_twice() {
        let faults = Faults::default();
        faults.duplicate_every(3);
        let copies: Vec<_> = (0..6).map(|_| faults.copies_of_message()).collect();
        assert_eq!(copies, [1, 1, 2, 1, 1, 2]);
    }
}
