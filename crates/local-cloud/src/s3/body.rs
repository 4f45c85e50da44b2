//! The body of an upload on its way into a content file: hashed while it passes, never held whole.

use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::StreamingBlob;
use s3s::{S3Error, S3ErrorCode, StdError, s3_error};

use super::checksum::{Algorithm, Checksum, Claims, Coverage, Hasher, hex};
use super::content::Draft;
use super::error::StoreError;
use super::store::{Store, blocking};

/// Bytes that are gathered before a thread is asked to hash and write them.
const GATHER_BYTES: usize = 512 * 1024;

/// A complete content file with what is known about its bytes.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) draft: Draft,
    pub(crate) size: u64,
    pub(crate) md5: [u8; 16],
    pub(crate) checksum: Checksum,
}

impl Received {
    /// The `ETag` of bytes that came in one piece.
    pub(crate) fn etag(&self) -> String {
        hex(&self.md5)
    }
}

/// A content file being written.
pub(crate) struct Writer {
    draft: Draft,
    file: File,
    size: u64,
    md5: Md5,
    algorithm: Algorithm,
    hasher: Hasher,
}

impl Writer {
    /// Begins a content file.
    pub(crate) fn new(store: &Store, algorithm: Algorithm) -> io::Result<Self> {
        let (draft, file) = store.content.draft()?;
        let hasher = Hasher::new(algorithm);
        Ok(Self { draft, file, size: 0, md5: Md5::new(), algorithm, hasher })
    }

    /// Appends `data`.
    pub(crate) fn write(&mut self, data: &[u8]) -> io::Result<()> {
        self.md5.update(data);
        self.hasher.update(data);
        self.size += data.len() as u64;
        self.file.write_all(data)
    }

    /// Appends everything `source` has.
    pub(crate) fn copy(&mut self, mut source: impl Read) -> io::Result<()> {
        let mut buffer = vec![0; GATHER_BYTES];
        loop {
            match source.read(&mut buffer)? {
                0 => return Ok(()),
                count => self.write(&buffer[..count])?,
            }
        }
    }

    /// Closes the file: what is returned is complete on disk as far as a killed process can tell.
    pub(crate) fn finish(self) -> Received {
        let value = self.hasher.finish();
        Received {
            draft: self.draft,
            size: self.size,
            md5: self.md5.finalize(),
            checksum: Checksum { algorithm: self.algorithm, value, coverage: Coverage::FullObject },
        }
    }
}

/// A body of which everything has come; its last bytes are not written yet.
///
/// They are written by [`Arrived::settle`] on the thread that also commits, so that a small upload
/// changes threads once.
pub(crate) struct Arrived {
    writer: Option<Writer>,
    rest: Vec<Bytes>,
    algorithm: Algorithm,
    claims: Claims,
}

/// Takes a body to its end.
pub(crate) async fn receive(
    store: &Arc<Store>,
    body: Option<StreamingBlob>,
    claims: Claims,
    algorithm: Algorithm,
) -> Result<Arrived, StoreError> {
    let mut arrived = Arrived { writer: None, rest: Vec::new(), algorithm, claims };
    let Some(mut body) = body else {
        return Ok(arrived);
    };
    let mut gathered = 0;
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|error| refusal(&error))?;
        gathered += chunk.len();
        arrived.rest.push(chunk);
        if gathered >= GATHER_BYTES {
            gathered = 0;
            let store = Arc::clone(store);
            arrived = blocking(move || arrived.write_rest(&store)).await?;
        }
    }
    Ok(arrived)
}

/// Takes a body to its end and forgets it, so that the client hears the refusal that follows.
pub(crate) async fn discard(body: Option<StreamingBlob>) {
    let Some(mut body) = body else {
        return;
    };
    while let Some(Ok(_)) = body.next().await {}
}

impl Arrived {
    fn write_rest(mut self, store: &Store) -> Result<Self, StoreError> {
        let mut writer = match self.writer.take() {
            Some(writer) => writer,
            None => Writer::new(store, self.algorithm)?,
        };
        for chunk in self.rest.drain(..) {
            writer.write(&chunk)?;
        }
        self.writer = Some(writer);
        Ok(self)
    }

    /// Writes the rest and compares what came with what the client said about it.
    pub(crate) fn settle(self, store: &Store) -> Result<Received, StoreError> {
        let Self { writer, claims, .. } = self.write_rest(store)?;
        let received = match writer {
            Some(writer) => writer.finish(),
            None => Writer::new(store, Algorithm::Crc64Nvme)?.finish(),
        };
        claims.check(received.size, &received.md5, &received.checksum)?;
        Ok(received)
    }
}

/// What the client is told when its body breaks off. The protocol layer checks hashes and signatures
/// of the stream and keeps the types of these errors to itself, hence the look at their text.
fn refusal(error: &StdError) -> S3Error {
    let text = error.to_string();
    if text.contains("Sha256Mismatch") {
        let code = S3ErrorCode::Custom("XAmzContentSHA256Mismatch".into());
        let mut refusal = S3Error::with_message(code, "the payload did not match its SHA-256");
        refusal.set_status_code(http::StatusCode::BAD_REQUEST);
        refusal
    } else if text.contains("SignatureMismatch") {
        s3_error!(SignatureDoesNotMatch)
    } else {
        s3_error!(IncompleteBody, "the body ended too early: {text}")
    }
}
