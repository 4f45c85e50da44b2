//! From an event to the deliveries that it asks for.

use domain::{EventId, JobId, TraceId};
use events::{BusEvent, DeliveryRequest, WebhookBody};
use futures::future::join_all;
use ports::{
    Clock, Delivery, DeliveryLog, DeliveryState, Endpoint, Endpoints, HandleRecord, Handled,
    MessageSender, Replaced, about,
};

use crate::NotifyError;

/// Asks for one delivery to everybody who asked to be told.
#[derive(Debug)]
pub struct Notify<D, E, Q, C> {
    /// What is delivered to whom.
    pub log: D,
    /// Who asked.
    pub endpoints: E,
    /// Where deliveries are asked for.
    pub queue: Q,
    /// What time it is.
    pub clock: C,
}

impl<D, E, Q, C> HandleRecord for Notify<D, E, Q, C>
where
    D: DeliveryLog,
    E: Endpoints,
    Q: MessageSender,
    C: Clock,
{
    type Record = BusEvent;
    type Error = NotifyError;

    async fn handle(&self, event: &BusEvent) -> Result<Handled, NotifyError> {
        let news = News::of(event)?;
        about(news.job);
        let told = self.listeners(&news).await?;

        // One that cannot be asked for does not keep the others from being asked for.
        let asked = join_all(told.iter().map(|endpoint| self.ask(endpoint, &news))).await;
        asked.into_iter().collect::<Result<(), NotifyError>>()?;
        Ok(Handled::Done)
    }

    fn is_hopeless(fault: &NotifyError) -> bool {
        matches!(fault, NotifyError::Foreign { .. } | NotifyError::Id(_))
    }

    async fn give_up(&self, event: &BusEvent, cause: &str) -> Result<(), NotifyError> {
        let news = News::of(event)?;
        let told = self.listeners(&news).await?;

        let given_up = join_all(told.iter().map(|endpoint| self.abandon(endpoint, &news, cause)));
        given_up.await.into_iter().collect()
    }
}

impl<D: DeliveryLog, E: Endpoints, Q: MessageSender, C: Clock> Notify<D, E, Q, C> {
    /// Those of the job's owner and those of the house that asked for events of this type.
    async fn listeners(&self, news: &News) -> Result<Vec<Endpoint>, NotifyError> {
        let mut listeners = self.endpoints.of_owner(None).await?;
        if let Some(user) = &news.user {
            listeners.extend(self.endpoints.of_owner(Some(user)).await?);
        }
        listeners.retain(|endpoint| endpoint.wants(&news.detail_type));
        Ok(listeners)
    }

    /// Row first, then message: whoever finds a row that nobody has begun with sends the message
    /// again, because it may not have been sent.
    async fn ask(&self, endpoint: &Endpoint, news: &News) -> Result<(), NotifyError> {
        match self.recorded(endpoint, news).await? {
            Some(delivery) if is_untouched(&delivery) => self.send(endpoint, news).await,
            Some(_) => Ok(()),
            None => {
                let delivery = self.delivery(endpoint, news);
                let written = self.log.write(None, &delivery).await?;
                // Whoever was faster sends it.
                if written == Replaced::Conflict || delivery.state == DeliveryState::Held {
                    return Ok(());
                }
                self.send(endpoint, news).await
            }
        }
    }

    /// Records that a delivery could not be asked for, if it cannot be asked for now.
    async fn abandon(
        &self,
        endpoint: &Endpoint,
        news: &News,
        cause: &str,
    ) -> Result<(), NotifyError> {
        if self.ask(endpoint, news).await.is_ok() {
            return Ok(());
        }
        let before = self.recorded(endpoint, news).await?;
        let delivery = before.clone().unwrap_or_else(|| self.delivery(endpoint, news));
        if is_untouched(&delivery) {
            let outcome = cause.to_owned();
            let given_up = Delivery { state: DeliveryState::GivenUp, outcome, ..delivery };
            self.log.write(before.as_ref(), &given_up).await?;
        }
        Ok(())
    }

    async fn recorded(
        &self,
        endpoint: &Endpoint,
        news: &News,
    ) -> Result<Option<Delivery>, NotifyError> {
        Ok(self.log.get(news.id, &endpoint.id).await?)
    }

    /// A delivery that is due now, or held for an endpoint that is told nothing.
    fn delivery(&self, endpoint: &Endpoint, news: &News) -> Delivery {
        let now = self.clock.now();
        let (state, outcome) = match &endpoint.disabled {
            None => (DeliveryState::Waiting, ""),
            Some(_) => (DeliveryState::Held, "the endpoint is disabled"),
        };
        Delivery {
            event: news.id,
            endpoint: endpoint.id.clone(),
            owner: endpoint.owner.clone(),
            job: news.job,
            detail_type: news.detail_type.clone(),
            state,
            attempts: 0,
            first_at: now,
            last_at: now,
            next_at: now,
            outcome: outcome.to_owned(),
            body: news.body.clone(),
            status: None,
            took_ms: None,
            answer: String::new(),
            replays: 0,
        }
    }

    async fn send(&self, endpoint: &Endpoint, news: &News) -> Result<(), NotifyError> {
        let request = DeliveryRequest {
            event_id: news.id.to_string(),
            endpoint_id: endpoint.id.clone(),
            owner: endpoint.owner.clone(),
        };
        let trace = TraceId::of_job(news.job);
        Ok(self.queue.send(&serde_json::to_string(&request)?, Some(&trace)).await?)
    }
}

/// Whether nobody has begun with it, perhaps because its message was never sent.
fn is_untouched(delivery: &Delivery) -> bool {
    delivery.state == DeliveryState::Waiting && delivery.attempts == 0
}

/// What is told, and to whom it matters.
struct News {
    id: EventId,
    job: JobId,
    user: Option<String>,
    detail_type: String,
    /// The bytes that every attempt sends.
    body: String,
}

impl News {
    fn of(event: &BusEvent) -> Result<Self, NotifyError> {
        let detail_type = event.detail_type.clone();
        let foreign = |source| NotifyError::Foreign { detail_type: detail_type.clone(), source };
        let envelope = event.envelope().map_err(foreign)?;
        let body = WebhookBody {
            kind: detail_type.clone(),
            timestamp: envelope.occurred_at,
            data: event.detail.clone(),
        };
        Ok(Self {
            id: EventId::parse(&envelope.id)?,
            job: JobId::parse(&envelope.job_id)?,
            user: envelope.user_id,
            detail_type,
            body: serde_json::to_string(&body)?,
        })
    }
}
