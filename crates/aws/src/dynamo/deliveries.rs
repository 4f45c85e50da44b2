//! The log of deliveries: rows with `event` and `endpoint`, and beside `doc` the `job` and `firstAt`
//! (ms), by which the indexes `by-job` and `by-endpoint` have them, and `expiresAt` (in seconds), by
//! which the table forgets them.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::builders::PutBuilder;
use domain::{EventId, JobId, Timestamp};
use ports::{Created, Delivery, DeliveryLog, DeliveryLogError, Replaced, Source};

use super::table::{Item, Table, document, expiry, item, number, read, read_all, text};

/// How long a delivery is kept after its first attempt.
const KEPT: Duration = Duration::from_hours(30 * 24);

/// The log of deliveries.
#[derive(Clone, Debug)]
pub struct DynamoDeliveries(Table);

impl DynamoDeliveries {
    pub(crate) fn new(client: Client, name: String) -> Self {
        Self(Table { client, name })
    }

    /// Whether the table answers.
    ///
    /// # Errors
    /// What it, or the way to it, said.
    pub async fn reach(&self) -> Result<(), Source> {
        self.0.reach(item([("event", text("reach")), ("endpoint", text("reach"))])).await
    }

    fn row(&self, delivery: &Delivery) -> Result<PutBuilder, Source> {
        let mut row = key(delivery.event, &delivery.endpoint);
        row.extend(item([
            ("job", text(&delivery.job)),
            ("firstAt", number(delivery.first_at.epoch_ms())),
            ("expiresAt", expiry(delivery.first_at.plus(KEPT))),
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
        let key = key(before.event, &before.endpoint);
        self.0.replace(key, self.row(after)?, before).await
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

    async fn read_endpoint(
        &self,
        endpoint: &str,
        since: Timestamp,
        after: Option<&Delivery>,
        limit: usize,
    ) -> Result<Vec<Delivery>, Source> {
        // A place before the first that is asked for would be out of bounds.
        let after = after.filter(|after| after.first_at >= since).map(place);
        let page = i32::try_from(limit).ok().filter(|page| *page > 0);
        let question = |query: QueryFluentBuilder| {
            query
                .index_name("by-endpoint")
                .key_condition_expression("#endpoint = :endpoint AND #first >= :since")
                .expression_attribute_names("#endpoint", "endpoint")
                .expression_attribute_names("#first", "firstAt")
                .expression_attribute_values(":endpoint", text(endpoint))
                .expression_attribute_values(":since", number(since.epoch_ms()))
                .set_exclusive_start_key(after)
                .set_limit(page)
        };
        read_all(&self.0.query(question, limit).await?)
    }
}

/// The place of a delivery in index `by-endpoint`.
fn place(delivery: &Delivery) -> Item {
    let mut place = key(delivery.event, &delivery.endpoint);
    place.insert("firstAt".to_owned(), number(delivery.first_at.epoch_ms()));
    place
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

    async fn of_endpoint(
        &self,
        endpoint: &str,
        since: Timestamp,
        after: Option<&Delivery>,
        limit: usize,
    ) -> Result<Vec<Delivery>, DeliveryLogError> {
        let found = self.read_endpoint(endpoint, since, after, limit).await;
        found.map_err(failed("list", endpoint))
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
