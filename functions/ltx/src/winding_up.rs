//! What follows when a job needs no clip any more: because it has one, or has ended.

use domain::{Attempt, AttemptState, Job, MicroUsd, Settlement};
use ports::{CallOff, Chain, Handled, Ledger, VideoGenerator};

use crate::collecting::provider_job;
use crate::handler::Ltx;
use crate::{LtxError, Parts};

impl<P: Parts> Ltx<P> {
    /// Calls off what is still being filmed, as far as that can be done, and gives up turns. Unknown
    /// orders stay unknown.
    pub(crate) async fn wind_up(&self, job: &Job) -> Result<Handled, LtxError> {
        // Its clip may be known to a later stage before its attempt is settled.
        if let Some(clip) = self.stored_clip(job).await? {
            self.settle_stored(job, &clip.provider_job).await?;
        }
        let mut handled = Handled::Done;
        for attempt in self.ledger.attempts(job.id).await? {
            match attempt.state {
                AttemptState::Submitted => self.call_off(job, &attempt).await?,
                AttemptState::Intended => {
                    // Whoever ordered it writes the answer down, or has died.
                    if let Some(after) = self.grace_left(&attempt) {
                        handled = Handled::NotYet { after };
                    } else {
                        self.lose(&attempt, "interrupted, and no longer wanted".to_owned()).await?;
                    }
                }
                _ => {}
            }
        }
        let names = self.generators.iter().map(VideoGenerator::name);
        let wanted = job.order.clip.provider.as_deref();
        for name in names.filter(|name| wanted.is_none_or(|wanted| wanted == *name)) {
            self.leave(name, job).await?;
        }
        Ok(handled)
    }

    async fn call_off(&self, job: &Job, attempt: &Attempt) -> Result<(), LtxError> {
        let provider = &attempt.provider;
        let all = attempt.reserved;
        let (charged, note) = match self.generator(Some(provider)) {
            None => (all, format!("{provider} is not set up here, so it could not be called off")),
            Some(generator) => {
                let order = self.clip_order(job, attempt, "photo.jpg".into());
                match generator.call_off(&order, &provider_job(attempt)).await {
                    Ok(outcome) => what_is_charged(provider, &outcome, all),
                    Err(error) if attempt.faults < self.policy.max_faults => {
                        let cause = Chain(&error).to_string();
                        self.write(attempt, &attempt.with_fault(cause)).await?;
                        return Err(error.into());
                    }
                    Err(error) => (all, format!("{provider}: {}", Chain(&error))),
                }
            }
        };
        tracing::info!(job.id = %job.id, attempt = attempt.number, %charged, "called off: {note}");
        self.settle(attempt, Settlement::cancelled(charged, note)).await?;
        Ok(())
    }
}

pub(crate) fn what_is_charged(
    provider: &str,
    outcome: &CallOff,
    all: MicroUsd,
) -> (MicroUsd, String) {
    match outcome {
        CallOff::Stopped { charged: Some(charged) } => {
            (*charged, format!("{provider} has stopped"))
        }
        CallOff::Stopped { charged: None } => {
            (all, format!("{provider} has stopped, and may charge all of it"))
        }
        CallOff::TooLate => (all, format!("it was too late to stop {provider}")),
        CallOff::NotOffered => (all, format!("{provider} cannot be stopped")),
    }
}
