//! Things in the media bucket.

use std::collections::HashMap;
use std::future::Future;
use std::path::Path;

use domain::{ObjectKey, Timestamp, TraceId};

use bytes::Bytes;
use futures::stream::BoxStream;

use crate::Source;

/// Bytes on their way.
pub type ByteStream = BoxStream<'static, Result<Bytes, Source>>;

/// Goes with an object and comes back with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectMeta {
    /// `content-type`.
    pub content_type: String,
    /// User metadata: names in lower case without `x-amz-meta-`, values in ASCII.
    pub user: HashMap<String, String>,
}

/// Metadata that names the trace of the job that an object was stored for.
pub const TRACE_ID: &str = "trace-id";

impl ObjectMeta {
    /// The same, of an object that is stored for the job of `trace`.
    #[must_use]
    pub fn traced(mut self, trace: &TraceId) -> Self {
        self.user.insert(TRACE_ID.to_owned(), trace.as_str().to_owned());
        self
    }
}

/// What is known of an object without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Size, in bytes.
    pub size_bytes: u64,
    /// Entity tag, without quotes.
    pub etag: String,
    /// What went with it.
    pub meta: ObjectMeta,
    /// When it was stored.
    pub stored_at: Timestamp,
}

/// An object in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its key.
    pub key: ObjectKey,
    /// Size, in bytes.
    pub size_bytes: u64,
    /// Entity tag, without quotes.
    pub etag: String,
    /// When it was stored.
    pub stored_at: Timestamp,
}

/// What is to be stored.
#[derive(Clone, Copy, Debug)]
pub enum Content<'a> {
    /// These bytes.
    Bytes(&'a [u8]),
    /// The content of this file, which is read as it is sent.
    File(&'a Path),
}

/// The store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no object at this key.
    #[error("no object at {key}")]
    NotFound {
        /// The key that was asked for.
        key: ObjectKey,
    },
    /// The object is larger than the caller can take.
    #[error("the object at {key} has more than {limit_bytes} bytes")]
    TooLarge {
        /// The key that was asked for.
        key: ObjectKey,
        /// What the caller can take, in bytes.
        limit_bytes: u64,
    },
    /// The file on this side failed.
    #[error("local file for {key}")]
    File {
        /// The key that was asked for.
        key: ObjectKey,
        /// What the file system said.
        source: std::io::Error,
    },
    /// What was to be stored broke off on its way here.
    #[error("the content for {key} broke off")]
    Content {
        /// The key that was asked for.
        key: ObjectKey,
        /// What its sender said.
        source: Source,
    },
    /// The store failed or could not be reached.
    #[error("store unavailable for {key}")]
    Unavailable {
        /// The key, or prefix, that was asked for.
        key: String,
        /// What the store said.
        source: Source,
    },
}

/// Objects in one bucket.
///
/// A put is atomic: no reader sees half an object, and a failed put leaves the earlier one.
/// What was put is read by the next call.
pub trait ObjectStore: Send + Sync {
    /// What is known of the object at `key`; none if there is none.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    fn head(
        &self,
        key: &ObjectKey,
    ) -> impl Future<Output = Result<Option<Head>, StoreError>> + Send;

    /// The content at `key`, if it has at most `limit_bytes`.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is read past the limit.
    fn get(
        &self,
        key: &ObjectKey,
        limit_bytes: u64,
    ) -> impl Future<Output = Result<Vec<u8>, StoreError>> + Send;

    /// Writes the content at `key` to the file `to`, in flat memory.
    ///
    /// # Errors
    /// [`StoreError`]; `to` may then hold a part.
    fn fetch(
        &self,
        key: &ObjectKey,
        to: &Path,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Stores `content` at `key` and returns its entity tag, without quotes.
    ///
    /// # Errors
    /// [`StoreError`]; what was there is then still there.
    fn put(
        &self,
        key: &ObjectKey,
        content: Content<'_>,
        meta: &ObjectMeta,
    ) -> impl Future<Output = Result<String, StoreError>> + Send;

    /// Stores what `bytes` yields at `key`, in flat memory whatever its size, and returns its size,
    /// in bytes. Nothing is stored if the stream breaks.
    ///
    /// # Errors
    /// [`StoreError`]; what was there is then still there.
    fn put_stream(
        &self,
        key: &ObjectKey,
        bytes: ByteStream,
        meta: &ObjectMeta,
    ) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// Removes the object at `key`, if there is one.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    fn delete(&self, key: &ObjectKey) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Stores the object at `from` at `to` too: with `meta`, or with what went with it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is nothing at `from`.
    fn copy(
        &self,
        from: &ObjectKey,
        to: &ObjectKey,
        meta: Option<&ObjectMeta>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Up to 1000 objects whose keys begin with `prefix` and follow `after`, in the order of keys.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    fn list(
        &self,
        prefix: &str,
        after: Option<&ObjectKey>,
    ) -> impl Future<Output = Result<Vec<Listed>, StoreError>> + Send;
}
