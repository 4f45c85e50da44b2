//! Reading objects.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use s3s::dto::{
    ChecksumType, GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput, PartNumber,
    StreamingBlob,
};
use s3s::{Body, S3Error, S3ErrorCode, s3_error};
use tokio::io::AsyncReadExt;
use tokio_util::io::ReaderStream;

use super::buckets::{self, timestamp};
use super::checksum::set_checksum;
use super::conditions::{ReadConditions, read_conditions};
use super::error::StoreError;
use super::objects::{self, Object, length};
use super::store::{Store, blocking};

/// Objects up to this size are read in one piece.
const WHOLE_BYTES: u64 = 256 * 1024;

/// How often a read starts again because the object was replaced before its file was opened.
const ATTEMPTS: usize = 8;

impl Store {
    /// The object at `key`.
    pub(crate) fn object(&self, bucket: &str, key: &str) -> Result<Object, StoreError> {
        self.index.read(|connection| {
            if let Some(object) = objects::find(connection, bucket, key)? {
                return Ok(object);
            }
            buckets::require(connection, bucket)?;
            Err(s3_error!(NoSuchKey, "there is no object at {key}").into())
        })
    }

    /// The object at `key` with its file, opened; a later overwrite does not change either.
    pub(crate) fn open_object(
        &self,
        bucket: &str,
        key: &str,
    ) -> Result<(Object, File), StoreError> {
        let mut attempts = ATTEMPTS;
        loop {
            attempts -= 1;
            let object = self.object(bucket, key)?;
            match self.content.open_file(&object.content) {
                Ok(file) => return Ok((object, file)),
                Err(error) if error.kind() == io::ErrorKind::NotFound && attempts > 0 => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// What is known about an object, without its bytes.
    pub(crate) fn head_object(
        &self,
        input: &HeadObjectInput,
    ) -> Result<HeadObjectOutput, StoreError> {
        let object = self.object(&input.bucket, &input.key)?;
        let selection = Selection::new(&object, input.range, input.part_number)?;
        read_conditions!(input).check(&object)?;
        let mut output = HeadObjectOutput::default();
        describe!(output, object, selection, input.checksum_mode.is_some());
        Ok(output)
    }
}

/// Fills the fields that `GetObject` and `HeadObject` have in common.
macro_rules! describe {
    ($output:expr, $object:expr, $selection:expr, $with_checksum:expr) => {
        $output.accept_ranges = Some("bytes".to_owned());
        $output.content_length = Some($selection.length());
        $output.content_range = $selection.content_range();
        $output.parts_count = $selection.parts_count;
        $output.e_tag = Some($object.e_tag());
        $output.last_modified = Some(timestamp($object.modified_ms));
        $output.metadata = $object.headers.metadata();
        if $with_checksum && !$selection.partial {
            set_checksum!($output, &$object.checksum);
            $output.checksum_type = $object
                .checksum
                .as_ref()
                .map(|checksum| ChecksumType::from_static(checksum.coverage.name()));
        }
        $output.cache_control = $object.headers.cache_control;
        $output.content_disposition = $object.headers.content_disposition;
        $output.content_encoding = $object.headers.content_encoding;
        $output.content_language = $object.headers.content_language;
        $output.content_type = $object.headers.content_type;
        $output.expires = $object.headers.expires;
        $output.website_redirect_location = $object.headers.website_redirect_location;
    };
}
use describe;

/// Which bytes of an object are wanted.
struct Selection {
    bytes: Range<u64>,
    full: u64,
    partial: bool,
    parts_count: Option<i32>,
}

impl Selection {
    fn new(
        object: &Object,
        range: Option<s3s::dto::Range>,
        part: Option<PartNumber>,
    ) -> Result<Self, S3Error> {
        let full = object.size;
        let parts_count =
            object.part_sizes.as_ref().and_then(|sizes| i32::try_from(sizes.len()).ok());
        match (range, part) {
            (Some(_), Some(_)) => {
                Err(s3_error!(InvalidRequest, "a range and a part number exclude each other"))
            }
            (Some(range), None) => {
                let bytes = range.check(full).map_err(|_| unsatisfiable(full))?;
                Ok(Self { bytes, full, partial: true, parts_count: None })
            }
            (None, Some(number)) => {
                let bytes = part_range(object, number).ok_or_else(no_such_part)?;
                Ok(Self { bytes, full, partial: object.part_sizes.is_some(), parts_count })
            }
            (None, None) => Ok(Self { bytes: 0..full, full, partial: false, parts_count: None }),
        }
    }

    fn size(&self) -> u64 {
        self.bytes.end - self.bytes.start
    }

    fn length(&self) -> i64 {
        length(self.size())
    }

    fn content_range(&self) -> Option<String> {
        let Range { start, end } = self.bytes;
        (self.partial && end > start).then(|| format!("bytes {start}-{}/{}", end - 1, self.full))
    }
}

fn part_range(object: &Object, number: PartNumber) -> Option<Range<u64>> {
    let position = usize::try_from(number).ok()?.checked_sub(1)?;
    let whole = [object.size];
    let sizes = object.part_sizes.as_deref().unwrap_or(&whole);
    let size = sizes.get(position)?;
    let start = sizes[..position].iter().sum();
    Some(start..start + size)
}

fn no_such_part() -> S3Error {
    let mut refusal = S3Error::new(S3ErrorCode::Custom("InvalidPartNumber".into()));
    refusal.set_status_code(StatusCode::RANGE_NOT_SATISFIABLE);
    refusal
}

fn unsatisfiable(full: u64) -> S3Error {
    let mut refusal = s3_error!(InvalidRange, "the object has {full} bytes");
    if let Ok(range) = format!("bytes */{full}").parse() {
        refusal.set_headers([(http::header::CONTENT_RANGE, range)].into_iter().collect());
    }
    refusal
}

/// Returns an object or a range of it, as a stream if it is long.
pub(crate) async fn get_object(
    store: &Arc<Store>,
    input: GetObjectInput,
) -> Result<GetObjectOutput, StoreError> {
    let store = Arc::clone(store);
    let conditions = read_conditions!(input);
    let with_checksum = input.checksum_mode.is_some();
    let (object, selection, bytes) = blocking(move || select(&store, &input, &conditions)).await?;

    let body = match bytes {
        Selected::Whole(bytes) => StreamingBlob::from(Body::from(bytes)),
        Selected::Open(file) => stream(file, selection.size()),
    };
    let mut output = GetObjectOutput { body: Some(body), ..GetObjectOutput::default() };
    describe!(output, object, selection, with_checksum);
    Ok(output)
}

enum Selected {
    Whole(Bytes),
    Open(File),
}

fn select(
    store: &Store,
    input: &GetObjectInput,
    conditions: &ReadConditions,
) -> Result<(Object, Selection, Selected), StoreError> {
    let (object, mut file) = store.open_object(&input.bucket, &input.key)?;
    conditions.check(&object)?;
    let selection = Selection::new(&object, input.range, input.part_number)?;
    file.seek(SeekFrom::Start(selection.bytes.start))?;
    if selection.size() > WHOLE_BYTES {
        return Ok((object, selection, Selected::Open(file)));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(selection.size()).unwrap_or_default());
    file.take(selection.size()).read_to_end(&mut bytes)?;
    Ok((object, selection, Selected::Whole(bytes.into())))
}

fn stream(file: File, size: u64) -> StreamingBlob {
    let file = tokio::fs::File::from_std(file).take(size);
    StreamingBlob::wrap(ReaderStream::with_capacity(file, 128 * 1024))
}
