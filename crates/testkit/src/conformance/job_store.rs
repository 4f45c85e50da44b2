use std::time::Duration;

use domain::{FailureKind, Job, JobState, Stage, Step};
use events::{Event, announce, announce_creation};
use futures::future::join_all;
use ports::{Created, History, JobStore, Replaced};

use super::{RACERS, eventually, unique_job};
use crate::samples;

/// More than a shared backend holds.
const MANY: usize = 100_000;

/// Asserts the promises of [`JobStore`] and [`History`].
///
/// # Panics
/// On the first broken promise.
pub async fn job_store(store: &(impl JobStore + History)) {
    a_new_row_comes_with_its_event(store).await;
    a_row_that_is_there_stays_as_it_is(store).await;
    one_of_many_creators_makes_the_row(store).await;
    a_change_and_its_events_are_stored_together(store).await;
    a_stale_change_stores_neither_row_nor_events(store).await;
    a_row_that_is_not_there_is_not_replaced(store).await;
    one_of_many_changes_from_the_same_row_is_made(store).await;
    events_are_in_the_order_of_the_sequence(store).await;
    what_is_marked_is_not_unpublished(store).await;
    unpublished_events_of_all_jobs_are_found(store).await;
    jobs_are_found_by_state(store).await;
}

/// A job after `step`, and its events.
fn stepped(job: &Job, step: &Step) -> (Job, Vec<Event>) {
    let after = job.after(step, job.updated_at.plus(Duration::from_secs(1))).expect("legal");
    let events = announce(job, &after, step);
    (after, events)
}

async fn create(store: &impl JobStore, job: &Job) -> Event {
    let event = announce_creation(job);
    assert_eq!(store.create(job, &event).await.expect("create"), Created::New);
    event
}

async fn row(store: &impl JobStore, job: &Job) -> Option<Job> {
    store.get(job.id).await.expect("get")
}

async fn a_new_row_comes_with_its_event(store: &(impl JobStore + History)) {
    let job = unique_job();
    assert_eq!(row(store, &job).await, None);
    assert_eq!(store.events(job.id).await.expect("events"), []);

    let event = create(store, &job).await;

    assert_eq!(row(store, &job).await, Some(job.clone()));
    assert_eq!(store.events(job.id).await.expect("events"), std::slice::from_ref(&event));
    assert_eq!(store.unpublished(job.id).await.expect("unpublished"), [event]);
}

async fn a_row_that_is_there_stays_as_it_is(store: &(impl JobStore + History)) {
    let job = unique_job();
    let event = create(store, &job).await;
    let mut other = job.clone();
    other.order.prompt = String::from("other");
    let other_event = Event { detail: "{}".to_owned(), ..announce_creation(&other) };

    let again = store.create(&other, &other_event).await.expect("create");

    assert_eq!(again, Created::Exists);
    assert_eq!(row(store, &job).await, Some(job.clone()));
    assert_eq!(store.events(job.id).await.expect("events"), [event]);
}

async fn one_of_many_creators_makes_the_row(store: &(impl JobStore + History)) {
    let job = unique_job();
    let rivals = (0..RACERS).map(|at| {
        let mut rival = job.clone();
        rival.order.prompt = at.to_string();
        rival
    });
    let rivals: Vec<_> = rivals.collect();

    let created =
        join_all(rivals.iter().map(async |rival| {
            store.create(rival, &announce_creation(rival)).await.expect("create")
        }));
    let created = created.await;

    let winners: Vec<_> = (0..RACERS).filter(|at| created[*at] == Created::New).collect();
    assert_eq!(winners.len(), 1, "{winners:?} made the row");
    assert_eq!(row(store, &job).await.as_ref(), Some(&rivals[winners[0]]));
    assert_eq!(store.events(job.id).await.expect("events").len(), 1);
}

async fn a_change_and_its_events_are_stored_together(store: &(impl JobStore + History)) {
    let job = unique_job();
    let created = create(store, &job).await;
    let refused = Step::Fail(samples::failure(Stage::Ingest, FailureKind::Refused));
    let (after, events) = stepped(&job, &refused);
    assert_eq!(events.len(), 2);

    let replaced = store.replace(&job, &after, &events).await.expect("replace");

    assert_eq!(replaced, Replaced::Done);
    assert_eq!(row(store, &job).await, Some(after));
    let expected = [created, events[0].clone(), events[1].clone()];
    assert_eq!(store.events(job.id).await.expect("events"), expected);
    assert_eq!(store.unpublished(job.id).await.expect("unpublished"), expected);
}

async fn a_stale_change_stores_neither_row_nor_events(store: &(impl JobStore + History)) {
    let job = unique_job();
    let created = create(store, &job).await;
    let (cancelled, said) = stepped(&job, &Step::Cancel);
    store.replace(&job, &cancelled, &said).await.expect("replace");
    let refused = Step::Fail(samples::failure(Stage::Ingest, FailureKind::Refused));
    let (failed, events) = stepped(&job, &refused);

    let replaced = store.replace(&job, &failed, &events).await.expect("replace");

    assert_eq!(replaced, Replaced::Conflict);
    assert_eq!(row(store, &job).await, Some(cancelled));
    assert_eq!(store.events(job.id).await.expect("events"), [created, said[0].clone()]);
}

