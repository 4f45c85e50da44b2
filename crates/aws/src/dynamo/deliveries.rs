//! The log of deliveries: rows with `event` and `endpoint`, and beside `doc` the `job` and `firstAt`
//! (ms), which index `by-job` has.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::builders::PutBuilder;
use domain::{EventId, JobId};
use ports::{Created, Delivery, DeliveryLog, DeliveryLogError, Replaced, Source};

use super::table::{Item, Table, document, item, number, read, read_all, text};

/// The log of deliveries.
#[derive(Clone, Debug)]
pub struct DynamoDeliveries(Table);

impl DynamoDeliveries {
    pub(crate) fn new(client: Client, name: String) -> Self {
        Self(Table { client, name })
    }

    fn row(&self, delivery: &Delivery) -> Result<PutBuilder, Source> {
        let mut row = key(delivery.event, &delivery.endpoint);
        row.extend(item([
            ("job", text(&delivery.job)),
            ("firstAt", number(delivery.first_at.epoch_ms())),
            ("doc", document(delivery)?),
        ]));
        Ok(self.0.put(row))
    }

    async fn write_first(&self, delivery: &Delivery) -> Result<Replaced, Source> {
        let key = key(delivery.event, &delivery.endpoint);
        Ok(match self.0.create(key, self.row(delivery)?, Vec::new()).await? {
            Created::New => Replaced::Done,
            Created::Exists => Replaced::Conflict,
        })
    }

    async fn write_next(&self, before: &Delivery, after: &Delivery) -> Result<Replaced, Source> {
        let row = self
            .row(after)?
            .condition_expression("#doc = :before")
            .expression_attribute_names("#doc", "doc")
            .expression_attribute_values(":before", document(before)?);
        Ok(self.0.write(row, Vec::new()).await?.into())
    }

    async fn read_job(&self, job: JobId) -> Result<Vec<Delivery>, Source> {
        let question = |query: QueryFluentBuilder| {
            query
                .index_name("by-job")
                .key_condition_expression("#job = :job")
                .expression_attribute_names("#job", "job")
                .expression_attribute_values(":job", text(&job))
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

    async fn write(
        &self,
        before: Option<&Delivery>,
        after: &Delivery,
    ) -> Result<Replaced, DeliveryLogError> {
        let written = match before {
            None => self.write_first(after).await,
            Some(before) => self.write_next(before, after).await,
        };
        written.map_err(failed("store", after.event))
    }

    async fn of_job(&self, job: JobId) -> Result<Vec<Delivery>, DeliveryLogError> {
        self.read_job(job).await.map_err(failed("list", job))
    }
}

fn failed(action: &'static str, about: impl ToString) -> impl FnOnce(Source) -> DeliveryLogError {
    move |source| DeliveryLogError { action, event: about.to_string(), source }
}

fn key(event: EventId, endpoint: &str) -> Item {
    item([("event", text(&event)), ("endpoint", text(endpoint))])
}
