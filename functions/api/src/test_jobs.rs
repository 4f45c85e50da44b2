//! Jobs with a history, for tests.

use domain::{Job, JobState, Step};
use ports::{Content, ObjectMeta, ObjectStore};
use testkit::samples;

use crate::test_world::World;

impl World {
    /// The sample job in `state`, with every fact that led there.
    pub(crate) async fn job_in(&self, state: JobState) -> Job {
        self.led_to(samples::job(), state).await
    }

    /// `job`, which is new, in `state`.
    pub(crate) async fn led_to(&self, job: Job, state: JobState) -> Job {
        let steps = samples::steps_to(&job, state);
        let mut job = self.api.chronicle.begin(job).await.expect("begun");
        for step in &steps {
            job = self.step(&job, step).await;
        }
        job
    }

    /// The job after a step, which is stored and announced.
    pub(crate) async fn step(&self, job: &Job, step: &Step) -> Job {
        self.api.chronicle.step(job, step).await.expect("stored").job()
    }

    /// Puts something at `key`.
    pub(crate) async fn put(&self, key: &domain::ObjectKey) {
        let (content, meta) = (Content::Bytes(b"bytes"), ObjectMeta::default());
        self.api.store.put(key, content, &meta).await.expect("stored");
    }

    /// The row of `job` now.
    pub(crate) fn row(&self, job: &Job) -> Job {
        self.api.chronicle.jobs.job(job.id).expect("a row")
    }
}
