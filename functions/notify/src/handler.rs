//! From an event to signed webhooks.

use std::time::Duration;

use domain::{EventId, JobId, Timestamp};
use events::{BusEvent, Envelope, WebhookBody};
use futures::future::join_all;
use ports::{
    Chain, Clock, Delivery, DeliveryLog, DeliveryState, HandleRecord, Handled, Replaced, SendError,
    WebhookAnswer, WebhookSender,
};

use crate::signing::sign;
use crate::{Endpoint, NotifyError};

/// Pauses between attempts when none are configured; the first attempt is made at once.
///
/// Source: Standard Webhooks specification, "Deliverability and reliability".
pub const STANDARD_SCHEDULE: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(5),
    Duration::from_hours(10),
    Duration::from_hours(14),
    Duration::from_hours(20),
    Duration::from_hours(24),
];

/// Longest time for which a message can be hidden; a longer pause is waited for in parts.
///
/// Source: Amazon SQS API Reference, `ChangeMessageVisibility`: 12 hours.
const LONGEST_HIDE: Duration = Duration::from_hours(11);

/// How long an attempt may take before somebody else makes it again.
const CLAIM: Duration = Duration::from_mins(1);

/// When to look again at an attempt that somebody else makes.
const CONTENDED_WAIT: Duration = Duration::from_secs(2);

/// Tells everybody who asked.
#[derive(Debug)]
pub struct Notify<D, W, C> {
    /// What was delivered to whom.
    pub log: D,
    /// Who posts.
    pub sender: W,
    /// What time it is.
    pub clock: C,
    /// Who asked.
    pub endpoints: Vec<Endpoint>,
    /// Pauses between attempts.
    pub schedule: Vec<Duration>,
}

impl<D: DeliveryLog, W: WebhookSender, C: Clock> HandleRecord for Notify<D, W, C> {
    type Record = BusEvent;
    type Error = NotifyError;

    async fn handle(&self, event: &BusEvent) -> Result<Handled, NotifyError> {
        let envelope = envelope(event)?;
        let told = self.endpoints.iter().map(|endpoint| self.tell(endpoint, event, &envelope));

        let mut next: Option<Timestamp> = None;
        let mut broken = None;
        for outcome in join_all(told).await {
            match outcome {
                Ok(due) => next = [next, due].into_iter().flatten().min(),
                Err(error) => broken = Some(error),
            }
        }
        match (broken, next) {
            (Some(error), _) => Err(error),
            (None, Some(due)) => {
                let pause = due.since(self.clock.now()).max(Duration::from_secs(1));
                Ok(Handled::NotYet { after: pause.min(LONGEST_HIDE) })
            }
            (None, None) => Ok(Handled::Done),
        }
    }

    fn is_hopeless(fault: &NotifyError) -> bool {
        matches!(fault, NotifyError::Foreign { .. } | NotifyError::Id(_))
    }

    async fn give_up(&self, event: &BusEvent, cause: &str) -> Result<(), NotifyError> {
        let envelope = envelope(event)?;
        for endpoint in &self.endpoints {
            let before = self.recorded(endpoint, &envelope).await?;
            let delivery = self.delivery(before.as_ref(), endpoint, event, &envelope)?;
            if matches!(delivery.state, DeliveryState::Waiting | DeliveryState::UnderWay) {
                let outcome = cause.to_owned();
                let given_up = Delivery { state: DeliveryState::GivenUp, outcome, ..delivery };
                self.log.write(before.as_ref(), &given_up).await?;
            }
        }
        Ok(())
    }
}

