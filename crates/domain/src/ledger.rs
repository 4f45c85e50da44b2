//! The ledger of paid work: what was intended, what was ordered, how it ended.

use serde::{Deserialize, Serialize};

use crate::{JobId, MicroUsd, Timestamp};

/// How far an attempt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptState {
    /// Written down; the order may or may not have left.
    Intended,
    /// The provider took the order and named it.
    Submitted,
    /// The order left and the answer was lost: the provider may be working, and charging.
    Unknown,
    /// The clip is stored.
    Succeeded,
    /// The provider provably did not take the order: a new attempt may follow.
    NotTaken,
    /// The provider refused the order, or could not fulfil it: no attempt follows.
    Failed,
    /// It was called off.
    Cancelled,
}

impl AttemptState {
    /// Whether nothing follows.
    pub const fn is_end(self) -> bool {
        matches!(self, Self::Succeeded | Self::NotTaken | Self::Failed | Self::Cancelled)
    }

    /// The name in the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Intended => "intended",
            Self::Submitted => "submitted",
            Self::Unknown => "unknown",
            Self::Succeeded => "succeeded",
            Self::NotTaken => "not_taken",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    const fn may_become(self, next: Self) -> bool {
        use AttemptState::{Cancelled, Failed, Intended, NotTaken, Submitted, Succeeded, Unknown};
        match self {
            Intended => matches!(next, Submitted | Unknown | NotTaken | Failed | Cancelled),
            Submitted => matches!(next, Succeeded | Failed | Cancelled),
            Unknown => matches!(next, Submitted | Succeeded | NotTaken | Failed | Cancelled),
            Succeeded | NotTaken | Failed | Cancelled => false,
        }
    }
}

impl std::fmt::Display for AttemptState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// The ledger does not allow it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("attempt {number} of job {job} is {state} and cannot become {next}")]
pub struct IllegalAttemptState {
    /// The job.
    pub job: JobId,
    /// Which attempt.
    pub number: u32,
    /// Its state.
    pub state: AttemptState,
    /// What it was to become.
    pub next: AttemptState,
}

/// One order of paid work: one row of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The job it is for.
    pub job: JobId,
    /// Which attempt of the job, from 1.
    pub number: u32,
    /// Who is to do the work.
    pub provider: String,
    /// How far it is.
    pub state: AttemptState,
    /// The provider's name for the work.
    pub provider_job: Option<String>,
    /// What the provider is expected to charge.
    pub quoted: MicroUsd,
    /// When it was written down.
    pub intended_at: Timestamp,
    /// When it has to have ended.
    pub deadline: Timestamp,
    /// When it ended, or was found unknown.
    pub settled_at: Option<Timestamp>,
    /// How often something broke while working on it.
    pub faults: u32,
    /// Why it is in this state, for the engineer.
    pub note: Option<String>,
    /// Grows with every write; a write names the one it has read.
    pub revision: u64,
}

impl Attempt {
    /// An attempt that is about to be ordered.
    pub fn intend(
        job: JobId,
        number: u32,
        provider: &str,
        quoted: MicroUsd,
        now: Timestamp,
        deadline: Timestamp,
    ) -> Self {
        Self {
            job,
            number,
            provider: provider.to_owned(),
            state: AttemptState::Intended,
            provider_job: None,
            quoted,
            intended_at: now,
            deadline,
            settled_at: None,
            faults: 0,
            note: None,
            revision: 1,
        }
    }

    /// The attempt after the provider took the order.
    ///
    /// # Errors
    /// [`IllegalAttemptState`] if it has been taken already or has ended.
    pub fn submitted(&self, provider_job: &str) -> Result<Self, IllegalAttemptState> {
        let mut attempt = self.become_state(AttemptState::Submitted)?;
        attempt.provider_job = Some(provider_job.to_owned());
        Ok(attempt)
    }

    /// The attempt after it ended, or was found unknown, with the reason.
    ///
    /// # Errors
    /// [`IllegalAttemptState`] if the ledger does not allow it.
    pub fn settled(
        &self,
        state: AttemptState,
        note: Option<String>,
        now: Timestamp,
    ) -> Result<Self, IllegalAttemptState> {
        let mut attempt = self.become_state(state)?;
        attempt.settled_at = Some(now);
        attempt.note = note;
        Ok(attempt)
    }

    /// The attempt after something broke while working on it.
    #[must_use]
    pub fn with_fault(&self, note: String) -> Self {
        let mut attempt = self.clone();
        attempt.faults += 1;
        attempt.note = Some(note);
        attempt.revision += 1;
        attempt
    }

    /// Whether the deadline has passed.
    pub fn is_late(&self, now: Timestamp) -> bool {
        now >= self.deadline
    }

    fn become_state(&self, next: AttemptState) -> Result<Self, IllegalAttemptState> {
        if !self.state.may_become(next) {
            let Self { job, number, state, .. } = *self;
            return Err(IllegalAttemptState { job, number, state, next });
        }
        let mut attempt = self.clone();
        attempt.state = next;
        attempt.revision += 1;
        Ok(attempt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn intended() -> Attempt {
        let job = JobId::of_object("media", "uploads/a.jpg", "e");
        let at = Timestamp::from_epoch_ms;
        Attempt::intend(job, 1, "ltx", MicroUsd(360_000), at(10), at(1_000))
    }

    #[test]
    fn an_order_is_taken_once() {
        let submitted = intended().submitted("p-1").expect("taken");

        let again = submitted.submitted("p-2").expect_err("taken already");

        assert_eq!(submitted.provider_job.as_deref(), Some("p-1"));
        assert_eq!((again.state, again.next), (AttemptState::Submitted, AttemptState::Submitted));
    }

    #[test]
    fn an_unknown_order_can_still_turn_out_either_way() {
        let now = Timestamp::from_epoch_ms(20);
        let unknown =
            intended().settled(AttemptState::Unknown, None, now).expect("the answer was lost");

        assert!(unknown.submitted("found").is_ok());
        assert!(unknown.settled(AttemptState::Failed, None, now).is_ok());
        assert!(unknown.settled(AttemptState::Unknown, None, now).is_err());
    }

    #[test]
    fn an_ended_attempt_stays_as_it_is() {
        let now = Timestamp::from_epoch_ms(20);
        let failed = intended().settled(AttemptState::Failed, None, now).expect("refused");

        assert!(failed.submitted("p").is_err());
        assert!(failed.settled(AttemptState::Succeeded, None, now).is_err());
    }

    #[test]
    fn the_deadline_itself_is_late() {
        let attempt = intended();

        assert!(!attempt.is_late(Timestamp::from_epoch_ms(999)));
        assert!(attempt.is_late(Timestamp::from_epoch_ms(1_000)));
    }
}
