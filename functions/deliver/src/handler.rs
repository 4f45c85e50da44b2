//! From a request for a delivery to a signed webhook.

use std::time::Duration;

use domain::{EventId, Timestamp};
use events::DeliveryRequest;
use ports::{
    Clock, Delivery, DeliveryLog, DeliveryState, Endpoint, Endpoints, EventPublisher, HandleRecord,
    Handled, Metric, Registers, Replaced, WebhookRequest, WebhookSender, about,
};

use crate::DeliverError;
use crate::attempt::{Attempt, claimed};
use crate::breaker::Entry;
use crate::disabling::{DISABLED_AFTER, Disabling};
use crate::gate::Gate;
use crate::schedule::{self, LONGEST_HIDE};
use crate::signing::sign;

/// When to look again at what somebody else is doing.
const CONTENDED_WAIT: Duration = Duration::from_secs(2);

/// Tells one receiver of one event.
#[derive(Debug)]
pub struct Deliver<D, E, R, W, B, C> {
    /// What was delivered to whom.
    pub log: D,
    /// Who asked to be told.
    pub endpoints: E,
    /// How receivers have been answering: registers `endpoint#{id}`.
    pub registers: R,
    /// Who posts.
    pub sender: W,
    /// Where it is announced that an endpoint was disabled.
    pub bus: B,
    /// What time it is.
    pub clock: C,
    /// Pauses between attempts.
    pub schedule: Vec<Duration>,
}

impl<D, E, R, W, B, C> HandleRecord for Deliver<D, E, R, W, B, C>
where
    D: DeliveryLog,
    E: Endpoints,
    R: Registers,
    W: WebhookSender,
    B: EventPublisher,
    C: Clock,
{
    type Record = DeliveryRequest;
    type Error = DeliverError;

    async fn handle(&self, request: &DeliveryRequest) -> Result<Handled, DeliverError> {
        let Some(delivery) = self.recorded(request).await? else { return Ok(Handled::Done) };
        about(delivery.job);
        let owner = request.owner.as_deref();
        let endpoint = self.endpoints.get(owner, &request.endpoint_id).await?;
        let now = self.clock.now();
        if let Some(endpoint) = &endpoint {
            self.disabling(now).make_known(endpoint).await?;
        }
        let due = delivery.next_at <= now;
        match (delivery.state, endpoint) {
            (DeliveryState::Delivered | DeliveryState::GivenUp | DeliveryState::Held, _) => {
                Ok(Handled::Done)
            }
            (DeliveryState::UnderWay, _) if !due => Ok(wait(CONTENDED_WAIT)),
            (_, None) => {
                self.close(&delivery, DeliveryState::GivenUp, "the endpoint was removed").await
            }
            (_, Some(endpoint)) if endpoint.disabled.is_some() => self.hold(&delivery).await,
            (DeliveryState::Waiting, _) if !due => Ok(wait(delivery.next_at.since(now))),
            (_, Some(endpoint)) => self.try_to_tell(&endpoint, &delivery, now).await,
        }
    }

    fn is_hopeless(fault: &DeliverError) -> bool {
        matches!(fault, DeliverError::Id(_))
    }

    async fn give_up(&self, request: &DeliveryRequest, cause: &str) -> Result<(), DeliverError> {
        let Some(delivery) = self.recorded(request).await? else { return Ok(()) };
        if matches!(delivery.state, DeliveryState::Waiting | DeliveryState::UnderWay) {
            self.close(&delivery, DeliveryState::GivenUp, cause).await?;
        }
        Ok(())
    }
}

