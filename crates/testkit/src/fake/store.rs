mod uploads;

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::path::Path;

use domain::ObjectKey;
use futures::TryStreamExt;
use md5::{Digest, Md5};
use ports::{ByteStream, Clock, Content, Head, Listed, ObjectMeta, ObjectStore, StoreError};

use super::{Shared, TestClock};

/// Most objects in one listing.
const PAGE: usize = 1000;

#[derive(Clone, Debug)]
struct Object {
    content: Vec<u8>,
    head: Head,
}

/// Objects in memory.
#[derive(Clone, Debug, Default)]
pub struct InMemoryStore {
    objects: Shared<BTreeMap<ObjectKey, Object>>,
    promised: Shared<uploads::Promised>,
    clock: TestClock,
}

impl InMemoryStore {
    /// An empty store whose objects are stored at the time of `clock`.
    pub fn timed_by(clock: &TestClock) -> Self {
        Self { clock: clock.clone(), ..Self::default() }
    }

    /// The store with an object of unknown kind in it.
    ///
    /// # Panics
    /// If `key` is none.
    #[must_use]
    pub fn with(self, key: impl Into<String>, content: impl AsRef<[u8]>) -> Self {
        self.with_meta(key, content, "application/octet-stream", &[])
    }

    /// The store with an object in it, and what goes with it.
    ///
    /// # Panics
    /// If `key` is none.
    #[must_use]
    pub fn with_meta(
        self,
        key: impl Into<String>,
        content: impl AsRef<[u8]>,
        content_type: &str,
        user: &[(&str, &str)],
    ) -> Self {
        let key = ObjectKey::new(key).expect("a test names a valid key");
        let user = user.iter().map(|&(name, value)| (name.to_owned(), value.to_owned()));
        let meta = ObjectMeta { content_type: content_type.to_owned(), user: user.collect() };
        self.store(&key, content.as_ref().to_vec(), meta);
        self
    }

    /// Every key, in order.
    pub fn keys(&self) -> Vec<String> {
        self.objects.lock().keys().map(ToString::to_string).collect()
    }

    /// The content at `key`, if there is an object.
    pub fn content(&self, key: &ObjectKey) -> Option<Vec<u8>> {
        self.objects.lock().get(key).map(|object| object.content.clone())
    }

    /// Takes the object at `key` away.
    pub fn remove(&self, key: &ObjectKey) {
        self.objects.lock().remove(key);
    }

    fn find(&self, key: &ObjectKey) -> Result<Object, StoreError> {
        let found = self.objects.lock().get(key).cloned();
        found.ok_or_else(|| StoreError::NotFound { key: key.clone() })
    }

    fn store(&self, key: &ObjectKey, content: Vec<u8>, meta: ObjectMeta) -> String {
        let etag = format!("{:x}", Md5::digest(&content));
        let head = Head {
            size_bytes: content.len() as u64,
            etag: etag.clone(),
            meta: ObjectMeta { user: in_lower_case(meta.user), ..meta },
            stored_at: self.clock.now(),
        };
        self.objects.lock().insert(key.clone(), Object { content, head });
        etag
    }
}

/// Header names have no case, so a store gives them back in one.
fn in_lower_case(user: HashMap<String, String>) -> HashMap<String, String> {
    user.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect()
}

impl ObjectStore for InMemoryStore {
    async fn head(&self, key: &ObjectKey) -> Result<Option<Head>, StoreError> {
        Ok(self.objects.lock().get(key).map(|object| object.head.clone()))
    }

    async fn get(&self, key: &ObjectKey, limit_bytes: u64) -> Result<Vec<u8>, StoreError> {
        let object = self.find(key)?;
        if object.head.size_bytes > limit_bytes {
            return Err(StoreError::TooLarge { key: key.clone(), limit_bytes });
        }
        Ok(object.content)
    }

    async fn fetch(&self, key: &ObjectKey, to: &Path) -> Result<(), StoreError> {
        let object = self.find(key)?;
        let written = tokio::fs::write(to, object.content).await;
        written.map_err(|source| StoreError::File { key: key.clone(), source })
    }

    async fn put(
        &self,
        key: &ObjectKey,
        content: Content<'_>,
        meta: &ObjectMeta,
    ) -> Result<String, StoreError> {
        let content = match content {
            Content::Bytes(bytes) => bytes.to_vec(),
            Content::File(path) => tokio::fs::read(path)
                .await
                .map_err(|source| StoreError::File { key: key.clone(), source })?,
        };
        Ok(self.store(key, content, meta.clone()))
    }

    async fn put_stream(
        &self,
        key: &ObjectKey,
        bytes: ByteStream,
        meta: &ObjectMeta,
    ) -> Result<u64, StoreError> {
        let broke_off = |source| StoreError::Content { key: key.clone(), source };
        let parts: Vec<_> = bytes.try_collect().await.map_err(broke_off)?;
        let content = parts.concat();
        let size_bytes = content.len() as u64;
        self.store(key, content, meta.clone());
        Ok(size_bytes)
    }

    async fn delete(&self, key: &ObjectKey) -> Result<(), StoreError> {
        self.remove(key);
        Ok(())
    }

    async fn copy(
        &self,
        from: &ObjectKey,
        to: &ObjectKey,
        meta: Option<&ObjectMeta>,
    ) -> Result<(), StoreError> {
        let object = self.find(from)?;
        let meta = meta.cloned().unwrap_or(object.head.meta);
        self.store(to, object.content, ObjectMeta { user: in_lower_case(meta.user), ..meta });
        Ok(())
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&ObjectKey>,
    ) -> Result<Vec<Listed>, StoreError> {
        let objects = self.objects.lock();
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let following = objects.range((start, Bound::Unbounded));
        let matching = following.filter(|(key, _)| key.as_str().starts_with(prefix));
        Ok(matching.take(PAGE).map(|(key, object)| listed(key, &object.head)).collect())
    }
}

fn listed(key: &ObjectKey, head: &Head) -> Listed {
    Listed {
        key: key.clone(),
        size_bytes: head.size_bytes,
        etag: head.etag.clone(),
        stored_at: head.stored_at,
    }
}
