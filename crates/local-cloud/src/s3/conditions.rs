//! Conditions of a request, decided against what is stored.

use s3s::dto::{ETagCondition, Timestamp};
use s3s::{S3Error, S3ErrorCode, s3_error};

use super::buckets::timestamp;
use super::objects::Object;

/// Conditions on what a write replaces.
#[derive(Debug, Default)]
pub(crate) struct WriteConditions {
    pub(crate) if_match: Option<ETagCondition>,
    pub(crate) if_none_match: Option<ETagCondition>,
}

impl WriteConditions {
    /// Refuses unless the conditions hold for `present`, which the write would replace.
    pub(crate) fn check(&self, key: &str, present: Option<&Object>) -> Result<(), S3Error> {
        if let Some(condition) = &self.if_match {
            let Some(object) = present else {
                return Err(s3_error!(NoSuchKey, "there is no object at {key}"));
            };
            if !matches(condition, object) {
                return Err(failed("If-Match"));
            }
        }
        match &self.if_none_match {
            Some(condition) if present.is_some_and(|object| matches(condition, object)) => {
                Err(failed("If-None-Match"))
            }
            _ => Ok(()),
        }
    }
}

/// Conditions on what a read returns, under the names of their headers.
#[expect(clippy::struct_field_names, reason = "the names of the headers")]
#[derive(Debug, Default)]
pub(crate) struct ReadConditions {
    pub(crate) if_match: Option<ETagCondition>,
    pub(crate) if_none_match: Option<ETagCondition>,
    pub(crate) if_modified_since: Option<Timestamp>,
    pub(crate) if_unmodified_since: Option<Timestamp>,
}

/// The conditions of any input that has the four fields.
macro_rules! read_conditions {
    ($input:expr) => {
        $crate::s3::conditions::ReadConditions {
            if_match: $input.if_match.clone(),
            if_none_match: $input.if_none_match.clone(),
            if_modified_since: $input.if_modified_since.clone(),
            if_unmodified_since: $input.if_unmodified_since.clone(),
        }
    };
}
pub(crate) use read_conditions;

impl ReadConditions {
    /// Refuses unless the conditions hold for `object`.
    ///
    /// A condition on the `ETag` overrules the one on the time.
    /// Source: RFC 9110 §13.2.2
    pub(crate) fn check(&self, object: &Object) -> Result<(), S3Error> {
        let modified = timestamp(object.modified_ms / 1000 * 1000);
        match (&self.if_match, &self.if_unmodified_since) {
            (Some(condition), _) if !matches(condition, object) => return Err(failed("If-Match")),
            (None, Some(since)) if modified > *since => return Err(failed("If-Unmodified-Since")),
            _ => {}
        }
        match (&self.if_none_match, &self.if_modified_since) {
            (Some(condition), _) if matches(condition, object) => Err(not_modified(object)),
            (None, Some(since)) if modified <= *since => Err(not_modified(object)),
            _ => Ok(()),
        }
    }

    /// The same for the source of a copy, where "not modified" is a failed condition too.
    pub(crate) fn check_source(&self, object: &Object) -> Result<(), S3Error> {
        self.check(object).map_err(|_| failed("x-amz-copy-source-if"))
    }
}

fn matches(condition: &ETagCondition, object: &Object) -> bool {
    condition.as_etag().is_none_or(|etag| etag.value() == object.etag)
}

fn failed(condition: &str) -> S3Error {
    s3_error!(PreconditionFailed, "the condition {condition} does not hold")
}

fn not_modified(object: &Object) -> S3Error {
    let mut refusal = S3Error::new(S3ErrorCode::NotModified);
    if let Ok(etag) = object.e_tag().to_http_header() {
        refusal.set_headers([(http::header::ETAG, etag)].into_iter().collect());
    }
    refusal
}