impl<D, E, R, W, B, C> Deliver<D, E, R, W, B, C>
where
    D: DeliveryLog,
    E: Endpoints,
    R: Registers,
    W: WebhookSender,
    B: EventPublisher,
    C: Clock,
{
    /// Makes the attempt that is due, if the receiver may be posted to now.
    async fn try_to_tell(
        &self,
        endpoint: &Endpoint,
        delivery: &Delivery,
        now: Timestamp,
    ) -> Result<Handled, DeliverError> {
        if now >= schedule::last_moment(delivery) {
            let cause = "its receiver could not be told for 6 days";
            return self.close(delivery, DeliveryState::GivenUp, cause).await;
        }
        let request = sign(endpoint, delivery, now)?;
        let event = delivery.event.to_string();
        let needed = match self.gate().enter(&endpoint.id, &event, now).await? {
            Entry::Admitted => return self.tell(endpoint, delivery, &request).await,
            Entry::Full => schedule::until_a_place(delivery, now),
            Entry::Open(left) => left,
        };
        Ok(wait(schedule::patience(needed, delivery, now)))
    }

    /// Claimed before it is made: of two copies of the same request one posts, and if that one dies,
    /// the claim runs out.
    async fn tell(
        &self,
        endpoint: &Endpoint,
        delivery: &Delivery,
        request: &WebhookRequest,
    ) -> Result<Handled, DeliverError> {
        let began = self.clock.now();
        let claim = claimed(delivery, began);
        if self.log.write(Some(delivery), &claim).await? == Replaced::Conflict {
            // The place is that of whoever has the claim; if that one has ended, it is free in a minute.
            return Ok(wait(CONTENDED_WAIT));
        }
        let answer = self.sender.post(request).await;
        let attempt = Attempt { began, ended: self.clock.now(), answer };
        let (succeeded, gone) = (attempt.succeeded(), attempt.is_gone());
        let after = attempt.judge(delivery, &self.schedule);

        let written = self.log.write(Some(&claim), &after).await?;
        if written == Replaced::Done {
            report_given_up(&after);
        }
        let now = self.clock.now();
        let disabled = if succeeded {
            self.gate().succeeded(&endpoint.id, &after.event.to_string(), now).await?;
            false
        } else {
            self.count_failure(endpoint, &after, gone, now).await?
        };
        match (written, after.state) {
            // Looked at again soon: by then it is held, or what somebody else made of it.
            (Replaced::Conflict, _) => Ok(wait(CONTENDED_WAIT)),
            (Replaced::Done, DeliveryState::Waiting) if disabled => Ok(wait(CONTENDED_WAIT)),
            (Replaced::Done, DeliveryState::Waiting) => Ok(wait(after.next_at.since(now))),
            (Replaced::Done, _) => Ok(Handled::Done),
        }
    }

    /// Gives the place back, and disables an endpoint that is gone or has failed for too long.
    /// Whether it did.
    async fn count_failure(
        &self,
        endpoint: &Endpoint,
        after: &Delivery,
        gone: bool,
        now: Timestamp,
    ) -> Result<bool, DeliverError> {
        let since = self.gate().failed(&endpoint.id, &after.event.to_string(), now).await?;
        let reason = if gone {
            "the receiver answered 410: it is gone".to_owned()
        } else if now.since(since) >= DISABLED_AFTER {
            let outcome = &after.outcome;
            format!("every attempt of the last 5 days failed, the newest: {outcome}")
        } else {
            return Ok(false);
        };
        self.disabling(now).disable(endpoint, &reason).await?;
        Ok(true)
    }

    async fn hold(&self, delivery: &Delivery) -> Result<Handled, DeliverError> {
        self.close(delivery, DeliveryState::Held, "the endpoint is disabled").await
    }

    /// Ends a delivery without an attempt.
    async fn close(
        &self,
        before: &Delivery,
        state: DeliveryState,
        outcome: &str,
    ) -> Result<Handled, DeliverError> {
        let after = Delivery { state, outcome: outcome.to_owned(), ..before.clone() };
        if self.log.write(Some(before), &after).await? == Replaced::Conflict {
            return Ok(wait(CONTENDED_WAIT));
        }
        report_given_up(&after);
        Ok(Handled::Done)
    }

    async fn recorded(&self, request: &DeliveryRequest) -> Result<Option<Delivery>, DeliverError> {
        let event = EventId::parse(&request.event_id)?;
        Ok(self.log.get(event, &request.endpoint_id).await?)
    }

    fn gate(&self) -> Gate<'_, R> {
        Gate(&self.registers)
    }

    fn disabling(&self, now: Timestamp) -> Disabling<'_, E, R, B> {
        Disabling { endpoints: &self.endpoints, gate: self.gate(), bus: &self.bus, now }
    }
}

fn wait(needed: Duration) -> Handled {
    Handled::NotYet { after: needed.clamp(Duration::from_secs(1), LONGEST_HIDE) }
}

fn report_given_up(delivery: &Delivery) {
    if delivery.state == DeliveryState::GivenUp {
        let Delivery { event, endpoint, outcome, .. } = delivery;
        tracing::warn!(event.id = %event, endpoint.id = endpoint, outcome, "webhook of {event} given up");
        Metric::DeliveriesGivenUp.count();
    }
}
