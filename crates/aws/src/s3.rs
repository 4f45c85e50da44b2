//! Objects in an S3 bucket.
//!
//! Requests are boxed, here and in the other adapters: their futures are tens of kilobytes large, and
//! every caller's future would hold them.

mod signed;
mod upload;

use std::path::Path;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::{MetadataDirective, Object};
use domain::{ObjectKey, Timestamp};
use futures::FutureExt as _;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use ports::{Content, Head, Listed, ObjectMeta, ObjectStore, Source, StoreError};
use tokio::io::AsyncWriteExt;

use upload::Parts;

/// Most bytes that S3 takes in one request.
///
/// Source: Amazon S3 User Guide, "Uploading objects".
const MAX_PUT_BYTES: u64 = 5 * 1024 * 1024 * 1024;

/// What is escaped in the name of an object to be copied.
///
/// Source: Amazon S3 API Reference, "`CopyObject`", `x-amz-copy-source`.
const IN_COPY_SOURCE: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The objects of one bucket.
#[derive(Clone, Debug)]
pub struct S3 {
    pub(crate) client: Client,
    pub(crate) bucket: String,
}

impl S3 {
    pub(crate) fn new(client: Client, bucket: String) -> Self {
        Self { client, bucket }
    }

    /// Whether the bucket answers.
    ///
    /// # Errors
    /// What it, or the way to it, said.
    pub async fn reach(&self) -> Result<(), Source> {
        self.client.head_bucket().bucket(&self.bucket).send().boxed().await?;
        Ok(())
    }

    async fn open(&self, key: &ObjectKey) -> Result<GetObjectOutput, StoreError> {
        let request = self.client.get_object().bucket(&self.bucket).key(key.as_str());
        request.send().boxed().await.map_err(|error| missing_or_unavailable(key, error))
    }

    async fn put_whole(
        &self,
        key: &ObjectKey,
        body: ByteStream,
        meta: &ObjectMeta,
    ) -> Result<String, StoreError> {
        let request = self.client.put_object().bucket(&self.bucket).key(key.as_str()).body(body);
        let stored = request
            .content_type(&meta.content_type)
            .set_metadata(Some(meta.user.clone()))
            .send()
            .boxed()
            .await
            .map_err(|error| unavailable(key, error))?;
        Ok(bare(stored.e_tag))
    }

    /// Stores a file: in parts, if it has more than `limit_bytes`.
    async fn put_file(
        &self,
        key: &ObjectKey,
        path: &Path,
        meta: &ObjectMeta,
        limit_bytes: u64,
    ) -> Result<String, StoreError> {
        let on_disk = |source| StoreError::File { key: key.clone(), source };
        if tokio::fs::metadata(path).await.map_err(on_disk)?.len() > limit_bytes {
            let file = tokio::fs::File::open(path).await.map_err(on_disk)?;
            return Ok(self.put_parts(key, Parts::File(file), meta).await?.etag);
        }
        let body = ByteStream::from_path(path).await.map_err(|error| on_disk(error.into()))?;
        self.put_whole(key, body, meta).await
    }
}

impl ObjectStore for S3 {
    async fn head(&self, key: &ObjectKey) -> Result<Option<Head>, StoreError> {
        let request = self.client.head_object().bucket(&self.bucket).key(key.as_str());
        let head = match request.send().boxed().await {
            Ok(head) => head,
            Err(error) if is_missing(&error) => return Ok(None),
            Err(error) if status(&error) == Some(403) => {
                return Err(unavailable(key, HeadDenied(error.into())));
            }
            Err(error) => return Err(unavailable(key, error)),
        };
        Ok(Some(Head {
            size_bytes: size_bytes(head.content_length),
            etag: bare(head.e_tag),
            meta: ObjectMeta {
                content_type: head.content_type.unwrap_or_default(),
                user: head.metadata.unwrap_or_default(),
            },
            stored_at: timestamp(head.last_modified),
        }))
    }

