//! Removing everything that is stored for a deleted job.

use domain::{Job, JobId, ObjectKey, keys};

use crate::{ObjectStore, StoreError, owner_of};

/// Removes every object of `job`, which is deleted; its row stays until the sweep forgets it, since some may
/// still arrive. Doing it again changes nothing.
///
/// # Errors
/// [`StoreError`]; the sweep goes on with it.
pub async fn erase<S: ObjectStore>(store: &S, job: &Job) -> Result<(), StoreError> {
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
    let fetched = [keys::LOGOS, keys::MUSIC]
        .map(|prefix| format!("{}{}/", keys::folder_of(prefix, owner_of(job)), job.id));
    for prefix in keys::prefixes_of(job.id).iter().chain(&fetched) {
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
    Ok(())
}
