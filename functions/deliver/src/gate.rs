//! Breakers, kept in registers.

use std::time::Duration;

use domain::Timestamp;
use ports::{Registers, Replaced};

use crate::DeliverError;
use crate::breaker::{Breaker, Entry};

/// How often a breaker is written when others write it at the same time.
const TRIES: usize = 32;

/// A receiver of which nothing was heard for so long is a new one.
const REMEMBERED_FOR: Duration = Duration::from_hours(30 * 24);

/// Lets attempts through to receivers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gate<'a, R>(pub(crate) &'a R);

impl<R: Registers> Gate<'_, R> {
    /// Asks for a place; see [`Breaker::enter`].
    pub(crate) async fn enter(
        &self,
        endpoint: &str,
        delivery: &str,
        now: Timestamp,
    ) -> Result<Entry, DeliverError> {
        self.change(endpoint, now, |breaker| breaker.enter(delivery, now)).await
    }

    /// Gives a place back after a success.
    pub(crate) async fn succeeded(
        &self,
        endpoint: &str,
        delivery: &str,
        now: Timestamp,
    ) -> Result<(), DeliverError> {
        self.change(endpoint, now, |breaker| breaker.succeeded(delivery)).await
    }

    /// Gives a place back after a failure; since when every attempt has failed.
    pub(crate) async fn failed(
        &self,
        endpoint: &str,
        delivery: &str,
        now: Timestamp,
    ) -> Result<Timestamp, DeliverError> {
        self.change(endpoint, now, |breaker| breaker.failed(delivery, now)).await
    }

    /// Forgets how the receiver has been answering, so that whoever enables its endpoint begins anew.
    pub(crate) async fn forget(&self, endpoint: &str, now: Timestamp) -> Result<(), DeliverError> {
        self.change(endpoint, now, |breaker| *breaker = Breaker::default()).await
    }

    async fn change<T>(
        &self,
        endpoint: &str,
        now: Timestamp,
        change: impl Fn(&mut Breaker) -> T,
    ) -> Result<T, DeliverError> {
        let name = format!("endpoint#{endpoint}");
        for _ in 0..TRIES {
            let registered = self.0.read(&name, now).await?;
            // What cannot be read is as good as nothing: a breaker spares, it promises nothing.
            let before: Breaker = registered
                .as_ref()
                .and_then(|registered| serde_json::from_str(&registered.text).ok())
                .unwrap_or_default();
            let mut after = before.clone();
            let outcome = change(&mut after);
            if before == after {
                return Ok(outcome);
            }
            let text = serde_json::to_string(&after).expect("numbers under string keys");
            let revision = registered.map(|registered| registered.revision);
            let expires = Some(now.plus(REMEMBERED_FOR));
            if self.0.write(&name, revision, &text, expires).await? == Replaced::Done {
                return Ok(outcome);
            }
        }
        Err(DeliverError::Contended(endpoint.to_owned()))
    }
}
