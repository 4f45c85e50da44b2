//! Requests that a stranger may make in our name, for a while.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_s3::config::{Builder, RequestChecksumCalculation};
use aws_sdk_s3::presigning::{PresignedRequest, PresigningConfig};
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart, Part};
use domain::ObjectKey;
use futures::FutureExt as _;
use ports::{Bound, ObjectStore, Presigned, StoreError, StoredPart, UploadName, Uploads};

use super::{S3, is_missing, missing_or_unavailable, size_bytes, unavailable};

impl S3 {
    /// Signs an upload to `key`. With `content_length`, only a body of that many bytes is taken.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]: there are no credentials, or `expires` is more than a week.
    pub async fn presign_put(
        &self,
        key: &ObjectKey,
        content_type: &str,
        content_length: Option<u64>,
        metadata: &HashMap<String, String>,
        expires: Duration,
    ) -> Result<Presigned, StoreError> {
        let request = self.client.put_object().bucket(&self.bucket).key(key.as_str());
        let signed = request
            .content_type(content_type)
            .set_content_length(content_length.and_then(|bytes| bytes.try_into().ok()))
            .set_metadata(Some(metadata.clone()))
            .customize()
            .config_override(quiet())
            .presigned(within(key, expires)?)
            .await;
        signed.map(|signed| presigned(&signed)).map_err(|error| unavailable(key, error))
    }

    /// Signs a download of `key`: the URL that anybody can read it at.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]: there are no credentials, or `expires` is more than a week.
    pub async fn presign_get(
        &self,
        key: &ObjectKey,
        expires: Duration,
    ) -> Result<String, StoreError> {
        Ok(self.sign_get(key, expires).await?.url)
    }
}

impl Uploads for S3 {
    async fn sign_put(
        &self,
        key: &ObjectKey,
        bound: &Bound,
        expires: Duration,
    ) -> Result<Presigned, StoreError> {
        let request = self.client.put_object().bucket(&self.bucket).key(key.as_str());
        let signed = request
            .set_content_type(bound.content_type.clone())
            .content_length(length(bound.size_bytes))
            .checksum_sha256(&bound.sha256)
            .customize()
            .config_override(quiet())
            .presigned(within(key, expires)?)
            .await;
        signed.map(|signed| presigned(&signed)).map_err(|error| unavailable(key, error))
    }

    async fn sign_get(&self, key: &ObjectKey, expires: Duration) -> Result<Presigned, StoreError> {
        let request = self.client.get_object().bucket(&self.bucket).key(key.as_str());
        let signed = request.presigned(within(key, expires)?).await;
        signed.map(|signed| presigned(&signed)).map_err(|error| unavailable(key, error))
    }

    async fn begin(&self, key: &ObjectKey, content_type: &str) -> Result<UploadName, StoreError> {
        let request = self.client.create_multipart_upload().bucket(&self.bucket).key(key.as_str());
        let begun = request
            .content_type(content_type)
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .send()
            .boxed()
            .await
            .map_err(|error| unavailable(key, error))?;
        let name = begun.upload_id.ok_or_else(|| unavailable(key, "the upload has no name"))?;
        Ok(UploadName(name))
    }

    async fn sign_part(
        &self,
        key: &ObjectKey,
        upload: &UploadName,
        number: u32,
        bound: &Bound,
        expires: Duration,
    ) -> Result<Presigned, StoreError> {
        let request = self.client.upload_part().bucket(&self.bucket).key(key.as_str());
        let signed = request
            .upload_id(&upload.0)
            .part_number(part_number(number))
            .content_length(length(bound.size_bytes))
            .checksum_sha256(&bound.sha256)
            .customize()
            .config_override(quiet())
            .presigned(within(key, expires)?)
            .await;
        signed.map(|signed| presigned(&signed)).map_err(|error| unavailable(key, error))
    }

    async fn parts(
        &self,
        key: &ObjectKey,
        upload: &UploadName,
    ) -> Result<Option<Vec<StoredPart>>, StoreError> {
        let request = self.client.list_parts().bucket(&self.bucket).key(key.as_str());
        let mut pages = request.upload_id(&upload.0).into_paginator().items().send();
        let mut parts = Vec::new();
        loop {
            match pages.next().boxed().await {
                Some(Ok(part)) => parts.push(stored(part)),
                Some(Err(error)) if is_missing(&error) => return Ok(None),
                Some(Err(error)) => return Err(unavailable(key, error)),
                None => return Ok(Some(parts)),
            }
        }
    }

    async fn complete(
        &self,
        key: &ObjectKey,
        upload: &UploadName,
        parts: &[StoredPart],
    ) -> Result<(), StoreError> {
        let parts = parts.iter().map(named).collect();
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let request = self.client.complete_multipart_upload().bucket(&self.bucket);
        let request = request.key(key.as_str()).upload_id(&upload.0).multipart_upload(parts);
        match request.send().boxed().await {
            Ok(_) => Ok(()),
            // It may have been completed before.
            Err(error) if is_missing(&error) && self.head(key).await?.is_some() => Ok(()),
            Err(error) => Err(missing_or_unavailable(key, error)),
        }
    }

    async fn abort(&self, key: &ObjectKey, upload: &UploadName) -> Result<(), StoreError> {
        let request = self.client.abort_multipart_upload().bucket(&self.bucket);
        match request.key(key.as_str()).upload_id(&upload.0).send().boxed().await {
            Err(error) if !is_missing(&error) => Err(unavailable(key, error)),
            _ => Ok(()),
        }
    }
}

/// Otherwise the signature asks for a checksum that browsers do not send.
fn quiet() -> Builder {
    Builder::new().request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
}

fn within(key: &ObjectKey, expires: Duration) -> Result<PresigningConfig, StoreError> {
    PresigningConfig::expires_in(expires).map_err(|error| unavailable(key, error))
}

fn presigned(signed: &PresignedRequest) -> Presigned {
    let headers = signed.headers().map(|(name, value)| (name.to_owned(), value.to_owned()));
    Presigned { url: signed.uri().to_owned(), headers: headers.collect() }
}

fn length(size_bytes: u64) -> i64 {
    size_bytes.try_into().unwrap_or(i64::MAX)
}

fn part_number(number: u32) -> i32 {
    number.try_into().unwrap_or(i32::MAX)
}

fn stored(part: Part) -> StoredPart {
    StoredPart {
        number: part.part_number.and_then(|number| number.try_into().ok()).unwrap_or_default(),
        size_bytes: size_bytes(part.size),
        etag: part.e_tag.unwrap_or_default(),
        sha256: part.checksum_sha256,
    }
}

fn named(part: &StoredPart) -> CompletedPart {
    CompletedPart::builder()
        .part_number(part_number(part.number))
        .e_tag(&part.etag)
        .set_checksum_sha256(part.sha256.clone())
        .build()
}
