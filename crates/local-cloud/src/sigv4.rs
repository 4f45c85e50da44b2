//! Signature Version 4 in the `Authorization` header, checked over the exact body.
//!
//! For the JSON services; S3 has its own, more permissive rules and checks them itself.

use chrono::NaiveDateTime;
use hmac::{Hmac, Mac};
use http::{HeaderMap, StatusCode, request::Parts};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest, Sha256};

use crate::wire::ApiError;

/// What AWS leaves unencoded in a canonical request.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const MAX_SKEW_MS: i64 = 15 * 60 * 1000;

/// The one key pair that may call.
#[derive(Clone)]
pub(crate) struct Credentials {
    pub(crate) access_key: String,
    pub(crate) secret_key: String,
    pub(crate) region: String,
}

/// Checks that `parts` and `body` were signed for `service` with `credentials`.
pub(crate) fn verify(
    credentials: &Credentials,
    service: &str,
    parts: &Parts,
    body: &[u8],
    now_ms: i64,
) -> Result<(), ApiError> {
    let header = text(&parts.headers, "authorization").ok_or_else(missing)?;
    let claim =
        Claim::parse(header).ok_or_else(|| incomplete("Authorization header is malformed"))?;
    let time = text(&parts.headers, "x-amz-date")
        .ok_or_else(|| incomplete("Authorization header requires existence of 'X-Amz-Date'"))?;

    check_key(credentials, &claim)?;
    check_scope(credentials, service, &claim, time)?;
    check_time(time, now_ms)?;
    check_signed_headers(&claim)?;
    let canonical = canonical_request(&claim, parts, body);
    let signed = signature(&credentials.secret_key, &claim, time, &canonical);
    if equal(signed.as_bytes(), claim.signature.as_bytes()) {
        Ok(())
    } else {
        Err(invalid(
            "The request signature we calculated does not match the signature you provided. \
             Check your AWS Secret Access Key and signing method.",
        ))
    }
}

/// What the `Authorization` header says.
struct Claim<'a> {
    access_key: &'a str,
    date: &'a str,
    region: &'a str,
    service: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

impl<'a> Claim<'a> {
    fn parse(header: &'a str) -> Option<Self> {
        let mut credential = None;
        let mut signed_headers = None;
        let mut signature = None;
        for part in header.strip_prefix(ALGORITHM)?.split(',') {
            let (name, value) = part.trim().split_once('=')?;
            match name {
                "Credential" => credential = Some(value),
                "SignedHeaders" => signed_headers = Some(value),
                "Signature" => signature = Some(value),
                _ => return None,
            }
        }
        let (scope, end) = credential?.rsplit_once('/')?;
        let (scope, service) = scope.rsplit_once('/')?;
        let (scope, region) = scope.rsplit_once('/')?;
        let (access_key, date) = scope.rsplit_once('/')?;
        (end == "aws4_request").then_some(Self {
            access_key,
            date,
            region,
            service,
            signed_headers: signed_headers?,
            signature: signature?,
        })
    }
}

fn check_key(credentials: &Credentials, claim: &Claim<'_>) -> Result<(), ApiError> {
    if equal(claim.access_key.as_bytes(), credentials.access_key.as_bytes()) {
        return Ok(());
    }
    Err(denied(
        "UnrecognizedClientException",
        "The security token included in the request is invalid.",
    ))
}

fn check_scope(
    credentials: &Credentials,
    service: &str,
    claim: &Claim<'_>,
    time: &str,
) -> Result<(), ApiError> {
    if claim.service != service {
        return Err(invalid(format!(
            "Credential should be scoped to correct service: '{service}'."
        )));
    }
    if claim.region != credentials.region {
        return Err(invalid(format!(
            "Credential should be scoped to a valid region, not '{}'; this is '{}'.",
            claim.region, credentials.region
        )));
    }
    if !time.starts_with(claim.date) {
        return Err(invalid("Date in Credential scope does not match YYYYMMDD of X-Amz-Date."));
    }
    Ok(())
}

