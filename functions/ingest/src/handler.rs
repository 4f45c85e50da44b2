//! From an upload to an order for a clip.

use std::time::Instant;

use domain::{Failure, FailureKind, Job, JobOrder, JobState, Photo, Stage, Step, keys};
use events::{LtxRequest, ObjectCreated};
use film::{PhotoLimits, PhotoRefusal, normalise};
use ports::{
    Chronicle, Clock, Content, EventPublisher, HandleRecord, Handled, Head, History, JobStore,
    MessageSender, ObjectMeta, ObjectStore, StoreError, about,
};

use crate::{IngestError, upload};

/// Turns uploads into accepted photos.
#[derive(Debug)]
pub struct Ingest<S, J, P, C, Q> {
    /// The media bucket.
    pub store: S,
    /// Jobs and what is announced of them.
    pub chronicle: Chronicle<J, P, C>,
    /// Where clips are ordered.
    pub ltx_queue: Q,
    /// Bounds on what is accepted.
    pub limits: PhotoLimits,
}

impl<S, J, P, C, Q> HandleRecord for Ingest<S, J, P, C, Q>
where
    S: ObjectStore,
    J: JobStore + History,
    P: EventPublisher,
    C: Clock,
    Q: MessageSender,
{
    type Record = Vec<ObjectCreated>;
    type Error = IngestError;

    async fn handle(&self, uploads: &Self::Record) -> Result<Handled, IngestError> {
        for upload in uploads {
            if !upload.key.as_str().starts_with(keys::UPLOADS) {
                return Err(IngestError::NotAnUpload(upload.key.clone()));
            }
            // Options are read when their photo arrives; folders made by hand are not photos.
            if !keys::is_sidecar(&upload.key) && !upload.key.file_name().is_empty() {
                about(upload::job_id(upload));
                self.take(upload).await?;
            }
        }
        Ok(Handled::Done)
    }

    fn is_hopeless(fault: &IngestError) -> bool {
        matches!(fault, IngestError::NotAnUpload(_))
    }

    async fn give_up(&self, uploads: &Self::Record, cause: &str) -> Result<(), IngestError> {
        for upload in uploads {
            let job = self.chronicle.find(upload::job_id(upload)).await?;
            // What has come further is another stage's, and may be paid for.
            if let Some(job) = job.filter(|job| job.state <= JobState::Queued) {
                self.fail(&job, FailureKind::Fault, FAULT, Some(cause)).await?;
            }
        }
        Ok(())
    }
}

const FAULT: &str = "the photo could not be processed because of a fault on our side";

impl<S, J, P, C, Q> Ingest<S, J, P, C, Q>
where
    S: ObjectStore,
    J: JobStore + History,
    P: EventPublisher,
    C: Clock,
    Q: MessageSender,
{
    async fn take(&self, upload: &ObjectCreated) -> Result<(), IngestError> {
        let head = self.store.head(&upload.key).await?;
        let mut job = self.job_of(upload, head.as_ref()).await?;

        if job.state == JobState::Pending {
            job = self.accept(&job, upload, head.as_ref()).await?;
        }
        // Sent again when in doubt: the ledger makes a repeat harmless.
        if job.state == JobState::Queued {
            let request = serde_json::to_string(&LtxRequest::of_job(&job))?;
            self.ltx_queue.send(&request, Some(&job.trace_id)).await?;
        }
        Ok(())
    }

    /// The row of the upload's job, made if this is the first that is heard of it.
    async fn job_of(
        &self,
        upload: &ObjectCreated,
        head: Option<&Head>,
    ) -> Result<Job, IngestError> {
        // A row that asks for nothing may be that of options that were about to be refused.
        let is_settled =
            |job: &Job| job.state != JobState::Pending || job.order != JobOrder::default();
        let known = self.chronicle.find(upload::job_id(upload)).await?;
        if let Some(job) = known.filter(is_settled) {
            return Ok(job);
        }
        let now = self.chronicle.clock.now();
        match upload::order(&self.store, &upload.key, head).await? {
            Ok(order) => Ok(self.chronicle.begin(upload::job(upload, order, now)).await?),
            Err(refusal) => {
                let job = upload::job(upload, JobOrder::default(), now);
                let job = self.chronicle.begin(job).await?;
                self.refuse(&job, &refusal).await
            }
        }
    }

    /// Makes the photo usable and stores it, unless an earlier delivery has.
    async fn accept(
        &self,
        job: &Job,
        upload: &ObjectCreated,
        head: Option<&Head>,
    ) -> Result<Job, IngestError> {
        let stored = self.store.head(&keys::photo(job.id)).await?;
        let photo = match stored.and_then(|head| Photo::from_metadata(&head.meta.user)) {
            Some(photo) => photo,
            None => match self.develop(job, upload, head).await? {
                Ok(photo) => photo,
                Err(refusal) => return self.refuse(job, &refusal).await,
            },
        };
        Ok(self.chronicle.step(job, &Step::AcceptPhoto(photo)).await?.job())
    }

    /// The inner error is a refusal.
    async fn develop(
        &self,
        job: &Job,
        upload: &ObjectCreated,
        head: Option<&Head>,
    ) -> Result<Result<Photo, String>, IngestError> {
        let began = Instant::now();
        let limits = self.limits.clone();
        let head = match upload::present(upload, head) {
            Ok(head) => head,
            Err(reason) => return Ok(Err(reason.to_owned())),
        };
        if head.size_bytes > limits.max_bytes {
            let (size_bytes, limit_bytes) = (head.size_bytes, limits.max_bytes);
            return Ok(Err(PhotoRefusal::TooLarge { size_bytes, limit_bytes }.to_string()));
        }
        let bytes = match self.store.get(&job.upload_key, limits.max_bytes).await {
            Ok(bytes) => bytes,
            Err(StoreError::NotFound { .. }) => return Ok(Err(upload::DELETED.to_owned())),
            Err(error) => return Err(error.into()),
        };
        let normalised = tokio::task::spawn_blocking(move || normalise(&bytes, &limits)).await?;
        let normalised = match normalised {
            Ok(normalised) => normalised,
            Err(refusal) => return Ok(Err(refusal.to_string())),
        };
        let photo = Photo {
            width: normalised.width,
            height: normalised.height,
            worked_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        };
        let meta = ObjectMeta { content_type: "image/jpeg".into(), user: photo.to_metadata() };
        let meta = meta.traced(&job.trace_id);
        self.store.put(&keys::photo(job.id), Content::Bytes(&normalised.jpeg), &meta).await?;
        Ok(Ok(photo))
    }

    async fn refuse(&self, job: &Job, reason: &str) -> Result<Job, IngestError> {
        self.fail(job, FailureKind::Refused, reason, None).await
    }

    async fn fail(
        &self,
        job: &Job,
        kind: FailureKind,
        reason: &str,
        cause: Option<&str>,
    ) -> Result<Job, IngestError> {
        let failure = Failure {
            stage: Stage::Ingest,
            kind,
            reason: reason.to_owned(),
            cause: cause.map(ToOwned::to_owned),
        };
        Ok(self.chronicle.step(job, &Step::Fail(failure)).await?.job())
    }
}
