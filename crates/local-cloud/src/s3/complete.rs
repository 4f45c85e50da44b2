//! Completing an upload in parts: the parts that the client names become one object.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::sync::Arc;

use s3s::dto::{
    ChecksumType, CompleteMultipartUploadInput, CompleteMultipartUploadOutput, CompletedPart,
};
use s3s::{S3Error, S3Request, s3_error};

use super::body::{Received, Writer};
use super::checksum::{
    Algorithm, Checksum, Coverage, composite, given_checksums, multipart_etag, set_checksum,
};
use super::commit::Commit;
use super::conditions::WriteConditions;
use super::error::StoreError;
use super::event::{Creation, Requester};
use super::objects::{Object, length};
use super::parts::{self, Part, Upload, no_such_upload};
use super::store::{Store, blocking, now_ms};

/// The smallest part that may be followed by another.
const MIN_PART_BYTES: u64 = 5 * 1024 * 1024;

/// Makes an object of the parts of an upload.
pub(crate) async fn complete_multipart_upload(
    store: &Arc<Store>,
    request: S3Request<CompleteMultipartUploadInput>,
) -> Result<CompleteMultipartUploadOutput, StoreError> {
    let access_key = request.credentials.as_ref().map(|it| it.access_key.as_str());
    let requester = Requester::of(&request.extensions, access_key);
    let store = Arc::clone(store);
    blocking(move || complete(&store, request.input, requester)).await
}

fn complete(
    store: &Store,
    input: CompleteMultipartUploadInput,
    requester: Requester,
) -> Result<CompleteMultipartUploadOutput, StoreError> {
    let claimed = given_checksums!(input).pop();
    let (upload, uploaded) = store.index.read(|connection| {
        let upload = parts::upload(connection, &input.upload_id, &input.bucket, &input.key)?;
        Ok((upload, parts::parts(connection, &input.upload_id, 0, usize::MAX >> 1)?))
    })?;
    let named = input.multipart_upload.and_then(|it| it.parts).unwrap_or_default();
    require_checksums(&upload, &named)?;
    let chosen = choose(&named, uploaded)?;
    let received = assemble(store, &upload, &chosen)?;
    let checksum = object_checksum(&upload, &chosen, &received);
    check_object(&received, checksum.as_ref(), claimed, input.mpu_object_size)?;

    let object = Object {
        bucket: upload.bucket,
        key: upload.key,
        content: received.draft.name().to_owned(),
        size: received.size,
        etag: multipart_etag(chosen.iter().map(|part| part.etag.as_str())),
        modified_ms: now_ms(),
        headers: upload.headers,
        checksum,
        part_sizes: Some(chosen.iter().map(|part| part.size).collect()),
    };
    let conditions =
        WriteConditions { if_match: input.if_match, if_none_match: input.if_none_match };
    let commit = Commit { conditions, creation: Creation::CompleteMultipartUpload, requester };
    let mut ended = Vec::new();
    store.commit(&object, received.draft, &commit, |transaction| {
        // Another request may have ended the upload while the parts were put together.
        parts::upload(transaction, &upload.id, &object.bucket, &object.key)?;
        ended = parts::end(transaction, &upload.id)?;
        Ok(())
    })?;
    store.remove_all(ended);
    Ok(completed(object))
}

/// Where the checksum of the object is made of those of its parts, the client names them.
fn require_checksums(upload: &Upload, named: &[CompletedPart]) -> Result<(), S3Error> {
    let has_one = |part: &CompletedPart| {
        given_checksums!(part).iter().any(|(algorithm, _)| *algorithm == upload.algorithm)
    };
    if upload.coverage == Coverage::FullObject || named.iter().all(has_one) {
        return Ok(());
    }
    let name = upload.algorithm.name().to_lowercase();
    Err(s3_error!(
        InvalidRequest,
        "The upload was created using a {name} checksum. The complete request must include the \
         checksum for each part."
    ))
}

