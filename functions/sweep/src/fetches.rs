//! Requests for things from elsewhere that nobody has heard of.

use std::time::Duration;

use domain::{Job, ObjectKey, keys};
use events::ObjectCreated;
use ports::{
    Clock, EventPublisher, History, JobStore, Ledger, Listed, MessageSender, Meters, ObjectStore,
};

use crate::{Sweep, SweepError, Swept};

/// How long a request may take: longer than its message stays with a function that was killed. Sent again
/// before, there would be ever more of them.
const FETCH_TIME: Duration = Duration::from_hours(2);

impl<S, J, P, C, Q, M, L> Sweep<S, J, P, C, Q, M, L>
where
    S: ObjectStore,
    J: JobStore + History,
    P: EventPublisher,
    C: Clock,
    Q: MessageSender,
    M: Meters,
    L: Ledger,
{
    /// Sends the notifications again that requests must have lost. `fetch` removes a request when it is
    /// done with it.
    pub(crate) async fn recover_fetches(&self, swept: &mut Swept, faults: &mut Vec<SweepError>) {
        let mut after: Option<ObjectKey> = None;
        loop {
            let page = match self.store.list(keys::FETCH_REQUESTS, after.as_ref()).await {
                Ok(page) => page,
                Err(fault) => return faults.push(fault.into()),
            };
            let Some(last) = page.last() else { return };
            after = Some(last.key.clone());
            for request in page {
                match self.recover_fetch(request).await {
                    Ok(recovered) => swept.fetches += usize::from(recovered),
                    Err(fault) => faults.push(fault),
                }
            }
        }
    }

    async fn recover_fetch(&self, request: Listed) -> Result<bool, SweepError> {
        if self.idle_since(request.stored_at) < self.patience.nudge_after.max(FETCH_TIME) {
            return Ok(false);
        }
        let Some(job) = keys::job_of_request(&request.key) else { return Ok(false) };
        let job = self.chronicle.jobs.get(job).await?;
        let Some(job) = job.filter(|job| !job.state.is_end()) else {
            // Nobody waits for it any more.
            self.store.delete(&request.key).await?;
            return Ok(false);
        };
        let created = ObjectCreated {
            bucket: self.bucket.clone(),
            key: request.key,
            etag: request.etag,
            size_bytes: request.size_bytes,
        };
        self.fetch_queue.send(&created.to_notification(), Some(&job.trace_id)).await?;
        Ok(true)
    }

    /// Whether another rendering waits for what is fetched for it.
    pub(crate) async fn awaits_fetch(&self, job: &Job) -> Result<bool, SweepError> {
        let Some(rerender) = &job.rerender else { return Ok(false) };
        let request = keys::fetch_request(job.id, &rerender.render_id.to_string());
        Ok(self.store.head(&request).await?.is_some())
    }
}
