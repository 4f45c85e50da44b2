//! Content that is stored as it arrives, and content that is removed.

use bytes::Bytes;
use futures::StreamExt;
use ports::{ByteStream, ObjectStore, Source, StoreError};

use super::{Suite, meta};

/// What one item of a stream holds: no divisor of any part of an upload.
const CHUNK: usize = 1_000_003;
/// More than two parts of an upload hold.
const LARGE: usize = 20 * 1024 * 1024;

/// Content of so many bytes, the same everywhere and with no period that a part could hide.
fn content(size: usize) -> Vec<u8> {
    (0..size).map(|at| u8::try_from((at + at / 65_521) % 251).unwrap_or_default()).collect()
}

fn chunks(content: &[u8]) -> Vec<Result<Bytes, Source>> {
    content.chunks(CHUNK).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect()
}

fn whole(content: &[u8]) -> ByteStream {
    futures::stream::iter(chunks(content)).boxed()
}

/// Yields `content` and breaks.
fn broken(content: &[u8]) -> ByteStream {
    let mut chunks = chunks(content);
    chunks.push(Err("connection reset".into()));
    futures::stream::iter(chunks).boxed()
}

impl<S: ObjectStore> Suite<'_, S> {
    pub(super) async fn what_a_stream_yields_is_stored_whatever_its_size(&self) {
        let meta = meta("video/mp4", &[("attempt", "1"), ("title", "S%C3%A3o")]);
        for size in [0, 1, CHUNK * 3, 8 * 1024 * 1024, LARGE] {
            let (key, content) = (self.key(&format!("streamed {size}")), content(size));
            self.put(&key, b"what was there before").await;

            let stored = self.store.put_stream(&key, whole(&content), &meta).await.expect("put");

            let head = self.store.head(&key).await.expect("head").expect("there");
            assert_eq!((stored, head.size_bytes), (size as u64, size as u64));
            assert_eq!(head.meta, meta);
            assert!(!head.etag.is_empty() && !head.etag.contains('"'), "etag {:?}", head.etag);
            assert!(self.get(&key).await == content, "{size} bytes have changed");
        }
        let copy = self.key("copy of a stream");
        self.store.copy(&self.key(&format!("streamed {LARGE}")), &copy, None).await.expect("copy");
        let head = self.store.head(&copy).await.expect("head").expect("there");
        assert_eq!((head.size_bytes, head.meta), (LARGE as u64, meta));
    }

    pub(super) async fn a_stream_that_breaks_leaves_what_was_there(&self) {
        let meta = meta("video/mp4", &[]);
        for size in [0, CHUNK, LARGE] {
            let (kept, new) = (self.key("kept"), self.key("never there"));
            self.put(&kept, b"earlier").await;

            for key in [&kept, &new] {
                let put = self.store.put_stream(key, broken(&content(size)), &meta).await;
                let broke_off = matches!(&put, Err(StoreError::Content { key: k, .. }) if k == key);
                assert!(broke_off, "{size} bytes: {put:?}");
            }

            assert_eq!(self.get(&kept).await, b"earlier");
            assert_eq!(self.store.head(&new).await.expect("head"), None);
            assert_eq!(self.list("never", None).await, []);
        }
    }

    pub(super) async fn what_was_deleted_is_not_there(&self) {
        let (key, beside) = (self.key("deleted a+b/é%2F.mp4"), self.key("deleted a+b/é/.mp4"));
        self.put(&key, b"content").await;
        self.put(&beside, b"beside it").await;

        self.store.delete(&key).await.expect("delete");
        self.store.delete(&key).await.expect("delete what is gone");
        self.store.delete(&self.key("was never there")).await.expect("delete nothing");

        assert_eq!(self.store.head(&key).await.expect("head"), None);
        assert_eq!(self.list("deleted", None).await, std::slice::from_ref(&beside));
        assert_eq!(self.get(&beside).await, b"beside it");
        self.put(&key, b"again").await;
        assert_eq!(self.get(&key).await, b"again");
    }
}
