//! Removing everything that is stored for a deleted job.

use domain::{Job, JobId, ObjectKey, keys};

use crate::{JobStore, JobStoreError, ObjectStore, StoreError};

/// Something could not be removed. The sweep goes on with it.
#[derive(Debug, thiserror::Error)]
pub enum ErasureError {
    /// The bucket failed.
    #[error("media bucket")]
    Store(#[from] StoreError),
    /// The table of jobs failed.
    #[error("table of jobs")]
    Jobs(#[from] JobStoreError),
}

/// Removes every object of `job`, which is deleted, then its history. What is left is its name, so
/// that late messages about it find that it is no more. Doing it again changes nothing.
///
/// # Errors
/// [`ErasureError`].
pub async fn erase<S: ObjectStore, J: JobStore>(
    store: &S,
    jobs: &J,
    job: &Job,
) -> Result<(), ErasureError> {
    // Under a key that somebody chose, the photo of another job may be by now.
    let upload = store.head(&job.upload_key).await?;
    let is_its =
        |etag: &str| JobId::of_object(&job.bucket, job.upload_key.as_str(), etag) == job.id;
    if upload.is_some_and(|head| is_its(&head.etag)) {
        if let Ok(sidecar) = keys::sidecar(&job.upload_key) {
            store.delete(&sidecar).await?;
        }
        store.delete(&job.upload_key).await?;
    }
    let requests = format!("{}{}/", keys::FETCH_REQUESTS, job.id);
    for prefix in keys::prefixes_of(job.id).iter().chain([&requests]) {
        let mut after: Option<ObjectKey> = None;
        loop {
            let page = store.list(prefix, after.as_ref()).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.key.clone());
            for object in page {
                store.delete(&object.key).await?;
            }
        }
    }
    Ok(jobs.forget(job).await?)
}
