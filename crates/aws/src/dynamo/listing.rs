//! The jobs of somebody, by index `by-owner`.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use domain::{Job, JobState, Timestamp};
use ports::{JobListing, JobStoreError, Page, Place, Source, Wanted};

use super::jobs::{DynamoJobs, failed, job_key};
use super::table::{Item, number, read_all, text};

/// The first and the last millisecond that is asked for; none: no instant is.
fn bounds(wanted: &Wanted, after: Option<Place>) -> Option<(u64, u64)> {
    let first = wanted.from.map_or(0, Timestamp::epoch_ms);
    let last = wanted.until.map_or(Some(u64::MAX), |until| until.epoch_ms().checked_sub(1))?;
    let last = after.map_or(last, |after| last.min(after.created_at.epoch_ms()));
    (first <= last).then_some((first, last))
}

/// A place as the index has it.
fn key(owner: &str, place: Place) -> Item {
    let mut key = job_key(place.job);
    key.insert("owner".to_owned(), text(owner));
    key.insert("createdAt".to_owned(), number(place.created_at.epoch_ms()));
    key
}

fn narrow(query: QueryFluentBuilder, state: Option<JobState>) -> QueryFluentBuilder {
    let (filter, state) = match state {
        Some(state) => ("#state = :state", state),
        None => ("#state <> :state", JobState::Deleted),
    };
    query
        .filter_expression(filter)
        .expression_attribute_names("#state", "state")
        .expression_attribute_values(":state", text(&state))
}

impl DynamoJobs {
    async fn page(
        &self,
        owner: &str,
        wanted: &Wanted,
        after: Option<Place>,
        limit: usize,
    ) -> Result<Page, Source> {
        let Some((first, last)) = bounds(wanted, after) else { return Ok(Page::default()) };
        // A place behind the last that is asked for would be out of bounds.
        let after = after.filter(|after| after.created_at.epoch_ms() <= last);
        // One more, to know whether there is one. What is filtered counts too: then by pages as large
        // as they come.
        let rows = wanted.state.is_none().then(|| i32::try_from(limit + 1).ok()).flatten();
        let question = |query: QueryFluentBuilder| {
            let query = query
                .index_name("by-owner")
                .scan_index_forward(false)
                .key_condition_expression("#owner = :owner AND #at BETWEEN :first AND :last")
                .expression_attribute_names("#owner", "owner")
                .expression_attribute_names("#at", "createdAt")
                .expression_attribute_values(":owner", text(owner))
                .expression_attribute_values(":first", number(first))
                .expression_attribute_values(":last", number(last))
                .set_exclusive_start_key(after.map(|after| key(owner, after)))
                .set_limit(rows);
            narrow(query, wanted.state)
        };
        let jobs: Vec<Job> = read_all(&self.0.query(question, limit + 1).await?)?;
        Ok(Page::of(jobs, limit))
    }
}

impl JobListing for DynamoJobs {
    async fn of_owner(
        &self,
        owner: &str,
        wanted: &Wanted,
        after: Option<Place>,
        limit: usize,
    ) -> Result<Page, JobStoreError> {
        self.page(owner, wanted, after, limit).await.map_err(failed("list", "*"))
    }
}
