//! The document, and a page that shows it: one file, without a network behind it.

use std::sync::LazyLock;

use axum::Router;
use axum::http::header;
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::document;
use crate::openapi::Open;

const PAGE: &str = include_str!("docs.html");

static DOCUMENT: LazyLock<Bytes> =
    LazyLock::new(|| document().to_json().expect("a document is JSON").into());

/// What the page may do: run its own script, look as it does, and read the document.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let (script, style) = (hash_of("script"), hash_of("style"));
    format!(
        "default-src 'none'; script-src '{script}'; style-src '{style}'; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
});

/// Source: Content Security Policy Level 3, §2.3.1: the hash of what is between the tags.
fn hash_of(element: &str) -> String {
    let (open, close) = (format!("<{element}>"), format!("</{element}>"));
    let begun = PAGE.split_once(&open).expect("the page has it").1;
    let content = begun.split_once(&close).expect("the page closes it").0;
    format!("sha256-{}", STANDARD.encode(Sha256::digest(content)))
}

pub(crate) fn routes() -> Router {
    Router::new().route("/openapi.json", get(openapi)).route("/docs", get(page))
}

/// Everything that can be asked for, as an `OpenAPI` document.
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "openapi",
    tag = "door",
    security(()),
    responses((status = 200, description = "OpenAPI 3.1.", body = serde_json::Value), Open),
)]
pub(crate) async fn openapi() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT.clone())
}

/// The same for people.
#[utoipa::path(
    get,
    path = "/docs",
    operation_id = "docs",
    tag = "door",
    security(()),
    responses((status = 200, description = "A page.", body = String, content_type = "text/html"), Open),
)]
pub(crate) async fn page() -> impl IntoResponse {
    ([(header::CONTENT_SECURITY_POLICY, POLICY.as_str())], Html(PAGE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_needs_nothing_from_elsewhere() {
        assert_eq!(PAGE.matches("<script").count(), 1);
        assert_eq!(PAGE.matches("<style").count(), 1);
        for from_elsewhere in ["https://", "http://", "src=", "@import", "innerHTML", " style="] {
            assert!(!PAGE.contains(from_elsewhere), "{from_elsewhere}");
        }
    }
}
