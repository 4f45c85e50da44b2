//! The ledger and the waiting protocol: intended, submitted.
//!
//! What costs money is written down before it is ordered, so that every redelivery, whatever was
//! lost before it, finds out here what may follow.

use std::path::PathBuf;
use std::time::Duration;

use domain::{
    Attempt, AttemptState, FailureKind, Intent, Job, MicroUsd, RefusedOver, Settlement, Ticket,
    Turn, keys,
};
use ports::{
    Admission, Chain, ClipOrder, Clock, GenerationRefusal, Handled, Ledger, ObjectStore, Opened,
    Quote, Replaced, SubmitError, Submitted, VideoGenerator,
};

use crate::handler::{FAULT, Ltx, since_redrive};
use crate::{LtxError, Parts};

/// When to look again at another invocation's order.
const BUSY_WAIT: Duration = Duration::from_secs(2);
/// When to go on after an attempt has ended and another may follow.
pub(crate) const NEXT: Duration = Duration::from_secs(1);
/// The longest pause between two questions for a turn.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

pub(crate) const LATE: &str = "the clip was not ready in time";

impl<P: Parts> Ltx<P> {
    /// Does what follows from an attempt that has not ended. It is for whoever was chosen then,
    /// whoever is the default by now.
    pub(crate) async fn follow_up(
        &self,
        job: &Job,
        attempts: &[Attempt],
        attempt: &Attempt,
    ) -> Result<Handled, LtxError> {
        let Some(generator) = self.generator(Some(&attempt.provider)) else {
            let (number, provider) = (attempt.number, attempt.provider.clone());
            return Err(LtxError::NotHere { attempt: number, provider });
        };
        match attempt.state {
            AttemptState::Unknown => self.hold(job, generator, attempts, attempt).await,
            AttemptState::Intended => self.after_interruption(job, generator, attempt).await,
            _ => self.look(job, generator, attempt).await,
        }
    }

    /// Does what follows from attempts that have ended.
    pub(crate) async fn follow_ledger(
        &self,
        job: &Job,
        generator: &P::Generator,
        quote: &Quote,
        attempts: &[Attempt],
    ) -> Result<Handled, LtxError> {
        let number = next_number(attempts);
        let Some(newest) = since_redrive(job, attempts).last() else {
            return match attempts.last().filter(|attempt| may_be_resumed(attempt)) {
                Some(given_up) => self.resume(job, generator, given_up, number).await,
                None => self.order(job, generator, quote, number, MicroUsd::ZERO).await,
            };
        };
        match newest.state {
            AttemptState::NotTaken => self.order_again(job, generator, quote, attempts).await,
            // The provider no longer has the work that was looked at again.
            AttemptState::Failed if newest.resumes.is_some() => {
                self.order(job, generator, quote, number, MicroUsd::ZERO).await
            }
            AttemptState::Failed if self.may_follow(job, attempts, newest) => {
                self.order(job, generator, quote, number, MicroUsd::ZERO).await
            }
            AttemptState::Failed => self.fail_as(job, newest).await,
            AttemptState::Succeeded if newest.reused_from.is_some() => {
                self.order(job, generator, quote, number, MicroUsd::ZERO).await
            }
            _ => {
                let cause = format!("attempt {} is {}, no clip", newest.number, newest.state);
                self.fail(job, FailureKind::Fault, FAULT, Some(&cause)).await
            }
        }
    }

    /// Looks again at work that was given up, which is free.
    async fn resume(
        &self,
        job: &Job,
        generator: &P::Generator,
        given_up: &Attempt,
        number: u32,
    ) -> Result<Handled, LtxError> {
        let Some(theirs) = self.generator(Some(&given_up.provider)) else {
            let (attempt, provider) = (given_up.number, given_up.provider.clone());
            return Err(LtxError::NotHere { attempt, provider });
        };
        let deadline = self.now().plus(generator.time_limit());
        let resumed = given_up.resume(number, self.now(), deadline);
        match self.ledger.open(&resumed, &self.policy.caps).await? {
            Opened::New => self.look(job, theirs, &resumed).await,
            _ => Ok(Handled::NotYet { after: BUSY_WAIT }),
        }
    }

