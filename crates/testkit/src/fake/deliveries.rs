use std::collections::HashMap;

use domain::{EventId, JobId, Timestamp};
use ports::{Delivery, DeliveryLog, DeliveryLogError, Replaced};

use super::Shared;

/// The log of deliveries, in memory.
#[derive(Clone, Debug, Default)]
pub struct InMemoryDeliveries(Shared<HashMap<(EventId, String), Delivery>>);

impl InMemoryDeliveries {
    /// The log with a delivery in it.
    #[must_use]
    pub fn with(self, delivery: &Delivery) -> Self {
        let key = (delivery.event, delivery.endpoint.clone());
        self.0.lock().insert(key, delivery.clone());
        self
    }

    /// Every delivery, in the order of first attempts.
    pub fn all(&self) -> Vec<Delivery> {
        let mut deliveries: Vec<_> = self.0.lock().values().cloned().collect();
        deliveries.sort_by_key(place);
        deliveries
    }
}

fn place(delivery: &Delivery) -> (Timestamp, String, String) {
    (delivery.first_at, delivery.endpoint.clone(), delivery.event.to_string())
}

impl DeliveryLog for InMemoryDeliveries {
    async fn get(
        &self,
        event: EventId,
        endpoint: &str,
    ) -> Result<Option<Delivery>, DeliveryLogError> {
        Ok(self.0.lock().get(&(event, endpoint.to_owned())).cloned())
    }

    async fn write(
        &self,
        before: Option<&Delivery>,
        after: &Delivery,
    ) -> Result<Replaced, DeliveryLogError> {
        let mut deliveries = self.0.lock();
        let key = (after.event, after.endpoint.clone());
        if deliveries.get(&key) != before {
            return Ok(Replaced::Conflict);
        }
        deliveries.insert(key, after.clone());
        Ok(Replaced::Done)
    }

    async fn of_endpoint(
        &self,
        endpoint: &str,
        since: Timestamp,
        after: Option<&Delivery>,
        limit: usize,
    ) -> Result<Vec<Delivery>, DeliveryLogError> {
        let mut deliveries = self.all();
        deliveries.retain(|delivery| delivery.endpoint == endpoint && delivery.first_at >= since);
        deliveries.retain(|delivery| after.is_none_or(|after| place(delivery) > place(after)));
        deliveries.truncate(limit);
        Ok(deliveries)
    }

    async fn of_job(&self, job: JobId) -> Result<Vec<Delivery>, DeliveryLogError> {
        let mut deliveries = self.all();
        deliveries.retain(|delivery| delivery.job == job);
        Ok(deliveries)
    }
}
