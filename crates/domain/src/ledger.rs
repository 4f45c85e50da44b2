//! The ledger of paid work: what was intended, what was ordered, how it ended, what it cost.

use serde::{Deserialize, Serialize};

use crate::{ClipSpec, FailureKind, JobId, MicroUsd, RefusedOver, Settlement, Timestamp};

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
    /// The provider refused the order, or could not fulfil it.
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

/// What an attempt takes from the limits on spending.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Booking {
    /// Money that is reserved or charged.
    pub money: MicroUsd,
    /// Clips that are under way or charged.
    pub clips: u32,
}

impl Booking {
    /// Nothing.
    pub const NONE: Self = Self { money: MicroUsd::ZERO, clips: 0 };
}

/// One order of paid work: one row of the ledger.
///
/// Rows of earlier versions have fewer fields; what is missing was nothing then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The job it is for.
    pub job: JobId,
    /// Which attempt of the job, from 1.
    pub number: u32,
    /// Who asked for the job.
    #[serde(default)]
    pub user: Option<String>,
    /// Who is to do the work.
    pub provider: String,
    /// What is ordered.
    #[serde(default)]
    pub spec: ClipSpec,
    /// How far it is.
    pub state: AttemptState,
    /// The provider's name for the work.
    pub provider_job: Option<String>,
    /// What else the provider said is needed to look at the work, in its own form.
    #[serde(default)]
    pub links: Option<String>,
    /// What the provider is expected to charge.
    pub quoted: MicroUsd,
    /// What is held back for it while it has not ended.
    #[serde(default)]
    pub reserved: MicroUsd,
    /// What the provider charges, once that is settled.
    #[serde(default)]
    pub charged: Option<MicroUsd>,
    /// What may be charged beside it, for an earlier attempt that nobody knows the end of.
    #[serde(default)]
    pub at_risk: MicroUsd,
    /// The job whose stored clip was taken instead of filming.
    #[serde(default)]
    pub reused_from: Option<JobId>,
    /// The earlier attempt whose work is looked at again.
    #[serde(default)]
    pub resumes: Option<u32>,
    /// When it was written down.
    pub intended_at: Timestamp,
    /// When it has to have ended.
    pub deadline: Timestamp,
    /// When it ended, or was found unknown.
    pub settled_at: Option<Timestamp>,
    /// How often something broke while working on it.
    pub faults: u32,
    /// What a refusal was about.
    #[serde(default)]
    pub refused_over: Option<RefusedOver>,
    /// Which kind of no ended it.
    #[serde(default)]
    pub failure: Option<FailureKind>,
    /// Why it is in this state.
    pub note: Option<String>,
    /// Grows with every write; a write names the one it has read.
    pub revision: u64,
}

/// What is about to be ordered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The job it is for.
    pub job: JobId,
    /// Which attempt of the job, from 1.
    pub number: u32,
    /// Who asked for the job.
    pub user: Option<String>,
    /// Who is to do the work.
    pub provider: String,
    /// What is ordered.
    pub spec: ClipSpec,
    /// What it is expected to cost.
    pub quoted: MicroUsd,
    /// When it has to have ended.
    pub deadline: Timestamp,
}

impl Attempt {
    /// An attempt that is about to be ordered.
    pub fn intend(intent: Intent, now: Timestamp) -> Self {
        let Intent { job, number, user, provider, spec, quoted, deadline } = intent;
        Self {
            job,
            number,
            user,
            provider,
            spec,
            state: AttemptState::Intended,
            provider_job: None,
            links: None,
            quoted,
            reserved: quoted,
            charged: None,
            at_risk: MicroUsd::ZERO,
            reused_from: None,
            resumes: None,
            intended_at: now,
            deadline,
            settled_at: None,
            faults: 0,
            refused_over: None,
            failure: None,
            note: None,
            revision: 1,
        }
    }

    /// A record that the stored clip of `other` is taken, at no cost.
    #[must_use]
    pub fn reuse(intent: Intent, other: JobId, now: Timestamp) -> Self {
        let intended = Self::intend(intent, now);
        Self {
            state: AttemptState::Succeeded,
            reserved: MicroUsd::ZERO,
            charged: Some(MicroUsd::ZERO),
            reused_from: Some(other),
            settled_at: Some(now),
            note: Some(format!("the clip of job {other} was taken")),
            ..intended
        }
    }

    /// Another look at the work of this attempt, which was given up, at no further cost.
    #[must_use]
    pub fn resume(&self, number: u32, now: Timestamp, deadline: Timestamp) -> Self {
        Self {
            number,
            state: AttemptState::Submitted,
            quoted: MicroUsd::ZERO,
            reserved: MicroUsd::ZERO,
            charged: None,
            at_risk: MicroUsd::ZERO,
            resumes: Some(self.number),
            intended_at: now,
            deadline,
            settled_at: None,
            faults: 0,
            refused_over: None,
            failure: None,
            note: None,
            revision: 1,
            ..self.clone()
        }
    }

    /// The attempt after the provider took the order.
    ///
    /// # Errors
    /// [`IllegalAttemptState`] if it has been taken already or has ended.
    pub fn submitted(
        &self,
        provider_job: &str,
        links: Option<&str>,
    ) -> Result<Self, IllegalAttemptState> {
        let mut attempt = self.become_state(AttemptState::Submitted)?;
        attempt.provider_job = Some(provider_job.to_owned());
        attempt.links = links.map(ToOwned::to_owned);
        attempt.settled_at = None;
        Ok(attempt)
    }

