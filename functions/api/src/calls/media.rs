//! Uploads that callers make themselves: photos, logos and music.

mod intent;
#[cfg(test)]
mod intent_tests;
mod multipart;
mod new_upload;
mod parts;
#[cfg(test)]
mod parts_tests;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use ports::Presigned;
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

use crate::{Api, Parts};

#[derive(OpenApi)]
#[openapi(paths(intent::upload_intent, parts::show, parts::sign, parts::complete, parts::give_up))]
struct Docs;

/// The calls of this group, described.
pub(super) fn docs() -> utoipa::openapi::OpenApi {
    Docs::openapi()
}

/// The calls of this group.
pub(super) fn routes<P: Parts>() -> Router<Arc<Api<P>>> {
    const UPLOAD: &str = "/api/media/uploads/{uploadId}";
    Router::new()
        .route("/api/media/upload-intent", post(intent::upload_intent::<P>))
        .route(UPLOAD, get(parts::show::<P>).delete(parts::give_up::<P>))
        .route("/api/media/uploads/{uploadId}/parts", post(parts::sign::<P>))
        .route("/api/media/uploads/{uploadId}/complete", post(parts::complete::<P>))
}

/// A request that the bucket takes, once it is sent exactly as it is here.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SignedRequest {
    /// HTTP method.
    #[schema(example = "PUT")]
    method: &'static str,
    /// Where to send it. It is a secret.
    url: String,
    /// Headers to send along; a browser sets `content-length` by itself.
    headers: BTreeMap<String, String>,
}

impl fmt::Debug for SignedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedRequest").field("method", &self.method).finish_non_exhaustive()
    }
}

impl SignedRequest {
    /// An upload.
    fn put(signed: Presigned) -> Self {
        Self { method: "PUT", url: signed.url, headers: signed.headers.into_iter().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_not_printed() {
        let url = "https://bucket/photo.jpg?X-Amz-Signature=s3cret".to_owned();
        let headers = vec![("x-amz-checksum-sha256".to_owned(), "s3cret".to_owned())];
        let signed = SignedRequest::put(Presigned { url, headers });

        assert_eq!(format!("{signed:?}"), r#"SignedRequest { method: "PUT", .. }"#);
    }
}
