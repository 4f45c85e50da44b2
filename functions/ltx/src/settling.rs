//! How attempts end, and what may follow.

use domain::{Attempt, AttemptState, FailureKind, Job, MicroUsd, RefusedOver, Settlement};
use ports::{
    Admission, Chain, GenerationRefusal, Handled, Ledger, Metric, Replaced, VideoGenerator,
};

use crate::handler::{FAULT, Ltx, since_redrive};
use crate::ordering::NEXT;
use crate::{LtxError, Parts};

impl<P: Parts> Ltx<P> {
    /// The provider has said no.
    pub(crate) async fn refuse(
        &self,
        job: &Job,
        attempt: &Attempt,
        refusal: GenerationRefusal,
        charged: MicroUsd,
    ) -> Result<Handled, LtxError> {
        let GenerationRefusal { over, reason } = refusal;
        // What is looked at again was charged with the attempt that ordered it.
        let charged = if attempt.resumes.is_some() { MicroUsd::ZERO } else { charged };
        let told = Settlement::refused(over, reason.clone(), charged);
        let settled = self.settle(attempt, told).await?;
        if matches!(over, RefusedOver::Key | RefusedOver::Credit) {
            let (job, provider, over) = (attempt.job, &attempt.provider, over.as_str());
            tracing::error!(alarm = over, job.id = %job, %provider, "provider refuses us: {reason}");
            Metric::ProviderRefusals.count();
        }
        let attempts = self.ledger.attempts(job.id).await?;
        if self.may_follow(job, &attempts, &settled) {
            return Ok(Handled::NotYet { after: NEXT });
        }
        self.fail_as(job, &settled).await
    }

    /// Whether a failed attempt may be followed by another: where the provider broke at no charge,
    /// no longer has what was looked at again, or another provider is to take over.
    pub(crate) fn may_follow(&self, job: &Job, attempts: &[Attempt], failed: &Attempt) -> bool {
        use RefusedOver::{Fault, Gone, Stopped};
        if failed.resumes.is_some() {
            return matches!(failed.refused_over, Some(Fault | Gone | Stopped));
        }
        let current = since_redrive(job, attempts);
        let free = failed.charged == Some(MicroUsd::ZERO);
        let broke = failed.refused_over == Some(Fault) && free;
        let tried = current.iter().filter(|one| one.state == AttemptState::Failed).count();
        (broke && tried < self.policy.max_faults as usize)
            || self.failover_after(job, attempts).is_some()
    }

    /// Who takes over, if the newest attempt ended for a reason of its provider's own: it refused
    /// us, or was overloaded until the deadline. Nobody, if an order is unknown.
    pub(crate) fn failover_after(&self, job: &Job, attempts: &[Attempt]) -> Option<&P::Generator> {
        let other = self.failover(job)?;
        let current = since_redrive(job, attempts);
        let newest = current.last().filter(|newest| newest.provider != other.name())?;
        let late = current.iter().any(|attempt| attempt.is_late(self.now()));
        let overloaded = newest.state == AttemptState::NotTaken && late;
        let refused = newest.refused_over.is_some_and(RefusedOver::is_about_provider);
        let unknown = current.iter().any(Attempt::is_unknown);
        ((overloaded || refused) && !unknown).then_some(other)
    }

    /// Who takes over for the default provider, where that is wanted.
    pub(crate) fn failover(&self, job: &Job) -> Option<&P::Generator> {
        let name = self.policy.failover.as_deref()?;
        job.order.clip.provider.is_none().then(|| self.generator(Some(name))).flatten()
    }

    pub(crate) async fn fail_as(&self, job: &Job, failed: &Attempt) -> Result<Handled, LtxError> {
        let kind = failed.failure.unwrap_or(FailureKind::Fault);
        let reason = failed.note.as_deref().unwrap_or(FAULT);
        self.end(job, kind, reason, None).await
    }

    /// Ends the job, unless its clip was stored meanwhile or another order of it is under way.
    pub(crate) async fn end(
        &self,
        job: &Job,
        kind: FailureKind,
        reason: &str,
        cause: Option<&str>,
    ) -> Result<Handled, LtxError> {
        let attempts = self.ledger.attempts(job.id).await?;
        let under_way = attempts.iter().any(|one| one.state == AttemptState::Submitted);
        if under_way || self.stored_clip(job).await?.is_some() {
            return Ok(Handled::NotYet { after: NEXT });
        }
        self.fail(job, kind, reason, cause).await
    }

    /// Something broke that costs nothing to try again: counted, and tried again up to a limit.
    pub(crate) async fn note_fault(
        &self,
        job: &Job,
        attempt: &Attempt,
        error: LtxError,
    ) -> Result<Handled, LtxError> {
        let cause = Chain(&error).to_string();
        let attempt_now = attempt.with_fault(cause.clone());
        self.write(attempt, &attempt_now).await?;
        if attempt_now.faults < self.policy.max_faults {
            return Err(error);
        }
        tracing::error!(job.id = %job.id, error = %cause, "job {} is given up", job.id);
        let (kind, charged) = (FailureKind::Fault, attempt_now.reserved);
        let given_up = Settlement::given_up(kind, FAULT.to_owned(), charged);
        self.settle(&attempt_now, given_up).await?;
        self.end(job, kind, FAULT, Some(&cause)).await
    }

    /// The clip of `provider_job` is stored: so its attempt has succeeded.
    pub(crate) async fn settle_stored(
        &self,
        job: &Job,
        provider_job: &str,
    ) -> Result<(), LtxError> {
        for attempt in self.ledger.attempts(job.id).await? {
            let is_its = attempt.provider_job.as_deref() == Some(provider_job);
            if is_its && !attempt.state.is_end() {
                self.settle(&attempt, Settlement::succeeded(attempt.reserved)).await?;
            }
        }
        Ok(())
    }

    /// Writes down how an attempt ended. Its turn is given up with it, unless the order is to be made
    /// again, or nobody knows whether the provider is at it.
    pub(crate) async fn settle(
        &self,
        attempt: &Attempt,
        settlement: Settlement,
    ) -> Result<Attempt, LtxError> {
        let settled = attempt.settled(settlement, self.now())?;
        self.write(attempt, &settled).await?;
        if settled.state.is_end() && settled.state != AttemptState::NotTaken {
            let generator = self.generator(Some(&settled.provider));
            if generator.is_some_and(|generator| generator.concurrency().is_some()) {
                let admission = Admission(&self.registers);
                admission.leave(&settled.provider, settled.job, self.now()).await?;
            }
        }
        Ok(settled)
    }

    pub(crate) async fn write(&self, before: &Attempt, after: &Attempt) -> Result<(), LtxError> {
        match self.ledger.replace(before, after).await? {
            Replaced::Done => Ok(()),
            Replaced::Conflict => Err(LtxError::Contended { attempt: before.number }),
        }
    }
}
