use std::time::Duration;

use domain::{Job, JobState, Step, Timestamp};
use events::{Event, announce, announce_creation};
use ports::{Created, History, JobListing, JobStore, NOBODY, Page, Place, Replaced, Wanted};

use super::{eventually, unique, unique_job};

/// More than a shared backend holds.
const MANY: usize = 100_000;

/// Asserts the promises of [`JobListing`] on a store of jobs, and that what is forgotten is not listed.
///
/// # Panics
/// On the first broken promise.
pub async fn job_listing(store: &(impl JobStore + History + JobListing)) {
    jobs_are_listed_newest_first_and_page_by_page(store).await;
    jobs_are_listed_by_state_and_time(store).await;
    a_place_out_of_bounds_is_a_place_all_the_same(store).await;
    a_page_is_filled_however_rare_the_wanted_jobs_are(store).await;
    jobs_of_nobody_are_listed_too(store).await;
    what_is_forgotten_is_only_a_name(store).await;
}

/// A new job of `owner`, so many seconds after the first instant.
async fn create(store: &impl JobStore, owner: Option<&str>, secs: u64) -> Job {
    let mut job = unique_job();
    job.order.user_id = owner.map(ToOwned::to_owned);
    job.created_at = job.created_at.plus(Duration::from_secs(secs));
    job.updated_at = job.created_at;
    let created = store.create(&job, &announce_creation(&job)).await.expect("create");
    assert_eq!(created, Created::New);
    job
}

async fn step(store: &impl JobStore, job: &Job, step: &Step) -> (Job, Vec<Event>) {
    let after = job.after(step, job.updated_at.plus(Duration::from_secs(1))).expect("legal");
    let events = announce(job, &after, step);
    let replaced = store.replace(job, &after, &events).await.expect("replace");
    assert_eq!(replaced, Replaced::Done);
    (after, events)
}

async fn page(
    store: &impl JobListing,
    owner: &str,
    wanted: &Wanted,
    after: Option<Place>,
    limit: usize,
) -> Page {
    store.of_owner(owner, wanted, after, limit).await.expect("of owner")
}

/// Looks until exactly these are listed.
async fn lists(store: &impl JobListing, owner: &str, wanted: &Wanted, expected: &[&Job]) {
    let expected: Vec<_> = expected.iter().map(|job| (*job).clone()).collect();
    let expected = Page { jobs: expected, next: None };
    let look = || page(store, owner, wanted, None, MANY);
    eventually("jobs of an owner", look, |seen| *seen == expected).await;
}

async fn jobs_are_listed_newest_first_and_page_by_page(store: &(impl JobStore + JobListing)) {
    let (owner, other) = (unique(), unique());
    let mut jobs = Vec::new();
    // Two have the same instant.
    for secs in [30, 10, 20, 20, 40] {
        jobs.push(create(store, Some(&owner), secs).await);
    }
    create(store, Some(&other), 25).await;
    let everything = Wanted::default();
    let all = || page(store, &owner, &everything, None, jobs.len());
    let all = eventually("jobs", all, |seen| seen.jobs.len() == jobs.len()).await;
    let listed: Vec<_> = all.jobs.iter().map(|job| job.created_at).collect();
    assert!(listed.is_sorted_by(|a, b| a >= b), "{listed:?}");
    assert!(jobs.iter().all(|job| all.jobs.contains(job)));
    assert_eq!(all.next, None, "there are no more");

    let (mut paged, mut after) = (Vec::new(), None);
    loop {
        let page = page(store, &owner, &everything, after, 2).await;
        paged.extend(page.jobs);
        after = page.next;
        if after.is_none() {
            break;
        }
        assert_eq!(after, paged.last().map(Place::behind));
    }

    assert_eq!(paged, all.jobs);
    assert_eq!(page(store, &unique(), &everything, None, 2).await, Page::default());
}