impl<D: DeliveryLog, W: WebhookSender, C: Clock> Notify<D, W, C> {
    /// Makes the attempt that is due, if one is, and says when the next one is.
    async fn tell(
        &self,
        endpoint: &Endpoint,
        event: &BusEvent,
        envelope: &Envelope,
    ) -> Result<Option<Timestamp>, NotifyError> {
        let before = self.recorded(endpoint, envelope).await?;
        let delivery = self.delivery(before.as_ref(), endpoint, event, envelope)?;
        let now = self.clock.now();
        match delivery.state {
            DeliveryState::Delivered | DeliveryState::GivenUp => return Ok(None),
            DeliveryState::Waiting if delivery.next_at > now => return Ok(Some(delivery.next_at)),
            DeliveryState::UnderWay if delivery.next_at > now => {
                return Ok(Some(now.plus(CONTENDED_WAIT)));
            }
            DeliveryState::Waiting | DeliveryState::UnderWay => {}
        }
        let body = serde_json::to_vec(&WebhookBody {
            kind: event.detail_type.clone(),
            timestamp: envelope.occurred_at.clone(),
            data: event.detail.clone(),
        })?;
        let request = sign(endpoint, &envelope.id, now, body)
            .map_err(|source| NotifyError::Secret { endpoint: endpoint.name.clone(), source })?;

        // Claimed before it is made: of two deliveries of the same record one posts, and if that one
        // dies, the claim runs out.
        let claim = claim(&delivery, now);
        if self.log.write(before.as_ref(), &claim).await? == Replaced::Conflict {
            return Ok(Some(now.plus(CONTENDED_WAIT)));
        }
        let answer = self.sender.post(&request).await;
        let after = self.judge(delivery, answer);
        self.log.write(Some(&claim), &after).await?;
        Ok((after.state == DeliveryState::Waiting).then_some(after.next_at))
    }

    /// What became of the attempt: 2xx is success, 410 is a receiver that is gone, all else is tried
    /// again until the schedule is used up.
    fn judge(&self, before: Delivery, answer: Result<WebhookAnswer, SendError>) -> Delivery {
        let now = self.clock.now();
        let attempts = before.attempts + 1;
        let pause = self.schedule.get(before.attempts as usize).copied();
        let (state, pause, outcome) = match answer {
            Ok(WebhookAnswer { status: status @ 200..=299, .. }) => {
                (DeliveryState::Delivered, None, format!("status {status}"))
            }
            Ok(WebhookAnswer { status: 410, .. }) => {
                (DeliveryState::GivenUp, None, "status 410: the receiver is gone".to_owned())
            }
            Ok(WebhookAnswer { status, retry_after }) => {
                let pause = pause.map(|pause| pause.max(retry_after.unwrap_or_default()));
                (DeliveryState::Waiting, pause, format!("status {status}"))
            }
            Err(error) => (DeliveryState::Waiting, pause, Chain(&error).to_string()),
        };
        let state = match (state, pause) {
            (DeliveryState::Waiting, None) => DeliveryState::GivenUp,
            (state, _) => state,
        };
        let first_at = if before.attempts == 0 { now } else { before.first_at };
        let next_at = now.plus(pause.unwrap_or_default());
        if state == DeliveryState::GivenUp {
            let (event, endpoint) = (&before.event, &before.endpoint);
            tracing::warn!(event.id = %event, endpoint, %outcome, "webhook of {event} given up");
        }
        Delivery { state, attempts, first_at, last_at: now, next_at, outcome, ..before }
    }

    async fn recorded(
        &self,
        endpoint: &Endpoint,
        envelope: &Envelope,
    ) -> Result<Option<Delivery>, NotifyError> {
        Ok(self.log.get(EventId::parse(&envelope.id)?, &endpoint.name).await?)
    }

    /// The delivery as it was recorded, or one that is due now.
    fn delivery(
        &self,
        recorded: Option<&Delivery>,
        endpoint: &Endpoint,
        event: &BusEvent,
        envelope: &Envelope,
    ) -> Result<Delivery, NotifyError> {
        if let Some(delivery) = recorded {
            return Ok(delivery.clone());
        }
        let now = self.clock.now();
        Ok(Delivery {
            event: EventId::parse(&envelope.id)?,
            endpoint: endpoint.name.clone(),
            job: JobId::parse(&envelope.job_id)?,
            detail_type: event.detail_type.clone(),
            state: DeliveryState::Waiting,
            attempts: 0,
            first_at: now,
            last_at: now,
            next_at: now,
            outcome: String::new(),
        })
    }
}

/// The delivery while an attempt is made.
fn claim(delivery: &Delivery, now: Timestamp) -> Delivery {
    let (state, next_at) = (DeliveryState::UnderWay, now.plus(CLAIM));
    Delivery { state, last_at: now, next_at, ..delivery.clone() }
}

fn envelope(event: &BusEvent) -> Result<Envelope, NotifyError> {
    let detail_type = event.detail_type.clone();
    event.envelope().map_err(|source| NotifyError::Foreign { detail_type, source })
}
