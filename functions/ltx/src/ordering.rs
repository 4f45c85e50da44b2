//! The ledger and the waiting protocol: intended, submitted.
//!
//! What costs money is written down before it is ordered, so that every redelivery, whatever was
//! lost before it, finds out here what may follow.

use std::path::PathBuf;
use std::time::Duration;

use domain::{
    Attempt, AttemptState, FailureKind, Intent, Job, MicroUsd, Settlement, Ticket, Turn, keys,
};
use ports::{
    Admission, Chain, ClipOrder, Clock, Handled, Ledger, ObjectStore, Opened, ProviderJob, Quote,
    SubmitError, Submitted, VideoGenerator,
};

use crate::handler::{FAULT, Ltx, since_redrive};
use crate::{LtxError, Parts};

/// When to look again at another invocation's order.
const BUSY_WAIT: Duration = Duration::from_secs(2);
/// When to go on after an attempt has ended and another may follow.
pub(crate) const NEXT: Duration = Duration::from_secs(1);
/// The longest pause between two questions for a turn. Shorter ones would use up the deliveries that
/// the queue allows while a job is still far from the front.
const LONGEST_WAIT: Duration = Duration::from_mins(10);
/// The longest pause between two orders that are not taken, unless the provider asks for a longer one.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// How often it is tried to write down who has an order.
const RECORD_TRIES: u32 = 5;
/// The pause after the first time; it doubles.
const RECORD_PAUSE: Duration = Duration::from_millis(50);

pub(crate) const LATE: &str = "the clip was not ready in time";

