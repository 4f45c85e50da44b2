//! Orders whose answer was lost.
//!
//! No retry orders them again. They resolve themselves where the provider tells by itself and
//! confirms it; else a policy or a person decides.

use std::time::Duration;

use domain::{Attempt, AttemptState, FailureKind, Job, Settlement, Timestamp};
use events::Heard;
use ports::{Handled, Look, ProviderJob, VideoGenerator};

use crate::handler::{Ltx, since_redrive};
use crate::policy::UnknownPolicy;
use crate::{LtxError, Parts};

/// When to look again at an order whose answer was lost.
const UNKNOWN_WAIT: Duration = Duration::from_mins(5);

const UNKNOWN: &str = "it could not be found out whether the clip was ordered";

impl<P: Parts> Ltx<P> {
    /// The answer was lost.
    pub(crate) async fn lose(&self, attempt: &Attempt, note: String) -> Result<Handled, LtxError> {
        let (job, number, provider) = (attempt.job, attempt.number, &attempt.provider);
        tracing::error!(
            alarm = "unknown", job.id = %job, attempt = number, %provider, %note,
            "order of job {job} is unknown"
        );
        self.settle(attempt, Settlement::unknown(note)).await?;
        Ok(Handled::NotYet { after: UNKNOWN_WAIT.min(self.policy.hold_for) })
    }

    /// Does what the policy says of an unknown order.
    pub(crate) async fn hold(
        &self,
        job: &Job,
        generator: &P::Generator,
        attempts: &[Attempt],
        unknown: &Attempt,
    ) -> Result<Handled, LtxError> {
        let waited = self.now().since(waits_since(job, unknown));
        match self.policy.unknown {
            UnknownPolicy::ResubmitAfter(after) if waited >= after => {
                self.order_at_risk(job, generator, attempts, unknown).await
            }
            UnknownPolicy::ResubmitAfter(after) => {
                Ok(Handled::NotYet { after: UNKNOWN_WAIT.min(after.saturating_sub(waited)) })
            }
            UnknownPolicy::Hold if waited >= self.policy.hold_for => {
                self.fail(job, FailureKind::Unknown, UNKNOWN, unknown.note.as_deref()).await
            }
            UnknownPolicy::Hold => {
                let left = self.policy.hold_for.saturating_sub(waited);
                Ok(Handled::NotYet { after: UNKNOWN_WAIT.min(left) })
            }
        }
    }

    /// Orders again although the unknown order may be charged too. Both stay in the ledger.
    async fn order_at_risk(
        &self,
        job: &Job,
        generator: &P::Generator,
        attempts: &[Attempt],
        unknown: &Attempt,
    ) -> Result<Handled, LtxError> {
        let lost = since_redrive(job, attempts).iter().filter(|one| one.is_unknown()).count();
        if lost > self.policy.max_faults as usize {
            return self.fail(job, FailureKind::Unknown, UNKNOWN, unknown.note.as_deref()).await;
        }
        let quote = match generator.quote(&job.order.clip) {
            Ok(quote) => quote,
            Err(refusal) => {
                return self.fail(job, FailureKind::Refused, &refusal.reason, None).await;
            }
        };
        let (id, number, at_risk) = (job.id, unknown.number, unknown.reserved);
        tracing::warn!(
            job.id = %id, attempt = number,
            "ordering again after unknown attempt {number}: {at_risk} may be charged twice"
        );
        self.order(job, generator, &quote, attempts).await
    }

    /// Looks into what a provider said by itself. If it confirms that it has work for an order whose
    /// answer was lost, the order is unknown no longer. None: nothing came of it.
    pub(crate) async fn adopt(
        &self,
        job: &Job,
        attempts: &[Attempt],
        heard: &Heard,
    ) -> Result<Option<Handled>, LtxError> {
        let found = attempts.iter().find(|attempt| attempt.number == heard.attempt);
        let lost = |attempt: &&Attempt| {
            matches!(attempt.state, AttemptState::Unknown | AttemptState::Intended)
        };
        let Some(attempt) = found.filter(lost) else { return Ok(None) };
        let Some(generator) = self.generator(Some(&attempt.provider)) else { return Ok(None) };

        let work = self.workspace()?;
        let order = self.clip_order(job, attempt, work.path().join("photo.jpg"));
        let named = ProviderJob::named(&heard.provider_job);
        if generator.look(&order, &named).await? == Look::Gone {
            return Ok(None);
        }
        tracing::info!(job.id = %job.id, attempt = attempt.number, "unknown order is found");
        let submitted = attempt.submitted(&named.id, None)?;
        self.write(attempt, &submitted).await?;
        Ok(Some(self.look(job, generator, &submitted).await?))
    }
}

/// Since when the job waits for an unknown order: an operator who has it tried again gives it the
/// whole time anew.
fn waits_since(job: &Job, unknown: &Attempt) -> Timestamp {
    let lost = unknown.settled_at.unwrap_or(unknown.intended_at);
    job.redriven_at.map_or(lost, |redriven| redriven.max(lost))
}