async fn a_row_that_is_not_there_is_not_replaced(store: &(impl JobStore + History)) {
    let job = unique_job();
    let (after, events) = stepped(&job, &Step::Cancel);

    let replaced = store.replace(&job, &after, &events).await.expect("replace");

    assert_eq!(replaced, Replaced::Conflict);
    assert_eq!(row(store, &job).await, None);
    assert_eq!(store.events(job.id).await.expect("events"), []);
}

async fn one_of_many_changes_from_the_same_row_is_made(store: &(impl JobStore + History)) {
    let job = unique_job();
    create(store, &job).await;
    let rivals = (0..RACERS).map(|at| {
        let (mut after, events) = stepped(&job, &Step::Cancel);
        after.order.prompt = at.to_string();
        (after, events)
    });
    let rivals: Vec<_> = rivals.collect();

    let replaced =
        join_all(rivals.iter().map(async |(after, events)| {
            store.replace(&job, after, events).await.expect("replace")
        }));
    let replaced = replaced.await;

    let winners: Vec<_> = (0..RACERS).filter(|at| replaced[*at] == Replaced::Done).collect();
    assert!(winners.len() <= 1, "{winners:?} all replaced the row");
    // Rivals may keep each other out, and then all of them are told to read again.
    let expected = winners.first().map_or(&job, |at| &rivals[*at].0);
    assert_eq!(row(store, &job).await.as_ref(), Some(expected));
    assert_eq!(store.events(job.id).await.expect("events").len(), 1 + winners.len());
}

async fn events_are_in_the_order_of_the_sequence(store: &(impl JobStore + History)) {
    let job = unique_job();
    let created = create(store, &job).await;
    let (cancelled, said) = stepped(&job, &Step::Cancel);
    let after = Job { seq: 12, ..cancelled };
    let events: Vec<_> = (2..=12).map(|seq| Event { seq, ..said[0].clone() }).collect();

    let replaced = store.replace(&job, &after, &events).await.expect("replace");

    assert_eq!(replaced, Replaced::Done);
    let expected = [vec![created], events].concat();
    assert_eq!(store.events(job.id).await.expect("events"), expected);
}

async fn what_is_marked_is_not_unpublished(store: &(impl JobStore + History)) {
    let job = unique_job();
    let created = create(store, &job).await;
    let (after, said) = stepped(&job, &Step::Cancel);
    store.replace(&job, &after, &said).await.expect("replace");

    store.mark_published(&created).await.expect("mark");
    store.mark_published(&created).await.expect("mark again");

    assert_eq!(store.unpublished(job.id).await.expect("unpublished"), said);
    assert_eq!(store.events(job.id).await.expect("events"), [created, said[0].clone()]);
}

async fn unpublished_events_of_all_jobs_are_found(store: &(impl JobStore + History)) {
    let (job, other) = (unique_job(), unique_job());
    let (first, third) = (create(store, &job).await, {
        let (after, said) = stepped(&job, &Step::Cancel);
        let later =
            Event { occurred_at: after.updated_at.plus(Duration::from_secs(9)), ..said[0].clone() };
        store.replace(&job, &after, std::slice::from_ref(&later)).await.expect("replace");
        later
    });
    let second = Event {
        occurred_at: first.occurred_at.plus(Duration::from_millis(500)),
        ..announce_creation(&other)
    };
    store.create(&other, &second).await.expect("create");
    let ours = async || {
        let mut events = store.all_unpublished(MANY).await.expect("all unpublished");
        events.retain(|event| event.job == job.id || event.job == other.id);
        events
    };

    eventually("unpublished", ours, |seen| *seen == [first.clone(), second.clone(), third.clone()])
        .await;
    assert_eq!(store.all_unpublished(2).await.expect("all unpublished").len(), 2);
    for event in [&first, &third] {
        store.mark_published(event).await.expect("mark");
    }
    eventually("unpublished after marking", ours, |seen| *seen == [second.clone()]).await;
    store.mark_published(&second).await.expect("mark");
}

async fn jobs_are_found_by_state(store: &(impl JobStore + History)) {
    let new = [unique_job(), unique_job(), unique_job()];
    // Made in another order than they are to be found in.
    let jobs = [30, 10, 20].map(Duration::from_secs);
    let jobs: Vec<_> = new
        .into_iter()
        .zip(jobs)
        .map(|(job, later)| Job { updated_at: job.updated_at.plus(later), ..job })
        .collect();
    for job in &jobs {
        create(store, job).await;
    }
    let ours = async |state| {
        let mut found = store.in_state(state, MANY).await.expect("in state");
        found.retain(|found| jobs.iter().any(|job| job.id == found.id));
        found
    };

    let expected = [1, 2, 0].map(|at: usize| jobs[at].clone());
    eventually("pending", || ours(JobState::Pending), |seen| *seen == expected).await;
    assert_eq!(store.in_state(JobState::Pending, 2).await.expect("in state").len(), 2);

    let (cancelled, said) = stepped(&jobs[2], &Step::Cancel);
    store.replace(&jobs[2], &cancelled, &said).await.expect("replace");
    let expected = [1, 0].map(|at: usize| jobs[at].clone());
    eventually("pending later", || ours(JobState::Pending), |seen| *seen == expected).await;
    eventually("cancelled", || ours(JobState::Cancelled), |seen| seen[..] == [cancelled.clone()])
        .await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::InMemoryJobs;

    #[tokio::test]
    async fn jobs_in_memory() {
        job_store(&InMemoryJobs::default()).await;
    }
}