/// What became of the wish to write an intention down.
enum Written {
    /// It is written: order, for the job as it is now.
    New { job: Box<Job>, attempt: Box<Attempt>, photo: PathBuf, work: tempfile::TempDir },
    /// It is not, and nothing is to be ordered.
    Not(Handled),
}

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
        let Some(newest) = since_redrive(job, attempts).last() else {
            return match attempts.last().and_then(|one| self.resumable(one)) {
                Some((theirs, given_up)) => self.resume(job, theirs, given_up).await,
                None => self.order(job, generator, quote, attempts).await,
            };
        };
        match newest.state {
            AttemptState::NotTaken => self.order_again(job, generator, quote, attempts).await,
            AttemptState::Failed if self.may_follow(job, attempts, newest) => {
                self.order(job, generator, quote, attempts).await
            }
            AttemptState::Failed => self.fail_as(job, newest).await,
            AttemptState::Succeeded if newest.reused_from.is_some() => {
                self.order(job, generator, quote, attempts).await
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
        theirs: &P::Generator,
        given_up: &Attempt,
    ) -> Result<Handled, LtxError> {
        let now = self.now();
        let resumed = given_up.resume(given_up.number + 1, now, now.plus(theirs.time_limit()));
        let Some(job) = &self.start(job, theirs).await? else { return self.wind_up(job).await };
        match self.ledger.open(&resumed, &self.policy.caps).await? {
            Opened::New => self.look(job, theirs, &resumed).await,
            _ => Ok(Handled::NotYet { after: BUSY_WAIT }),
        }
    }

    /// The attempt and its provider, if that may still have the work, so that a look at it is free.
    fn resumable<'a>(&self, attempt: &'a Attempt) -> Option<(&P::Generator, &'a Attempt)> {
        let ours = matches!(attempt.failure, Some(FailureKind::Fault | FailureKind::Late));
        let given_up =
            attempt.state == AttemptState::Failed && ours && attempt.refused_over.is_none();
        // What could not be called off went on.
        let went_on = attempt.state == AttemptState::Cancelled
            && attempt.charged.is_some_and(|charged| charged > MicroUsd::ZERO);
        let taken = attempt.provider_job.is_some() && attempt.resumes.is_none();
        let theirs = self.generator(Some(&attempt.provider))?;
        ((given_up || went_on) && taken).then_some((theirs, attempt))
    }

    /// The provider did not take the order so far: it is made again, until the deadline of the first
    /// that it did not take.
    async fn order_again(
        &self,
        job: &Job,
        generator: &P::Generator,
        quote: &Quote,
        attempts: &[Attempt],
    ) -> Result<Handled, LtxError> {
        let mut run = not_taken(job, generator.name(), attempts);
        if run.any(|attempt| attempt.is_late(self.now())) {
            let note = attempts.last().and_then(|attempt| attempt.note.as_deref());
            return self.fail(job, FailureKind::Late, LATE, note).await;
        }
        self.order(job, generator, quote, attempts).await
    }

    /// Asks for a turn, writes the intention down, then orders.
    pub(crate) async fn order(
        &self,
        job: &Job,
        generator: &P::Generator,
        quote: &Quote,
        attempts: &[Attempt],
    ) -> Result<Handled, LtxError> {
        if let Turn::Wait { ahead } = self.ask_for_turn(job, generator).await? {
            // So many at the front are awake as can be served at once.
            let rounds = ahead as u64 / u64::from(generator.concurrency().unwrap_or(1).max(1));
            let after = Duration::from_secs(1 + rounds).min(LONGEST_WAIT);
            return Ok(Handled::NotYet { after });
        }
        let written = Box::pin(self.write_down(job, generator, quote, attempts)).await;
        match written {
            Ok(Written::New { job, attempt, photo, work: _work }) => {
                let refused = not_taken(&job, generator.name(), attempts).count();
                let pause = Duration::from_secs(5 << refused.min(4)).min(LONGEST_PAUSE);
                self.submit(&job, generator, &attempt, photo, pause).await
            }
            Ok(Written::Not(handled)) => Ok(handled),
            Err(error) => {
                self.leave(generator.name(), job).await?;
                Err(error)
            }
        }
    }

    /// Writes the intention down. What can break without an order comes before it: an intention
    /// that nothing followed would count as unknown.
    async fn write_down(
        &self,
        job: &Job,
        generator: &P::Generator,
        quote: &Quote,
        attempts: &[Attempt],
    ) -> Result<Written, LtxError> {
        let Some(job) = &self.start(job, generator).await? else {
            return Ok(Written::Not(self.wind_up(job).await?));
        };
        let (work, photo) = self.fetch_photo(job).await?;
        let number = attempts.last().map_or(0, |attempt| attempt.number) + 1;
        let intent = self.intent(job, generator, quote, number);
        if let Some(handled) = self.take_stored(job, &intent, &photo).await? {
            return Ok(Written::Not(handled));
        }
        let unknown = attempts.iter().filter(|attempt| attempt.is_unknown());
        let at_risk = unknown.map(|attempt| attempt.reserved).sum();
        let attempt = Attempt { at_risk, ..Attempt::intend(intent, self.now()) };
        if let Some(warning) = &quote.warning {
            tracing::warn!(job.id = %job.id, "{warning}");
        }
        Ok(match self.ledger.open(&attempt, &self.policy.caps).await? {
            Opened::New => {
                let (job, attempt) = (Box::new(job.clone()), Box::new(attempt));
                Written::New { job, attempt, photo, work }
            }
            Opened::Exists => Written::Not(Handled::NotYet { after: BUSY_WAIT }),
            Opened::Over(over) => {
                let reason = over.to_string();
                Written::Not(self.fail(job, FailureKind::Refused, &reason, None).await?)
            }
        })
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
            return self.submit(job, generator, attempt, photo, LONGEST_PAUSE).await;
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

    /// Orders. An order that is not taken is made again after `pause`, or later if the provider says
    /// so; its turn is kept.
    async fn submit(
        &self,
        job: &Job,
        generator: &P::Generator,
        attempt: &Attempt,
        photo: PathBuf,
        pause: Duration,
    ) -> Result<Handled, LtxError> {
        let order = self.clip_order(job, attempt, photo);

        // Boxed, here and below, as these futures are too large to move about.
        match Box::pin(generator.submit(&order)).await {
            Ok(Submitted::Accepted(named)) => {
                let submitted = self.record(attempt, &named).await?;
                match generator.poll_every() {
                    Duration::ZERO => Box::pin(self.look(job, generator, &submitted)).await,
                    after => Ok(Handled::NotYet { after }),
                }
            }
            Ok(Submitted::Delivered(named, delivery)) => {
                let submitted = self.record(attempt, &named).await?;
                Box::pin(self.receive(job, &submitted, &order, delivery)).await
            }
            Ok(Submitted::Refused(refusal)) => {
                self.refuse(job, attempt, refusal, MicroUsd::ZERO).await
            }
            Ok(Submitted::Later { after, note }) => {
                self.settle(attempt, Settlement::not_taken(Some(note))).await?;
                Ok(Handled::NotYet { after: after.max(pause) })
            }
            Err(SubmitError::NotTaken(source)) => {
                let note = Chain(source.as_ref()).to_string();
                tracing::warn!(job.id = %job.id, provider = generator.name(), error = %note, "not taken");
                self.settle(attempt, Settlement::not_taken(Some(note))).await?;
                Ok(Handled::NotYet { after: pause })
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

    /// Writes down who has the order, whatever was written about it meanwhile: this must not get lost.
    async fn record(&self, attempt: &Attempt, named: &ProviderJob) -> Result<Attempt, LtxError> {
        let (mut before, mut pause) = (attempt.clone(), RECORD_PAUSE);
        let mut failed = LtxError::Contended { attempt: attempt.number };
        for _ in 0..RECORD_TRIES {
            let after = match before.submitted(&named.id, named.links.as_deref()) {
                Ok(after) => after,
                Err(error) => {
                    failed = error.into();
                    break;
                }
            };
            match self.write(&before, &after).await {
                Ok(()) => return Ok(after),
                Err(error) => failed = error,
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
            let attempts = self.ledger.attempts(attempt.job).await.unwrap_or_default();
            let now = attempts.into_iter().find(|one| one.number == attempt.number);
            match now {
                // A post of the provider was quicker.
                Some(now) if now.provider_job.as_deref() == Some(&*named.id) => return Ok(now),
                Some(now) => before = now,
                None => {}
            }
        }
        let (job, number, provider, name) =
            (attempt.job, attempt.number, &attempt.provider, &named.id);
        tracing::error!(
            alarm = "unknown", job.id = %job, attempt = number, %provider,
            "order of job {job} was taken as {name}, which could not be written down"
        );
        Err(failed)
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

/// The newest attempts that this provider did not take, one after the other.
fn not_taken<'a>(
    job: &Job,
    provider: &'a str,
    attempts: &'a [Attempt],
) -> impl Iterator<Item = &'a Attempt> {
    let newest_first = since_redrive(job, attempts).iter().rev();
    newest_first.take_while(move |attempt| {
        attempt.state == AttemptState::NotTaken && attempt.provider == provider
    })
}
