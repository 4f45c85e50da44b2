//! Fetching clips.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::once;
use futures::{Stream, StreamExt as _};
use http::header::{IF_RANGE, RANGE};

use super::denied;
use crate::asked::Asked;
use crate::order::State;
use crate::providers::{Providers, now};
use crate::reply::Reply;
use crate::switches::Download;

/// How long hyper has to write what it holds: a body that ends early makes it drop the rest.
const FLUSH: Duration = Duration::from_millis(50);

/// A clip, or what is sent in its place.
pub(crate) fn answer(providers: &Arc<Providers>, asked: &Asked) -> Reply {
    if let Some(refusal) = providers.links.refusal(asked) {
        return refusal;
    }
    if let Some(refusal) = gone(providers, asked) {
        return refusal;
    }
    let file = providers.file(asked.provider);
    let size = file.size_bytes();
    let asked_for =
        asked.header(RANGE).filter(|_| asked.header(IF_RANGE).is_none_or(|etag| etag == file.etag));
    let range = match asked_for.map(|text| range(text, size)) {
        Some(Some(range)) if range.is_empty() => {
            return denied(416, "There is no such range")
                .header("content-range", &format!("bytes */{size}"));
        }
        Some(Some(range)) => Some(range),
        Some(None) | None => None,
    };
    match next(providers, asked) {
        Download::Html => page(),
        Download::Expired { status, expire_first } if expires(providers, asked, expire_first) => {
            denied(status, "The URL expired")
        }
        mode => send(&file, range.as_ref(), mode),
    }
}

/// What is sent of the file in this mode, with the head that goes with it.
pub(crate) fn send(file: &super::file::File, range: Option<&Range<u64>>, mode: Download) -> Reply {
    let size = file.size_bytes();
    let status = if range.is_some() { 206 } else { 200 };
    let part = range.cloned().unwrap_or(0..size);
    let half = part.start..part.start + (part.end - part.start) / 2;
    let (declared, sent) = match mode {
        Download::Truncated => (part.end - part.start, half),
        Download::WrongLength => (half.end - half.start, half),
        _ => (part.end - part.start, part.clone()),
    };
    let ends_early = sent.end - sent.start < declared;
    let linger = if ends_early { FLUSH } else { Duration::ZERO };
    let reply = Reply::stream(status, declared, lingering(file.pieces(sent), linger))
        .header("content-type", "video/mp4")
        .header("accept-ranges", "bytes")
        .header("etag", &file.etag);
    match range {
        Some(_) => {
            reply.header("content-range", &format!("bytes {}-{}/{size}", part.start, part.end - 1))
        }
        None => reply,
    }
}

/// The pieces, and an end that comes so much later.
fn lingering(
    pieces: impl Stream<Item = io::Result<Bytes>>,
    linger: Duration,
) -> impl Stream<Item = io::Result<Bytes>> {
    let end = once(async move { tokio::time::sleep(linger).await }).filter_map(async |()| None);
    pieces.chain(end)
}

pub(crate) fn page() -> Reply {
    let page = "<!doctype html><title>Sign in</title><p>Sign in to continue.</p>";
    Reply::text(200, page).header("content-type", "text/html; charset=utf-8")
}

/// Refuses what is not there, and what has expired.
fn gone(providers: &Providers, asked: &Asked) -> Option<Reply> {
    let (id, signature) = (id(asked), asked.query("sig").unwrap_or_default());
    let mut books = providers.books(asked.provider);
    let entry = books.entry(&id, now()).filter(|entry| entry.order.state == State::Succeeded);
    let Some(entry) = entry else { return Some(denied(404, "There is no such file")) };
    entry.dead_urls.contains(&signature).then(|| expired(books.switches.download))
}

fn expired(download: Download) -> Reply {
    let status = if let Download::Expired { status, .. } = download { status } else { 403 };
    denied(status, "The URL expired")
}

/// Lets the URL expire, if there is one left that may; tells whether it has.
fn expires(providers: &Providers, asked: &Asked, most: Option<u32>) -> bool {
    let signature = asked.query("sig").unwrap_or_default();
    let mut books = providers.books(asked.provider);
    let entry = books.entry(&id(asked), now());
    entry.is_some_and(|entry| entry.expire(&signature, most))
}

/// What this download gets. Asking for the head alone uses nothing up.
fn next(providers: &Providers, asked: &Asked) -> Download {
    let mut books = providers.books(asked.provider);
    if asked.method == http::Method::HEAD { Download::Whole } else { books.next_download() }
}

fn id(asked: &Asked) -> String {
    let name = asked.segments.last().cloned().unwrap_or_default();
    name.strip_suffix(".mp4").unwrap_or_default().to_owned()
}

/// One range of a file of so many bytes; empty if it lies outside, none if it is no range.
fn range(text: &str, size: u64) -> Option<Range<u64>> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    if first.is_empty() {
        let tail: u64 = last.parse().ok()?;
        return Some(size.saturating_sub(tail)..size);
    }
    let first: u64 = first.parse().ok()?;
    let end = if last.is_empty() { size } else { last.parse::<u64>().ok()?.saturating_add(1) };
    Some(first..end.min(size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_have_their_ends() {
        let ranges =
            ["bytes=0-3", "bytes=4-", "bytes=-2", "bytes=8-99"].map(|text| range(text, 10));

        assert_eq!(ranges, [Some(0..4), Some(4..10), Some(8..10), Some(8..10)]);
        assert!(range("bytes=10-", 10).is_some_and(|range| range.is_empty()));
        assert_eq!(range("lines=0-3", 10), None);
    }
}
