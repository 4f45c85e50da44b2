//! S3 of the embedded cloud, asked by the SDK and over plain HTTP.

mod support;

use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime};

use aws_lambda_events::event::s3::S3Event;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{BehaviorVersion, Region};
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::presigning::{PresignedRequest, PresigningConfig};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    BucketLocationConstraint, ChecksumAlgorithm, ChecksumMode, CompletedMultipartUpload,
    CompletedPart, Delete, MetadataDirective, ObjectIdentifier,
};
use aws_smithy_http_client::Builder;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, Mac};
use local_cloud::{Cloud, Wiring};
use reqwest::StatusCode;
use serde_json::json;
use sha2::Sha256;
use support::{Running, SECRET_KEY};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

const MIB: usize = 1024 * 1024;

fn wiring() -> Wiring {
    support::wiring(json!({
        "buckets": [{
            "name": "media",
            "corsOrigins": ["http://localhost:5173"],
            "notifications": [
                { "id": "ingest", "prefix": "uploads/", "queue": "ingest" },
                { "id": "render", "prefix": "ltx-videos/", "suffix": ".mp4", "queue": "render" },
            ],
        }, { "name": "other" }],
        "queues": [{ "name": "ingest" }, { "name": "render" }],
    }))
}

async fn start() -> (Running, Client) {
    let running = support::start(wiring()).await;
    let client = s3(&running.cloud, SECRET_KEY);
    (running, client)
}

fn s3(cloud: &Cloud, secret_key: &str) -> Client {
    s3_at(cloud.endpoint(), secret_key)
}

fn s3_at(endpoint: &str, secret_key: &str) -> Client {
    Client::from_conf(
        aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(endpoint)
            .force_path_style(true)
            .region(Region::new(support::REGION))
            .credentials_provider(support::credentials(secret_key))
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::disabled())
            .http_client(Builder::new().build_http())
            .build(),
    )
}

async fn put(client: &Client, key: &str, body: impl Into<Vec<u8>>) -> String {
    let body = ByteStream::from(body.into());
    let output = client.put_object().bucket("media").key(key).body(body).send().await;
    output.expect("put").e_tag().expect("an ETag").to_owned()
}

async fn get(client: &Client, key: &str) -> Vec<u8> {
    let output = client.get_object().bucket("media").key(key).send().await.expect("get");
    output.body.collect().await.expect("a body").to_vec()
}

/// The code of a refusal.
fn code<T, E>(outcome: Result<T, E>) -> String
where
    T: std::fmt::Debug,
    E: ProvideErrorMetadata,
{
    outcome.expect_err("refused").code().unwrap_or("none").to_owned()
}

async fn keys(client: &Client, prefix: &str) -> Vec<String> {
    let output = client.list_objects_v2().bucket("media").prefix(prefix).send().await;
    let output = output.expect("listed");
    output.contents().iter().map(|object| object.key().expect("a key").to_owned()).collect()
}

/// Content files in the data folder.
fn content_files(folder: &Path) -> usize {
    let shards = std::fs::read_dir(folder.join("s3/content")).expect("content");
    shards
        .map(|shard| std::fs::read_dir(shard.expect("a shard").path()).expect("files").count())
        .sum()
}

async fn messages(cloud: &Cloud, queue: &str, count: usize) -> Vec<S3Event> {
    let client = support::sqs(cloud);
    let mut events = Vec::new();
    while events.len() < count {
        let received = client
            .receive_message()
            .queue_url(cloud.queue_url(queue))
            .max_number_of_messages(10)
            .wait_time_seconds(5)
            .send()
            .await
            .expect("received");
        assert!(!received.messages().is_empty(), "{} of {count} events came", events.len());
        for message in received.messages() {
            let body = message.body().expect("a body");
            events.push(serde_json::from_str(body).expect("an S3 event"));
        }
    }
    events
}

// Objects and their keys

#[tokio::test]
async fn an_object_comes_back_with_everything_that_was_sent_with_it() {
    let (_running, client) = start().await;

    client
        .put_object()
        .bucket("media")
        .key("photos/a.jpg")
        .body(ByteStream::from_static(b"a photo"))
        .content_type("image/jpeg")
        .cache_control("no-cache")
        .content_disposition("inline")
        .content_encoding("gzip")
        .content_language("de")
        .metadata("title", "Villa am See")
        .send()
        .await
        .expect("put");
    let object = client.get_object().bucket("media").key("photos/a.jpg").send().await.expect("get");

    assert_eq!(object.content_length(), Some(7));
    assert_eq!(object.content_type(), Some("image/jpeg"));
    assert_eq!(object.cache_control(), Some("no-cache"));
    assert_eq!(object.content_disposition(), Some("inline"));
    assert_eq!(object.content_encoding(), Some("gzip"));
    assert_eq!(object.content_language(), Some("de"));
    assert_eq!(object.e_tag(), Some("\"1e171d1320221d0ef1133a398fb1d4be\""));
    let metadata = object.metadata().expect("metadata").clone();
    assert_eq!(metadata, HashMap::from([("title".to_owned(), "Villa am See".to_owned())]));
    assert_eq!(&object.body.collect().await.expect("a body").to_vec(), b"a photo");
}

/// As S3 does; the SDK does not decode it.
/// Source: Amazon S3 User Guide, "Working with object metadata"
#[tokio::test]
async fn metadata_beyond_ascii_comes_back_encoded() {
    let (_running, client) = start().await;

    let put = client.put_object().bucket("media").key("a").metadata("title", "Villa Süd");
    put.send().await.expect("put");
    let head = client.head_object().bucket("media").key("a").send().await.expect("head");

    assert_eq!(head.metadata().expect("metadata")["title"], "=?UTF-8?B?VmlsbGEgU8O8ZA==?=");
}

