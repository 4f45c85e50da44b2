//! The log of deliveries: rows with `event` and `endpoint`, and beside `doc` the `job` and `firstAt`
//! (ms), which index `by-job` has.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use domain::{EventId, JobId};
use ports::{Delivery, DeliveryLog, DeliveryLogError, Source};

use super::table::{Item, Table, document, item, number, read, read_all, text};

/// The log of deliveries.
#[derive(Clone, Debug)]
pub struct DynamoDeliveries(Table);

impl DynamoDeliveries {
    pub(crate) fn new(client: Client, name: String) -> Self {
        Self(Table { client, name })
    }

    async fn write(&self, delivery: &Delivery) -> Result<(), Source> {
        let mut row = key(delivery.event, &delivery.endpoint);
        row.extend(item([
            ("job", text(delivery.job)),
            ("firstAt", number(delivery.first_at.epoch_ms())),
            ("doc", document(delivery)?),
        ]));
        let request = self.0.client.put_item().table_name(&self.0.name);
        request.set_item(Some(row)).send().await?;
        Ok(())
    }

    async fn read_job(&self, job: JobId) -> Result<Vec<Delivery>, Source> {
        let question = |query: QueryFluentBuilder| {
            query
                .index_name("by-job")
                .key_condition_expression("#job = :job")
                .expression_attribute_names("#job", "job")
                .expression_attribute_values(":job", text(job))
        };
        read_all(&self.0.query(question, usize::MAX).await?)
    }
}

impl DeliveryLog for DynamoDeliveries {
    async fn get(
        &self,
        event: EventId,
        endpoint: &str,
    ) -> Result<Option<Delivery>, DeliveryLogError> {
        let row = self.0.get(key(event, endpoint)).await.map_err(failed("read", event))?;
        row.as_ref().map(read).transpose().map_err(failed("read", event))
    }

    async fn put(&self, delivery: &Delivery) -> Result<(), DeliveryLogError> {
        self.write(delivery).await.map_err(failed("store", delivery.event))
    }

    async fn of_job(&self, job: JobId) -> Result<Vec<Delivery>, DeliveryLogError> {
        self.read_job(job).await.map_err(failed("list", job))
    }
}

fn failed(action: &'static str, about: impl ToString) -> impl FnOnce(Source) -> DeliveryLogError {
    move |source| DeliveryLogError { action, event: about.to_string(), source }
}

fn key(event: EventId, endpoint: &str) -> Item {
    item([("event", text(event)), ("endpoint", text(endpoint))])
}
