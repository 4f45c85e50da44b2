//! The headers of an upload that S3 keeps and returns.

use std::collections::BTreeMap;

use s3s::dto::{Metadata, Timestamp};
use s3s::{S3Error, s3_error};
use serde::{Deserialize, Serialize};

/// Names and values together, in bytes.
/// Source: Amazon S3 User Guide, "Working with object metadata"
const METADATA_LIMIT_BYTES: usize = 2048;

/// The headers of an upload that are kept with the object.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct KeptHeaders {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cache_control: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_disposition: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_encoding: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_language: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expires: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) website_redirect_location: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) metadata: BTreeMap<String, String>,
}

/// The kept headers of any input that has the fields.
macro_rules! kept_headers {
    ($input:expr) => {
        $crate::s3::kept::KeptHeaders {
            cache_control: $input.cache_control.clone(),
            content_disposition: $input.content_disposition.clone(),
            content_encoding: $input.content_encoding.clone(),
            content_language: $input.content_language.clone(),
            content_type: $input.content_type.clone(),
            expires: $input.expires.clone(),
            website_redirect_location: $input.website_redirect_location.clone(),
            metadata: $input.metadata.clone().unwrap_or_default().into_iter().collect(),
        }
        .checked()
    };
}
pub(crate) use kept_headers;

impl KeptHeaders {
    /// The headers as they are kept: bounded, with the default media type, without the transfer coding.
    pub(crate) fn checked(mut self) -> Result<Self, S3Error> {
        let size: usize = self.metadata.iter().map(|(name, value)| name.len() + value.len()).sum();
        if size > METADATA_LIMIT_BYTES {
            return Err(s3_error!(MetadataTooLarge));
        }
        self.content_encoding = self.content_encoding.and_then(|codings| without_chunked(&codings));
        self.content_type.get_or_insert_with(|| "binary/octet-stream".to_owned());
        Ok(self)
    }

    /// User metadata as the protocol layer wants it.
    pub(crate) fn metadata(&self) -> Option<Metadata> {
        (!self.metadata.is_empty()).then(|| self.metadata.clone().into_iter().collect())
    }
}

/// `aws-chunked` describes the transfer, not the object.
fn without_chunked(codings: &str) -> Option<String> {
    let kept: Vec<_> = codings
        .split(',')
        .map(str::trim)
        .filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("aws-chunked"))
        .collect();
    (!kept.is_empty()).then(|| kept.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_coding_of_the_transfer_is_not_kept() {
        assert_eq!(without_chunked("aws-chunked"), None);
        assert_eq!(without_chunked("gzip, aws-chunked").as_deref(), Some("gzip"));
    }

    #[test]
    fn metadata_beyond_the_limit_is_refused() {
        let metadata = BTreeMap::from([("name".to_owned(), "v".repeat(METADATA_LIMIT_BYTES))]);

        let refused = KeptHeaders { metadata, ..KeptHeaders::default() }.checked();

        assert!(refused.is_err());
    }
}