    async fn order_again(
        &self,
        job: &Job,
        generator: &P::Generator,
        quote: &Quote,
        attempts: &[Attempt],
    ) -> Result<Handled, LtxError> {
        let current = since_redrive(job, attempts);
        let of_this = current.iter().filter(|attempt| attempt.provider == generator.name());
        let faults: u32 = of_this.clone().map(|attempt| attempt.faults).sum();
        let late = of_this.clone().any(|attempt| attempt.is_late(self.now()));
        let note = attempts.last().and_then(|attempt| attempt.note.as_deref());

        if faults >= self.policy.max_faults {
            return self.fail(job, FailureKind::Fault, FAULT, note).await;
        }
        if late {
            return self.fail(job, FailureKind::Late, LATE, note).await;
        }
        self.order(job, generator, quote, next_number(attempts), MicroUsd::ZERO).await
    }

    /// Writes the intention down, then orders. What can break without an order comes before both:
    /// an intention that nothing followed would count as unknown.
    pub(crate) async fn order(
        &self,
        job: &Job,
        generator: &P::Generator,
        quote: &Quote,
        number: u32,
        at_risk: MicroUsd,
    ) -> Result<Handled, LtxError> {
        if let Turn::Wait { ahead } = self.ask_for_turn(job, generator).await? {
            let after = Duration::from_secs(1 + ahead as u64).min(LONGEST_WAIT);
            return Ok(Handled::NotYet { after });
        }
        let (_work, photo) = self.fetch_photo(job).await?;
        let intent = self.intent(job, generator, quote, number);
        if let Some(handled) = self.take_stored(job, &intent, &photo).await? {
            return Ok(handled);
        }
        let attempt = Attempt { at_risk, ..Attempt::intend(intent, self.now()) };
        if let Some(warning) = &quote.warning {
            tracing::warn!(job.id = %job.id, "{warning}");
        }

        match self.ledger.open(&attempt, &self.policy.caps).await? {
            Opened::New => self.submit(job, generator, &attempt, photo).await,
            Opened::Exists => Ok(Handled::NotYet { after: BUSY_WAIT }),
            Opened::Over(over) => {
                self.leave(generator.name(), job).await?;
                self.fail(job, FailureKind::Refused, &over.to_string(), None).await
            }
        }
    }

    fn intent(&self, job: &Job, generator: &P::Generator, quote: &Quote, number: u32) -> Intent {
        Intent {
            job: job.id,
            number,
            user: job.order.user_id.clone(),
            provider: generator.name().to_owned(),
            spec: quote.spec.clone(),
            quoted: quote.price,
            deadline: self.now().plus(generator.time_limit()),
        }
    }

    async fn ask_for_turn(&self, job: &Job, generator: &P::Generator) -> Result<Turn, LtxError> {
        let Some(capacity) = generator.concurrency() else { return Ok(Turn::Yours) };
        let ticket = Ticket {
            job: job.id,
            user: job.order.user_id.clone().unwrap_or_default(),
            since: job.created_at,
        };
        let now = self.now();
        let until = now.plus(self.policy.submit_grace).plus(generator.time_limit());
        let admission = Admission(&self.registers);
        Ok(admission.enter(generator.name(), &ticket, capacity, now, until).await?)
    }

    /// Gives up the turn before a provider that has a line.
    pub(crate) async fn leave(&self, provider: &str, job: &Job) -> Result<(), LtxError> {
        let generator = self.generator(Some(provider));
        if generator.is_some_and(|generator| generator.concurrency().is_some()) {
            Admission(&self.registers).leave(provider, job.id, self.now()).await?;
        }
        Ok(())
    }

