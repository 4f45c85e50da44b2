//! Which browsers may use a bucket: answers to preflights and headers of other answers.

use std::collections::HashMap;

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method};

use crate::wiring::Bucket;

const METHODS: [Method; 4] = [Method::GET, Method::PUT, Method::HEAD, Method::POST];
const METHOD_NAMES: HeaderValue = HeaderValue::from_static("GET, PUT, HEAD, POST");
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "ETag, Content-Range, x-amz-checksum-sha256, x-amz-request-id, x-amz-id-2",
);
const VARIES: HeaderValue = HeaderValue::from_static(
    "Origin, Access-Control-Request-Headers, Access-Control-Request-Method",
);

/// The origins that each bucket lets in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cors {
    origins: HashMap<String, Vec<String>>,
}

/// What a browser asks, if it does.
pub(crate) enum Browser {
    /// The request does not come from a page of another origin.
    No,
    /// May a page do this?
    Preflight(Option<HeaderMap>),
    /// A request to be answered with these headers as well.
    Request(HeaderMap),
}

impl Cors {
    /// The rules of the wired buckets.
    pub(crate) fn new(wired: &[Bucket]) -> Self {
        let origins = |bucket: &Bucket| (bucket.name.clone(), bucket.cors_origins.clone());
        Self { origins: wired.iter().map(origins).collect() }
    }

    /// What a browser asks with this request and what it may be told.
    pub(crate) fn look(&self, request: &Parts) -> Browser {
        let Some(origin) = request.headers.get(ORIGIN) else {
            return Browser::No;
        };
        let allowed = self.allowed(request.uri.path(), origin);
        let wanted = request.headers.get(ACCESS_CONTROL_REQUEST_METHOD);
        match wanted {
            Some(method) if request.method == Method::OPTIONS => {
                let permitted =
                    METHODS.iter().any(|it| it.as_str().as_bytes() == method.as_bytes());
                let asked = request.headers.get(ACCESS_CONTROL_REQUEST_HEADERS);
                let permit = allowed.filter(|_| permitted);
                Browser::Preflight(permit.map(|origin| preflight(origin, asked)))
            }
            _ => allowed.map_or(Browser::No, |origin| Browser::Request(answer(origin))),
        }
    }

    fn allowed(&self, path: &str, origin: &HeaderValue) -> Option<HeaderValue> {
        let bucket = path.trim_start_matches('/').split('/').next()?;
        let origins = self.origins.get(bucket)?;
        if origins.iter().any(|it| it.as_bytes() == origin.as_bytes()) {
            return Some(origin.clone());
        }
        origins.iter().any(|it| it == "*").then(|| HeaderValue::from_static("*"))
    }
}

fn preflight(origin: HeaderValue, asked: Option<&HeaderValue>) -> HeaderMap {
    let mut headers = answer(origin);
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHOD_NAMES);
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("3000"));
    if let Some(asked) = asked {
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
    }
    headers
}

fn answer(origin: HeaderValue) -> HeaderMap {
    [
        (ACCESS_CONTROL_ALLOW_ORIGIN, origin),
        (ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED),
        (VARY, VARIES),
    ]
    .into_iter()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cors() -> Cors {
        Cors::new(&[Bucket {
            name: "media".to_owned(),
            notifications: Vec::new(),
            cors_origins: vec!["http://localhost:5173".to_owned()],
        }])
    }

    fn ask(origin: &str, method: &str) -> Browser {
        let request = http::Request::options("/media/uploads/a.jpg")
            .header(ORIGIN, origin)
            .header(ACCESS_CONTROL_REQUEST_METHOD, method)
            .header(ACCESS_CONTROL_REQUEST_HEADERS, "content-type")
            .body(())
            .expect("a request");
        cors().look(&request.into_parts().0)
    }

    #[test]
    fn a_listed_origin_may_put() {
        let Browser::Preflight(Some(headers)) = ask("http://localhost:5173", "PUT") else {
            panic!("permitted")
        };

        assert_eq!(headers[ACCESS_CONTROL_ALLOW_ORIGIN], "http://localhost:5173");
        assert_eq!(headers[ACCESS_CONTROL_ALLOW_HEADERS], "content-type");
    }

    #[test]
    fn other_origins_and_other_methods_may_not() {
        assert!(matches!(ask("http://localhost:8080", "PUT"), Browser::Preflight(None)));
        assert!(matches!(ask("http://localhost:5173", "DELETE"), Browser::Preflight(None)));
    }
}
