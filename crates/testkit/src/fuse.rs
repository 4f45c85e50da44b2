//! A process that dies.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use ports::Source;

/// On which side of a call's effect the process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The call has had no effect.
    Before,
    /// The call has had its effect, and nobody hears of it.
    After,
}

/// The process has died, so nothing works any more.
#[derive(Debug, thiserror::Error)]
#[error("the process has died")]
struct Died;

#[derive(Debug)]
struct Inner {
    at: Option<(u64, Moment)>,
    count: AtomicU64,
    blown: AtomicBool,
}

/// Lets a process die at one of the calls by which it changes the world. Clones are the same fuse.
///
/// Ports wrapped with [`crate::Fused`] on the same fuse are one process: once it has died, every
/// call fails, and the world stays as it is.
#[derive(Clone, Debug)]
pub struct Fuse(Arc<Inner>);

impl Fuse {
    /// Dies at the `at`-th call that changes something, from 1.
    pub fn new(at: u64, moment: Moment) -> Self {
        Self::of(Some((at, moment)))
    }

    /// Never dies, and counts.
    pub fn never() -> Self {
        Self::of(None)
    }

    fn of(at: Option<(u64, Moment)>) -> Self {
        Self(Arc::new(Inner { at, count: AtomicU64::new(0), blown: AtomicBool::new(false) }))
    }

    /// How many calls that change something were made while it lived.
    pub fn count(&self) -> u64 {
        self.0.count.load(Ordering::SeqCst)
    }

    /// Whether it has died.
    pub fn blown(&self) -> bool {
        self.0.blown.load(Ordering::SeqCst)
    }

    /// Makes a call that changes nothing.
    pub(crate) async fn read<T, E>(
        &self,
        call: impl Future<Output = Result<T, E>> + Send,
        died: impl Fn(Source) -> E + Send,
    ) -> Result<T, E> {
        if self.blown() {
            return Err(died(Died.into()));
        }
        let answer = call.await;
        // Another call may have been the last in the meantime.
        if self.blown() { Err(died(Died.into())) } else { answer }
    }

    /// Makes a call that changes something.
    pub(crate) async fn change<T, E>(
        &self,
        call: impl Future<Output = Result<T, E>> + Send,
        died: impl Fn(Source) -> E + Send,
    ) -> Result<T, E> {
        if self.blown() {
            return Err(died(Died.into()));
        }
        let number = self.0.count.fetch_add(1, Ordering::SeqCst) + 1;
        let last = self.0.at.filter(|(at, _)| *at == number).map(|(_, moment)| moment);
        if last == Some(Moment::Before) {
            self.0.blown.store(true, Ordering::SeqCst);
            return Err(died(Died.into()));
        }
        let answer = call.await;
        if last == Some(Moment::After) {
            self.0.blown.store(true, Ordering::SeqCst);
        }
        if self.blown() { Err(died(Died.into())) } else { answer }
    }
}