    async fn get(&self, key: &ObjectKey, limit_bytes: u64) -> Result<Vec<u8>, StoreError> {
        let too_large = || StoreError::TooLarge { key: key.clone(), limit_bytes };
        let object = self.open(key).await?;
        let length = size_bytes(object.content_length);
        if length > limit_bytes {
            return Err(too_large());
        }

        let mut content = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
        let mut body = object.body;
        while let Some(part) = body.try_next().await.map_err(|error| unavailable(key, error))? {
            if content.len() as u64 + part.len() as u64 > limit_bytes {
                return Err(too_large());
            }
            content.extend_from_slice(&part);
        }
        Ok(content)
    }

    async fn fetch(&self, key: &ObjectKey, to: &Path) -> Result<(), StoreError> {
        let on_disk = |source| StoreError::File { key: key.clone(), source };
        let mut body = self.open(key).await?.body;
        let mut file = tokio::fs::File::create(to).await.map_err(on_disk)?;
        while let Some(part) = body.try_next().await.map_err(|error| unavailable(key, error))? {
            file.write_all(&part).await.map_err(on_disk)?;
        }
        file.flush().await.map_err(on_disk)
    }

    async fn put(
        &self,
        key: &ObjectKey,
        content: Content<'_>,
        meta: &ObjectMeta,
    ) -> Result<String, StoreError> {
        match content {
            Content::Bytes(bytes) => self.put_whole(key, bytes.to_vec().into(), meta).await,
            Content::File(path) => self.put_file(key, path, meta, MAX_PUT_BYTES).await,
        }
    }

    async fn put_stream(
        &self,
        key: &ObjectKey,
        bytes: ports::ByteStream,
        meta: &ObjectMeta,
    ) -> Result<u64, StoreError> {
        Ok(self.put_parts(key, Parts::Stream(bytes), meta).await?.size_bytes)
    }

    async fn delete(&self, key: &ObjectKey) -> Result<(), StoreError> {
        let request = self.client.delete_object().bucket(&self.bucket).key(key.as_str());
        request.send().boxed().await.map_err(|error| unavailable(key, error))?;
        Ok(())
    }

    async fn copy(
        &self,
        from: &ObjectKey,
        to: &ObjectKey,
        meta: Option<&ObjectMeta>,
    ) -> Result<(), StoreError> {
        let source = utf8_percent_encode(from.as_str(), IN_COPY_SOURCE);
        let request = self.client.copy_object().bucket(&self.bucket).key(to.as_str());
        request
            .set_metadata_directive(meta.map(|_| MetadataDirective::Replace))
            .set_content_type(meta.map(|meta| meta.content_type.clone()))
            .set_metadata(meta.map(|meta| meta.user.clone()))
            .copy_source(format!("{}/{source}", self.bucket))
            .send()
            .boxed()
            .await
            .map_err(|error| missing_or_unavailable(from, error))?;
        Ok(())
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&ObjectKey>,
    ) -> Result<Vec<Listed>, StoreError> {
        let request = self.client.list_objects_v2().bucket(&self.bucket).prefix(prefix);
        let page = request
            .set_start_after(after.map(|key| key.as_str().to_owned()))
            .send()
            .boxed()
            .await
            .map_err(|error| unavailable(prefix, error))?;
        let objects = page.contents.unwrap_or_default().into_iter();
        objects.map(|object| listed(object).map_err(|error| unavailable(prefix, error))).collect()
    }
}

fn listed(object: Object) -> Result<Listed, Source> {
    Ok(Listed {
        key: ObjectKey::new(object.key.unwrap_or_default())?,
        size_bytes: size_bytes(object.size),
        etag: bare(object.e_tag),
        stored_at: timestamp(object.last_modified),
    })
}

