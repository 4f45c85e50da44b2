mod streams;

use std::collections::HashMap;
use std::path::Path;

use domain::ObjectKey;
use futures::future::join_all;
use ports::{Content, ObjectMeta, ObjectStore, StoreError};

use super::unique;

/// Most objects in one listing.
const PAGE: usize = 1000;

/// Where encodings go wrong. Keys are names and not paths: none of these is another.
const ODD: [&str; 14] = [
    "a b+c/é%2F.json",
    "a b c/é%2F.json",
    "a%20b+c/é%252F.json",
    "x/y",
    "x//y",
    "x/./y",
    "x/../y",
    "dir",
    "dir/",
    "dir/in it",
    "q?a=1&b=2#c;d:e@f,g$h!i'j(k)l*m~n",
    "<k>&amp;\"q\"",
    "日本/🏝",
    "Case/case",
];

/// Asserts the promises of [`ObjectStore`].
///
/// # Panics
/// On the first broken promise.
pub async fn object_store(store: &impl ObjectStore) {
    let work = tempfile::tempdir().expect("a folder");
    let suite = Suite { store, prefix: format!("conformance/{}/", unique()), work: work.path() };

    suite.what_is_not_there_is_not_found().await;
    suite.what_was_put_is_read_by_the_next_call().await;
    suite.an_overwrite_takes_the_place_of_all_that_was_there().await;
    suite.nothing_is_read_past_the_limit().await;
    suite.content_goes_from_file_to_file().await;
    suite.a_failed_put_leaves_the_earlier_object().await;
    suite.a_copy_takes_along_what_went_with_it().await;
    suite.a_copy_can_be_given_something_else_to_go_with_it().await;
    suite.keys_are_names_and_not_paths().await;
    suite.a_listing_is_in_order_and_goes_on_after_a_key().await;
    suite.no_reader_sees_half_an_object().await;
    suite.what_a_stream_yields_is_stored_whatever_its_size().await;
    suite.a_stream_that_breaks_leaves_what_was_there().await;
    suite.what_was_deleted_is_not_there().await;
}

/// Asserts that a listing of `count` objects comes in pages of 1000 at most, none left out. Worth
/// its time with more than 1000.
///
/// # Panics
/// On the first broken promise.
pub async fn object_store_pages(store: &impl ObjectStore, count: usize) {
    let prefix = format!("conformance/{}/", unique());
    let suite = Suite { store, prefix: prefix.clone(), work: Path::new(".") };
    let keys: Vec<_> = (0..count).map(|at| suite.key(&format!("{at:06}"))).collect();
    for some in keys.chunks(50) {
        join_all(some.iter().map(|key| suite.put(key, b"."))).await;
    }

    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let page = store.list(&prefix, after.as_ref()).await.expect("list");
        assert!(page.len() <= PAGE, "a page of {}", page.len());
        let Some(last) = page.last() else { break };
        after = Some(last.key.clone());
        listed.extend(page.into_iter().map(|object| object.key));
    }
    assert_eq!(listed, keys);
}

struct Suite<'a, S> {
    store: &'a S,
    prefix: String,
    work: &'a Path,
}

