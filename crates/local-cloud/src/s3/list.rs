//! Listing keys: in order, in pages, rolled up at a delimiter.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rusqlite::Connection;
use s3s::dto::{
    ChecksumAlgorithm, CommonPrefix, EncodingType, ListObjectsInput, ListObjectsOutput,
    ListObjectsV2Input, ListObjectsV2Output, ObjectStorageClass,
};
use s3s::{S3Error, s3_error};

use super::buckets::{self, timestamp};
use super::error::StoreError;
use super::objects::{self, Object};
use super::store::Store;

/// Keys a page holds at most.
const PAGE_KEYS: i32 = 1000;

/// Which keys are wanted.
struct Query<'a> {
    bucket: &'a str,
    prefix: &'a str,
    delimiter: Option<&'a str>,
    /// Keys up to this one, or up to everything rolled up into it, are not wanted.
    after: Option<&'a str>,
    limit: usize,
}

/// One page of a listing.
#[derive(Debug, Default)]
struct Page {
    objects: Vec<Object>,
    common_prefixes: Vec<String>,
    /// Key or common prefix that is last on this page, if there are more.
    next: Option<String>,
}

/// What became of one key.
enum Step {
    Listed,
    RolledUp(String),
    Full,
}

impl Query<'_> {
    fn page(&self, connection: &Connection) -> Result<Page, StoreError> {
        let mut page = Page::default();
        if self.limit == 0 {
            return Ok(page);
        }
        let beyond = (!self.prefix.is_empty()).then(|| successor(self.prefix)).flatten();
        let mut from = self.start();
        let mut last = None;
        while let Some(start) = from.take() {
            objects::scan(connection, self.bucket, &start, beyond.as_deref(), |object| {
                match self.step(&mut page, &mut last, object) {
                    Step::Listed => true,
                    // Everything under the common prefix is skipped, not read.
                    Step::RolledUp(prefix) => {
                        from = successor(&prefix);
                        false
                    }
                    Step::Full => {
                        page.next = last.take();
                        false
                    }
                }
            })?;
        }
        Ok(page)
    }

    fn step(&self, page: &mut Page, last: &mut Option<String>, object: Object) -> Step {
        if page.objects.len() + page.common_prefixes.len() == self.limit {
            return Step::Full;
        }
        if let Some(prefix) = self.common_prefix(&object.key).map(str::to_owned) {
            page.common_prefixes.push(prefix.clone());
            *last = Some(prefix.clone());
            return Step::RolledUp(prefix);
        }
        *last = Some(object.key.clone());
        page.objects.push(object);
        Step::Listed
    }

    /// The first key that may be listed.
    fn start(&self) -> Option<String> {
        let Some(after) = self.after.filter(|after| *after >= self.prefix) else {
            return Some(self.prefix.to_owned());
        };
        if self.common_prefix(after) == Some(after) {
            return successor(after);
        }
        Some(format!("{after}\0"))
    }

    /// What `key` is rolled up into: its prefix up to and with the first delimiter.
    fn common_prefix<'k>(&self, key: &'k str) -> Option<&'k str> {
        let delimiter = self.delimiter.filter(|delimiter| !delimiter.is_empty())?;
        let rest = key.strip_prefix(self.prefix)?;
        let end = self.prefix.len() + rest.find(delimiter)? + delimiter.len();
        Some(&key[..end])
    }
}

/// The first text that sorts after everything that begins with `prefix`.
fn successor(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        let next = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32);
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

impl Store {
    pub(crate) fn list_objects_v2(
        &self,
        input: ListObjectsV2Input,
    ) -> Result<ListObjectsV2Output, StoreError> {
        let max_keys = input.max_keys.unwrap_or(PAGE_KEYS).clamp(0, PAGE_KEYS);
        let resumed = input.continuation_token.as_deref().map(after_token).transpose()?;
        let query = Query {
            bucket: &input.bucket,
            prefix: input.prefix.as_deref().unwrap_or_default(),
            delimiter: input.delimiter.as_deref(),
            after: resumed.as_deref().or(input.start_after.as_deref()),
            limit: usize::try_from(max_keys).unwrap_or_default(),
        };
        let page = self.page(&query)?;

        let names = Names::of(input.encoding_type.as_ref());
        let count = page.objects.len() + page.common_prefixes.len();
        Ok(ListObjectsV2Output {
            is_truncated: Some(page.next.is_some()),
            next_continuation_token: page.next.as_deref().map(token_after),
            contents: Some(page.objects.iter().map(|object| names.object(object)).collect()),
            common_prefixes: Some(names.prefixes(&page.common_prefixes)),
            key_count: i32::try_from(count).ok(),
            max_keys: Some(max_keys),
            prefix: Some(names.write(input.prefix.as_deref().unwrap_or_default())),
            delimiter: input.delimiter.as_deref().map(|text| names.write(text)),
            start_after: input.start_after.as_deref().map(|text| names.write(text)),
            continuation_token: input.continuation_token,
            encoding_type: input.encoding_type,
            name: Some(input.bucket),
            request_charged: None,
        })
    }