fn check_time(time: &str, now_ms: i64) -> Result<(), ApiError> {
    let signed = NaiveDateTime::parse_from_str(time, "%Y%m%dT%H%M%SZ")
        .map_err(|_| incomplete("X-Amz-Date must be in the format YYYYMMDD'T'HHMMSS'Z'"))?;
    let skew_ms = now_ms.saturating_sub(signed.and_utc().timestamp_millis()).saturating_abs();
    if skew_ms > MAX_SKEW_MS {
        return Err(invalid(format!(
            "Signature not current: {time} is more than 15 min from the server's time."
        )));
    }
    Ok(())
}

/// A signature that leaves out the host or the operation could be used for another one.
fn check_signed_headers(claim: &Claim<'_>) -> Result<(), ApiError> {
    for needed in ["host", "x-amz-date", "x-amz-target"] {
        if !claim.signed_headers.split(';').any(|name| name == needed) {
            return Err(invalid(format!("'{needed}' must be a signed header.")));
        }
    }
    Ok(())
}

fn canonical_request(claim: &Claim<'_>, parts: &Parts, body: &[u8]) -> String {
    let mut canonical = format!(
        "{}\n{}\n{}\n",
        parts.method,
        canonical_path(parts.uri.path()),
        canonical_query(parts.uri.query().unwrap_or_default()),
    );
    for name in claim.signed_headers.split(';') {
        canonical.push_str(name);
        canonical.push(':');
        canonical.push_str(&canonical_value(&parts.headers, name));
        canonical.push('\n');
    }
    canonical.push('\n');
    canonical.push_str(claim.signed_headers);
    canonical.push('\n');
    canonical.push_str(&hex(&Sha256::digest(body)));
    canonical
}

/// Every segment encoded once more, as all services but S3 do.
fn canonical_path(path: &str) -> String {
    let segments: Vec<_> = path
        .split('/')
        .map(|segment| utf8_percent_encode(segment, UNRESERVED).to_string())
        .collect();
    segments.join("/")
}

fn canonical_query(query: &str) -> String {
    let encode = |part: &str| {
        let plain: Vec<u8> = percent_decode_str(part).collect();
        percent_encoding::percent_encode(&plain, UNRESERVED).to_string()
    };
    let mut pairs: Vec<_> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    pairs.sort();
    pairs.join("&")
}

fn canonical_value(headers: &HeaderMap, name: &str) -> String {
    let values: Vec<_> = headers
        .get_all(name)
        .iter()
        .map(|value| {
            let words: Vec<_> = value.to_str().unwrap_or_default().split_whitespace().collect();
            words.join(" ")
        })
        .collect();
    values.join(",")
}

fn signature(secret: &str, claim: &Claim<'_>, time: &str, canonical: &str) -> String {
    let scope = format!("{}/{}/{}/aws4_request", claim.date, claim.region, claim.service);
    let digest = hex(&Sha256::digest(canonical.as_bytes()));
    let to_sign = format!("{ALGORITHM}\n{time}\n{scope}\n{digest}");
    let mut key = format!("AWS4{secret}").into_bytes();
    for part in [claim.date, claim.region, claim.service, "aws4_request"] {
        key = hmac(&key, part.as_bytes());
    }
    hex(&hmac(&key, to_sign.as_bytes()))
}

fn hmac(key: &[u8], data: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(data);
    mac.finalize().into_bytes().to_vec()
}

/// Lower-case hexadecimal digits of `bytes`.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}

/// Compares without telling by its time how much is equal.
fn equal(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |difference, (x, y)| difference | (x ^ y)) == 0
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn missing() -> ApiError {
    denied("MissingAuthenticationTokenException", "Request is missing Authentication Token")
}

fn incomplete(message: &str) -> ApiError {
    denied("IncompleteSignatureException", message)
}

