//! What arrived, and whose it is.

use domain::{Job, JobId, JobOrder, ObjectKey, Timestamp, keys};
use events::{ObjectCreated, UploadOptions};
use ports::{Head, ObjectStore, StoreError};

use crate::IngestError;

/// Largest sidecar that is read, in bytes.
const MAX_SIDECAR_BYTES: u64 = 64 * 1024;

pub(crate) const DELETED: &str = "the photo was deleted before it could be read: send it again";

/// The job of an upload: named by its key, or derived from the object.
pub(crate) fn job_id(upload: &ObjectCreated) -> JobId {
    keys::job_of_upload(&upload.key)
        .unwrap_or_else(|| JobId::of_object(&upload.bucket, &upload.key.to_string(), &upload.etag))
}

/// The object that the notification speaks of, or why it is not the one that is there now.
pub(crate) fn present<'a>(
    upload: &ObjectCreated,
    head: Option<&'a Head>,
) -> Result<&'a Head, &'static str> {
    match head {
        None => Err(DELETED),
        // The key of the API is one job whatever is put there; elsewhere each version is a job.
        Some(head) if head.etag != upload.etag && keys::job_of_upload(&upload.key).is_none() => {
            Err("the photo was replaced by a newer one before it could be read")
        }
        Some(head) => Ok(head),
    }
}

/// A new job for an upload, with what was asked for beside it.
pub(crate) fn job(upload: &ObjectCreated, order: JobOrder, now: Timestamp) -> Job {
    Job::new(job_id(upload), &upload.bucket, upload.key.clone(), order, now)
}

/// Reads what was asked for: from the sidecar if there is one, else from the object's metadata.
///
/// The inner error is a refusal.
pub(crate) async fn order(
    store: &impl ObjectStore,
    key: &ObjectKey,
    head: Option<&Head>,
) -> Result<Result<JobOrder, String>, IngestError> {
    // A key that leaves no room for that of a sidecar has none.
    let sidecar = match keys::sidecar(key) {
        Ok(sidecar) => store.get(&sidecar, MAX_SIDECAR_BYTES).await.map(Some),
        Err(_) => Ok(None),
    };
    let options = match (sidecar, head) {
        (Ok(Some(json)), _) => UploadOptions::from_json(&json),
        (Ok(None) | Err(StoreError::NotFound { .. }), Some(head)) => {
            UploadOptions::from_metadata(&head.meta.user)
        }
        (Ok(None) | Err(StoreError::NotFound { .. }), None) => Ok(UploadOptions::default()),
        (Err(StoreError::TooLarge { limit_bytes, .. }), _) => {
            let refusal =
                format!("the options beside the photo have more than {limit_bytes} bytes");
            return Ok(Err(refusal));
        }
        (Err(error), _) => return Err(error.into()),
    };
    Ok(options.and_then(UploadOptions::into_order).map_err(|refusal| refusal.to_string()))
}
