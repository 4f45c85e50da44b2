//! The door: who is let in, how often, and from where.

use std::net::IpAddr;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, Uri, header};
use url::{Host, Url};

use crate::auth::{ServiceKeys, Verifier};
use crate::{Dependency, Limits};

/// The address a request comes from, as the server or the gateway has seen it. A layer in front of the
/// router puts it in the extensions of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// An origin whose pages may call: scheme, host and port, as a browser writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(HeaderValue);

impl Origin {
    /// What an origin should be, in words.
    pub const EXPECTED: &str = "an origin such as https://app.example.com, without a path";

    /// Reads an origin; none if it is none. `*` is none: say who may call.
    pub fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let is_web = matches!(url.scheme(), "http" | "https");
        // Compared as it is written: a browser leaves out the default port and writes in lower case.
        let is_as_written = is_web && url.origin().ascii_serialization() == text;
        is_as_written.then(|| HeaderValue::from_str(text).ok().map(Self))?
    }

    /// The value of the header.
    pub const fn as_header(&self) -> &HeaderValue {
        &self.0
    }
}

/// The identity of requests that say nothing of theirs, on the machine of whoever develops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Development(pub(crate) String);

impl Development {
    /// Requests without `Authorization` act as `user`, or for any other user. For a door that nobody
    /// but this machine can reach, and that knows no keys; it lets in only what names this machine.
    pub const fn act_as(user: String) -> Self {
        Self(user)
    }
}

/// What stands between a request and the calls.
#[derive(Debug)]
pub struct Door {
    /// Who tells genuine tokens of users; none: no token is believed.
    pub tokens: Option<Verifier>,
    /// Who knows keys of services.
    pub service_keys: ServiceKeys,
    /// Who is calling when it is not said; none: nobody.
    pub development: Option<Development>,
    /// Whose pages may call from a browser.
    pub cors_origins: Vec<Origin>,
    /// Whether callers come over TLS, and should keep to it.
    pub is_behind_tls: bool,
    /// How often somebody may ask.
    pub limits: Limits,
    /// What cannot be done without.
    pub dependencies: Vec<Dependency>,
    /// How long a call may take to begin its answer.
    pub time_limit: Duration,
}

impl Door {
    /// Whether the request names this machine: a page elsewhere can have any name lead here.
    pub(crate) fn names_this_machine(headers: &HeaderMap, uri: &Uri) -> bool {
        let named = headers.get(header::HOST).map(HeaderValue::as_bytes);
        let named = named.or_else(|| uri.authority().map(|at| at.as_str().as_bytes()));
        named.and_then(|host| std::str::from_utf8(host).ok()).is_some_and(is_loopback)
    }

    /// Whether a page that may do so sends the request, or no page does.
    pub(crate) fn is_welcome(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(header::ORIGIN) else { return true };
        let own = headers.get(header::HOST).is_some_and(|host| {
            origin.as_bytes().strip_prefix(b"http://") == Some(host.as_bytes())
        });
        own || self.cors_origins.iter().any(|known| known.as_header() == origin)
    }
}

/// Whether `host`, with or without a port, is a name of this machine.
fn is_loopback(host: &str) -> bool {
    let Ok(url) = Url::parse(&format!("http://{host}/")) else { return false };
    let is_bare = url.username().is_empty() && url.path() == "/" && url.query().is_none();
    is_bare
        && match url.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            None => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_written_as_browsers_write_it() {
        for origin in ["https://app.example.com", "http://localhost:5173", "http://[::1]:3000"] {
            assert!(Origin::parse(origin).is_some(), "{origin}");
        }
        for none in [
            "*",
            "null",
            "",
            "https://app.example.com/",
            "https://app.example.com:443",
            "https://App.example.com",
            "ftp://example.com",
            "app.example.com",
        ] {
            assert!(Origin::parse(none).is_none(), "{none}");
        }
    }

    #[test]
    fn only_names_of_this_machine_are_this_machine() {
        for host in ["localhost", "localhost:4701", "127.0.0.1:4701", "[::1]:4701", "a.localhost"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in
            ["", "evil.example", "localhost.evil.example", "x@localhost", "192.168.1.7", "a/b"]
        {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