    /// The attempt is written down and its answer is not: another invocation may be at it, or one
    /// has died in between.
    async fn after_interruption(
        &self,
        job: &Job,
        generator: &P::Generator,
        attempt: &Attempt,
    ) -> Result<Handled, LtxError> {
        if generator.resubmits_safely() {
            let (_work, photo) = self.fetch_photo(job).await?;
            return self.submit(job, generator, attempt, photo).await;
        }
        match self.grace_left(attempt) {
            Some(after) => Ok(Handled::NotYet { after }),
            None => self.lose(attempt, "interrupted between order and answer".to_owned()).await,
        }
    }

    /// How long the answer to an order may still be on its way; none: no longer.
    pub(crate) fn grace_left(&self, attempt: &Attempt) -> Option<Duration> {
        let age = self.now().since(attempt.intended_at);
        self.policy.submit_grace.checked_sub(age).filter(|left| !left.is_zero())
    }

    async fn submit(
        &self,
        job: &Job,
        generator: &P::Generator,
        attempt: &Attempt,
        photo: PathBuf,
    ) -> Result<Handled, LtxError> {
        let order = self.clip_order(job, attempt, photo);

        // Boxed, here and below, as these futures are too large to move about.
        match Box::pin(generator.submit(&order)).await {
            Ok(Submitted::Accepted(named)) => {
                let submitted = attempt.submitted(&named.id, named.links.as_deref())?;
                self.write(attempt, &submitted).await?;
                Box::pin(self.look(job, generator, &submitted)).await
            }
            Ok(Submitted::Delivered(named, delivery)) => {
                let submitted = attempt.submitted(&named.id, named.links.as_deref())?;
                self.write(attempt, &submitted).await?;
                Box::pin(self.receive(job, &submitted, &order, delivery)).await
            }
            Ok(Submitted::Refused(refusal)) => {
                self.refuse(job, attempt, refusal, MicroUsd::ZERO).await
            }
            Ok(Submitted::Later { after, note }) => {
                self.settle(attempt, Settlement::not_taken(Some(note))).await?;
                Ok(Handled::NotYet { after })
            }
            Err(SubmitError::NotTaken(source)) => {
                let failed = attempt.with_fault(Chain(source.as_ref()).to_string());
                self.write(attempt, &failed).await?;
                self.settle(&failed, Settlement::not_taken(failed.note.clone())).await?;
                Err(LtxError::Submit { provider: generator.name(), source })
            }
            Err(SubmitError::Lost(source)) if generator.resubmits_safely() => {
                let provider = generator.name();
                self.note_fault(job, attempt, LtxError::Submit { provider, source }).await
            }
            Err(SubmitError::Lost(source)) => {
                let cause = Chain(source.as_ref()).to_string();
                self.lose(attempt, cause).await
            }
        }
    }

    /// The provider has said no.
    pub(crate) async fn refuse(
        &self,
        job: &Job,
        attempt: &Attempt,
        refusal: GenerationRefusal,
        charged: MicroUsd,
    ) -> Result<Handled, LtxError> {
        let GenerationRefusal { over, reason } = refusal;
        if matches!(over, RefusedOver::Key | RefusedOver::Credit) {
            let (job, provider, over) = (attempt.job, &attempt.provider, over.as_str());
            tracing::error!(alarm = over, job.id = %job, %provider, "provider refuses us: {reason}");
        }
        let settled = self.settle(attempt, Settlement::refused(over, reason, charged)).await?;
        let attempts = self.ledger.attempts(job.id).await?;
        if settled.resumes.is_some() || self.may_follow(job, &attempts, &settled) {
            return Ok(Handled::NotYet { after: NEXT });
        }
        self.fail_as(job, &settled).await
    }

