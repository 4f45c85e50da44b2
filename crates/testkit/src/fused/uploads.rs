//! Uploads of strangers, in a process that may die. Signing changes nothing.

use std::time::Duration;

use domain::ObjectKey;
use ports::{Bound, Presigned, StoreError, StoredPart, UploadName, Uploads};

use super::{Fused, store};

impl<T: Uploads> Uploads for Fused<T> {
    async fn sign_put(
        &self,
        key: &ObjectKey,
        bound: &Bound,
        expires: Duration,
    ) -> Result<Presigned, StoreError> {
        self.fuse.read(self.port.sign_put(key, bound, expires), store(key)).await
    }

    async fn sign_get(&self, key: &ObjectKey, expires: Duration) -> Result<Presigned, StoreError> {
        self.fuse.read(self.port.sign_get(key, expires), store(key)).await
    }

    async fn begin(&self, key: &ObjectKey, content_type: &str) -> Result<UploadName, StoreError> {
        self.fuse.change(self.port.begin(key, content_type), store(key)).await
    }

    async fn sign_part(
        &self,
        key: &ObjectKey,
        upload: &UploadName,
        number: u32,
        bound: &Bound,
        expires: Duration,
    ) -> Result<Presigned, StoreError> {
        let signed = self.port.sign_part(key, upload, number, bound, expires);
        self.fuse.read(signed, store(key)).await
    }

    async fn parts(
        &self,
        key: &ObjectKey,
        upload: &UploadName,
    ) -> Result<Option<Vec<StoredPart>>, StoreError> {
        self.fuse.read(self.port.parts(key, upload), store(key)).await
    }

    async fn complete(
        &self,
        key: &ObjectKey,
        upload: &UploadName,
        parts: &[StoredPart],
    ) -> Result<(), StoreError> {
        self.fuse.change(self.port.complete(key, upload, parts), store(key)).await
    }

    async fn abort(&self, key: &ObjectKey, upload: &UploadName) -> Result<(), StoreError> {
        self.fuse.change(self.port.abort(key, upload), store(key)).await
    }
}