impl<S: ObjectStore> Suite<'_, S> {
    fn key(&self, name: &str) -> ObjectKey {
        ObjectKey::new(format!("{}{name}", self.prefix)).expect("a short name")
    }

    async fn put(&self, key: &ObjectKey, content: &[u8]) -> String {
        self.put_with(key, content, &meta("text/plain", &[])).await
    }

    async fn put_with(&self, key: &ObjectKey, content: &[u8], meta: &ObjectMeta) -> String {
        self.store.put(key, Content::Bytes(content), meta).await.expect("put")
    }

    async fn get(&self, key: &ObjectKey) -> Vec<u8> {
        self.store.get(key, u64::MAX).await.expect("get")
    }

    async fn what_is_not_there_is_not_found(&self) {
        let (key, to) = (self.key("missing a+b.jpg"), self.key("elsewhere"));
        let file = self.work.join("missing");
        let not_found =
            |answer: &StoreError| matches!(answer, StoreError::NotFound { key: k } if *k == key);

        let head = self.store.head(&key).await.expect("head");
        let got = self.store.get(&key, 10).await.expect_err("get");
        let fetched = self.store.fetch(&key, &file).await.expect_err("fetch");
        let copied = self.store.copy(&key, &to, None).await.expect_err("copy");

        assert_eq!(head, None);
        assert!(not_found(&got), "get: {got:?}");
        assert!(not_found(&fetched), "fetch: {fetched:?}");
        assert!(not_found(&copied), "copy: {copied:?}");
        assert_eq!(self.store.head(&to).await.expect("head"), None);
    }

    async fn what_was_put_is_read_by_the_next_call(&self) {
        let key = self.key("written");
        let meta = meta("image/jpeg", &[("property-id", "p 1"), ("title", "S%C3%A3o = 50%")]);

        let etag = self.put_with(&key, b"content", &meta).await;

        let head = self.store.head(&key).await.expect("head").expect("there");
        assert_eq!(self.get(&key).await, b"content");
        assert_eq!((head.size_bytes, &head.meta), (7, &meta));
        assert_eq!(head.etag, etag);
        assert!(!etag.is_empty() && !etag.contains('"'), "etag {etag:?}");
        assert!(head.stored_at.epoch_ms() > 0, "stored at the epoch");
    }

    async fn an_overwrite_takes_the_place_of_all_that_was_there(&self) {
        let key = self.key("overwritten");
        let first = self.put_with(&key, b"longer", &meta("text/plain", &[("old", "1")])).await;

        let second = self.put_with(&key, b"new", &meta("image/png", &[])).await;

        let head = self.store.head(&key).await.expect("head").expect("there");
        assert_eq!(self.get(&key).await, b"new");
        assert_eq!((head.size_bytes, head.meta), (3, meta("image/png", &[])));
        assert_eq!(head.etag, second);
        assert_ne!(first, second);
    }

    async fn nothing_is_read_past_the_limit(&self) {
        let (key, empty) = (self.key("limited"), self.key("empty"));
        self.put(&key, b"12345").await;
        self.put(&empty, b"").await;

        let over = self.store.get(&key, 4).await.expect_err("too large");

        assert!(
            matches!(&over, StoreError::TooLarge { key: k, limit_bytes: 4 } if *k == key),
            "{over:?}"
        );
        assert_eq!(self.store.get(&key, 5).await.expect("get"), b"12345");
        assert_eq!(self.store.get(&empty, 0).await.expect("get"), b"");
    }

    async fn content_goes_from_file_to_file(&self) {
        let (key, from, to) = (self.key("file"), self.work.join("from"), self.work.join("to"));
        let content: Vec<u8> = (0..300_000_u32).map(|at| (at % 251) as u8).collect();
        tokio::fs::write(&from, &content).await.expect("write");
        tokio::fs::write(&to, vec![0; content.len() * 2]).await.expect("write");

        let meta = meta("video/mp4", &[]);
        self.store.put(&key, Content::File(&from), &meta).await.expect("put");
        self.store.fetch(&key, &to).await.expect("fetch");

        let head = self.store.head(&key).await.expect("head").expect("there");
        assert_eq!((head.size_bytes, head.meta), (300_000, meta));
        assert!(tokio::fs::read(&to).await.expect("read") == content, "the content has changed");
    }

    async fn a_failed_put_leaves_the_earlier_object(&self) {
        let (key, gone) = (self.key("kept"), self.work.join("gone"));
        self.put(&key, b"earlier").await;

        let put = self.store.put(&key, Content::File(&gone), &ObjectMeta::default()).await;
        let fetch = self.store.fetch(&key, &self.work.join("no/such/folder")).await;

        assert!(matches!(&put, Err(StoreError::File { key: k, .. }) if *k == key), "put: {put:?}");
        assert!(matches!(&fetch, Err(StoreError::File { key: k, .. }) if *k == key), "{fetch:?}");
        assert_eq!(self.get(&key).await, b"earlier");
    }

    async fn a_copy_takes_along_what_went_with_it(&self) {
        let (from, to) = (self.key("from a+b/é%2F.mp4"), self.key("to a+b/é%2F.mp4"));
        let meta = meta("video/mp4", &[("render-id", "r1")]);
        self.put_with(&from, b"video", &meta).await;
        self.put(&to, b"what was there before").await;

        self.store.copy(&from, &to, None).await.expect("copy");

        for key in [&from, &to] {
            let head = self.store.head(key).await.expect("head").expect("there");
            assert_eq!((head.size_bytes, &head.meta), (5, &meta), "{key}");
            assert_eq!(self.get(key).await, b"video", "{key}");
        }
    }

    async fn a_copy_can_be_given_something_else_to_go_with_it(&self) {
        let (from, to) = (self.key("from.mp4"), self.key("to.mp4"));
        let before = meta("video/mp4", &[("render-id", "r1"), ("trace-id", "t1")]);
        let after = meta("video/quicktime", &[("trace-id", "t2")]);
        self.put_with(&from, b"video", &before).await;

        self.store.copy(&from, &to, Some(&after)).await.expect("copy");

        for (key, meta) in [(&from, &before), (&to, &after)] {
            let head = self.store.head(key).await.expect("head").expect("there");
            assert_eq!((head.size_bytes, &head.meta), (5, meta), "{key}");
        }
    }

    async fn keys_are_names_and_not_paths(&self) {
        let long = "long/".to_owned() + &"é".repeat(450);
        let names: Vec<_> =
            ODD.into_iter().chain([&*long]).map(|name| format!("odd/{name}")).collect();
        for name in &names {
            self.put(&self.key(name), name.as_bytes()).await;
        }

        for name in &names {
            let key = self.key(name);
            let head = self.store.head(&key).await.expect("head");
            assert_eq!(head.map(|head| head.size_bytes), Some(name.len() as u64), "{name}");
            assert_eq!(self.get(&key).await, name.as_bytes(), "{name}");
        }
        let mut expected: Vec<_> = names.iter().map(|name| self.key(name)).collect();
        expected.sort();
        assert_eq!(self.list("odd/", None).await, expected);
    }

    async fn a_listing_is_in_order_and_goes_on_after_a_key(&self) {
        for name in ["list/b", "list/a", "list/é", "list/a/1", "list/B", "list2"] {
            self.put(&self.key(name), b"content").await;
        }
        let names = ["list/B", "list/a", "list/a/1", "list/b", "list/é"].map(|name| self.key(name));

        let all = self.store.list(&format!("{}list/", self.prefix), None).await.expect("list");

        assert_eq!(self.list("list/", None).await, names);
        assert_eq!(self.list("list/", Some("list/a")).await, names[2..]);
        assert_eq!(self.list("list/", Some("list/aa")).await, names[3..]);
        assert_eq!(self.list("list/", Some("list/é")).await, []);
        assert_eq!(self.list("nothing/", None).await, []);
        for listed in all {
            let head = self.store.head(&listed.key).await.expect("head").expect("there");
            assert_eq!((listed.size_bytes, listed.etag), (head.size_bytes, head.etag));
            // One of the two may be told in whole seconds.
            let apart = listed.stored_at.epoch_ms().abs_diff(head.stored_at.epoch_ms());
            assert!(apart <= 1_000, "stored {apart} ms apart");
        }
    }

    async fn no_reader_sees_half_an_object(&self) {
        let key = &self.key("contested");
        let contents = [vec![b'a'; 100_000], vec![b'b'; 150_000]];
        self.put(key, &contents[0]).await;

        let write = async |content: &[u8]| {
            for _ in 0..10 {
                self.put(key, content).await;
            }
        };
        let read = async || {
            for _ in 0..20 {
                let seen = self.get(key).await;
                assert!(contents.contains(&seen), "a mixture of {} bytes", seen.len());
            }
        };
        let writers = [&contents[0], &contents[1]].map(|content| Box::pin(write(content)));
        let readers = [Box::pin(read()), Box::pin(read())];
        futures::join!(join_all(writers), join_all(readers));
    }

    async fn list(&self, prefix: &str, after: Option<&str>) -> Vec<ObjectKey> {
        let prefix = format!("{}{prefix}", self.prefix);
        let after = after.map(|name| self.key(name));
        let listed = self.store.list(&prefix, after.as_ref()).await.expect("list");
        listed.into_iter().map(|object| object.key).collect()
    }
}

fn meta(content_type: &str, user: &[(&str, &str)]) -> ObjectMeta {
    let user = user.iter().map(|&(name, value)| (name.to_owned(), value.to_owned()));
    let user: HashMap<_, _> = user.collect();
    ObjectMeta { content_type: content_type.to_owned(), user }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::InMemoryStore;

    #[tokio::test]
    async fn objects_in_memory() {
        object_store(&InMemoryStore::default()).await;
        object_store_pages(&InMemoryStore::default(), 2_001).await;
    }
}
