//! The table of jobs.
//!
//! | row | `pk` | `sk` | beside `doc` |
//! |---|---|---|---|
//! | a job | its id | `JOB` | `seq`, `state`, `updatedAt` (ms), `owner`, `createdAt` (ms) |
//! | a job that is forgotten | its id | `JOB` | `seq`, `expiresAt` (s) |
//! | an event | its job | `EVENT#` and ten digits of its seq | while unpublished: `unpublished` = `yes`, `occurredAt` (ms) |
//!
//! Indexes, all attributes: `by-state` (`state`, `updatedAt`), `by-owner` (`owner`, `createdAt`) and
//! `unpublished` (`unpublished`, `occurredAt`).

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::builders::PutBuilder;
use domain::{Job, JobId, JobState};
use events::Event;
use futures::FutureExt as _;
use ports::{
    Clock, Created, History, JobStore, JobStoreError, Replaced, Source, SystemClock, owner_of,
};

use super::table::{Item, Table, document, expiry, is_refused, item, number, read, read_all, text};

/// How long the name of a deleted job is kept: longer than any queue keeps a message.
const NAME_KEPT: Duration = Duration::from_hours(30 * 24);

/// The rows of jobs and their events.
#[derive(Clone, Debug)]
pub struct DynamoJobs(pub(super) Table);

impl DynamoJobs {
    pub(crate) fn new(client: Client, name: String) -> Self {
        Self(Table { client, name })
    }

    /// Whether the table answers.
    ///
    /// # Errors
    /// What it, or the way to it, said.
    pub async fn reach(&self) -> Result<(), Source> {
        self.0.reach(item([("pk", text("reach")), ("sk", text("JOB"))])).await
    }

    fn job(&self, job: &Job) -> Result<PutBuilder, Source> {
        let mut row = job_key(job.id);
        row.extend(item([
            ("state", text(&job.state)),
            ("updatedAt", number(job.updated_at.epoch_ms())),
            ("owner", text(owner_of(job))),
            ("createdAt", number(job.created_at.epoch_ms())),
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

    /// Makes the change, unless its condition does not hold: then there is nothing to change.
    async fn update(
        &self,
        key: Item,
        change: impl FnOnce(UpdateItemFluentBuilder) -> UpdateItemFluentBuilder,
    ) -> Result<(), Source> {
        let request = self.0.client.update_item().table_name(&self.0.name).set_key(Some(key));
        match change(request).send().boxed().await {
            Err(error) if !is_refused(&error) => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// The events first: while one is left, or this breaks off, the job is found by its state.
    async fn forget_all(&self, job: &Job) -> Result<(), Source> {
        let unpublished = self.history(job.id, unpublished).await?;
        for event in self.history(job.id, |query| query).await? {
            if !unpublished.contains(&event) {
                self.0.delete(event_key(&event)).await?;
            }
        }
        if !unpublished.is_empty() {
            return Ok(());
        }
        let forget = |request: UpdateItemFluentBuilder| {
            request
                .update_expression(
                    "SET #expires = if_not_exists(#expires, :expires) \
                     REMOVE #state, #updated, #owner, #created",
                )
                .condition_expression("#seq = :seq")
                .expression_attribute_names("#expires", "expiresAt")
                .expression_attribute_names("#state", "state")
                .expression_attribute_names("#updated", "updatedAt")
                .expression_attribute_names("#owner", "owner")
                .expression_attribute_names("#created", "createdAt")
                .expression_attribute_names("#seq", "seq")
                .expression_attribute_values(":expires", expiry(SystemClock.now().plus(NAME_KEPT)))
                .expression_attribute_values(":seq", number(job.seq))
        };
        self.update(job_key(job.id), forget).await
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

impl DynamoJobs {
    /// Up to `limit` jobs in `state`, the one that changed last first. May lag behind the newest
    /// writes.
    ///
    /// # Errors
    /// [`JobStoreError`].
    pub async fn newest(&self, state: JobState, limit: usize) -> Result<Vec<Job>, JobStoreError> {
        let question = |query| in_state(query, state).scan_index_forward(false);
        let rows = self.found(limit, question).await.map_err(failed("list", "*"))?;
        read_all(&rows).map_err(failed("list", "*"))
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

    async fn forget(&self, job: &Job) -> Result<(), JobStoreError> {
        self.forget_all(job).await.map_err(failed("forget", job.id))
    }

    async fn in_state(&self, state: JobState, limit: usize) -> Result<Vec<Job>, JobStoreError> {
        let question = |query| in_state(query, state);
        let rows = self.found(limit, question).await.map_err(failed("list", "*"))?;
        read_all(&rows).map_err(failed("list", "*"))
    }
}

impl History for DynamoJobs {
    async fn events(&self, job: JobId) -> Result<Vec<Event>, JobStoreError> {
        self.history(job, |query| query).await.map_err(failed("read the events of", job))
    }

    async fn unpublished(&self, job: JobId) -> Result<Vec<Event>, JobStoreError> {
        self.history(job, unpublished).await.map_err(failed("read the events of", job))
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
        let mark = |request: UpdateItemFluentBuilder| {
            request
                .update_expression("REMOVE #unpublished, #at")
                // Without it, marking an event of a forgotten job would make a row without a document.
                .condition_expression("attribute_exists(pk)")
                .expression_attribute_names("#unpublished", "unpublished")
                .expression_attribute_names("#at", "occurredAt")
        };
        let marked = self.update(event_key(event), mark).await;
        marked.map_err(failed("mark an event of", event.job))
    }
}

fn in_state(query: QueryFluentBuilder, state: JobState) -> QueryFluentBuilder {
    query
        .index_name("by-state")
        .key_condition_expression("#state = :state")
        .expression_attribute_names("#state", "state")
        .expression_attribute_values(":state", text(&state))
}

fn unpublished(query: QueryFluentBuilder) -> QueryFluentBuilder {
    query
        .filter_expression("attribute_exists(#unpublished)")
        .expression_attribute_names("#unpublished", "unpublished")
}

pub(super) fn failed(
    action: &'static str,
    job: impl ToString,
) -> impl FnOnce(Source) -> JobStoreError {
    move |source| JobStoreError { action, job: job.to_string(), source }
}

pub(super) fn job_key(job: JobId) -> Item {
    item([("pk", text(&job)), ("sk", text("JOB"))])
}

fn event_key(event: &Event) -> Item {
    item([("pk", text(&event.job)), ("sk", text(&format!("EVENT#{:010}", event.seq)))])
}
