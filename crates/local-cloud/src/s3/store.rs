//! What every operation shares: the index, the content files, and who is told of what.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use chrono::Utc;
use tokio::sync::Notify;

use super::content::ContentFolder;
use super::error::{StartError, StoreError};
use super::index::Index;
use super::{LoseEvents, S3Config, buckets, objects, parts};
use crate::wiring::{Bucket, Notification};

/// The objects of the cloud.
pub(crate) struct Store {
    pub(crate) index: Index,
    pub(crate) content: ContentFolder,
    pub(crate) region: String,
    pub(crate) notifications: HashMap<String, Vec<Notification>>,
    pub(crate) lose_events: Option<LoseEvents>,
    /// Rung when the outbox may hold something new.
    pub(crate) outbox: Notify,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("content", &self.content).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the objects in the data folder and makes the buckets that should exist.
    pub(crate) fn open(config: &S3Config) -> Result<Arc<Self>, StartError> {
        let folder = config.data.join("s3");
        let unusable = |source| StartError::Folder { folder: folder.clone(), source };
        std::fs::create_dir_all(&folder).map_err(unusable)?;

        let file = folder.join("index.sqlite");
        let (index, run) = open_index(&file, &config.buckets)
            .map_err(|source| StartError::Index { file, source })?;
        let content = ContentFolder::open(folder.join("content"), run).map_err(unusable)?;
        Ok(Arc::new(Self {
            index,
            content,
            region: config.region.clone(),
            notifications: notifications(&config.buckets),
            lose_events: config.lose_events.clone(),
            outbox: Notify::new(),
        }))
    }

    /// Removes content files that earlier runs left behind without a row.
    pub(crate) fn remove_orphans(&self) {
        match self.sweep() {
            Ok(0) => {}
            Ok(removed) => tracing::info!(files = removed, "removed orphaned content files"),
            Err(error) => tracing::error!(%error, "orphaned content files could not be removed"),
        }
    }

    fn sweep(&self) -> Result<usize, StoreError> {
        let kept = self.index.read(|connection| {
            let mut kept = objects::contents(connection)?;
            kept.extend(parts::contents(connection)?);
            Ok(kept)
        })?;
        Ok(self.content.sweep(&kept)?)
    }
}

fn open_index(file: &std::path::Path, wired: &[Bucket]) -> rusqlite::Result<(Index, i64)> {
    let index = Index::open(file)?;
    index.setup(|transaction| {
        wired.iter().try_for_each(|bucket| buckets::ensure(transaction, &bucket.name))
    })?;
    let run = index.next_run()?;
    Ok((index, run))
}

fn notifications(wired: &[Bucket]) -> HashMap<String, Vec<Notification>> {
    wired.iter().map(|bucket| (bucket.name.clone(), bucket.notifications.clone())).collect()
}

/// Does `work`, which may wait for the disk, on a thread that may wait.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work).await?
}

/// Now, in milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    Utc::now().timestamp_millis()
}
