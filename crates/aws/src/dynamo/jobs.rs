//! The table of jobs.
//!
//! | row | `pk` | `sk` | beside `doc` |
//! |---|---|---|---|
//! | a job | its id | `JOB` | `state`, `updatedAt` (ms), `seq` |
//! | an event | its job | `EVENT#` and ten digits of its seq | while unpublished: `unpublished` = `yes`, `occurredAt` (ms) |
//!
//! Indexes, all attributes: `by-state` (`state`, `updatedAt`) and `unpublished` (`unpublished`,
//! `occurredAt`).

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::builders::PutBuilder;
use domain::{Job, JobId, JobState};
use events::Event;
use futures::FutureExt as _;
use ports::{Created, History, JobStore, JobStoreError, Replaced, Source};

use super::table::{Item, Table, document, item, number, read, read_all, text};

/// The rows of jobs and their events.
#[derive(Clone, Debug)]
pub struct DynamoJobs(Table);

impl DynamoJobs {
    pub(crate) fn new(client: Client, name: String) -> Self {
        Self(Table { client, name })
    }

    fn job(&self, job: &Job) -> Result<PutBuilder, Source> {
        let mut row = job_key(job.id);
        row.extend(item([
            ("state", text(&job.state)),
            ("updatedAt", number(job.updated_at.epoch_ms())),
            ("seq", number(job.seq)),
            ("doc", document(job)?),
        ]));
        Ok(self.0.put(row))
    }

    fn event(&self, event: &Event) -> Result<PutBuilder, Source> {
        let mut row = event_key(event);
        row.extend(item([
            ("unpublished", text("yes")),
            ("occurredAt", number(event.occurred_at.epoch_ms())),
            ("doc", document(event)?),
        ]));
        Ok(self.0.put(row))
    }

    async fn write_new(&self, job: &Job, event: &Event) -> Result<Created, Source> {
        let event = self.event(event)?;
        self.0.create(job_key(job.id), self.job(job)?, vec![event]).await
    }

    async fn write_next(
        &self,
        before: &Job,
        after: &Job,
        events: &[Event],
    ) -> Result<Replaced, Source> {
        let events = events.iter().map(|event| self.event(event)).collect::<Result<_, _>>()?;
        let row = self
            .job(after)?
            .condition_expression("#seq = :before")
            .expression_attribute_names("#seq", "seq")
            .expression_attribute_values(":before", number(before.seq));
        Ok(self.0.write(row, events).await?.into())
    }

    async fn history(
        &self,
        job: JobId,
        narrow: impl FnOnce(QueryFluentBuilder) -> QueryFluentBuilder,
    ) -> Result<Vec<Event>, Source> {
        let question = |query: QueryFluentBuilder| {
            let query = query
                .consistent_read(true)
                .key_condition_expression("pk = :job AND begins_with(sk, :event)")
                .expression_attribute_values(":job", text(&job))
                .expression_attribute_values(":event", text("EVENT#"));
            narrow(query)
        };
        read_all(&self.0.query(question, usize::MAX).await?)
    }

    async fn found(
        &self,
        limit: usize,
        question: impl FnOnce(QueryFluentBuilder) -> QueryFluentBuilder,
    ) -> Result<Vec<Item>, Source> {
        let page = i32::try_from(limit).ok().filter(|page| *page > 0);
        self.0.query(|query| question(query).set_limit(page), limit).await
    }
}

impl JobStore for DynamoJobs {
    async fn get(&self, job: JobId) -> Result<Option<Job>, JobStoreError> {
        let row = self.0.get(job_key(job)).await.map_err(failed("read", job))?;
        row.as_ref().map(read).transpose().map_err(failed("read", job))
    }

    async fn create(&self, job: &Job, event: &Event) -> Result<Created, JobStoreError> {
        self.write_new(job, event).await.map_err(failed("create", job.id))
    }

    async fn replace(
        &self,
        before: &Job,
        after: &Job,
        events: &[Event],
    ) -> Result<Replaced, JobStoreError> {
        self.write_next(before, after, events).await.map_err(failed("replace", after.id))
    }

    async fn in_state(&self, state: JobState, limit: usize) -> Result<Vec<Job>, JobStoreError> {
        let question = |query: QueryFluentBuilder| {
            query
                .index_name("by-state")
                .key_condition_expression("#state = :state")
                .expression_attribute_names("#state", "state")
                .expression_attribute_values(":state", text(&state))
        };
        let rows = self.found(limit, question).await.map_err(failed("list", "*"))?;
        read_all(&rows).map_err(failed("list", "*"))
    }
}

impl History for DynamoJobs {
    async fn events(&self, job: JobId) -> Result<Vec<Event>, JobStoreError> {
        self.history(job, |query| query).await.map_err(failed("read the events of", job))
    }

    async fn unpublished(&self, job: JobId) -> Result<Vec<Event>, JobStoreError> {
        let narrow = |query: QueryFluentBuilder| {
            query
                .filter_expression("attribute_exists(#unpublished)")
                .expression_attribute_names("#unpublished", "unpublished")
        };
        self.history(job, narrow).await.map_err(failed("read the events of", job))
    }

    async fn all_unpublished(&self, limit: usize) -> Result<Vec<Event>, JobStoreError> {
        let question = |query: QueryFluentBuilder| {
            query
                .index_name("unpublished")
                .key_condition_expression("#unpublished = :yes")
                .expression_attribute_names("#unpublished", "unpublished")
                .expression_attribute_values(":yes", text("yes"))
        };
        let rows = self.found(limit, question).await.map_err(failed("list", "*"))?;
        read_all(&rows).map_err(failed("list", "*"))
    }

    async fn mark_published(&self, event: &Event) -> Result<(), JobStoreError> {
        let request = self.0.client.update_item().table_name(&self.0.name);
        let marked = request
            .set_key(Some(event_key(event)))
            .update_expression("REMOVE #unpublished, #at")
            // Without it, marking an event that is not stored would make a row without a document.
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#unpublished", "unpublished")
            .expression_attribute_names("#at", "occurredAt")
            .send()
            .boxed()
            .await;
        marked.map_err(|error| failed("mark an event of", event.job)(error.into()))?;
        Ok(())
    }
}

fn failed(action: &'static str, job: impl ToString) -> impl FnOnce(Source) -> JobStoreError {
    move |source| JobStoreError { action, job: job.to_string(), source }
}

fn job_key(job: JobId) -> Item {
    item([("pk", text(&job)), ("sk", text("JOB"))])
}

fn event_key(event: &Event) -> Item {
    item([("pk", text(&event.job)), ("sk", text(&format!("EVENT#{:010}", event.seq)))])
}