#[tokio::test]
async fn a_key_is_never_a_path() {
    let (running, client) = start().await;
    let long = "k".repeat(900);
    let odd = ["a b+c/é/../x//y", "../escape", "/lead", "d", "d/e", "d/", "%2F?#&=", long.as_str()];

    for key in odd {
        put(&client, key, key).await;
    }

    for key in odd {
        assert_eq!(get(&client, key).await, key.as_bytes(), "{key}");
    }
    let mut sorted = odd.map(str::to_owned);
    sorted.sort();
    assert_eq!(keys(&client, "").await, sorted);
    assert_eq!(content_files(running.folder.path()), odd.len());
}

#[tokio::test]
async fn an_empty_object_is_an_object() {
    let (_running, client) = start().await;

    let etag = put(&client, "empty", "").await;

    assert_eq!(etag, "\"d41d8cd98f00b204e9800998ecf8427e\"");
    assert_eq!(get(&client, "empty").await, b"");
}

#[tokio::test]
async fn what_is_missing_is_said_in_the_words_of_s3() {
    let (_running, client) = start().await;

    let no_key = client.get_object().bucket("media").key("none").send().await;
    assert_eq!(code(no_key), "NoSuchKey");
    let no_bucket = client.get_object().bucket("nowhere").key("none").send().await;
    assert_eq!(code(no_bucket), "NoSuchBucket");
    let body = ByteStream::from_static(b"x");
    let no_bucket = client.put_object().bucket("nowhere").key("a").body(body).send().await;
    assert_eq!(code(no_bucket), "NoSuchBucket");
    let no_head = client.head_object().bucket("media").key("none").send().await;
    assert!(no_head.expect_err("refused").into_service_error().is_not_found());
    let deleted = client.delete_object().bucket("media").key("none").send().await;
    deleted.expect("nothing to delete is fine");
}

#[tokio::test]
async fn buckets_can_be_made_found_and_removed() {
    let (_running, client) = start().await;

    client.create_bucket().bucket("made").send().await.expect("made");
    client.head_bucket().bucket("made").send().await.expect("found");
    let location = client.get_bucket_location().bucket("made").send().await.expect("location");
    let listed = client.list_buckets().send().await.expect("listed");
    let names: Vec<_> = listed.buckets().iter().filter_map(|bucket| bucket.name()).collect();
    assert_eq!(names, ["made", "media", "other"]);
    assert_eq!(
        location.location_constraint().map(BucketLocationConstraint::as_str),
        Some(support::REGION)
    );
    client.delete_bucket().bucket("made").send().await.expect("removed");
    put(&client, "a", "x").await;
    assert_eq!(code(client.delete_bucket().bucket("media").send().await), "BucketNotEmpty");
}

#[tokio::test]
async fn deleted_objects_and_their_files_are_gone() {
    let (running, client) = start().await;
    for key in ["a", "b", "c"] {
        put(&client, key, key).await;
    }

    client.delete_object().bucket("media").key("a").send().await.expect("deleted");
    let object = |key: &str| ObjectIdentifier::builder().key(key).build().expect("an object");
    let delete = Delete::builder().objects(object("b")).objects(object("none")).build();
    let output = client
        .delete_objects()
        .bucket("media")
        .delete(delete.expect("a list"))
        .send()
        .await
        .expect("deleted");

    assert_eq!(output.deleted().len(), 2);
    assert_eq!(keys(&client, "").await, ["c"]);
    assert_eq!(content_files(running.folder.path()), 1);
}

// Ranges and conditions

#[tokio::test]
async fn ranges_are_partial_content() {
    let (_running, client) = start().await;
    put(&client, "digits", "0123456789").await;
    let range = |range: &str| client.get_object().bucket("media").key("digits").range(range).send();

    for (wanted, came, content_range) in [
        ("bytes=0-3", "0123", "bytes 0-3/10"),
        ("bytes=7-", "789", "bytes 7-9/10"),
        ("bytes=-2", "89", "bytes 8-9/10"),
        ("bytes=8-99", "89", "bytes 8-9/10"),
    ] {
        let part = range(wanted).await.expect("a part");
        assert_eq!(part.content_range(), Some(content_range));
        assert_eq!(part.body.collect().await.expect("a body").to_vec(), came.as_bytes());
    }
    assert_eq!(code(range("bytes=10-").await), "InvalidRange");
}

#[tokio::test]
async fn a_long_object_can_be_read_from_the_middle() {
    let (_running, client) = start().await;
    let long: Vec<u8> = (0..3 * MIB).map(|at| u8::try_from(at % 251).expect("small")).collect();
    put(&client, "long", long.clone()).await;

    let request = client.get_object().bucket("media").key("long").range("bytes=1000000-2999999");
    let part = request.send().await.expect("a part").body.collect().await.expect("a body");

    assert_eq!(part.to_vec(), long[1_000_000..3_000_000]);
    assert_eq!(get(&client, "long").await, long);
}

