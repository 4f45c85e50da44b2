//! Copying objects, whole or as a part of an upload.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use s3s::dto::{
    ChecksumType, CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopySource,
    MetadataDirective,
};
use s3s::{S3Request, s3_error};

use super::body::{Received, Writer};
use super::buckets::timestamp;
use super::checksum::{Algorithm, hex, set_checksum};
use super::commit::Commit;
use super::conditions::{ReadConditions, WriteConditions};
use super::content::Draft;
use super::error::StoreError;
use super::event::{Creation, Requester};
use super::kept::{KeptHeaders, kept_headers};
use super::objects::Object;
use super::store::{Store, blocking, now_ms};

/// The conditions on the source of any copy.
macro_rules! source_conditions {
    ($input:expr) => {
        $crate::s3::conditions::ReadConditions {
            if_match: $input.copy_source_if_match.clone(),
            if_none_match: $input.copy_source_if_none_match.clone(),
            if_modified_since: $input.copy_source_if_modified_since.clone(),
            if_unmodified_since: $input.copy_source_if_unmodified_since.clone(),
        }
    };
}
pub(crate) use source_conditions;

/// Bucket and key of a source.
pub(crate) fn source(copy_source: &CopySource) -> Result<(&str, &str), StoreError> {
    match copy_source {
        CopySource::Bucket { bucket, key, .. } => Ok((bucket, key)),
        _ => Err(s3_error!(NotImplemented, "only buckets can be copied from").into()),
    }
}

/// Copies an object, with its headers or with new ones.
pub(crate) async fn copy_object(
    store: &Arc<Store>,
    request: S3Request<CopyObjectInput>,
) -> Result<CopyObjectOutput, StoreError> {
    let access_key = request.credentials.as_ref().map(|it| it.access_key.as_str());
    let requester = Requester::of(&request.extensions, access_key);
    let store = Arc::clone(store);
    blocking(move || copy(&store, request.input, requester)).await
}

fn copy(
    store: &Store,
    input: CopyObjectInput,
    requester: Requester,
) -> Result<CopyObjectOutput, StoreError> {
    let new_headers = new_headers(&input)?;
    let (bucket, key) = source(&input.copy_source)?;
    if new_headers.is_none() && (bucket, key) == (input.bucket.as_str(), input.key.as_str()) {
        return Err(s3_error!(
            InvalidRequest,
            "an object is copied to itself only to change its metadata"
        )
        .into());
    }
    let (original, draft) = bytes_of(store, bucket, key, &source_conditions!(input))?;
    let object = Object {
        bucket: input.bucket,
        key: input.key,
        content: draft.name().to_owned(),
        modified_ms: now_ms(),
        headers: new_headers.unwrap_or_else(|| original.headers.clone()),
        ..original
    };
    let conditions = WriteConditions::default();
    let commit = Commit { conditions, creation: Creation::Copy, requester };
    store.commit(&object, draft, &commit, |_| Ok(()))?;
    Ok(copied(&object))
}

fn new_headers(input: &CopyObjectInput) -> Result<Option<KeptHeaders>, StoreError> {
    match input.metadata_directive.as_ref().map(MetadataDirective::as_str) {
        Some(MetadataDirective::REPLACE) => Ok(Some(kept_headers!(input)?)),
        _ => Ok(None),
    }
}

/// The source and a content file with its bytes. A copy is one piece, even if the source was not.
fn bytes_of(
    store: &Store,
    bucket: &str,
    key: &str,
    conditions: &ReadConditions,
) -> Result<(Object, Draft), StoreError> {
    let (original, file) = store.open_object(bucket, key)?;
    conditions.check_source(&original)?;
    if original.part_sizes.is_none() {
        match store.content.link(&original.content) {
            Ok(draft) => return Ok((original, draft)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    let algorithm = original.checksum.as_ref().map_or(Algorithm::Crc64Nvme, |it| it.algorithm);
    let mut writer = Writer::new(store, algorithm)?;
    writer.copy(file)?;
    let Received { draft, md5, checksum, .. } = writer.finish();
    let copy = Object { etag: hex(&md5), checksum: Some(checksum), part_sizes: None, ..original };
    Ok((copy, draft))
}

fn copied(object: &Object) -> CopyObjectOutput {
    let mut result = CopyObjectResult {
        e_tag: Some(object.e_tag()),
        last_modified: Some(timestamp(object.modified_ms)),
        ..CopyObjectResult::default()
    };
    set_checksum!(result, &object.checksum);
    result.checksum_type = object
        .checksum
        .as_ref()
        .map(|checksum| ChecksumType::from_static(checksum.coverage.name()));
    CopyObjectOutput { copy_object_result: Some(result), ..CopyObjectOutput::default() }
}

/// The bytes of `file` that a part copy asks for, such as `bytes=0-99`.
pub(crate) fn slice(
    mut file: File,
    size: u64,
    range: Option<&str>,
) -> Result<io::Take<File>, StoreError> {
    let bytes = match range {
        None => 0..size,
        Some(text) => {
            let range = s3s::dto::Range::parse(text)
                .map_err(|error| s3_error!(error, InvalidArgument, "invalid range {text}"))?;
            range.check(size).map_err(|error| s3_error!(error, InvalidRange))?
        }
    };
    file.seek(SeekFrom::Start(bytes.start))?;
    Ok(file.take(bytes.end - bytes.start))
}
