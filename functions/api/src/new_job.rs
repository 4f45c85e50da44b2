//! Beginning a job.

use domain::{Job, JobId, JobState, ObjectKey};

use crate::bad_fields::BadFields;
use crate::caller::owner;
use crate::idempotency::RequestKey;
use crate::ornaments::Placed;
use crate::quota::Use;
use crate::wishes::Wishes;
use crate::{Api, Parts, Problem};

/// A job that is about to begin.
#[derive(Debug)]
pub(crate) struct NewJob {
    /// Identity.
    pub(crate) id: JobId,
    /// Whose it is.
    pub(crate) user: Option<String>,
    /// What is asked for.
    pub(crate) wishes: Wishes,
    /// Where logo and music are, or will be.
    pub(crate) placed: Placed,
    /// Where its photo arrives.
    pub(crate) upload_key: ObjectKey,
    /// Size of its photo, in bytes; 0: not known.
    pub(crate) upload_bytes: u64,
}

/// A job that an earlier sending of a request has begun goes on, unless it is over.
///
/// # Errors
/// A [`Problem`] if it was called off, came to nothing, or is removed.
pub(crate) fn refuse_ended(job: &Job) -> Result<(), Problem> {
    if matches!(job.state, JobState::Cancelled | JobState::Expired | JobState::Deleted) {
        let detail = format!("the job is {}: begin another with a new Idempotency-Key", job.state);
        return Err(Problem::conflict(detail));
    }
    Ok(())
}

impl<P: Parts> Api<P> {
    /// Counts a job and makes its row, each once however often the request is sent under its key. The
    /// row is there before anything that sets the chain going.
    ///
    /// # Errors
    /// A [`Problem`] if it is more than may be used.
    pub(crate) async fn begin_job(
        &self,
        key: Option<&RequestKey>,
        new: NewJob,
    ) -> Result<Job, Problem> {
        let mut bad = BadFields::default();
        let order = bad.take("/", new.wishes.into_order());
        bad.finish()?;
        let mut order = order.unwrap_or_default();
        order.user_id = new.user;
        order.branding.logo_key = new.placed.logo_key;
        order.branding.music_key = new.placed.music_key;

        let owner = owner(order.user_id.as_deref()).to_owned();
        self.admit(key, &Use { owner, jobs: 1, bytes: new.upload_bytes }).await?;
        let job = Job::new(new.id, &self.bucket, new.upload_key, order, self.now());
        Ok(self.chronicle.begin(Job { upload_bytes: new.upload_bytes, ..job }).await?)
    }
}
