//! What became of an attempt. Pure.

use std::time::Duration;

use domain::Timestamp;
use ports::{Chain, Delivery, DeliveryState, SendError, WebhookAnswer};

use crate::breaker::LEASE;
use crate::schedule::{self, LONGEST_RETRY_AFTER};

/// One attempt that was made.
#[derive(Debug)]
pub(crate) struct Attempt {
    /// When it began.
    pub(crate) began: Timestamp,
    /// When its answer was there, or it was clear that there is none.
    pub(crate) ended: Timestamp,
    /// What was answered.
    pub(crate) answer: Result<WebhookAnswer, SendError>,
}

/// The delivery while an attempt is made.
pub(crate) fn claimed(delivery: &Delivery, now: Timestamp) -> Delivery {
    let (state, next_at) = (DeliveryState::UnderWay, now.plus(LEASE));
    Delivery { state, last_at: now, next_at, ..delivery.clone() }
}

impl Attempt {
    /// Whether the receiver took it: 2xx. A redirect is a failure.
    pub(crate) fn succeeded(&self) -> bool {
        self.status().is_some_and(|status| (200..300).contains(&status))
    }

    /// Whether the receiver said that it is gone: 410.
    pub(crate) fn is_gone(&self) -> bool {
        self.status() == Some(410)
    }

    /// The delivery after this attempt: it is over, or the next attempt is due when the schedule
    /// says, not sooner than the receiver asked for.
    pub(crate) fn judge(self, before: &Delivery, schedule: &[Duration]) -> Delivery {
        let (succeeded, gone) = (self.succeeded(), self.is_gone());
        let tried = Delivery {
            attempts: before.attempts + 1,
            first_at: if before.attempts == 0 { self.began } else { before.first_at },
            last_at: self.began,
            outcome: self.outcome(),
            status: self.status(),
            took_ms: u64::try_from(self.ended.since(self.began).as_millis()).ok(),
            ..before.clone()
        };
        let pause = schedule::pause(schedule, tried.attempts, &tried);
        let next_at = pause.map(|pause| self.ended.plus(pause.max(self.asked_for())));
        let next_at = next_at.filter(|next_at| *next_at < schedule::last_moment(&tried));
        let state = match next_at {
            _ if succeeded => DeliveryState::Delivered,
            Some(_) if !gone => DeliveryState::Waiting,
            _ => DeliveryState::GivenUp,
        };
        let over = state != DeliveryState::Waiting;
        let next_at = next_at.filter(|_| !over).unwrap_or(self.ended);
        let answer = self.answer.map(|answer| answer.body).unwrap_or_default();
        Delivery { state, next_at, answer, ..tried }
    }

    fn status(&self) -> Option<u16> {
        self.answer.as_ref().ok().map(|answer| answer.status)
    }

    fn outcome(&self) -> String {
        match &self.answer {
            Ok(WebhookAnswer { status: 410, .. }) => "status 410: the receiver is gone".to_owned(),
            Ok(WebhookAnswer { status, .. }) => format!("status {status}"),
            Err(error) => Chain(error).to_string(),
        }
    }

    /// How long the receiver asked not to be told anything, as far as that is obeyed.
    ///
    /// Source: Standard Webhooks specification, "Retry schedule"; RFC 9110 §10.2.3.
    fn asked_for(&self) -> Duration {
        match &self.answer {
            Ok(WebhookAnswer { status: 429 | 500..=599, retry_after: Some(after), .. }) => {
                (*after).min(LONGEST_RETRY_AFTER)
            }
            _ => Duration::ZERO,
        }
    }
}
