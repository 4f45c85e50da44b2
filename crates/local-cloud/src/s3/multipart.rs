//! Uploads in parts.

use std::sync::Arc;

use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, ChecksumAlgorithm, ChecksumType,
    CopyPartResult, CreateMultipartUploadInput, CreateMultipartUploadOutput,
    ListMultipartUploadsInput, ListMultipartUploadsOutput, ListPartsInput, ListPartsOutput,
    MultipartUpload, StorageClass, UploadPartCopyInput, UploadPartCopyOutput, UploadPartInput,
    UploadPartOutput,
};
use s3s::{S3Error, S3Request, s3_error};
use uuid::Uuid;

use super::body::{self, Received, Writer};
use super::buckets::{self, timestamp};
use super::checksum::{Algorithm, Claims, Coverage, given_checksums, set_checksum};
use super::copy::{slice, source, source_conditions};
use super::error::StoreError;
use super::kept::kept_headers;
use super::list::Names;
use super::objects::length;
use super::parts::{self, Part, Upload};
use super::store::{Store, blocking, now_ms};

/// The most parts an upload can have.
const MAX_PARTS: i32 = 10_000;

/// Parts or uploads a page holds at most.
const PAGE: i32 = 1000;

impl Store {
    pub(crate) fn create_multipart_upload(
        &self,
        input: CreateMultipartUploadInput,
    ) -> Result<CreateMultipartUploadOutput, StoreError> {
        let headers = kept_headers!(input)?;
        let wanted = input.checksum_algorithm.as_ref().and_then(|it| Algorithm::parse(it.as_str()));
        let algorithm = wanted.unwrap_or(Algorithm::Crc64Nvme);
        let coverage = coverage(algorithm, input.checksum_type.as_ref())?;
        let upload = Upload {
            id: Uuid::new_v4().simple().to_string(),
            bucket: input.bucket,
            key: input.key,
            started_ms: now_ms(),
            headers,
            algorithm,
            coverage,
        };
        self.index.write(|transaction| {
            buckets::require(transaction, &upload.bucket)?;
            parts::begin(transaction, &upload)
        })?;
        Ok(CreateMultipartUploadOutput {
            checksum_type: wanted.map(|_| ChecksumType::from_static(coverage.name())),
            checksum_algorithm: input.checksum_algorithm,
            bucket: Some(upload.bucket),
            key: Some(upload.key),
            upload_id: Some(upload.id),
            ..CreateMultipartUploadOutput::default()
        })
    }

    pub(crate) fn abort_multipart_upload(
        &self,
        input: &AbortMultipartUploadInput,
    ) -> Result<AbortMultipartUploadOutput, StoreError> {
        let contents = self.index.write(|transaction| {
            let upload = parts::upload(transaction, &input.upload_id, &input.bucket, &input.key)?;
            parts::end(transaction, &upload.id)
        })?;
        self.remove_all(contents);
        Ok(AbortMultipartUploadOutput::default())
    }

    pub(crate) fn list_parts(&self, input: ListPartsInput) -> Result<ListPartsOutput, StoreError> {
        let max_parts = input.max_parts.unwrap_or(PAGE).clamp(0, PAGE);
        let limit = usize::try_from(max_parts).unwrap_or_default();
        let after = input.part_number_marker.unwrap_or_default();
        let (upload, mut found) = self.index.read(|connection| {
            let upload = parts::upload(connection, &input.upload_id, &input.bucket, &input.key)?;
            Ok((upload, parts::parts(connection, &input.upload_id, after, limit + 1)?))
        })?;
        let is_truncated = found.len() > limit;
        found.truncate(limit);
        Ok(ListPartsOutput {
            is_truncated: Some(is_truncated),
            next_part_number_marker: found.last().map(|part| part.number),
            parts: Some(found.iter().map(listed).collect()),
            part_number_marker: Some(after),
            max_parts: Some(max_parts),
            checksum_algorithm: Some(ChecksumAlgorithm::from_static(upload.algorithm.name())),
            checksum_type: Some(ChecksumType::from_static(upload.coverage.name())),
            storage_class: Some(StorageClass::from_static(StorageClass::STANDARD)),
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(input.upload_id),
            ..ListPartsOutput::default()
        })
    }

    pub(crate) fn list_multipart_uploads(
        &self,
        input: ListMultipartUploadsInput,
    ) -> Result<ListMultipartUploadsOutput, StoreError> {
        let max_uploads = input.max_uploads.unwrap_or(PAGE).clamp(0, PAGE);
        let limit = usize::try_from(max_uploads).unwrap_or_default();
        let prefix = input.prefix.as_deref().unwrap_or_default();
        let key_marker = input.key_marker.as_deref().unwrap_or_default();
        // Without an upload id, everything at the key itself is behind the marker.
        let id_marker = match input.upload_id_marker.as_deref() {
            Some(id) if !id.is_empty() => id,
            _ => "\u{10ffff}",
        };
        let mut found = self.index.read(|connection| {
            buckets::require(connection, &input.bucket)?;
            parts::uploads(connection, &input.bucket, prefix, (key_marker, id_marker), limit + 1)
        })?;
        let is_truncated = found.len() > limit;
        found.truncate(limit);
        let names = Names::of(input.encoding_type.as_ref());
        let last = found.last().filter(|_| is_truncated);
        Ok(ListMultipartUploadsOutput {
            is_truncated: Some(is_truncated),
            next_key_marker: last.map(|upload| names.write(&upload.key)),
            next_upload_id_marker: last.map(|upload| upload.id.clone()),
            uploads: Some(found.iter().map(|upload| begun(upload, names)).collect()),
            max_uploads: Some(max_uploads),
            prefix: input.prefix.as_deref().map(|text| names.write(text)),
            key_marker: input.key_marker.as_deref().map(|text| names.write(text)),
            upload_id_marker: input.upload_id_marker,
            encoding_type: input.encoding_type,
            bucket: Some(input.bucket),
            ..ListMultipartUploadsOutput::default()
        })
    }

