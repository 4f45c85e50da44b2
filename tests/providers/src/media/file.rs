//! A file that is sent, in pieces and without holding it.

use std::io;
use std::ops::Range;

use bytes::Bytes;
use futures::Stream;
use futures::stream::{iter, unfold};
use sha2::{Digest as _, Sha256};

use super::hex;

/// Bytes that are sent at once.
const PIECE_BYTES: u64 = 64 * 1024;
/// The content of a sized file repeats after so many bytes.
const PERIOD: u64 = 251;

/// A file that is sent.
#[derive(Clone, Debug)]
pub(crate) struct File {
    content: Content,
    pub(crate) etag: String,
}

/// What is in it.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    Clip(Bytes),
    Sized(u64),
}

impl File {
    pub(crate) fn new(content: Content) -> Self {
        let etag = match &content {
            Content::Clip(bytes) => format!("\"{}\"", hex(&Sha256::digest(bytes)[..16])),
            Content::Sized(size_bytes) => format!("\"sized-{size_bytes}\""),
        };
        Self { content, etag }
    }

    pub(crate) fn size_bytes(&self) -> u64 {
        match &self.content {
            Content::Clip(bytes) => bytes.len() as u64,
            Content::Sized(size_bytes) => *size_bytes,
        }
    }

    /// These bytes of it, piece by piece.
    pub(crate) fn pieces(
        &self,
        range: Range<u64>,
    ) -> impl Stream<Item = io::Result<Bytes>> + use<> {
        let content = self.content.clone();
        let pieces = unfold(range, move |rest| {
            let content = content.clone();
            async move {
                let end = rest.end.min(rest.start + PIECE_BYTES);
                (rest.start < end).then(|| (iter(content.slice(rest.start..end)), end..rest.end))
            }
        });
        futures::StreamExt::flatten(pieces)
    }
}

impl Content {
    fn slice(&self, range: Range<u64>) -> Option<io::Result<Bytes>> {
        match self {
            Self::Clip(bytes) => {
                let from = usize::try_from(range.start).ok()?;
                let to = usize::try_from(range.end).ok()?.min(bytes.len());
                (from < to).then(|| Ok(bytes.slice(from..to)))
            }
            Self::Sized(_) => Some(Ok(sized_content(range).into())),
        }
    }
}

/// The bytes that stand in this range of a sized download: each is its offset modulo 251.
pub fn sized_content(range: Range<u64>) -> Vec<u8> {
    range.map(|offset| u8::try_from(offset % PERIOD).unwrap_or(0)).collect()
}
