//! Errors as callers see them: `application/problem+json`.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ports::Chain;
use serde::Serialize;
use utoipa::ToSchema;

/// One field that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldProblem {
    /// Where it is in the body: a JSON pointer such as `/options/duration`, or the name of a query
    /// parameter or header.
    pub field: String,
    /// What is wrong with it, and what it should be.
    pub detail: String,
}

/// Why there is no better answer.
///
/// Source: RFC 9457, "Problem Details for HTTP APIs".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// Which kind of problem it is; never changes its meaning: `urn:stillmotion:problem:` and a name.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What is the matter, and what to do, in one line.
    pub detail: String,
    /// Name the request when you ask about it. Filled in on the way out.
    pub request_id: String,
    /// Every field that cannot be used.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
    /// After how many seconds to ask again; also the header `retry-after`.
    #[serde(skip)]
    pub retry_after_secs: Option<u64>,
}

impl Problem {
    /// A problem of the kind `name`.
    pub fn new(status: StatusCode, name: &str, title: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:stillmotion:problem:{name}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            request_id: String::new(),
            errors: Vec::new(),
            retry_after_secs: None,
        }
    }

    /// Fields that cannot be used, all at once.
    pub fn invalid(errors: Vec<FieldProblem>) -> Self {
        let named: Vec<_> = errors.iter().map(|error| error.field.as_str()).collect();
        let detail = format!("these cannot be used: {}", named.join(", "));
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        Self { errors, ..Self::new(status, "invalid", "Some fields cannot be used", detail) }
    }

    /// There is no such thing, or it is somebody else's.
    pub fn not_found(what: &str) -> Self {
        let detail = format!("there is no such {what}, or it is not yours");
        Self::new(StatusCode::NOT_FOUND, "not-found", "Not found", detail)
    }

    /// It cannot be done now, or not any more.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", "Not possible as it is now", detail)
    }

    /// Something broke here. What it was is logged, with its causes, and not told.
    pub fn fault(error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error = %Chain(error), "a call broke");
        let detail = "something on our side does not answer: ask again in a moment";
        let title = "Something broke";
        let unavailable = Self::new(StatusCode::SERVICE_UNAVAILABLE, "fault", title, detail);
        Self { retry_after_secs: Some(2), ..unavailable }
    }
}

macro_rules! faults {
    ($($error:ty),+ $(,)?) => {$(
        impl From<$error> for Problem {
            fn from(error: $error) -> Self {
                Self::fault(&error)
            }
        }
    )+};
}

faults!(
    ports::ChronicleError,
    ports::DeliveryLogError,
    ports::EndpointError,
    ports::JobStoreError,
    ports::LedgerError,
    ports::MeterError,
    ports::QueueError,
    ports::RecourseError,
    ports::RegisterError,
    ports::StoreError,
);

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        let media_type = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, media_type);
        if let Some(secs) = self.retry_after_secs {
            headers.insert(header::RETRY_AFTER, secs.into());
        }
        // The outermost layer puts the id of the request in.
        response.extensions_mut().insert(self);
        response
    }
}