    pub(crate) fn list_objects(
        &self,
        input: ListObjectsInput,
    ) -> Result<ListObjectsOutput, StoreError> {
        let max_keys = input.max_keys.unwrap_or(PAGE_KEYS).clamp(0, PAGE_KEYS);
        let query = Query {
            bucket: &input.bucket,
            prefix: input.prefix.as_deref().unwrap_or_default(),
            delimiter: input.delimiter.as_deref(),
            after: input.marker.as_deref().filter(|marker| !marker.is_empty()),
            limit: usize::try_from(max_keys).unwrap_or_default(),
        };
        let page = self.page(&query)?;

        let names = Names::of(input.encoding_type.as_ref());
        Ok(ListObjectsOutput {
            is_truncated: Some(page.next.is_some()),
            next_marker: page.next.as_deref().map(|text| names.write(text)),
            contents: Some(page.objects.iter().map(|object| names.object(object)).collect()),
            common_prefixes: Some(names.prefixes(&page.common_prefixes)),
            max_keys: Some(max_keys),
            prefix: Some(names.write(input.prefix.as_deref().unwrap_or_default())),
            marker: Some(names.write(input.marker.as_deref().unwrap_or_default())),
            delimiter: input.delimiter.as_deref().map(|text| names.write(text)),
            encoding_type: input.encoding_type,
            name: Some(input.bucket),
            request_charged: None,
        })
    }

    fn page(&self, query: &Query<'_>) -> Result<Page, StoreError> {
        self.index.read(|connection| {
            buckets::require(connection, query.bucket)?;
            query.page(connection)
        })
    }
}

fn token_after(last: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(last)
}

fn after_token(token: &str) -> Result<String, S3Error> {
    BASE64_URL_SAFE_NO_PAD
        .decode(token)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| s3_error!(InvalidArgument, "the continuation token is not one of ours"))
}

/// How names are written in an answer: as they are, or encoded, because XML cannot hold every key.
#[derive(Clone, Copy)]
pub(crate) struct Names {
    encoded: bool,
}

const KEPT: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'/');

impl Names {
    pub(crate) fn of(encoding: Option<&EncodingType>) -> Self {
        Self { encoded: encoding.is_some_and(|encoding| encoding.as_str() == EncodingType::URL) }
    }

    pub(crate) fn write(self, name: &str) -> String {
        if self.encoded { utf8_percent_encode(name, &KEPT).to_string() } else { name.to_owned() }
    }

    fn prefixes(self, prefixes: &[String]) -> Vec<CommonPrefix> {
        prefixes.iter().map(|prefix| CommonPrefix { prefix: Some(self.write(prefix)) }).collect()
    }

    fn object(self, object: &Object) -> s3s::dto::Object {
        let algorithm = object
            .checksum
            .as_ref()
            .map(|checksum| vec![ChecksumAlgorithm::from_static(checksum.algorithm.name())]);
        s3s::dto::Object {
            key: Some(self.write(&object.key)),
            size: Some(object.length()),
            e_tag: Some(object.e_tag()),
            last_modified: Some(timestamp(object.modified_ms)),
            checksum_algorithm: algorithm,
            storage_class: Some(ObjectStorageClass::from_static(ObjectStorageClass::STANDARD)),
            ..s3s::dto::Object::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_successor_sorts_after_everything_with_the_prefix() {
        assert_eq!(successor("a/").as_deref(), Some("a0"));
        assert_eq!(successor("\u{d7ff}").as_deref(), Some("\u{e000}"));
        assert_eq!(successor("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(successor("\u{10ffff}"), None);
        assert!(successor("é").expect("a successor").as_str() > "é\u{10ffff}");
    }

    #[test]
    fn a_foreign_continuation_token_is_refused() {
        assert_eq!(after_token(&token_after("a b/é")).expect("ours"), "a b/é");
        assert!(after_token("%%%").is_err());
    }
}