/// A HEAD has no body that could say what is not allowed.
#[derive(Debug, thiserror::Error)]
#[error("access denied: it takes s3:GetObject, and s3:ListBucket where there is no such object")]
struct HeadDenied(#[source] Source);

fn status<E>(error: &SdkError<E>) -> Option<u16> {
    error.raw_response().map(|response| response.status().as_u16())
}

/// Whether the answer says that the object is not there. Decided by status: the answer to a HEAD
/// has no body, so no code. Where there is one, it tells a missing bucket from a missing object.
fn is_missing<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    status(error) == Some(404) && error.code() != Some("NoSuchBucket")
}

fn missing_or_unavailable<E>(key: &ObjectKey, error: SdkError<E>) -> StoreError
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    if is_missing(&error) {
        return StoreError::NotFound { key: key.clone() };
    }
    unavailable(key, error)
}

fn unavailable(key: &(impl ToString + ?Sized), error: impl Into<Source>) -> StoreError {
    StoreError::Unavailable { key: key.to_string(), source: error.into() }
}

fn size_bytes(length: Option<i64>) -> u64 {
    length.and_then(|length| length.try_into().ok()).unwrap_or_default()
}

fn bare(etag: Option<String>) -> String {
    etag.unwrap_or_default().trim_matches('"').to_owned()
}

fn timestamp(at: Option<DateTime>) -> Timestamp {
    let ms = at.and_then(|at| at.to_millis().ok()).and_then(|ms| ms.try_into().ok());
    Timestamp::from_epoch_ms(ms.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::config::http::HttpResponse;
    use aws_sdk_s3::primitives::SdkBody;
    use aws_smithy_mocks::{RuleMode, mock, mock_client};
    use aws_smithy_runtime_api::http::StatusCode;

    use super::*;

    fn key() -> ObjectKey {
        ObjectKey::new("photos/a b.jpg").expect("valid")
    }

    /// A store behind which every HEAD and GET is answered like this.
    fn answering(status: u16, body: &'static str) -> S3 {
        let answer = move || {
            let status = StatusCode::try_from(status).expect("a status");
            HttpResponse::new(status, SdkBody::from(body))
        };
        let head = mock!(Client::head_object).then_http_response(answer);
        let get = mock!(Client::get_object).then_http_response(answer);
        S3::new(mock_client!(aws_sdk_s3, RuleMode::MatchAny, [&head, &get]), "media".into())
    }

    #[tokio::test]
    async fn an_object_that_turns_out_larger_than_announced_is_not_read_past_the_limit() {
        let rule = mock!(Client::get_object).then_output(|| {
            GetObjectOutput::builder().body(ByteStream::from_static(b"12345")).build()
        });
        let store = S3::new(mock_client!(aws_sdk_s3, [&rule]), "media".into());

        let answer = store.get(&key(), 4).await;

        assert!(matches!(answer, Err(StoreError::TooLarge { limit_bytes: 4, .. })), "{answer:?}");
    }

    #[tokio::test]
    async fn a_head_that_is_refused_is_a_fault_and_not_an_absence() {
        let store = answering(403, "");

        let answer = store.head(&key()).await.expect_err("refused");

        assert!(matches!(answer, StoreError::Unavailable { .. }), "{answer:?}");
        assert!(ports::Chain(&answer).to_string().contains("s3:GetObject"), "{answer:?}");
    }

    #[tokio::test]
    async fn an_absence_is_told_by_status_whatever_the_code() {
        let store = answering(404, "<Error><Code>Whatever</Code></Error>");

        let (head, get) = (store.head(&key()).await, store.get(&key(), 1).await);

        assert!(matches!(head, Ok(None)), "{head:?}");
        assert!(matches!(get, Err(StoreError::NotFound { .. })), "{get:?}");
    }

    #[tokio::test]
    async fn a_bucket_that_is_not_there_is_a_fault() {
        let store = answering(404, "<Error><Code>NoSuchBucket</Code></Error>");

        let answer = store.get(&key(), 1).await;

        assert!(matches!(answer, Err(StoreError::Unavailable { .. })), "{answer:?}");
    }
}