#[tokio::test]
async fn reads_honour_their_conditions() {
    let (running, client) = start().await;
    let etag = put(&client, "a", "x").await;
    let get = || client.get_object().bucket("media").key("a");

    get().if_match(&etag).send().await.expect("it matches");
    assert_eq!(code(get().if_match("\"other\"").send().await), "PreconditionFailed");
    get().if_none_match("\"other\"").send().await.expect("it differs");
    let presigned = get().presigned(minute()).await.expect("presigned");
    let unchanged = reqwest::Client::new().get(presigned.uri()).header("If-None-Match", &etag);
    let unchanged = unchanged.send().await.expect("an answer");
    assert_eq!(unchanged.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(unchanged.headers()["etag"], etag);
    drop(running);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_forty_concurrent_creates_one_wins() {
    let (running, client) = start().await;

    let creates = (0..40).map(|number| {
        let client = client.clone();
        tokio::spawn(async move {
            let body = ByteStream::from(format!("from {number}").into_bytes());
            let create = client.put_object().bucket("media").key("one").if_none_match("*");
            let outcome = create.body(body).send().await;
            outcome.map(|_| number).map_err(|error| error.code().map(str::to_owned))
        })
    });
    let mut winners = Vec::new();
    for create in creates.collect::<Vec<_>>() {
        match create.await.expect("joined") {
            Ok(number) => winners.push(number),
            Err(code) => assert_eq!(code.as_deref(), Some("PreconditionFailed")),
        }
    }

    assert_eq!(winners.len(), 1);
    assert_eq!(get(&client, "one").await, format!("from {}", winners[0]).into_bytes());
    assert_eq!(content_files(running.folder.path()), 1);
}

#[tokio::test]
async fn a_write_for_another_etag_is_refused() {
    let (_running, client) = start().await;
    let write = |key: &str, etag: &str| {
        let body = ByteStream::from_static(b"new");
        client.put_object().bucket("media").key(key).if_match(etag).body(body).send()
    };
    let etag = put(&client, "a", "old").await;

    assert_eq!(code(write("a", "\"other\"").await), "PreconditionFailed");
    assert_eq!(code(write("none", &etag).await), "NoSuchKey");
    write("a", &etag).await.expect("written");

    assert_eq!(get(&client, "a").await, b"new");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_keeps_its_bytes_when_the_object_is_replaced() {
    let (_running, client) = start().await;
    put(&client, "a", vec![1; 8 * MIB]).await;

    let reader = client.get_object().bucket("media").key("a").send().await.expect("get");
    put(&client, "a", vec![2; 8 * MIB]).await;
    client.delete_object().bucket("media").key("a").send().await.expect("deleted");

    let body = reader.body.collect().await.expect("a body").to_vec();
    assert!(body.len() == 8 * MIB && body.iter().all(|byte| *byte == 1));
}

// Integrity

#[tokio::test]
async fn a_bad_checksum_leaves_the_stored_object_alone() {
    let (running, client) = start().await;
    put(&client, "a", "good").await;
    let put = || {
        let body = ByteStream::from_static(b"bad");
        client.put_object().bucket("media").key("a").body(body)
    };

    assert_eq!(code(put().checksum_crc32("AAAAAA==").send().await), "BadDigest");
    assert_eq!(code(put().checksum_crc32_c("AAAAAA==").send().await), "BadDigest");
    assert_eq!(code(put().checksum_crc64_nvme("AAAAAAAAAAA=").send().await), "BadDigest");
    let sha1 = BASE64_STANDARD.encode([0; 20]);
    assert_eq!(code(put().checksum_sha1(sha1).send().await), "BadDigest");
    let sha256 = BASE64_STANDARD.encode([0; 32]);
    assert_eq!(code(put().checksum_sha256(sha256).send().await), "BadDigest");
    let md5 = BASE64_STANDARD.encode([0; 16]);
    assert_eq!(code(put().content_md5(md5).send().await), "BadDigest");

    assert_eq!(get(&client, "a").await, b"good");
    assert_eq!(content_files(running.folder.path()), 1);
}

#[tokio::test]
async fn a_payload_that_is_not_the_signed_one_is_refused() {
    let (running, client) = start().await;
    let url = client.put_object().bucket("media").key("a").presigned(minute()).await.expect("url");

    let answer = reqwest::Client::new()
        .put(url.uri())
        .header("x-amz-content-sha256", "0".repeat(64))
        .body(vec![7; MIB])
        .send()
        .await
        .expect("an answer");

    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    assert!(answer.text().await.expect("a body").contains("XAmzContentSHA256Mismatch"));
    assert_eq!(keys(&client, "").await, Vec::<String>::new());
    assert_eq!(content_files(running.folder.path()), 0);
}

#[tokio::test]
async fn a_trailing_checksum_is_checked_and_returned() {
    let (running, client) = start().await;
    let file = running.folder.path().join("upload");
    std::fs::write(&file, vec![3; 2 * MIB]).expect("written");

    // A body from a file is sent in chunks with the checksum behind them.
    for algorithm in [
        ChecksumAlgorithm::Crc32,
        ChecksumAlgorithm::Crc32C,
        ChecksumAlgorithm::Crc64Nvme,
        ChecksumAlgorithm::Sha1,
        ChecksumAlgorithm::Sha256,
    ] {
        let body = ByteStream::from_path(&file).await.expect("a body");
        let put = client.put_object().bucket("media").key("a").body(body);
        put.checksum_algorithm(algorithm).send().await.expect("put");
    }
    let head = client.head_object().bucket("media").key("a");
    let head = head.checksum_mode(ChecksumMode::Enabled).send().await.expect("head");

    let sha256 = <Sha256 as sha2::Digest>::digest(vec![3; 2 * MIB]);
    assert_eq!(head.checksum_sha256(), Some(BASE64_STANDARD.encode(sha256).as_str()));
    assert_eq!(head.content_encoding(), None);
    assert_eq!(get(&client, "a").await, vec![3; 2 * MIB]);
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let (running, client) = start().await;
    let url = client.put_object().bucket("media").key("a").presigned(minute()).await.expect("url");

    let body = futures::stream::iter([Ok(vec![0; MIB]), Err(std::io::Error::other("gone"))]);
    let request = reqwest::Client::new().put(url.uri()).header("content-length", 4 * MIB);
    request.body(reqwest::Body::wrap_stream(body)).send().await.expect_err("broken off");

    support::eventually("the draft is removed", || async {
        content_files(running.folder.path()) == 0
    })
    .await;
    assert_eq!(keys(&client, "").await, Vec::<String>::new());
}

// Listing

#[tokio::test]
async fn a_listing_goes_through_all_pages_and_rolls_up_at_the_delimiter() {
    let (_running, client) = start().await;
    for key in ["a", "b/1", "b/2", "b/sub/3", "c", "d/1", "é/1", "z"] {
        put(&client, key, key).await;
    }

    for page_size in 1..=4 {
        let mut pages = client
            .list_objects_v2()
            .bucket("media")
            .delimiter("/")
            .max_keys(page_size)
            .into_paginator()
            .send();
        let mut listed = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.expect("a page");
            let held = page.contents().len() + page.common_prefixes().len();
            assert!(held <= usize::try_from(page_size).expect("small"));
            assert_eq!(page.key_count().and_then(|it| usize::try_from(it).ok()), Some(held));
            listed.extend(page.contents().iter().filter_map(|it| it.key()).map(str::to_owned));
            let prefixes = page.common_prefixes().iter().filter_map(|it| it.prefix());
            listed.extend(prefixes.map(str::to_owned));
        }
        listed.sort();
        assert_eq!(listed, ["a", "b/", "c", "d/", "z", "é/"]);
    }

    let below = client.list_objects_v2().bucket("media").prefix("b/").delimiter("/");
    let below = below.send().await.expect("listed");
    let keys: Vec<_> = below.contents().iter().filter_map(|it| it.key()).collect();
    assert_eq!(keys, ["b/1", "b/2"]);
    assert_eq!(below.common_prefixes()[0].prefix(), Some("b/sub/"));
    let after = client.list_objects_v2().bucket("media").start_after("c");
    assert_eq!(after.send().await.expect("listed").contents().len(), 3);
}

#[tokio::test]
async fn the_old_listing_continues_at_its_marker() {
    let (_running, client) = start().await;
    for key in ["a", "b/1", "b/2", "c d"] {
        put(&client, key, key).await;
    }
    let list = || {
        let list = client.list_objects().bucket("media").delimiter("/").max_keys(2);
        list.encoding_type(aws_sdk_s3::types::EncodingType::Url)
    };

    let first = list().send().await.expect("listed");
    assert_eq!(first.is_truncated(), Some(true));
    assert_eq!(first.next_marker(), Some("b/"));
    let second = list().marker("b/").send().await.expect("listed");
    assert_eq!(second.is_truncated(), Some(false));
    assert_eq!(second.contents()[0].key(), Some("c%20d"));
}

// Copies

#[tokio::test]
async fn a_copy_keeps_or_replaces_the_headers() {
    let (running, client) = start().await;
    client
        .put_object()
        .bucket("media")
        .key("a b+é")
        .body(ByteStream::from_static(b"x"))
        .metadata("title", "one")
        .send()
        .await
        .expect("put");
    let copy = |key: &str| {
        client.copy_object().bucket("media").key(key).copy_source("media/a%20b%2B%C3%A9")
    };

    copy("kept").send().await.expect("copied");
    let replace = copy("replaced").metadata_directive(MetadataDirective::Replace);
    replace.metadata("title", "two").content_type("text/plain").send().await.expect("copied");
    assert_eq!(code(copy("a b+é").send().await), "InvalidRequest");
    let itself = copy("a b+é").metadata_directive(MetadataDirective::Replace);
    itself.metadata("title", "three").send().await.expect("copied");

    for (key, title) in [("kept", "one"), ("replaced", "two"), ("a b+é", "three")] {
        let head = client.head_object().bucket("media").key(key).send().await.expect("head");
        assert_eq!(head.metadata().expect("metadata")["title"], title);
        assert_eq!(get(&client, key).await, b"x");
    }
    assert_eq!(content_files(running.folder.path()), 3);
}

// Multipart

struct Upload<'a> {
    client: &'a Client,
    key: &'a str,
    id: String,
}

impl<'a> Upload<'a> {
    async fn begin(client: &'a Client, key: &'a str) -> Self {
        let upload = client.create_multipart_upload().bucket("media").key(key);
        let upload = upload.content_type("video/mp4").send().await.expect("begun");
        Self { client, key, id: upload.upload_id().expect("an id").to_owned() }
    }

    async fn part(&self, number: i32, bytes: Vec<u8>) -> CompletedPart {
        let part = self
            .client
            .upload_part()
            .bucket("media")
            .key(self.key)
            .upload_id(&self.id)
            .part_number(number)
            .body(ByteStream::from(bytes))
            .send()
            .await
            .expect("uploaded");
        CompletedPart::builder()
            .part_number(number)
            .e_tag(part.e_tag().expect("an ETag"))
            .set_checksum_crc32(part.checksum_crc32().map(str::to_owned))
            .build()
    }

    async fn complete(&self, parts: Vec<CompletedPart>) -> Result<String, String> {
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let complete = self.client.complete_multipart_upload().bucket("media").key(self.key);
        let outcome = complete.upload_id(&self.id).multipart_upload(parts).send().await;
        outcome
            .map(|output| output.e_tag().expect("an ETag").to_owned())
            .map_err(|error| error.code().unwrap_or("none").to_owned())
    }
}

#[tokio::test]
async fn parts_become_one_object() {
    let (running, client) = start().await;
    let upload = Upload::begin(&client, "ltx-videos/a.mp4").await;

    let second = upload.part(2, vec![2; 100]).await;
    upload.part(1, vec![9; 5 * MIB]).await;
    let first = upload.part(1, vec![1; 5 * MIB]).await;
    let uploaded = client.list_parts().bucket("media").key(upload.key).upload_id(&upload.id);
    assert_eq!(uploaded.send().await.expect("listed").parts().len(), 2);
    let uploads = client.list_multipart_uploads().bucket("media").send().await.expect("listed");
    assert_eq!(uploads.uploads()[0].upload_id(), Some(upload.id.as_str()));
    let etag = upload.complete(vec![first, second]).await.expect("completed");

    let digest = |byte: u8, count: usize| <md5::Md5 as md5::Digest>::digest(vec![byte; count]);
    let digests = [digest(1, 5 * MIB), digest(2, 100)].concat();
    let expected = <md5::Md5 as md5::Digest>::digest(digests);
    let hex = hex(&expected);
    assert_eq!(etag, format!("\"{hex}-2\""));
    let whole = get(&client, upload.key).await;
    assert_eq!(whole, [vec![1; 5 * MIB], vec![2; 100]].concat());
    let head = client.head_object().bucket("media").key(upload.key).part_number(1).send().await;
    let head = head.expect("head");
    assert_eq!((head.parts_count(), head.content_type()), (Some(2), Some("video/mp4")));
    assert_eq!(content_files(running.folder.path()), 1);
    assert_eq!(upload.complete(Vec::new()).await, Err("NoSuchUpload".to_owned()));
}

#[tokio::test]
async fn an_upload_with_wrong_parts_is_not_completed() {
    let (_running, client) = start().await;
    let upload = Upload::begin(&client, "a").await;
    let small = upload.part(1, vec![1; 100]).await;
    let last = upload.part(2, vec![2; 100]).await;
    let unknown = CompletedPart::builder().part_number(3).e_tag("\"x\"").build();

    let too_small = upload.complete(vec![small.clone(), last.clone()]).await;
    assert_eq!(too_small, Err("EntityTooSmall".to_owned()));
    let disordered = upload.complete(vec![last, small.clone()]).await;
    assert_eq!(disordered, Err("InvalidPartOrder".to_owned()));
    let invalid = upload.complete(vec![small.clone(), unknown]).await;
    assert_eq!(invalid, Err("InvalidPart".to_owned()));
    upload.complete(vec![small]).await.expect("the last part may be small");
}

#[tokio::test]
async fn an_aborted_upload_is_gone_with_its_parts() {
    let (running, client) = start().await;
    let upload = Upload::begin(&client, "a").await;
    upload.part(1, vec![1; 100]).await;

    let abort = client.abort_multipart_upload().bucket("media").key("a").upload_id(&upload.id);
    abort.send().await.expect("aborted");

    let late = client.upload_part().bucket("media").key("a").upload_id(&upload.id).part_number(2);
    let late = late.body(ByteStream::from(vec![2; 2 * MIB])).send().await;
    assert_eq!(code(late), "NoSuchUpload");
    assert_eq!(content_files(running.folder.path()), 0);
}

#[tokio::test]
async fn a_part_can_be_copied_and_a_checksum_of_parts_is_returned() {
    let (_running, client) = start().await;
    put(&client, "source", "0123456789").await;
    let upload = client.create_multipart_upload().bucket("media").key("a");
    let upload = upload.checksum_algorithm(ChecksumAlgorithm::Crc32).send().await.expect("begun");
    let id = upload.upload_id().expect("an id").to_owned();

    let copy = client.upload_part_copy().bucket("media").key("a").upload_id(&id).part_number(1);
    let copy = copy.copy_source("media/source").copy_source_range("bytes=2-4").send().await;
    let part = copy.expect("copied").copy_part_result.expect("a result");
    let part = CompletedPart::builder()
        .part_number(1)
        .set_e_tag(part.e_tag)
        .set_checksum_crc32(part.checksum_crc32)
        .build();
    Upload { client: &client, key: "a", id }.complete(vec![part]).await.expect("completed");

    let head = client.head_object().bucket("media").key("a").checksum_mode(ChecksumMode::Enabled);
    let head = head.send().await.expect("head");
    assert!(head.checksum_crc32().is_some_and(|value| value.ends_with("-1")));
    assert_eq!(get(&client, "a").await, b"234");
    let copy = client.copy_object().bucket("media").key("b").copy_source("media/a").send().await;
    let result = copy.expect("copied").copy_object_result.expect("a result");
    assert_eq!(result.e_tag(), Some("\"289dff07669d7a23de0ef88d2f7129e7\""));
}

#[tokio::test]
async fn parts_of_an_upload_with_checksums_are_named_with_theirs() {
    let (_running, client) = start().await;
    let upload = client.create_multipart_upload().bucket("media").key("a");
    let upload = upload.checksum_algorithm(ChecksumAlgorithm::Sha256).send().await.expect("begun");
    let id = upload.upload_id().expect("an id").to_owned();
    let part = client.upload_part().bucket("media").key("a").upload_id(&id).part_number(1);
    let part = part.checksum_algorithm(ChecksumAlgorithm::Sha256).body(vec![1; 9].into()).send();
    let part = part.await.expect("uploaded");
    let named = CompletedPart::builder().part_number(1).set_e_tag(part.e_tag);
    let upload = Upload { client: &client, key: "a", id };

    let bare = upload.complete(vec![named.clone().build()]).await;
    let wrong = upload.complete(vec![named.clone().checksum_sha256("AAAA").build()]).await;
    let right = named.set_checksum_sha256(part.checksum_sha256).build();

    assert_eq!(bare, Err("InvalidRequest".to_owned()));
    assert_eq!(wrong, Err("InvalidPart".to_owned()));
    upload.complete(vec![right]).await.expect("completed");
}

// Who may do what

fn minute() -> PresigningConfig {
    PresigningConfig::expires_in(Duration::from_mins(1)).expect("a time")
}

async fn send(request: &PresignedRequest, body: &'static [u8], type_: Option<&str>) -> StatusCode {
    send_to(request.uri(), request, body, type_).await
}

async fn send_to(
    uri: &str,
    request: &PresignedRequest,
    body: &'static [u8],
    type_: Option<&str>,
) -> StatusCode {
    let method = request.method().parse().expect("a method");
    let mut sent = reqwest::Client::new().request(method, uri).body(body);
    if let Some(type_) = type_ {
        sent = sent.header("content-type", type_);
    }
    sent.send().await.expect("an answer").status()
}

#[tokio::test]
async fn a_presigned_url_allows_what_was_signed_and_nothing_else() {
    let (_running, client) = start().await;
    let url = client
        .put_object()
        .bucket("media")
        .key("uploads/a b.jpg")
        .content_type("image/jpeg")
        .content_length(5)
        .presigned(minute())
        .await
        .expect("presigned");

    assert_eq!(send(&url, b"photo", Some("image/jpeg")).await, StatusCode::OK);
    assert_eq!(send(&url, b"photo", Some("image/png")).await, StatusCode::FORBIDDEN);
    assert_eq!(send(&url, b"photo", None).await, StatusCode::FORBIDDEN);
    assert_eq!(send(&url, b"longer photo", Some("image/jpeg")).await, StatusCode::FORBIDDEN);
    let elsewhere = url.uri().replace("a%20b.jpg", "b.jpg");
    assert_ne!(elsewhere, url.uri());
    let tampered = send_to(&elsewhere, &url, b"photo", Some("image/jpeg")).await;
    assert_eq!(tampered, StatusCode::FORBIDDEN);
    assert_eq!(keys(&client, "").await, ["uploads/a b.jpg"]);

    let url = client.get_object().bucket("media").key("uploads/a b.jpg");
    let url = url.response_content_type("text/plain").presigned(minute()).await.expect("url");
    let answer = reqwest::get(url.uri()).await.expect("an answer");
    assert_eq!(answer.headers()["content-type"], "text/plain");
    assert_eq!(answer.bytes().await.expect("a body").as_ref(), b"photo");
}

#[tokio::test]
async fn an_expired_url_and_a_wrong_secret_are_refused() {
    let (running, client) = start().await;
    put(&client, "a", "x").await;

    let long_ago = PresigningConfig::builder()
        .start_time(SystemTime::now() - Duration::from_mins(2))
        .expires_in(Duration::from_mins(1))
        .build()
        .expect("a time");
    let url = client.get_object().bucket("media").key("a").presigned(long_ago).await.expect("url");
    assert_eq!(send(&url, b"", None).await, StatusCode::FORBIDDEN);
    let stranger = s3(&running.cloud, "wrong");
    let url = stranger.get_object().bucket("media").key("a").presigned(minute()).await;
    assert_eq!(send(&url.expect("url"), b"", None).await, StatusCode::FORBIDDEN);
    let refused = stranger.get_object().bucket("media").key("a").send().await;
    assert_eq!(code(refused), "SignatureDoesNotMatch");
    let anonymous = format!("{}/media/a", running.cloud.endpoint());
    let anonymous = reqwest::get(anonymous).await.expect("an answer");
    assert_eq!(anonymous.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn only_listed_origins_are_let_in() {
    const ASKED: &str = "content-type,x-amz-checksum-sha256";

    let (running, client) = start().await;
    let url = client.put_object().bucket("media").key("a").presigned(minute()).await.expect("url");
    let browser = reqwest::Client::new();
    let preflight = |origin: &str, method: &str| {
        browser
            .request(reqwest::Method::OPTIONS, format!("{}/media/a", running.cloud.endpoint()))
            .header("origin", origin)
            .header("access-control-request-method", method)
            .header("access-control-request-headers", ASKED)
            .send()
    };

    let allowed = preflight("http://localhost:5173", "PUT").await.expect("an answer");
    assert_eq!(allowed.status(), StatusCode::OK);
    assert_eq!(allowed.headers()["access-control-allow-origin"], "http://localhost:5173");
    assert_eq!(allowed.headers()["access-control-allow-headers"], ASKED);
    let refused = preflight("http://evil.example", "PUT").await.expect("an answer");
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);

    let put = |origin: &str| browser.put(url.uri()).header("origin", origin).body("x").send();
    let allowed = put("http://localhost:5173").await.expect("an answer");
    assert_eq!(allowed.headers()["access-control-allow-origin"], "http://localhost:5173");
    let exposed = allowed.headers()["access-control-expose-headers"].to_str().expect("text");
    assert!(exposed.contains("ETag") && exposed.contains("x-amz-checksum-sha256"), "{exposed}");
    let foreign = put("http://evil.example").await.expect("an answer");
    assert!(!foreign.headers().contains_key("access-control-allow-origin"));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn hmac(key: &[u8], data: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any key");
    mac.update(data);
    mac.finalize().into_bytes().to_vec()
}

/// A form that uploads `body`, signed for keys under `uploads/` and at most ten bytes.
fn form(key: &str, body: &str) -> (String, String) {
    let now = chrono::Utc::now();
    let (day, date) = (now.format("%Y%m%d").to_string(), now.format("%Y%m%dT%H%M%SZ").to_string());
    let credential = format!("{}/{day}/{}/s3/aws4_request", support::ACCESS_KEY, support::REGION);
    let policy = BASE64_STANDARD.encode(
        json!({
            "expiration": (now + chrono::Duration::minutes(1)).format("%Y-%m-%dT%H:%M:%S.000Z").to_string(),
            "conditions": [
                { "bucket": "media" },
                ["starts-with", "$key", "uploads/"],
                ["content-length-range", 1, 10],
                { "x-amz-algorithm": "AWS4-HMAC-SHA256" },
                { "x-amz-credential": credential },
                { "x-amz-date": date },
            ],
        })
        .to_string(),
    );
    let scope = [day.as_str(), support::REGION, "s3", "aws4_request"];
    let secret = format!("AWS4{SECRET_KEY}").into_bytes();
    let signing = scope.iter().fold(secret, |key, part| hmac(&key, part.as_bytes()));
    let signature = hex(&hmac(&signing, policy.as_bytes()));
    let fields = [
        ("key", key),
        ("x-amz-algorithm", "AWS4-HMAC-SHA256"),
        ("x-amz-credential", &credential),
        ("x-amz-date", &date),
        ("policy", &policy),
        ("x-amz-signature", &signature),
    ];
    let mut form = String::new();
    for (name, value) in fields {
        let _ = write!(
            form,
            "--line\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        );
    }
    form += "--line\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n";
    let _ = write!(form, "Content-Type: image/jpeg\r\n\r\n{body}\r\n--line--\r\n");
    (form, "multipart/form-data; boundary=line".to_owned())
}

#[tokio::test]
async fn a_browser_may_post_what_the_policy_allows() {
    let (running, client) = start().await;
    let post = async |key: &str, body: &str| {
        let (form, type_) = form(key, body);
        let url = format!("{}/media", running.cloud.endpoint());
        let request = reqwest::Client::new().post(url).header("content-type", type_).body(form);
        request.send().await.expect("an answer").status()
    };

    assert_eq!(post("uploads/a", "photo").await, StatusCode::NO_CONTENT);
    assert!(post("elsewhere/a", "photo").await.is_client_error());
    assert!(post("uploads/b", "a photo too large").await.is_client_error());

    assert_eq!(keys(&client, "").await, ["uploads/a"]);
    let [event] = &messages(&running.cloud, "ingest", 1).await[..] else { panic!("one event") };
    assert_eq!(event.records[0].event_name.as_deref(), Some("ObjectCreated:Post"));
}

// Events

#[tokio::test]
async fn a_created_object_is_told_to_its_queue_in_the_shape_of_aws() {
    let (running, client) = start().await;

    let etag = put(&client, "uploads/a b+c/é.jpg", "photo").await;
    put(&client, "photos/unheard.jpg", "photo").await;

    let [event] = &messages(&running.cloud, "ingest", 1).await[..] else { panic!("one event") };
    let [record] = &event.records[..] else { panic!("one record") };
    assert_eq!(record.event_version.as_deref(), Some("2.1"));
    assert_eq!(record.event_source.as_deref(), Some("aws:s3"));
    assert_eq!(record.event_name.as_deref(), Some("ObjectCreated:Put"));
    assert_eq!(record.aws_region.as_deref(), Some(support::REGION));
    assert_eq!(record.principal_id.principal_id.as_deref(), Some("AWS:local"));
    assert!(record.response_elements.contains_key("x-amz-request-id"));
    assert_eq!(record.s3.configuration_id.as_deref(), Some("ingest"));
    assert_eq!(record.s3.bucket.name.as_deref(), Some("media"));
    assert_eq!(record.s3.bucket.arn.as_deref(), Some("arn:aws:s3:::media"));
    let object = &record.s3.object;
    assert_eq!(object.key.as_deref(), Some("uploads/a+b%2Bc/%C3%A9.jpg"));
    assert_eq!(object.size, Some(5));
    assert_eq!(object.e_tag.as_deref(), Some(etag.trim_matches('"')));
    assert!(object.sequencer.is_some());
}

#[tokio::test]
async fn every_way_to_create_an_object_has_its_event() {
    let (running, client) = start().await;

    put(&client, "ltx-videos/a.mp4", "video").await;
    put(&client, "ltx-videos/a.json", "not told").await;
    let copy = client.copy_object().bucket("media").key("ltx-videos/b.mp4");
    copy.copy_source("media/ltx-videos/a.mp4").send().await.expect("copied");
    let upload = Upload::begin(&client, "ltx-videos/c.mp4").await;
    let part = upload.part(1, vec![1; 100]).await;
    upload.complete(vec![part]).await.expect("completed");

    let events = messages(&running.cloud, "render", 3).await;
    let mut told: Vec<_> = events
        .iter()
        .map(|event| {
            let record = &event.records[0];
            let sequencer = record.s3.object.sequencer.clone().expect("a sequencer");
            (sequencer, record.event_name.clone().expect("a name"))
        })
        .collect();
    told.sort();
    let names: Vec<_> = told.iter().map(|(_, name)| name.as_str()).collect();
    assert_eq!(
        names,
        ["ObjectCreated:Put", "ObjectCreated:Copy", "ObjectCreated:CompleteMultipartUpload"]
    );
}

#[tokio::test]
async fn lost_events_are_lost_and_their_objects_are_not() {
    let (running, client) = start().await;
    running.cloud.faults().lose_events(|key| key.ends_with("lost"));

    put(&client, "uploads/lost", "x").await;
    put(&client, "uploads/kept", "x").await;

    let events = messages(&running.cloud, "ingest", 1).await;
    assert_eq!(events[0].records[0].s3.object.key.as_deref(), Some("uploads/kept"));
    assert_eq!(keys(&client, "uploads/").await, ["uploads/kept", "uploads/lost"]);
}

// Starting again

#[tokio::test]
async fn everything_is_there_after_a_restart_and_orphans_are_not() {
    let (Running { cloud, folder }, client) = start().await;
    put(&client, "a", "x").await;
    let upload = Upload::begin(&client, "b").await;
    let part = upload.part(1, vec![1; 100]).await;
    let id = upload.id.clone();
    cloud.stop().await;
    let orphan = folder.path().join("s3/content/zz");
    std::fs::create_dir_all(&orphan).expect("a folder");
    std::fs::write(orphan.join("1-orphanzz"), "left behind").expect("written");

    let cloud = support::start_in(folder.path(), wiring()).await;
    let client = s3(&cloud, SECRET_KEY);

    assert_eq!(get(&client, "a").await, b"x");
    let upload = Upload { client: &client, key: "b", id };
    upload.complete(vec![part]).await.expect("completed");
    assert_eq!(get(&client, "b").await, vec![1; 100]);
    support::eventually("the orphan is removed", || async { content_files(folder.path()) == 2 })
        .await;
}

/// Not a test: the process that is killed. It runs when the test below starts it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "is started by the test below"]
async fn child_that_is_killed() {
    let Ok(folder) = std::env::var(FOLDER) else {
        return;
    };
    let cloud = support::start_in(Path::new(&folder), wiring()).await;
    println!("\nendpoint {}", cloud.endpoint());
    std::future::pending::<()>().await;
}

const FOLDER: &str = "LOCAL_CLOUD_S3_TEST_FOLDER";

/// A cloud in a process of its own, and where it answers.
async fn spawn_child(folder: &Path) -> (Child, String) {
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "child_that_is_killed", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("a child");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    loop {
        let line = lines.next_line().await.expect("a line").expect("an endpoint");
        if let Some(endpoint) = line.strip_prefix("endpoint ") {
            return (child, endpoint.to_owned());
        }
    }
}

/// Puts objects until it is refused; returns the keys that were acknowledged.
async fn put_until_the_end(client: Client, writer: usize) -> Vec<String> {
    let mut acknowledged = Vec::new();
    loop {
        let key = format!("uploads/{writer}/{}", acknowledged.len());
        let body = ByteStream::from(key.repeat(1000).into_bytes());
        match client.put_object().bucket("media").key(&key).body(body).send().await {
            Ok(_) => acknowledged.push(key),
            Err(_) => return acknowledged,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_a_kill_and_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut child, endpoint) = spawn_child(folder.path()).await;
    let client = s3_at(&endpoint, SECRET_KEY);
    let writers = (0..4).map(|it| tokio::spawn(put_until_the_end(client.clone(), it)));
    let writers: Vec<_> = writers.collect();
    tokio::time::sleep(Duration::from_millis(700)).await;
    child.kill().await.expect("killed with SIGKILL");
    let mut acknowledged = Vec::new();
    for writer in writers {
        acknowledged.extend(writer.await.expect("joined"));
    }

    let cloud = support::start_in(folder.path(), wiring()).await;
    let client = s3(&cloud, SECRET_KEY);
    let stored = keys(&client, "").await;
    let mut told = HashSet::new();
    while told.len() < stored.len() {
        let events = messages(&cloud, "ingest", 1).await;
        let records = events.into_iter().flat_map(|event| event.records);
        told.extend(records.filter_map(|record| record.s3.object.key));
    }

    assert!(!acknowledged.is_empty() && acknowledged.iter().all(|key| stored.contains(key)));
    assert!(stored.iter().all(|key| told.contains(key)));
    for key in &stored {
        assert_eq!(get(&client, key).await, key.repeat(1000).as_bytes());
    }
    support::eventually("orphans are removed", || async {
        content_files(folder.path()) == stored.len()
    })
    .await;
}

// An independent client

/// Runs `aws s3 …` in `folder` and returns what it prints.
async fn aws_cli(cloud: &Cloud, folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("aws")
        .args(["--endpoint-url", cloud.endpoint(), "s3"])
        .args(arguments)
        .current_dir(folder)
        .env("AWS_ACCESS_KEY_ID", support::ACCESS_KEY)
        .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
        .env("AWS_DEFAULT_REGION", support::REGION)
        .output()
        .await
        .expect("the aws CLI is installed");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the aws CLI"]
async fn the_aws_cli_copies_lists_syncs_and_removes() {
    let (Running { cloud, folder }, client) = start().await;
    let local = folder.path().join("local");
    std::fs::create_dir_all(local.join("sub")).expect("a folder");
    // Above 8 MiB the CLI uploads and downloads in parts.
    let large: Vec<u8> = (0..20 * MIB).map(|at| u8::try_from(at % 249).expect("small")).collect();
    std::fs::write(local.join("large é.bin"), &large).expect("written");
    std::fs::write(local.join("sub/a b+c.txt"), "small").expect("written");
    let aws = async |arguments: &[&str]| aws_cli(&cloud, &local, arguments).await;

    aws(&["sync", ".", "s3://media/synced"]).await;
    assert_eq!(aws(&["sync", ".", "s3://media/synced"]).await, "", "nothing is left to do");
    let listed = aws(&["ls", "--recursive", "s3://media/"]).await;
    assert!(listed.contains("synced/large é.bin") && listed.contains("synced/sub/a b+c.txt"));
    assert!(aws(&["ls", "s3://media/synced/"]).await.contains("PRE sub/"));
    aws(&["cp", "s3://media/synced/large é.bin", "back.bin"]).await;
    assert_eq!(std::fs::read(local.join("back.bin")).expect("read"), large);
    aws(&["mv", "s3://media/synced/large é.bin", "s3://other/moved.bin"]).await;
    aws(&["cp", "s3://other/moved.bin", "moved.bin"]).await;
    assert_eq!(std::fs::read(local.join("moved.bin")).expect("read"), large);
    aws(&["rm", "--recursive", "s3://media/synced"]).await;

    assert_eq!(keys(&client, "").await, Vec::<String>::new());
}

// Size and speed, printed

fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or_default() / 1024
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures: run alone, with --nocapture"]
async fn measure_memory_with_a_large_object() {
    let (running, client) = start().await;
    let file = running.folder.path().join("large");
    std::fs::File::create(&file).expect("a file").set_len(300 * MIB as u64).expect("sized");
    let before = resident_mib();

    let started = Instant::now();
    let body = ByteStream::from_path(&file).await.expect("a body");
    client.put_object().bucket("media").key("large").body(body).send().await.expect("put");
    println!("put 300 MiB in {:?}", started.elapsed());
    let started = Instant::now();
    let mut body = client.get_object().bucket("media").key("large").send().await.expect("get").body;
    let mut size = 0;
    while let Some(chunk) = body.next().await {
        size += chunk.expect("a chunk").len();
    }
    println!("get 300 MiB in {:?}", started.elapsed());

    assert_eq!(size, 300 * MIB);
    println!("peak RSS, client included: {before} MiB before, {} MiB after", resident_mib());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures: run alone and in release, with --nocapture"]
async fn measure_the_latency_of_small_puts() {
    let (_running, client) = start().await;
    let mut took = Vec::new();
    for number in 0..2000 {
        let started = Instant::now();
        put(&client, &format!("uploads/{number}.jpg"), vec![1; 10_000]).await;
        took.push(started.elapsed());
    }
    took.sort();
    println!("put 10 kB: p50 {:?}, p99 {:?}, max {:?}", took[1000], took[1980], took[1999]);
}
