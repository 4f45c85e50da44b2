//! What the three JSON services share on the wire: answers and errors.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use uuid::Uuid;

/// Largest request of a JSON service, in bytes; `DynamoDB` allows this much.
pub(crate) const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

/// An answer of a JSON service: its body, or the error that AWS would answer.
pub(crate) type Answer = Result<Bytes, ApiError>;

/// An error in the terms of the caller.
#[derive(Debug)]
pub(crate) struct ApiError {
    /// HTTP status.
    pub(crate) status: StatusCode,
    /// Name of the error shape, `__type` on the wire.
    pub(crate) shape: &'static str,
    /// The older code that SQS clients match on, where it differs.
    pub(crate) query_code: Option<&'static str>,
    /// For the person who reads it.
    pub(crate) message: String,
}

impl ApiError {
    /// The caller's mistake.
    pub(crate) fn sender(shape: &'static str, message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, shape, query_code: None, message: message.into() }
    }

    /// Our mistake; the cause is logged, not told.
    pub(crate) fn internal(cause: &dyn std::error::Error) -> Self {
        tracing::error!(error = %Chain(cause), "a request failed inside the embedded cloud");
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            shape: "InternalFailure",
            query_code: None,
            message: "the embedded cloud failed; see its log".to_owned(),
        }
    }

    /// The same error under the code that SQS clients match on.
    pub(crate) fn with_query_code(self, code: &'static str) -> Self {
        Self { query_code: Some(code), ..self }
    }

    /// The code that clients match on.
    pub(crate) fn code(&self) -> &'static str {
        self.query_code.unwrap_or(self.shape)
    }
}

/// An error and its causes on one line.
pub(crate) struct Chain<'a>(pub(crate) &'a dyn std::error::Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

/// The request in `body`.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body)
        .map_err(|error| ApiError::sender("SerializationException", error.to_string()))
}

/// The bytes of an answer.
pub(crate) fn reply<T: Serialize>(value: &T) -> Answer {
    serde_json::to_vec(value).map(Bytes::from).map_err(|error| ApiError::internal(&error))
}

/// An answer without content.
pub(crate) const DONE: Bytes = Bytes::from_static(b"{}");

/// The response for `answer`; `version` is that of the JSON protocol, `1.0` or `1.1`.
pub(crate) fn response(version: &str, answer: Answer) -> Response<s3s::Body> {
    let mut response = match answer {
        Ok(body) => Response::new(s3s::Body::from(body)),
        Err(error) => refusal(&error),
    };
    let headers = response.headers_mut();
    if let Ok(media_type) = HeaderValue::from_str(&format!("application/x-amz-json-{version}")) {
        headers.insert(header::CONTENT_TYPE, media_type);
    }
    if let Ok(id) = HeaderValue::from_str(&Uuid::new_v4().to_string()) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}

fn refusal(error: &ApiError) -> Response<s3s::Body> {
    let body = json!({ "__type": error.shape, "message": error.message }).to_string();
    let mut response = Response::new(s3s::Body::from(body));
    *response.status_mut() = error.status;
    let party = if error.status.is_server_error() { "Receiver" } else { "Sender" };
    if let Ok(code) = HeaderValue::from_str(&format!("{};{party}", error.code())) {
        response.headers_mut().insert("x-amzn-query-error", code);
    }
    response
}
