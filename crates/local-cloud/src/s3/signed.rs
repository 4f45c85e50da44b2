//! Which headers a signature covers. The protocol layer checks those; S3 also refuses others that
//! would change what a request does.

use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;
use s3s::{S3Error, s3_error};

/// Names of headers that say something to S3 begin like this.
const PREFIX: &str = "x-amz-";
/// Its value is in the signature, whether its name is or not.
const PAYLOAD: &str = "x-amz-content-sha256";

/// Checks that a request that is signed, in a header or in its query, has signed all it says to S3.
pub(crate) fn check(request: &Parts) -> Result<(), S3Error> {
    let in_query = request.uri.query().and_then(of_query);
    let Some(signed) = in_query.or_else(|| of_header(&request.headers)) else { return Ok(()) };
    let is_signed = |name: &str| signed.split(';').any(|it| it.eq_ignore_ascii_case(name));
    let mut names = request.headers.keys().map(http::HeaderName::as_str);
    if names.all(|name| !name.starts_with(PREFIX) || name == PAYLOAD || is_signed(name)) {
        return Ok(());
    }
    let message = "There were headers present in the request which were not signed";
    Err(s3_error!(AccessDenied, "{message}"))
}

/// The names of the signed headers, between semicolons.
fn of_query(query: &str) -> Option<String> {
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.find(|(name, _)| name == "X-Amz-SignedHeaders").map(|(_, names)| names.into_owned())
}

fn of_header(headers: &HeaderMap) -> Option<String> {
    let claim = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (_, names) = claim.split_once("SignedHeaders=")?;
    Some(names.split([',', ' ']).next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn checked(uri: &str, headers: &[(&str, &str)]) -> bool {
        let request = Request::put(uri);
        let request =
            headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        check(&request.body(()).expect("a request").into_parts().0).is_ok()
    }

    #[test]
    fn a_signed_request_has_signed_all_it_says_to_s3() {
        const URI: &str = "/media/a?X-Amz-SignedHeaders=host%3Bx-amz-meta-title&X-Amz-Signature=0";
        const CLAIM: &str =
            "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host;x-amz-date, Signature=0";

        assert!(checked(URI, &[("x-amz-meta-title", "a"), ("content-type", "image/jpeg")]));
        assert!(checked(URI, &[("x-amz-content-sha256", "UNSIGNED-PAYLOAD")]));
        assert!(!checked(URI, &[("x-amz-meta-other", "a")]));
        assert!(!checked(URI, &[("X-Amz-Copy-Source", "/media/b")]));
        assert!(checked(
            "/media/a",
            &[("authorization", CLAIM), ("x-amz-date", "20261120T100000Z")]
        ));
        assert!(!checked("/media/a", &[("authorization", CLAIM), ("x-amz-acl", "public-read")]));
        assert!(
            checked("/media/a", &[("x-amz-acl", "public-read")]),
            "refused for having no signature"
        );
    }
}
