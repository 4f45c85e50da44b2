//! The ledger of paid work: rows with `job` and `attempt` (from 1), and beside `doc` the `state` and
//! the `revision`.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::builders::PutBuilder;
use domain::{Attempt, JobId};
use ports::{Created, Ledger, LedgerError, Replaced, Source};

use super::table::{Item, Table, document, item, number, read_all, text};

/// The ledger of paid work.
#[derive(Clone, Debug)]
pub struct DynamoLedger(Table);

impl DynamoLedger {
    pub(crate) fn new(client: Client, name: String) -> Self {
        Self(Table { client, name })
    }

    fn row(&self, attempt: &Attempt) -> Result<PutBuilder, Source> {
        let mut row = key(attempt);
        row.extend(item([
            ("state", text(&attempt.state)),
            ("revision", number(attempt.revision)),
            ("doc", document(attempt)?),
        ]));
        Ok(self.0.put(row))
    }

    async fn write_new(&self, attempt: &Attempt) -> Result<Created, Source> {
        self.0.create(key(attempt), self.row(attempt)?, Vec::new()).await
    }

    async fn write_next(&self, before: &Attempt, after: &Attempt) -> Result<Replaced, Source> {
        let row = self
            .row(after)?
            .condition_expression("#revision = :before")
            .expression_attribute_names("#revision", "revision")
            .expression_attribute_values(":before", number(before.revision));
        Ok(self.0.write(row, Vec::new()).await?.into())
    }

    async fn read(&self, job: JobId) -> Result<Vec<Attempt>, Source> {
        let question = |query: QueryFluentBuilder| {
            query
                .consistent_read(true)
                .key_condition_expression("#job = :job")
                .expression_attribute_names("#job", "job")
                .expression_attribute_values(":job", text(&job))
        };
        read_all(&self.0.query(question, usize::MAX).await?)
    }
}

impl Ledger for DynamoLedger {
    async fn attempts(&self, job: JobId) -> Result<Vec<Attempt>, LedgerError> {
        self.read(job).await.map_err(failed("read", job))
    }

    async fn open(&self, attempt: &Attempt) -> Result<Created, LedgerError> {
        self.write_new(attempt).await.map_err(failed("open an attempt in", attempt.job))
    }

    async fn replace(&self, before: &Attempt, after: &Attempt) -> Result<Replaced, LedgerError> {
        self.write_next(before, after).await.map_err(failed("write to", after.job))
    }
}

fn failed(action: &'static str, job: JobId) -> impl FnOnce(Source) -> LedgerError {
    move |source| LedgerError { action, job, source }
}

fn key(attempt: &Attempt) -> Item {
    item([("job", text(&attempt.job)), ("attempt", number(attempt.number))])
}