fn invalid(message: impl Into<String>) -> ApiError {
    denied("InvalidSignatureException", message)
}

fn denied(shape: &'static str, message: impl Into<String>) -> ApiError {
    ApiError { status: StatusCode::FORBIDDEN, ..ApiError::sender(shape, message) }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    /// 2015-08-30T12:36:00Z, the time of AWS's own examples.
    const NOW_MS: i64 = 1_440_938_160_000;

    fn credentials() -> Credentials {
        Credentials {
            access_key: "AKIDEXAMPLE".to_owned(),
            secret_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned(),
            region: "us-east-1".to_owned(),
        }
    }

    /// A request signed by the code under test; the SDK's own signatures are checked in `tests/`.
    fn signed(body: &[u8]) -> Parts {
        let mut request = Request::post("/a%20b?z=1&a=x%2Fy")
            .header("host", "127.0.0.1:4566")
            .header("x-amz-date", "20150830T123600Z")
            .header("x-amz-target", "AmazonSQS.SendMessage")
            .body(())
            .expect("a request")
            .into_parts()
            .0;
        let unsigned = format!(
            "{ALGORITHM} Credential=AKIDEXAMPLE/20150830/us-east-1/sqs/aws4_request, \
             SignedHeaders=host;x-amz-date;x-amz-target, Signature=x"
        );
        let claim = Claim::parse(&unsigned).expect("a claim");
        let canonical = canonical_request(&claim, &request, body);
        let signature =
            signature(&credentials().secret_key, &claim, "20150830T123600Z", &canonical);
        let header = unsigned.replace("Signature=x", &format!("Signature={signature}"));
        request.headers.insert("authorization", header.parse().expect("a header"));
        request
    }

    #[test]
    fn the_signing_key_is_derived_as_in_the_example_of_aws() {
        let mut key = format!("AWS4{}", credentials().secret_key).into_bytes();
        for part in ["20150830", "us-east-1", "iam", "aws4_request"] {
            key = hmac(&key, part.as_bytes());
        }
        assert_eq!(hex(&key), "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
    }

    #[test]
    fn a_signed_request_passes() {
        verify(&credentials(), "sqs", &signed(b"{}"), b"{}", NOW_MS).expect("passes");
    }

    #[test]
    fn another_body_does_not_pass() {
        let error = verify(&credentials(), "sqs", &signed(b"{}"), b"{ }", NOW_MS).expect_err("no");
        assert_eq!(error.shape, "InvalidSignatureException");
    }

    #[test]
    fn another_secret_does_not_pass() {
        let other = Credentials { secret_key: "other".to_owned(), ..credentials() };
        let error = verify(&other, "sqs", &signed(b"{}"), b"{}", NOW_MS).expect_err("no");
        assert_eq!(error.shape, "InvalidSignatureException");
    }

    #[test]
    fn a_signature_for_another_service_does_not_pass() {
        let error = verify(&credentials(), "events", &signed(b""), b"", NOW_MS).expect_err("no");
        assert!(error.message.contains("service"), "{}", error.message);
    }

    #[test]
    fn a_clock_that_is_off_by_more_than_15_minutes_does_not_pass() {
        let late = NOW_MS + MAX_SKEW_MS + 1;
        let error = verify(&credentials(), "sqs", &signed(b""), b"", late).expect_err("no");
        assert!(error.message.contains("Signature not current"), "{}", error.message);
        verify(&credentials(), "sqs", &signed(b""), b"", NOW_MS + MAX_SKEW_MS)
            .expect("still passes");
    }

    #[test]
    fn an_unsigned_request_does_not_pass() {
        let (parts, ()) = Request::post("/").body(()).expect("a request").into_parts();
        let error = verify(&credentials(), "sqs", &parts, b"", NOW_MS).expect_err("no");
        assert_eq!(error.shape, "MissingAuthenticationTokenException");
    }
}
