use std::collections::{BTreeMap, BTreeSet};

use domain::{Job, JobId, JobState};
use events::Event;
use ports::{
    Created, History, JobListing, JobStore, JobStoreError, Page, Place, Replaced, Wanted, owner_of,
};

use super::Shared;

#[derive(Clone, Debug)]
struct Stored {
    event: Event,
    published: bool,
}

#[derive(Debug, Default)]
struct Tables {
    jobs: BTreeMap<JobId, Job>,
    events: BTreeMap<(JobId, u64), Stored>,
    /// Jobs of which only the name is left.
    forgotten: BTreeSet<JobId>,
}

impl Tables {
    fn store(&mut self, job: &Job, events: &[Event]) {
        self.jobs.insert(job.id, job.clone());
        for event in events {
            let stored = Stored { event: event.clone(), published: false };
            self.events.insert((event.job, event.seq), stored);
        }
    }
}

/// Rows of jobs and their events, in memory.
#[derive(Clone, Debug, Default)]
pub struct InMemoryJobs(Shared<Tables>);

impl InMemoryJobs {
    /// The store with a row in it, and no events.
    #[must_use]
    pub fn with(self, job: &Job) -> Self {
        self.0.lock().store(job, &[]);
        self
    }

    /// The row of `job`, if there is one.
    pub fn job(&self, job: JobId) -> Option<Job> {
        self.0.lock().jobs.get(&job).cloned()
    }

    /// Every row.
    pub fn all(&self) -> Vec<Job> {
        self.0.lock().jobs.values().cloned().collect()
    }

    /// Whether only the name of `job` is left.
    pub fn is_forgotten(&self, job: JobId) -> bool {
        self.0.lock().forgotten.contains(&job)
    }

    /// Every row but those of which only the name is left.
    fn known(&self) -> Vec<Job> {
        let tables = self.0.lock();
        let known = tables.jobs.values().filter(|job| !tables.forgotten.contains(&job.id));
        known.cloned().collect()
    }

    fn select(&self, wanted: impl Fn(&Stored) -> bool) -> Vec<Event> {
        let tables = self.0.lock();
        let stored = tables.events.values().filter(|stored| wanted(stored));
        stored.map(|stored| stored.event.clone()).collect()
    }
}

impl JobStore for InMemoryJobs {
    async fn get(&self, job: JobId) -> Result<Option<Job>, JobStoreError> {
        Ok(self.job(job))
    }

    async fn create(&self, job: &Job, event: &Event) -> Result<Created, JobStoreError> {
        let mut tables = self.0.lock();
        if tables.jobs.contains_key(&job.id) {
            return Ok(Created::Exists);
        }
        tables.store(job, std::slice::from_ref(event));
        Ok(Created::New)
    }

    async fn replace(
        &self,
        before: &Job,
        after: &Job,
        events: &[Event],
    ) -> Result<Replaced, JobStoreError> {
        let mut tables = self.0.lock();
        if tables.jobs.get(&after.id).map(|job| job.seq) != Some(before.seq) {
            return Ok(Replaced::Conflict);
        }
        tables.store(after, events);
        Ok(Replaced::Done)
    }

    async fn forget(&self, job: &Job) -> Result<(), JobStoreError> {
        let mut tables = self.0.lock();
        tables.events.retain(|(of, _), stored| *of != job.id || !stored.published);
        let left = tables.events.keys().any(|(of, _)| *of == job.id);
        if !left && tables.jobs.get(&job.id).is_some_and(|there| there.seq == job.seq) {
            tables.forgotten.insert(job.id);
        }
        Ok(())
    }

    async fn in_state(&self, state: JobState, limit: usize) -> Result<Vec<Job>, JobStoreError> {
        let mut jobs = self.known();
        jobs.retain(|job| job.state == state);
        jobs.sort_by_key(|job| job.updated_at);
        jobs.truncate(limit);
        Ok(jobs)
    }
}

impl JobListing for InMemoryJobs {
    async fn of_owner(
        &self,
        owner: &str,
        wanted: &Wanted,
        after: Option<Place>,
        limit: usize,
    ) -> Result<Page, JobStoreError> {
        let place = |place: Place| (place.created_at, place.job);
        let behind = |job: &Job| after.is_none_or(|after| place(Place::behind(job)) < place(after));
        let mut jobs = self.known();
        jobs.retain(|job| owner_of(job) == owner && is_wanted(job, wanted) && behind(job));
        jobs.sort_by_key(|job| std::cmp::Reverse(place(Place::behind(job))));
        Ok(Page::of(jobs, limit))
    }
}

fn is_wanted(job: &Job, wanted: &Wanted) -> bool {
    let in_state = wanted.state.map_or(job.state != JobState::Deleted, |state| job.state == state);
    let early = wanted.from.is_some_and(|from| job.created_at < from);
    let late = wanted.until.is_some_and(|until| job.created_at >= until);
    in_state && !early && !late
}

impl History for InMemoryJobs {
    async fn events(&self, job: JobId) -> Result<Vec<Event>, JobStoreError> {
        Ok(self.select(|stored| stored.event.job == job))
    }

    async fn unpublished(&self, job: JobId) -> Result<Vec<Event>, JobStoreError> {
        Ok(self.select(|stored| stored.event.job == job && !stored.published))
    }

    async fn all_unpublished(&self, limit: usize) -> Result<Vec<Event>, JobStoreError> {
        let mut events = self.select(|stored| !stored.published);
        events.sort_by_key(|event| event.occurred_at);
        events.truncate(limit);
        Ok(events)
    }

    async fn mark_published(&self, event: &Event) -> Result<(), JobStoreError> {
        if let Some(stored) = self.0.lock().events.get_mut(&(event.job, event.seq)) {
            stored.published = true;
        }
        Ok(())
    }
}
