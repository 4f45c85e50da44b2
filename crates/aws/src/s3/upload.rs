//! Uploads in parts, for content whose size is not known or is too large for one request.

#[cfg(test)]
mod tests;

use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use domain::ObjectKey;
use futures::FutureExt as _;
use futures::TryStreamExt;
use ports::{ByteStream, ObjectMeta, StoreError};
use tokio::fs::File;
use tokio::io::AsyncReadExt;

use super::{S3, bare, unavailable};

/// Size of the first parts, in bytes.
const PART_BYTES: usize = 8 * 1024 * 1024;

/// After so many parts their size doubles: ten thousand, which is all that S3 takes, then hold more
/// than the largest object there is.
///
/// Source: Amazon S3 User Guide, "Amazon S3 multipart upload limits".
const SAME_SIZE: usize = 1_000;

/// Content, read part by part.
pub(super) enum Parts {
    /// As it arrives.
    Stream(ByteStream),
    /// From the disk.
    File(File),
}

impl Parts {
    /// The next `size` bytes, or a little more; fewer only at the end.
    async fn next(&mut self, key: &ObjectKey, size: usize) -> Result<Vec<u8>, StoreError> {
        let broke_off = |source| StoreError::Content { key: key.clone(), source };
        let on_disk = |source| StoreError::File { key: key.clone(), source };
        let mut part = Vec::with_capacity(size);
        match self {
            Self::Stream(bytes) => {
                while part.len() < size
                    && let Some(chunk) = bytes.try_next().await.map_err(broke_off)?
                {
                    part.extend_from_slice(&chunk);
                }
            }
            Self::File(file) => {
                file.take(size as u64).read_to_end(&mut part).await.map_err(on_disk)?;
            }
        }
        Ok(part)
    }
}

/// What was stored.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) etag: String,
    pub(super) size_bytes: u64,
}

impl S3 {
    /// Stores what `parts` yields: in one request, if it all fits in the first part.
    pub(super) async fn put_parts(
        &self,
        key: &ObjectKey,
        mut parts: Parts,
        meta: &ObjectMeta,
    ) -> Result<Stored, StoreError> {
        let first = parts.next(key, PART_BYTES).await?;
        if first.len() < PART_BYTES {
            let size_bytes = first.len() as u64;
            let etag = self.put_whole(key, first.into(), meta).await?;
            return Ok(Stored { etag, size_bytes });
        }
        let mut upload = self.begin_parts(key, meta).await?;
        let stored = upload.send(first, parts).await;
        if stored.is_err() {
            upload.abort().await;
        }
        stored
    }

    async fn begin_parts<'a>(
        &'a self,
        key: &'a ObjectKey,
        meta: &ObjectMeta,
    ) -> Result<Upload<'a>, StoreError> {
        let request = self.client.create_multipart_upload().bucket(&self.bucket).key(key.as_str());
        let begun = request
            .content_type(&meta.content_type)
            .set_metadata(Some(meta.user.clone()))
            // That of the parts: S3 would expect another one, were it not told.
            .checksum_algorithm(ChecksumAlgorithm::Crc32)
            .send()
            .boxed()
            .await
            .map_err(|error| unavailable(key, error))?;
        let id = begun.upload_id.ok_or_else(|| unavailable(key, "the upload has no name"))?;
        Ok(Upload { store: self, key, id, parts: Vec::new(), size_bytes: 0 })
    }
}

/// An upload that was begun. Its parts are kept, and charged, until it is completed or aborted.
struct Upload<'a> {
    store: &'a S3,
    key: &'a ObjectKey,
    id: String,
    parts: Vec<CompletedPart>,
    size_bytes: u64,
}

impl Upload<'_> {
    async fn send(&mut self, first: Vec<u8>, mut parts: Parts) -> Result<Stored, StoreError> {
        let mut part = first;
        while !part.is_empty() {
            self.send_part(part).await?;
            part = parts.next(self.key, part_bytes(self.parts.len())).await?;
        }
        let etag = self.complete().await?;
        Ok(Stored { etag, size_bytes: self.size_bytes })
    }

    async fn send_part(&mut self, part: Vec<u8>) -> Result<(), StoreError> {
        let number = i32::try_from(self.parts.len() + 1).unwrap_or(i32::MAX);
        let size_bytes = part.len() as u64;
        let request = self.store.client.upload_part().bucket(&self.store.bucket);
        let sent = request
            .key(self.key.as_str())
            .upload_id(&self.id)
            .part_number(number)
            .checksum_algorithm(ChecksumAlgorithm::Crc32)
            .body(part.into())
            .send()
            .boxed()
            .await
            .map_err(|error| unavailable(self.key, error))?;
        let part = CompletedPart::builder()
            .part_number(number)
            .set_e_tag(sent.e_tag)
            .set_checksum_crc32(sent.checksum_crc32);
        self.parts.push(part.build());
        self.size_bytes += size_bytes;
        Ok(())
    }

    async fn complete(&mut self) -> Result<String, StoreError> {
        let parts = std::mem::take(&mut self.parts);
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let request = self.store.client.complete_multipart_upload().bucket(&self.store.bucket);
        let completed = request
            .key(self.key.as_str())
            .upload_id(&self.id)
            .multipart_upload(parts)
            .send()
            .boxed()
            .await
            .map_err(|error| unavailable(self.key, error))?;
        Ok(bare(completed.e_tag))
    }

    /// Throws the parts away. What made that necessary is what the caller is told.
    async fn abort(&self) {
        let request = self.store.client.abort_multipart_upload().bucket(&self.store.bucket);
        let aborted = request.key(self.key.as_str()).upload_id(&self.id).send().boxed().await;
        if let Err(error) = aborted {
            let error = ports::Chain(&error).to_string();
            tracing::warn!(key = %self.key, upload = self.id, error, "parts are left behind");
        }
    }
}

/// Size of the part that follows `sent` others, in bytes.
fn part_bytes(sent: usize) -> usize {
    PART_BYTES << (sent / SAME_SIZE)
}
