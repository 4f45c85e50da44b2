//! Uploads that nobody has heard of.

use domain::{JobId, JobState, ObjectKey, TraceId, keys};
use events::ObjectCreated;
use ports::{
    Clock, EventPublisher, History, JobStore, Ledger, Listed, MessageSender, Meters, ObjectStore,
};

use crate::{Sweep, SweepError, Swept};

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
    /// Sends the notifications again that uploads without a job must have lost.
    pub(crate) async fn recover_uploads(&self, swept: &mut Swept, faults: &mut Vec<SweepError>) {
        let mut after: Option<ObjectKey> = None;
        loop {
            let page = match self.store.list(keys::UPLOADS, after.as_ref()).await {
                Ok(page) => page,
                Err(fault) => return faults.push(fault.into()),
            };
            let Some(last) = page.last() else { return };
            after = Some(last.key.clone());
            for upload in page {
                match self.recover(upload).await {
                    Ok(recovered) => swept.uploads += usize::from(recovered),
                    Err(fault) => faults.push(fault),
                }
            }
        }
    }

    /// The job of an upload, as `ingest` names it.
    pub(crate) fn job_of(&self, key: &ObjectKey, etag: &str) -> JobId {
        keys::job_of_upload(key)
            .unwrap_or_else(|| JobId::of_object(&self.bucket, key.as_str(), etag))
    }

    async fn recover(&self, upload: Listed) -> Result<bool, SweepError> {
        let is_photo = !keys::is_sidecar(&upload.key) && !upload.key.file_name().is_empty();
        if !is_photo || self.idle_since(upload.stored_at) < self.patience.nudge_after {
            return Ok(false);
        }
        let id = self.job_of(&upload.key, &upload.etag);
        let job = self.chronicle.jobs.get(id).await?;
        if job.is_some_and(|job| job.state != JobState::Pending) {
            return Ok(false);
        }
        let created = ObjectCreated {
            bucket: self.bucket.clone(),
            key: upload.key,
            etag: upload.etag,
            size_bytes: upload.size_bytes,
        };
        let trace = TraceId::of_job(id);
        self.ingest_queue.send(&created.to_notification(), Some(&trace)).await?;
        Ok(true)
    }
}
