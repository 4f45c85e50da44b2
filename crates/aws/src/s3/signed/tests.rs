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
    let expected =
        [("content-length", "5"), ("content-type", "image/jpeg"), ("x-amz-meta-title", "Villa")];
    assert_eq!(headers, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert!(put.url.starts_with("http://127.0.0.1:1/media/uploads/j/a%20b%2Bc.jpg?"), "{put:?}");
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
