//! Rows of jobs, as far as a caller may touch them.

use domain::{Job, JobId, JobState};
use ports::JobStore;

use crate::{Api, Caller, Parts, Problem};

/// The row of a job, deleted or not.
///
/// # Errors
/// A [`Problem`]: there is none, it is somebody else's, or the table failed.
pub(crate) async fn row<P: Parts>(api: &Api<P>, caller: &Caller, id: &str) -> Result<Job, Problem> {
    let found = match JobId::parse(id) {
        Ok(id) => api.chronicle.jobs.get(id).await?,
        Err(_) => None,
    };
    let theirs = found.filter(|job| caller.may_touch(job.order.user_id.as_deref()));
    theirs.ok_or_else(|| Problem::not_found("job"))
}

/// As [`row`], of a job that is not deleted.
///
/// # Errors
/// As [`row`].
pub(crate) async fn job<P: Parts>(api: &Api<P>, caller: &Caller, id: &str) -> Result<Job, Problem> {
    let row = row(api, caller, id).await?;
    if row.state == JobState::Deleted { Err(Problem::not_found("job")) } else { Ok(row) }
}