    fn find_upload(&self, id: &str, bucket: &str, key: &str) -> Result<Upload, StoreError> {
        self.index.read(|connection| parts::upload(connection, id, bucket, key))
    }

    /// Stores the bytes of a part; they replace those of an earlier part with its number.
    fn put_part(
        &self,
        upload: &Upload,
        number: i32,
        received: Received,
    ) -> Result<Part, StoreError> {
        let part = Part {
            number,
            content: received.draft.name().to_owned(),
            size: received.size,
            etag: received.etag(),
            modified_ms: now_ms(),
            checksum: received.checksum,
        };
        let replaced = self.index.write(|transaction| {
            parts::upload(transaction, &upload.id, &upload.bucket, &upload.key)?;
            parts::put(transaction, &upload.id, &part)
        })?;
        received.draft.keep();
        self.remove_all(replaced);
        Ok(part)
    }

    pub(crate) fn remove_all(&self, contents: impl IntoIterator<Item = String>) {
        contents.into_iter().for_each(|content| self.content.remove(&content));
    }
}

fn coverage(algorithm: Algorithm, wanted: Option<&ChecksumType>) -> Result<Coverage, S3Error> {
    match (wanted.map(ChecksumType::as_str), algorithm) {
        (Some(ChecksumType::COMPOSITE), Algorithm::Crc64Nvme)
        | (Some(ChecksumType::FULL_OBJECT), Algorithm::Sha1 | Algorithm::Sha256) => {
            let name = algorithm.name();
            Err(s3_error!(InvalidRequest, "{name} does not go with this checksum type"))
        }
        (Some(ChecksumType::FULL_OBJECT), _) | (None, Algorithm::Crc64Nvme) => {
            Ok(Coverage::FullObject)
        }
        _ => Ok(Coverage::Composite),
    }
}

fn checked_number(number: i32) -> Result<i32, S3Error> {
    match number {
        1..=MAX_PARTS => Ok(number),
        _ => Err(s3_error!(InvalidArgument, "part numbers go from 1 to {MAX_PARTS}")),
    }
}

fn listed(part: &Part) -> s3s::dto::Part {
    let mut listed = s3s::dto::Part {
        part_number: Some(part.number),
        size: Some(length(part.size)),
        e_tag: Some(part.e_tag()),
        last_modified: Some(timestamp(part.modified_ms)),
        ..s3s::dto::Part::default()
    };
    set_checksum!(listed, Some(&part.checksum));
    listed
}

fn begun(upload: &Upload, names: Names) -> MultipartUpload {
    MultipartUpload {
        key: Some(names.write(&upload.key)),
        upload_id: Some(upload.id.clone()),
        initiated: Some(timestamp(upload.started_ms)),
        checksum_algorithm: Some(ChecksumAlgorithm::from_static(upload.algorithm.name())),
        checksum_type: Some(ChecksumType::from_static(upload.coverage.name())),
        storage_class: Some(StorageClass::from_static(StorageClass::STANDARD)),
        ..MultipartUpload::default()
    }
}

/// Stores the body of a request as a part.
pub(crate) async fn upload_part(
    store: &Arc<Store>,
    request: S3Request<UploadPartInput>,
) -> Result<UploadPartOutput, StoreError> {
    let mut input = request.input;
    let number = checked_number(input.part_number)?;
    let claims = Claims::new(
        &request.headers,
        input.content_md5.take(),
        input.content_length,
        given_checksums!(input),
        request.trailing_headers,
    )?;
    let upload = {
        let store = Arc::clone(store);
        blocking(move || store.find_upload(&input.upload_id, &input.bucket, &input.key)).await
    };
    let upload = match upload {
        Ok(upload) => upload,
        Err(refusal) => {
            body::discard(input.body).await;
            return Err(refusal);
        }
    };
    let algorithm = claims.algorithm(upload.algorithm);
    let arrived = body::receive(store, input.body, claims, algorithm).await?;
    let store = Arc::clone(store);
    let part = blocking(move || {
        let received = arrived.settle(&store)?;
        store.put_part(&upload, number, received)
    })
    .await?;

    let mut output = UploadPartOutput { e_tag: Some(part.e_tag()), ..UploadPartOutput::default() };
    set_checksum!(output, Some(&part.checksum));
    Ok(output)
}

/// Stores a stored object, or a range of it, as a part.
pub(crate) async fn upload_part_copy(
    store: &Arc<Store>,
    input: UploadPartCopyInput,
) -> Result<UploadPartCopyOutput, StoreError> {
    let store = Arc::clone(store);
    blocking(move || {
        let number = checked_number(input.part_number)?;
        let upload = store.find_upload(&input.upload_id, &input.bucket, &input.key)?;
        let (bucket, key) = source(&input.copy_source)?;
        let (original, file) = store.open_object(bucket, key)?;
        source_conditions!(input).check_source(&original)?;

        let mut writer = Writer::new(&store, upload.algorithm)?;
        writer.copy(slice(file, original.size, input.copy_source_range.as_deref())?)?;
        let part = store.put_part(&upload, number, writer.finish())?;

        let mut result = CopyPartResult {
            e_tag: Some(part.e_tag()),
            last_modified: Some(timestamp(part.modified_ms)),
            ..CopyPartResult::default()
        };
        set_checksum!(result, Some(&part.checksum));
        Ok(UploadPartCopyOutput {
            copy_part_result: Some(result),
            ..UploadPartCopyOutput::default()
        })
    })
    .await
}
