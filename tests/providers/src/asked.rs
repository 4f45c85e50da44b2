//! A request, and whom it asks for what.

use bytes::Bytes;
use http::header::HeaderName;
use http::request::Parts;
use http::{HeaderMap, Method};
use serde_json::Value;

use crate::name::{Endpoint, Name};

/// A request to one of the providers.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) provider: Name,
    pub(crate) what: Endpoint,
    pub(crate) method: Method,
    pub(crate) path: String,
    /// As it was asked for, with the query.
    pub(crate) path_and_query: String,
    /// Of the path, without what all paths of its kind begin with.
    pub(crate) segments: Vec<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Not to wait for the end of the work, for the answer is thrown away.
    pub(crate) hurried: bool,
}

impl Asked {
    /// Reads a request of which the body has not come yet; none if there is nobody to ask.
    pub(crate) fn read(head: &Parts) -> Option<Self> {
        let path = head.uri.path();
        let (provider, kind, rest) = addressee(path)?;
        let segments: Vec<String> =
            rest.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
        let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        let what = endpoint(kind, provider, &head.method, &parts);
        let path_and_query = head.uri.path_and_query().map_or(path, |whole| whole.as_str());
        Some(Self {
            provider,
            what,
            method: head.method.clone(),
            path: path.to_owned(),
            path_and_query: path_and_query.to_owned(),
            segments,
            headers: head.headers.clone(),
            body: Bytes::new(),
            hurried: false,
        })
    }

    pub(crate) fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(crate) fn query(&self, key: &str) -> Option<String> {
        let (_, query) = self.path_and_query.split_once('?')?;
        let mut pairs = url::form_urlencoded::parse(query.as_bytes());
        pairs.find(|(name, _)| name == key).map(|(_, value)| value.into_owned())
    }

    /// The body as JSON; null if it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub(crate) fn segment(&self, index: usize) -> &str {
        self.segments.get(index).map_or("", String::as_str)
    }
}

/// Which part of a provider a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Api,
    FalRest,
    Media,
}

fn addressee(path: &str) -> Option<(Name, Kind, &str)> {
    if let Some(rest) = below(path, "/media") {
        let provider = rest.split('/').nth(2).and_then(Name::parse)?;
        return Some((provider, Kind::Media, rest));
    }
    if let Some(rest) = below(path, "/fal-rest") {
        return Some((Name::Fal, Kind::FalRest, rest));
    }
    let mut apis = Name::ALL.into_iter();
    apis.find_map(|name| Some((name, Kind::Api, below(path, name.prefix())?)))
}

/// What follows the prefix, if it ends where a segment does.
fn below<'a>(path: &'a str, prefix: &str) -> Option<&'a str> {
    path.strip_prefix(prefix).filter(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn endpoint(kind: Kind, provider: Name, method: &Method, parts: &[&str]) -> Endpoint {
    let method = method.as_str();
    match (kind, provider) {
        (Kind::Media, _) => media(method, parts),
        (Kind::FalRest, _) => fal_rest(method, parts),
        (Kind::Api, Name::Ltx) => ltx(method, parts),
        (Kind::Api, Name::Runway) => runway(method, parts),
        (Kind::Api, Name::Replicate) => replicate(method, parts),
        (Kind::Api, Name::Fal) => fal(method, parts),
    }
}

fn media(method: &str, parts: &[&str]) -> Endpoint {
    match (method, parts) {
        ("GET" | "HEAD", ["results", _, _]) => Endpoint::Download,
        ("PUT" | "POST", ["uploads", _, _]) => Endpoint::UploadTarget,
        _ => Endpoint::Other,
    }
}

fn ltx(method: &str, parts: &[&str]) -> Endpoint {
    match (method, parts) {
        ("POST", ["v1" | "v2", "image-to-video"]) => Endpoint::Submit,
        ("GET", ["v2", "image-to-video", _]) => Endpoint::Look,
        ("POST", ["v1", "upload"]) => Endpoint::Upload,
        _ => Endpoint::Other,
    }
}

fn runway(method: &str, parts: &[&str]) -> Endpoint {
    match (method, parts) {
        ("POST", ["v1", "image_to_video"]) => Endpoint::Submit,
        ("GET", ["v1", "tasks", _]) => Endpoint::Look,
        ("DELETE", ["v1", "tasks", _]) => Endpoint::Cancel,
        ("POST", ["v1", "uploads"]) => Endpoint::Upload,
        ("GET", ["v1", "organization"]) => Endpoint::Account,
        _ => Endpoint::Other,
    }
}

fn replicate(method: &str, parts: &[&str]) -> Endpoint {
    match (method, parts) {
        ("POST", ["predictions"] | ["models", _, _, "predictions"]) => Endpoint::Submit,
        ("GET", ["predictions", _]) => Endpoint::Look,
        ("POST", ["predictions", _, "cancel"]) => Endpoint::Cancel,
        ("POST", ["files"]) => Endpoint::Upload,
        ("GET", ["webhooks", "default", "secret"]) => Endpoint::Secret,
        ("GET", ["account"]) => Endpoint::Account,
        _ => Endpoint::Other,
    }
}

fn fal(method: &str, parts: &[&str]) -> Endpoint {
    match (method, parts) {
        ("GET", [_, _, "requests", _, "status"]) => Endpoint::Look,
        ("GET", [_, _, "requests", _]) => Endpoint::Result,
        ("PUT", [_, _, "requests", _, "cancel"]) => Endpoint::Cancel,
        ("POST", [_, _, rest @ ..]) if !rest.contains(&"requests") => Endpoint::Submit,
        _ => Endpoint::Other,
    }
}

fn fal_rest(method: &str, parts: &[&str]) -> Endpoint {
    match (method, parts) {
        ("POST", ["storage", "upload", "initiate"]) => Endpoint::Upload,
        ("GET", [".well-known", "jwks.json"]) => Endpoint::Jwks,
        _ => Endpoint::Other,
    }
}