async fn jobs_are_listed_by_state_and_time(store: &(impl JobStore + JobListing)) {
    let owner = unique();
    let old = create(store, Some(&owner), 0).await;
    let cancelled = create(store, Some(&owner), 10).await;
    let (cancelled, _) = step(store, &cancelled, &Step::Cancel).await;
    let new = create(store, Some(&owner), 20).await;
    let gone = create(store, Some(&owner), 30).await;
    let (gone, _) = step(store, &gone, &Step::Cancel).await;
    let (gone, _) = step(store, &gone, &Step::Delete).await;

    let in_state = |state| Wanted { state: Some(state), ..Wanted::default() };
    let between = |from, until| Wanted { from, until, ..Wanted::default() };
    let (first, last) = (Some(cancelled.created_at), Some(new.created_at));

    lists(store, &owner, &Wanted::default(), &[&new, &cancelled, &old]).await;
    lists(store, &owner, &in_state(JobState::Pending), &[&new, &old]).await;
    lists(store, &owner, &in_state(JobState::Cancelled), &[&cancelled]).await;
    lists(store, &owner, &in_state(JobState::Deleted), &[&gone]).await;
    lists(store, &owner, &between(first, None), &[&new, &cancelled]).await;
    lists(store, &owner, &between(None, last), &[&cancelled, &old]).await;
    lists(store, &owner, &between(first, last), &[&cancelled]).await;
    lists(store, &owner, &between(last, first), &[]).await;
    lists(store, &owner, &between(None, Some(Timestamp::default())), &[]).await;
}

async fn a_place_out_of_bounds_is_a_place_all_the_same(store: &(impl JobStore + JobListing)) {
    let owner = unique();
    let (old, job) = (create(store, Some(&owner), 0).await, create(store, Some(&owner), 10).await);
    let new = create(store, Some(&owner), 20).await;
    let (from, until) = (Some(job.created_at), Some(new.created_at));
    let wanted = Wanted { from, until, ..Wanted::default() };
    lists(store, &owner, &wanted, &[&job]).await;

    let behind = async |place: &Job| {
        page(store, &owner, &wanted, Some(Place::behind(place)), MANY).await.jobs
    };

    assert_eq!(behind(&new).await, std::slice::from_ref(&job));
    assert_eq!(behind(&job).await, []);
    assert_eq!(behind(&old).await, []);
}

async fn a_page_is_filled_however_rare_the_wanted_jobs_are(store: &(impl JobStore + JobListing)) {
    let owner = unique();
    let rare = create(store, Some(&owner), 0).await;
    let (rare, _) = step(store, &rare, &Step::Cancel).await;
    for secs in 1..=30 {
        create(store, Some(&owner), secs).await;
    }

    let wanted = Wanted { state: Some(JobState::Cancelled), ..Wanted::default() };
    let look = || page(store, &owner, &wanted, None, 1);

    let expected = Page { jobs: vec![rare], next: None };
    eventually("a rare job", look, |seen| *seen == expected).await;
}

async fn jobs_of_nobody_are_listed_too(store: &(impl JobStore + JobListing)) {
    let job = create(store, None, 5).await;
    let everything = Wanted::default();
    let look = || page(store, NOBODY, &everything, None, MANY);

    eventually("a job of nobody", look, |seen| seen.jobs.contains(&job)).await;
}

async fn what_is_forgotten_is_only_a_name(store: &(impl JobStore + History + JobListing)) {
    let owner = unique();
    let job = create(store, Some(&owner), 0).await;
    let (cancelled, _) = step(store, &job, &Step::Cancel).await;
    let (deleted, said) = step(store, &cancelled, &Step::Delete).await;
    let wanted = Wanted { state: Some(JobState::Deleted), ..Wanted::default() };
    let in_state = async || {
        let found = store.in_state(JobState::Deleted, MANY).await.expect("in state");
        found.into_iter().filter(|job| job.id == deleted.id).collect::<Vec<_>>()
    };

    store.mark_published(&announce_creation(&job)).await.expect("mark");
    store.forget(&deleted).await.expect("forget");
    let left = store.unpublished(job.id).await.expect("unpublished");
    assert_eq!(left.len(), 2, "what is not announced yet is not forgotten");
    assert_eq!(store.events(job.id).await.expect("events"), left);
    eventually("to be gone on with", in_state, |seen| seen[..] == [deleted.clone()]).await;

    for event in &left {
        store.mark_published(event).await.expect("mark");
    }
    store.forget(&deleted).await.expect("forget");
    store.forget(&deleted).await.expect("forget again");
    store.mark_published(&said[0]).await.expect("mark too late");

    assert_eq!(store.events(job.id).await.expect("events"), []);
    assert_eq!(store.get(job.id).await.expect("get"), Some(deleted.clone()));
    let again = store.create(&job, &announce_creation(&job)).await.expect("create");
    assert_eq!(again, Created::Exists, "the name is kept");
    eventually("forgotten", in_state, Vec::is_empty).await;
    lists(store, &owner, &wanted, &[]).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::InMemoryJobs;

    #[tokio::test]
    async fn jobs_in_memory() {
        job_listing(&InMemoryJobs::default()).await;
    }
}