    /// Whether a failed attempt may be followed by another: where the provider broke at no charge,
    /// or another provider is to take over.
    fn may_follow(&self, job: &Job, attempts: &[Attempt], failed: &Attempt) -> bool {
        let current = since_redrive(job, attempts);
        let free = failed.charged == Some(MicroUsd::ZERO);
        let broke = failed.refused_over == Some(RefusedOver::Fault) && free;
        let tried = current.iter().filter(|one| one.state == AttemptState::Failed).count();
        (broke && tried < self.policy.max_faults as usize)
            || self.failover_after(job, attempts).is_some()
    }

    /// Who takes over, if the newest attempt ended for a reason of its provider's own: it refused
    /// us, or was overloaded until the deadline.
    pub(crate) fn failover_after(&self, job: &Job, attempts: &[Attempt]) -> Option<&P::Generator> {
        let other = self.failover(job)?;
        let current = since_redrive(job, attempts);
        let newest = current.last().filter(|newest| newest.provider != other.name())?;
        let late = current.iter().any(|attempt| attempt.is_late(self.now()));
        let overloaded = newest.state == AttemptState::NotTaken && late;
        let refused = newest.refused_over.is_some_and(RefusedOver::is_about_provider);
        (overloaded || refused).then_some(other)
    }

    /// Who takes over for the default provider, where that is wanted.
    pub(crate) fn failover(&self, job: &Job) -> Option<&P::Generator> {
        let name = self.policy.failover.as_deref()?;
        job.order.clip.provider.is_none().then(|| self.generator(Some(name))).flatten()
    }

    async fn fail_as(&self, job: &Job, failed: &Attempt) -> Result<Handled, LtxError> {
        let kind = failed.failure.unwrap_or(FailureKind::Fault);
        let reason = failed.note.as_deref().unwrap_or(FAULT);
        self.fail(job, kind, reason, None).await
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
        self.fail(job, kind, FAULT, Some(&cause)).await
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

    /// Writes down how an attempt ended. Its turn is given up with it, unless nobody knows whether
    /// the provider is at it.
    pub(crate) async fn settle(
        &self,
        attempt: &Attempt,
        settlement: Settlement,
    ) -> Result<Attempt, LtxError> {
        let settled = attempt.settled(settlement, self.now())?;
        self.write(attempt, &settled).await?;
        if settled.state.is_end() {
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

    /// The accepted photo as a file, which is there as long as its folder.
    pub(crate) async fn fetch_photo(
        &self,
        job: &Job,
    ) -> Result<(tempfile::TempDir, PathBuf), LtxError> {
        let work = self.workspace()?;
        let photo = work.path().join("photo.jpg");
        self.store.fetch(&keys::photo(job.id), &photo).await?;
        Ok((work, photo))
    }

    pub(crate) fn workspace(&self) -> Result<tempfile::TempDir, LtxError> {
        Ok(tempfile::tempdir_in(&self.work)?)
    }

    pub(crate) fn clip_order(&self, job: &Job, attempt: &Attempt, photo: PathBuf) -> ClipOrder {
        let public =
            |base: &String| format!("{}/{}", base.trim_end_matches('/'), keys::photo(job.id));
        ClipOrder {
            job: job.id,
            attempt: attempt.number,
            prompt: job.order.prompt.clone(),
            spec: attempt.spec.clone(),
            photo,
            photo_url: self.policy.photos_url.as_ref().map(public),
        }
    }

    pub(crate) fn now(&self) -> domain::Timestamp {
        self.chronicle.clock.now()
    }
}

fn next_number(attempts: &[Attempt]) -> u32 {
    attempts.last().map_or(0, |attempt| attempt.number) + 1
}

/// Whether the provider may still have the work of a given-up attempt, so that a look at it is free.
fn may_be_resumed(attempt: &Attempt) -> bool {
    let ours = matches!(attempt.failure, Some(FailureKind::Fault | FailureKind::Late));
    let taken = attempt.provider_job.is_some() && attempt.refused_over.is_none();
    attempt.state == AttemptState::Failed && ours && taken && attempt.resumes.is_none()
}
