use std::time::Duration;

use domain::ObjectKey;
use ports::{Bound, ObjectStore, Presigned, StoreError, StoredPart, UploadName, Uploads};

use super::unique;
use crate::samples;

/// How long requests are good for.
const EXPIRES: Duration = Duration::from_mins(1);
/// What a stranger uploads.
const PHOTO: &[u8] = b"a photo";
/// The smallest part that may be followed by another, in bytes.
///
/// Source: Amazon S3 User Guide, "Amazon S3 multipart upload limits".
const PART_BYTES: usize = 5 * 1024 * 1024;

/// Asserts the promises of [`Uploads`]. `send` makes a request in the name of a stranger, from its
/// method, what was signed and a body, and tells the status and the body of the answer; the length of
/// the body is its `content-length`.
///
/// # Panics
/// On the first broken promise.
pub async fn uploads(
    store: &(impl ObjectStore + Uploads),
    send: impl AsyncFn(&'static str, Presigned, Vec<u8>) -> (u16, Vec<u8>),
) {
    let suite = Suite { store, send };
    suite.an_upload_is_taken_and_can_be_downloaded().await;
    suite.parts_become_an_object_once().await;
    suite.an_upload_in_parts_can_be_given_up().await;
}

/// Asserts that what was signed for [`Uploads`] is all that a stranger may do, and that nothing is
/// stored otherwise. How long it may be done is left to whoever has the clock. `send` is as for [`uploads`].
///
/// # Panics
/// On the first broken promise.
pub async fn uploads_are_bound(
    store: &(impl ObjectStore + Uploads),
    send: impl AsyncFn(&'static str, Presigned, Vec<u8>) -> (u16, Vec<u8>),
) {
    let suite = Suite { store, send };
    suite.an_upload_is_bound_to_what_was_signed().await;
    suite.a_part_is_bound_to_what_was_signed().await;
}

struct Suite<'a, S, F> {
    store: &'a S,
    send: F,
}

fn key() -> ObjectKey {
    ObjectKey::new(format!("conformance/{}/é a+b.jpg", unique())).expect("valid")
}

fn photo() -> Bound {
    samples::bound_to(PHOTO, Some("image/jpeg"))
}

/// The same request with another header, or without it.
fn with(signed: &Presigned, name: &str, value: Option<&str>) -> Presigned {
    let mut headers = signed.headers.clone();
    headers.retain(|(other, _)| other != name);
    headers.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    Presigned { headers, ..signed.clone() }
}

impl<S, F> Suite<'_, S, F>
where
    S: ObjectStore + Uploads,
    F: AsyncFn(&'static str, Presigned, Vec<u8>) -> (u16, Vec<u8>),
{
    async fn put(&self, signed: &Presigned, content: &[u8]) -> u16 {
        (self.send)("PUT", signed.clone(), content.to_vec()).await.0
    }

    async fn sign(&self, key: &ObjectKey, bound: &Bound) -> Presigned {
        self.store.sign_put(key, bound, EXPIRES).await.expect("signed")
    }

    async fn sign_part(
        &self,
        key: &ObjectKey,
        upload: &UploadName,
        number: u32,
        content: &[u8],
    ) -> Presigned {
        let bound = samples::bound_to(content, None);
        let signed = self.store.sign_part(key, upload, number, &bound, EXPIRES).await;
        signed.expect("signed")
    }

    async fn begin(&self, key: &ObjectKey) -> UploadName {
        self.store.begin(key, "image/jpeg").await.expect("begun")
    }

    async fn parts(&self, key: &ObjectKey, upload: &UploadName) -> Option<Vec<StoredPart>> {
        self.store.parts(key, upload).await.expect("parts")
    }

    /// What is stored: the media type and the content.
    async fn stored(&self, key: &ObjectKey) -> Option<(String, Vec<u8>)> {
        let head = self.store.head(key).await.expect("head")?;
        let content = self.store.get(key, head.size_bytes).await.expect("get");
        Some((head.meta.content_type, content))
    }

    async fn an_upload_is_taken_and_can_be_downloaded(&self) {
        let key = key();
        let signed = self.sign(&key, &photo()).await;
        assert_eq!(self.stored(&key).await, None, "signing stores nothing");

        assert_eq!(self.put(&signed, PHOTO).await, 200);

        assert_eq!(self.stored(&key).await, Some(("image/jpeg".to_owned(), PHOTO.to_vec())));
        let download = self.store.sign_get(&key, EXPIRES).await.expect("signed");
        assert_eq!(download.headers, [], "anybody can follow a link");
        assert_eq!((self.send)("GET", download, Vec::new()).await, (200, PHOTO.to_vec()));
    }

    async fn parts_become_an_object_once(&self) {
        let key = key();
        let upload = self.begin(&key).await;
        assert_eq!(self.parts(&key, &upload).await, Some(Vec::new()));
        let contents = [vec![1; PART_BYTES], b"the rest".to_vec()];
        // The second first, and the first twice.
        for number in [2, 1, 1] {
            let content = &contents[number as usize - 1];
            let signed = self.sign_part(&key, &upload, number, content).await;
            assert_eq!(self.put(&signed, content).await, 200, "part {number}");
        }

        let parts = self.parts(&key, &upload).await.expect("an upload");
        let told: Vec<_> = parts.iter().map(|part| (part.number, part.size_bytes)).collect();
        assert_eq!(told, [(1, PART_BYTES as u64), (2, 8)]);
        let sums = contents.each_ref().map(|content| samples::bound_to(content, None).sha256);
        assert!(parts.iter().map(|part| part.sha256.clone()).eq(sums.map(Some)), "{parts:?}");
        assert_eq!(self.stored(&key).await, None, "it is not complete");

        self.store.complete(&key, &upload, &parts).await.expect("completed");
        self.store.complete(&key, &upload, &parts).await.expect("completed again");

        let content = contents.concat();
        assert!(self.stored(&key).await == Some(("image/jpeg".to_owned(), content)), "the parts");
        assert_eq!(self.parts(&key, &upload).await, None);
        self.store.abort(&key, &upload).await.expect("nothing to give up");
        assert!(self.stored(&key).await.is_some(), "it is complete");
    }

    async fn an_upload_in_parts_can_be_given_up(&self) {
        let key = key();
        let upload = self.begin(&key).await;
        let signed = self.sign_part(&key, &upload, 1, PHOTO).await;
        assert_eq!(self.put(&signed, PHOTO).await, 200);
        let parts = self.parts(&key, &upload).await.expect("an upload");

        self.store.abort(&key, &upload).await.expect("given up");
        self.store.abort(&key, &upload).await.expect("given up again");

        assert_eq!(self.parts(&key, &upload).await, None);
        assert_eq!(self.put(&signed, PHOTO).await, 404);
        let completed = self.store.complete(&key, &upload, &parts).await;
        assert!(matches!(completed, Err(StoreError::NotFound { .. })), "{completed:?}");
        assert_eq!(self.stored(&key).await, None);
    }

    async fn an_upload_is_bound_to_what_was_signed(&self) {
        let (key, other) = (key(), key());
        let signed = self.sign(&key, &photo()).await;

        self.is_bound(&signed).await;

        let another_type = with(&signed, "content-type", Some("text/html"));
        assert_eq!(self.put(&another_type, PHOTO).await, 403, "another type");
        let no_type = with(&signed, "content-type", None);
        assert_eq!(self.put(&no_type, PHOTO).await, 403, "no type");
        let of_other = self.sign(&other, &photo()).await;
        let (path, _) = of_other.url.split_once('?').unwrap_or((&of_other.url, ""));
        let (_, signature) = signed.url.split_once('?').unwrap_or(("", "forged"));
        let url = format!("{path}?{signature}");
        assert_eq!(self.put(&Presigned { url, ..signed }, PHOTO).await, 403, "another key");
        assert_eq!((self.stored(&key).await, self.stored(&other).await), (None, None));
    }

    async fn a_part_is_bound_to_what_was_signed(&self) {
        let key = key();
        let upload = self.begin(&key).await;
        let signed = self.sign_part(&key, &upload, 1, PHOTO).await;

        self.is_bound(&signed).await;

        let url = signed.url.replace("partNumber=1", "partNumber=2");
        if url != signed.url {
            assert_eq!(self.put(&Presigned { url, ..signed }, PHOTO).await, 403, "another part");
        }
        assert_eq!(self.parts(&key, &upload).await, Some(Vec::new()));
        self.store.abort(&key, &upload).await.expect("given up");
    }

    /// Asserts that an upload of [`PHOTO`] takes no other bytes.
    async fn is_bound(&self, signed: &Presigned) {
        const CHECKSUM: &str = "x-amz-checksum-sha256";
        let other = samples::bound_to(b"b photo", None).sha256;
        assert_eq!(self.put(signed, b"a photo!").await, 403, "another length");
        assert_eq!(self.put(signed, b"").await, 403, "nothing");
        assert_eq!(self.put(signed, b"b photo").await, 400, "other bytes");
        let forged = with(signed, CHECKSUM, Some(&other));
        assert_eq!(self.put(&forged, b"b photo").await, 403, "another checksum");
        let bare = with(signed, CHECKSUM, None);
        assert_eq!(self.put(&bare, PHOTO).await, 403, "no checksum");
        let more = with(signed, "x-amz-meta-title", Some("Villa"));
        assert_eq!(self.put(&more, PHOTO).await, 403, "a header that was not signed");
        assert_eq!((self.send)("GET", signed.clone(), Vec::new()).await.0, 403, "another method");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{InMemoryStore, TestClock};

    #[tokio::test]
    async fn uploads_in_memory() {
        let store = InMemoryStore::default();
        let send =
            async |method, signed: Presigned, body: Vec<u8>| store.answer(method, &signed, &body);

        uploads(&store, send).await;
        uploads_are_bound(&store, send).await;
    }

    #[tokio::test]
    async fn a_request_in_memory_is_good_for_its_time_only() {
        let clock = TestClock::default();
        let store = InMemoryStore::timed_by(&clock);
        let signed = store.sign_put(&key(), &photo(), EXPIRES).await.expect("signed");

        clock.advance(EXPIRES);

        assert_eq!(store.answer("PUT", &signed, PHOTO).0, 403);
        assert!(store.keys().is_empty());
    }
}
