//! Uploads and downloads that strangers make themselves, on requests that were signed in advance.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use domain::ObjectKey;

use crate::StoreError;

/// What an upload is bound to: other bytes, or of another type, are not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// `content-type`; none for parts.
    pub content_type: Option<String>,
    /// Size, in bytes.
    pub size_bytes: u64,
    /// SHA-256 of the bytes, in base64.
    pub sha256: String,
}

/// A request that was signed in advance.
#[derive(Clone, PartialEq, Eq)]
pub struct Presigned {
    /// Where to send it. It is a secret.
    pub url: String,
    /// Header names and values to send along, exactly: they are signed.
    pub headers: Vec<(String, String)>,
}

impl fmt::Debug for Presigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Presigned").field("headers", &names).finish_non_exhaustive()
    }
}

/// An upload in parts, by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadName(pub String);

/// A part that is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPart {
    /// Its number, from 1.
    pub number: u32,
    /// Size, in bytes.
    pub size_bytes: u64,
    /// Entity tag, as the store wants it back.
    pub etag: String,
    /// SHA-256 of its bytes, in base64, if the store tells it.
    pub sha256: Option<String>,
}

/// Signs requests for strangers, and looks after their uploads in parts.
pub trait Uploads: Send + Sync {
    /// An upload to `key`, good for `expires`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    fn sign_put(
        &self,
        key: &ObjectKey,
        bound: &Bound,
        expires: Duration,
    ) -> impl Future<Output = Result<Presigned, StoreError>> + Send;

    /// A download of `key`, good for `expires`. Nothing is asked: the object may not be there.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    fn sign_get(
        &self,
        key: &ObjectKey,
        expires: Duration,
    ) -> impl Future<Output = Result<Presigned, StoreError>> + Send;

    /// Begins an upload in parts, each with its SHA-256.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    fn begin(
        &self,
        key: &ObjectKey,
        content_type: &str,
    ) -> impl Future<Output = Result<UploadName, StoreError>> + Send;

    /// The upload of one part.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    fn sign_part(
        &self,
        key: &ObjectKey,
        upload: &UploadName,
        number: u32,
        bound: &Bound,
        expires: Duration,
    ) -> impl Future<Output = Result<Presigned, StoreError>> + Send;

    /// The parts that are stored, by number; none if there is no such upload (any more).
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    fn parts(
        &self,
        key: &ObjectKey,
        upload: &UploadName,
    ) -> impl Future<Output = Result<Option<Vec<StoredPart>>, StoreError>> + Send;

    /// Makes the object of its parts. Completing again changes nothing.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such upload and no object.
    fn complete(
        &self,
        key: &ObjectKey,
        upload: &UploadName,
        parts: &[StoredPart],
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Gives the upload up, if there is one.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    fn abort(
        &self,
        key: &ObjectKey,
        upload: &UploadName,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_not_printed() {
        let url = "https://bucket/photo.jpg?X-Amz-Signature=s3cret".to_owned();
        let headers = vec![("content-type".to_owned(), "s3cret".to_owned())];

        let printed = format!("{:?}", Presigned { url, headers });

        assert_eq!(printed, r#"Presigned { headers: ["content-type"], .. }"#);
    }
}