/// The uploaded parts that the client names, if it names them rightly.
fn choose(named: &[CompletedPart], uploaded: Vec<Part>) -> Result<Vec<Part>, S3Error> {
    if named.is_empty() {
        return Err(s3_error!(MalformedXML, "an object has at least one part"));
    }
    if !named.is_sorted_by(|a, b| a.part_number < b.part_number) {
        return Err(s3_error!(InvalidPartOrder, "parts must be named in ascending order"));
    }
    let mut uploaded: HashMap<_, _> =
        uploaded.into_iter().map(|part| (Some(part.number), part)).collect();
    let mut chosen = Vec::with_capacity(named.len());
    for name in named {
        let part = uploaded.remove(&name.part_number).filter(|part| is_named(part, name));
        chosen.push(part.ok_or_else(|| {
            let number = name.part_number.unwrap_or_default();
            s3_error!(InvalidPart, "part {number} was not uploaded like this")
        })?);
    }
    let followed = &chosen[..chosen.len() - 1];
    match followed.iter().find(|part| part.size < MIN_PART_BYTES) {
        Some(part) => Err(s3_error!(EntityTooSmall, "part {} is too small", part.number)),
        None => Ok(chosen),
    }
}

fn is_named(part: &Part, name: &CompletedPart) -> bool {
    let etag = name.e_tag.as_ref().is_none_or(|etag| etag.value() == part.etag);
    let checksums = given_checksums!(name);
    let same = |(algorithm, value): &(Algorithm, String)| {
        *algorithm != part.checksum.algorithm || *value == part.checksum.value
    };
    etag && checksums.iter().all(same)
}

/// One content file with the bytes of all parts.
fn assemble(store: &Store, upload: &Upload, parts: &[Part]) -> Result<Received, StoreError> {
    let mut writer = Writer::new(store, upload.algorithm)?;
    for part in parts {
        let file = store.content.open_file(&part.content).map_err(|error| match error.kind() {
            ErrorKind::NotFound => no_such_upload().into(),
            _ => StoreError::from(error),
        })?;
        writer.copy(file)?;
    }
    Ok(writer.finish())
}

fn object_checksum(upload: &Upload, parts: &[Part], received: &Received) -> Option<Checksum> {
    match upload.coverage {
        Coverage::FullObject => Some(received.checksum.clone()),
        Coverage::Composite => {
            let same = parts.iter().all(|part| part.checksum.algorithm == upload.algorithm);
            let values: Vec<_> = parts.iter().map(|part| part.checksum.value.clone()).collect();
            same.then(|| composite(upload.algorithm, &values)).flatten()
        }
    }
}

fn check_object(
    received: &Received,
    checksum: Option<&Checksum>,
    claimed: Option<(Algorithm, String)>,
    claimed_size: Option<i64>,
) -> Result<(), StoreError> {
    if claimed_size.is_some_and(|size| size != length(received.size)) {
        return Err(s3_error!(InvalidRequest, "the parts have {} bytes", received.size).into());
    }
    let (Some((algorithm, value)), Some(checksum)) = (claimed, checksum) else {
        return Ok(());
    };
    // A composite value may be claimed without the number of parts.
    let plain = checksum.value.split('-').next() == Some(value.as_str());
    if algorithm == checksum.algorithm && value != checksum.value && !plain {
        let name = algorithm.name();
        return Err(s3_error!(BadDigest, "the {name} checksum did not match the parts").into());
    }
    Ok(())
}

fn completed(object: Object) -> CompleteMultipartUploadOutput {
    let mut output = CompleteMultipartUploadOutput {
        e_tag: Some(object.e_tag()),
        location: Some(format!("/{}/{}", object.bucket, object.key)),
        bucket: Some(object.bucket),
        key: Some(object.key),
        ..CompleteMultipartUploadOutput::default()
    };
    set_checksum!(output, &object.checksum);
    output.checksum_type =
        object.checksum.map(|checksum| ChecksumType::from_static(checksum.coverage.name()));
    output
}