    /// The attempt after it ended, or was found unknown.
    ///
    /// # Errors
    /// [`IllegalAttemptState`] if the ledger does not allow it.
    pub fn settled(
        &self,
        settlement: Settlement,
        now: Timestamp,
    ) -> Result<Self, IllegalAttemptState> {
        let Settlement { state, charged, refused_over, failure, note } = settlement;
        let mut attempt = self.become_state(state)?;
        attempt.settled_at = Some(now);
        attempt.charged = state.is_end().then_some(charged);
        attempt.refused_over = refused_over;
        attempt.failure = failure;
        attempt.note = note;
        Ok(attempt)
    }

    /// The attempt after its provider said what it charges.
    #[must_use]
    pub fn repriced(&self, charged: MicroUsd) -> Self {
        let mut attempt = self.clone();
        attempt.reserved = charged;
        attempt.revision += 1;
        attempt
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

    /// Whether nobody knows if the order was taken.
    pub fn is_unknown(&self) -> bool {
        self.state == AttemptState::Unknown
    }

    /// What it takes from the limits: what is reserved until it ends, then what is charged.
    pub fn booking(&self) -> Booking {
        match self.charged {
            Some(MicroUsd::ZERO) => Booking::NONE,
            Some(money) => Booking { money, clips: 1 },
            None if self.reserved == MicroUsd::ZERO => Booking::NONE,
            None => Booking { money: self.reserved, clips: 1 },
        }
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
    use crate::Resolution;

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_epoch_ms(ms)
    }

    fn intended() -> Attempt {
        let spec = ClipSpec {
            model: "ltx-2-3-fast".to_owned(),
            duration_secs: 6,
            resolution: Resolution { width: 1920, height: 1080 },
            frame_rate: 24,
            camera_motion: None,
            seed: None,
            audio: false,
        };
        let intent = Intent {
            job: JobId::of_object("media", "uploads/a.jpg", "e"),
            number: 1,
            user: None,
            provider: "ltx".to_owned(),
            spec,
            quoted: MicroUsd(360_000),
            deadline: at(1_000),
        };
        Attempt::intend(intent, at(10))
    }

    fn unknown() -> Settlement {
        Settlement::unknown("connection reset".to_owned())
    }

    fn refused(charged: u64) -> Settlement {
        Settlement::refused(RefusedOver::Content, "no".to_owned(), MicroUsd(charged))
    }

    #[test]
    fn an_order_is_taken_once() {
        let submitted = intended().submitted("p-1", None).expect("taken");

        let again = submitted.submitted("p-2", None).expect_err("taken already");

        assert_eq!(submitted.provider_job.as_deref(), Some("p-1"));
        assert_eq!((again.state, again.next), (AttemptState::Submitted, AttemptState::Submitted));
    }

    #[test]
    fn an_unknown_order_can_still_turn_out_either_way() {
        let unknown_one = intended().settled(unknown(), at(20)).expect("the answer was lost");

        assert!(unknown_one.submitted("found", None).is_ok());
        assert!(unknown_one.settled(refused(0), at(20)).is_ok());
        assert!(unknown_one.settled(unknown(), at(20)).is_err());
    }

    #[test]
    fn an_ended_attempt_stays_as_it_is() {
        let failed = intended().settled(refused(0), at(20)).expect("refused");

        assert!(failed.submitted("p", None).is_err());
        assert!(failed.settled(Settlement::succeeded(MicroUsd(1)), at(20)).is_err());
    }

    #[test]
    fn the_deadline_itself_is_late() {
        let attempt = intended();

        assert!(!attempt.is_late(at(999)));
        assert!(attempt.is_late(at(1_000)));
    }

    #[test]
    fn what_is_reserved_is_booked_until_it_is_known_what_is_charged() {
        let booked = |money| Booking { money: MicroUsd(money), clips: 1 };
        let submitted = intended().submitted("p-1", None).expect("taken");
        let settled = |attempt: &Attempt, how| attempt.settled(how, at(20)).expect("legal");

        assert_eq!(intended().booking(), booked(360_000));
        assert_eq!(settled(&intended(), unknown()).booking(), booked(360_000));
        assert_eq!(settled(&intended(), refused(0)).booking(), Booking::NONE);
        assert_eq!(settled(&intended(), refused(250_000)).booking(), booked(250_000));
        let paid = Settlement::succeeded(MicroUsd(340_000));
        assert_eq!(settled(&submitted, paid).booking(), booked(340_000));
    }

    #[test]
    fn looking_again_at_given_up_work_costs_nothing() {
        let late = Settlement::given_up(FailureKind::Late, "late".to_owned(), MicroUsd(360_000));
        let submitted = intended().submitted("p-1", Some("links")).expect("taken");
        let given_up = submitted.settled(late, at(2_000)).expect("legal");

        let resumed = given_up.resume(2, at(3_000), at(9_000));

        assert_eq!((resumed.number, resumed.resumes), (2, Some(1)));
        assert_eq!(resumed.provider_job.as_deref(), Some("p-1"));
        assert_eq!(resumed.links.as_deref(), Some("links"));
        assert_eq!(resumed.booking(), Booking::NONE);
        assert_eq!((resumed.state, resumed.charged), (AttemptState::Submitted, None));
    }

    #[test]
    fn a_row_of_an_earlier_version_is_read() {
        let row = r#"{"job":"5cfae0aa-1bc4-55e8-ba90-6e51daaa98dd","number":1,
            "provider":"camera-move","state":"succeeded","provider_job":"5cfae0aa-1","quoted":0,
            "intended_at":10,"deadline":20,"settled_at":15,"faults":0,"note":null,"revision":3}"#;

        let attempt: Attempt = serde_json::from_str(row).expect("readable");

        assert_eq!(attempt.booking(), Booking::NONE);
        assert_eq!((attempt.spec, attempt.charged), (ClipSpec::default(), None));
    }
}
