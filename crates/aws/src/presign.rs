//! Requests that a stranger may make in our name, for a while.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_s3::config::RequestChecksumCalculation;
use aws_sdk_s3::presigning::PresigningConfig;
use domain::ObjectKey;
use ports::StoreError;

use crate::S3;
use crate::s3::unavailable;

/// An upload that was signed in advance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresignedPut {
    /// Where to put the bytes.
    pub url: String,
    /// Header names and values to send along, exactly: they are signed.
    pub headers: Vec<(String, String)>,
}

impl S3 {
    /// Signs an upload to `key`. With `content_length`, only a body of that many bytes is taken.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]: there are no credentials, or `expires` is more than a week.
    pub async fn presign_put(
        &self,
        key: &ObjectKey,
        content_type: &str,
        content_length: Option<u64>,
        metadata: &HashMap<String, String>,
        expires: Duration,
    ) -> Result<PresignedPut, StoreError> {
        let expires = within(key, expires)?;
        // Otherwise the signature asks for a checksum that browsers do not send.
        let quiet = aws_sdk_s3::config::Builder::new()
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired);
        let request = self.client.put_object().bucket(&self.bucket).key(key.as_str());
        let signed = request
            .content_type(content_type)
            .set_content_length(content_length.and_then(|bytes| bytes.try_into().ok()))
            .set_metadata(Some(metadata.clone()))
            .customize()
            .config_override(quiet)
            .presigned(expires)
            .await
            .map_err(|error| unavailable(key, error))?;
        let headers = signed.headers().map(|(name, value)| (name.to_owned(), value.to_owned()));
        Ok(PresignedPut { url: signed.uri().to_owned(), headers: headers.collect() })
    }

    /// Signs a download of `key`: the URL that anybody can read it at.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]: there are no credentials, or `expires` is more than a week.
    pub async fn presign_get(
        &self,
        key: &ObjectKey,
        expires: Duration,
    ) -> Result<String, StoreError> {
        let expires = within(key, expires)?;
        let request = self.client.get_object().bucket(&self.bucket).key(key.as_str());
        let signed = request.presigned(expires).await.map_err(|error| unavailable(key, error))?;
        Ok(signed.uri().to_owned())
    }
}

fn within(key: &ObjectKey, expires: Duration) -> Result<PresigningConfig, StoreError> {
    PresigningConfig::expires_in(expires).map_err(|error| unavailable(key, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Aws;

    fn bucket() -> S3 {
        Aws::at("http://127.0.0.1:1", "eu-central-1", "id", "secret").bucket("media")
    }

    fn key() -> ObjectKey {
        ObjectKey::new("uploads/j/a b+c.jpg").expect("valid")
    }

    #[tokio::test]
    async fn an_upload_is_bound_to_its_type_length_and_metadata_and_to_nothing_else() {
        let metadata = HashMap::from([("title".to_owned(), "Villa".to_owned())]);

        let put = bucket()
            .presign_put(&key(), "image/jpeg", Some(5), &metadata, Duration::from_mins(1))
            .await
            .expect("signed");

        let mut headers = put.headers.clone();
        headers.sort();
        let expected = [
            ("content-length", "5"),
            ("content-type", "image/jpeg"),
            ("x-amz-meta-title", "Villa"),
        ];
        assert_eq!(headers, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert!(
            put.url.starts_with("http://127.0.0.1:1/media/uploads/j/a%20b%2Bc.jpg?"),
            "{put:?}"
        );
        assert!(!put.url.contains("checksum"), "{put:?}");
    }

    #[tokio::test]
    async fn a_download_needs_no_headers() {
        let url = bucket().presign_get(&key(), Duration::from_mins(1)).await.expect("signed");

        assert!(url.contains("X-Amz-SignedHeaders=host&"), "{url}");
    }

    #[tokio::test]
    async fn nothing_is_signed_for_more_than_a_week() {
        let answer = bucket().presign_get(&key(), Duration::from_hours(8 * 24)).await;

        assert!(matches!(answer, Err(StoreError::Unavailable { .. })), "{answer:?}");
    }
}
