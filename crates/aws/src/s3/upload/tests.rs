use std::sync::{Arc, Mutex};

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::abort_multipart_upload::AbortMultipartUploadOutput;
use aws_sdk_s3::operation::complete_multipart_upload::CompleteMultipartUploadOutput;
use aws_sdk_s3::operation::create_multipart_upload::CreateMultipartUploadOutput;
use aws_sdk_s3::operation::put_object::PutObjectOutput;
use aws_sdk_s3::operation::upload_part::{UploadPartError, UploadPartOutput};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use futures::StreamExt;
use ports::{ObjectStore, Source};

use super::*;

/// Most bytes of an object.
///
/// Source: Amazon S3 User Guide, "Amazon S3 multipart upload limits".
const LARGEST: usize = 5 * 1024 * 1024 * 1024 * 1024;
const MIB: usize = 1024 * 1024;

/// What a bucket is asked to do, in a few letters each.
#[derive(Clone, Default)]
struct Asked(Arc<Mutex<Vec<String>>>);

impl Asked {
    fn note(&self, what: impl Into<String>) {
        self.0.lock().expect("no panic").push(what.into());
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().expect("no panic").clone()
    }
}

/// A bucket that takes everything but, maybe, one part.
fn bucket(asked: &Asked, broken: Option<i32>) -> S3 {
    let rules = [put(asked), create(), part(asked, broken), complete(asked), abort(asked), bad()];
    let rules: Vec<_> = rules.iter().collect();
    S3::new(mock_client!(aws_sdk_s3, RuleMode::MatchAny, rules), "media".into())
}

fn put(asked: &Asked) -> Rule {
    let asked = asked.clone();
    mock!(Client::put_object).then_output(move || {
        asked.note("put");
        PutObjectOutput::builder().e_tag("\"whole\"").build()
    })
}

fn create() -> Rule {
    mock!(Client::create_multipart_upload)
        .match_requests(|request| request.checksum_algorithm.is_some())
        .then_output(|| CreateMultipartUploadOutput::builder().upload_id("u-1").build())
}

fn part(asked: &Asked, broken: Option<i32>) -> Rule {
    let asked = asked.clone();
    mock!(Client::upload_part)
        .match_requests(move |request| {
            let taken = request.part_number != broken;
            if taken {
                asked.note(format!("part {}", request.part_number.unwrap_or_default()));
            }
            taken && request.upload_id.as_deref() == Some("u-1")
        })
        .then_output(|| UploadPartOutput::builder().e_tag("e").checksum_crc32("c").build())
}

fn bad() -> Rule {
    mock!(Client::upload_part).then_error(|| UploadPartError::unhandled("no such luck"))
}

fn complete(asked: &Asked) -> Rule {
    let asked = asked.clone();
    mock!(Client::complete_multipart_upload)
        .match_requests(move |request| {
            let parts =
                request.multipart_upload().into_iter().flat_map(CompletedMultipartUpload::parts);
            let checked = parts.filter(|part| part.checksum_crc32.is_some()).count();
            asked.note(format!("complete {checked}"));
            true
        })
        .then_output(|| CompleteMultipartUploadOutput::builder().e_tag("\"parts-2\"").build())
}

fn abort(asked: &Asked) -> Rule {
    let asked = asked.clone();
    mock!(Client::abort_multipart_upload).then_output(move || {
        asked.note("abort");
        AbortMultipartUploadOutput::builder().build()
    })
}

/// Yields so many chunks of a MiB, and then breaks where that is wanted.
fn stream(mebibytes: usize, breaks: bool) -> ByteStream {
    let chunks = (0..mebibytes).map(|_| Ok(vec![0; MIB].into()));
    let end = breaks.then(|| Err(Source::from("connection reset")));
    futures::stream::iter(chunks.chain(end).collect::<Vec<_>>()).boxed()
}

fn key() -> ObjectKey {
    ObjectKey::new("delivered/clip.mp4").expect("valid")
}

async fn put_stream(store: &S3, bytes: ByteStream) -> Result<u64, StoreError> {
    store.put_stream(&key(), bytes, &ObjectMeta::default()).await
}

#[tokio::test]
async fn what_fits_in_the_first_part_is_put_whole() {
    let asked = Asked::default();
    let store = bucket(&asked, None);

    let sizes =
        [put_stream(&store, stream(0, false)).await, put_stream(&store, stream(7, false)).await];

    assert_eq!(sizes.map(Result::ok), [Some(0), Some(7 * MIB as u64)]);
    assert_eq!(asked.all(), ["put", "put"]);
}

#[tokio::test]
async fn what_does_not_is_sent_in_parts() {
    let asked = Asked::default();
    let store = bucket(&asked, None);

    let even = put_stream(&store, stream(16, false)).await;
    let odd = put_stream(&store, stream(17, false)).await;

    assert_eq!([even.ok(), odd.ok()], [16, 17].map(|size| Some(size * MIB as u64)));
    let even = ["part 1", "part 2", "complete 2"];
    let odd = ["part 1", "part 2", "part 3", "complete 3"];
    assert_eq!(asked.all(), [&even[..], &odd].concat());
}

#[tokio::test]
async fn what_breaks_off_is_aborted_and_never_completed() {
    for (mebibytes, expected) in [(3, &[][..]), (9, &["part 1", "abort"])] {
        let asked = Asked::default();
        let answer = put_stream(&bucket(&asked, None), stream(mebibytes, true)).await;

        assert!(matches!(&answer, Err(StoreError::Content { .. })), "{answer:?}");
        assert_eq!(asked.all(), expected);
    }
}

#[tokio::test]
async fn a_part_that_is_not_taken_is_what_the_caller_is_told() {
    let asked = Asked::default();

    let answer = put_stream(&bucket(&asked, Some(2)), stream(20, true)).await;

    assert!(matches!(&answer, Err(StoreError::Unavailable { .. })), "{answer:?}");
    assert_eq!(asked.all(), ["part 1", "abort"]);
}

#[tokio::test]
async fn a_file_too_large_for_one_request_goes_in_parts() {
    let work = tempfile::tempdir().expect("a folder");
    let (path, asked) = (work.path().join("clip.mp4"), Asked::default());
    tokio::fs::write(&path, vec![0; 9 * MIB]).await.expect("a file");
    let (store, meta) = (bucket(&asked, None), ObjectMeta::default());

    let fits = store.put_file(&key(), &path, &meta, 9 * MIB as u64).await;
    let does_not = store.put_file(&key(), &path, &meta, 9 * MIB as u64 - 1).await;

    assert_eq!([fits.ok(), does_not.ok()], ["whole", "parts-2"].map(|tag| Some(tag.to_owned())));
    assert_eq!(asked.all(), ["put", "part 1", "part 2", "complete 2"]);
}

#[test]
fn ten_thousand_parts_hold_the_largest_object() {
    let sizes: Vec<_> = (0..10_000).map(part_bytes).collect();

    assert!(sizes.iter().sum::<usize>() >= LARGEST);
    assert!(sizes.iter().all(|size| *size as u64 <= super::super::MAX_PUT_BYTES));
    assert_eq!(sizes.iter().take(3_000).max(), Some(&(32 * MIB)), "the first 56 GB");
}
