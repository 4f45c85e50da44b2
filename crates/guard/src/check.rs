//! What is checked of an address before anything is asked for it.

use std::net::IpAddr;

use url::{Host, Url};

use crate::address::{is_local_name, is_public, is_public_name};

/// Longest address that a person may name, in characters.
pub const MAX_CHARS: usize = 2048;

/// Why no request goes to an address, said so that whoever named it knows what to do. The address
/// is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GuardRefusal {
    /// It cannot be read, or not everybody reads it alike.
    #[error("the address cannot be read: please write it as https://host/path")]
    NotAnAddress,
    /// It is longer than addresses are.
    #[error("the address has more than {MAX_CHARS} characters")]
    TooLong,
    /// It has a user name or a password in it.
    #[error("the address has a user name or a password in it")]
    Credentials,
    /// Anybody could read and change what comes.
    #[error("the address is not an https address")]
    NotHttps,
    /// It is inside: of this machine, of this network, or of the cloud's own services.
    #[error("the address is not public")]
    NotPublic,
}

/// Lets requests go to public addresses over https only.
///
/// For development, and beside a provider on this machine, loopback is allowed too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guard {
    loopback: bool,
}

impl Guard {
    /// Lets nothing inside.
    pub const STRICT: Self = Self { loopback: false };

    /// Lets http and https go to loopback too: for development, by explicit flag.
    #[must_use]
    pub const fn with_loopback() -> Self {
        Self { loopback: true }
    }

    /// The guard beside a provider with these roots: one on this machine hands out addresses on
    /// this machine.
    pub fn beside<'a>(mut roots: impl Iterator<Item = &'a Url>) -> Self {
        Self { loopback: roots.any(|root| root.scheme() == "http" && is_this_machine(root)) }
    }

    /// The guard for where an answer from `url` leads: from outside nothing leads inside.
    pub(crate) fn beyond(self, url: &Url) -> Self {
        Self { loopback: self.loopback && is_this_machine(url) }
    }

    /// Whether loopback is allowed.
    pub(crate) const fn lets_loopback(self) -> bool {
        self.loopback
    }

    /// Reads an address that a person named and checks all of it that can be checked without
    /// asking for names. What is returned has no fragment.
    ///
    /// # Errors
    /// [`GuardRefusal`].
    pub fn check(self, text: &str) -> Result<Url, GuardRefusal> {
        let text = text.trim();
        if text.chars().count() > MAX_CHARS {
            return Err(GuardRefusal::TooLong);
        }
        let url = self.check_any_length(text)?;
        match authority(text) {
            None => Err(GuardRefusal::NotAnAddress),
            Some(authority) if authority.contains('@') => Err(GuardRefusal::Credentials),
            Some(_) => Ok(url),
        }
    }

    /// As [`Self::check`], for an address that a machine made: one that is signed is long, and
    /// nobody else reads it.
    ///
    /// # Errors
    /// [`GuardRefusal`], but not [`GuardRefusal::TooLong`].
    pub fn check_any_length(self, text: &str) -> Result<Url, GuardRefusal> {
        let mut url = Url::parse(text).map_err(|_| GuardRefusal::NotAnAddress)?;
        let is_ours = self.loopback && is_this_machine(&url);
        if url.scheme() != "https" && !(is_ours && url.scheme() == "http") {
            return Err(GuardRefusal::NotHttps);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(GuardRefusal::Credentials);
        }
        if !is_ours && !is_public_host(&url) {
            return Err(GuardRefusal::NotPublic);
        }
        url.set_fragment(None);
        Ok(url)
    }

    /// Whether a connection for `name` may go to `ip`.
    pub(crate) fn admits(self, name: &str, ip: IpAddr) -> bool {
        is_public(ip) || (self.loopback && is_local_name(name) && ip.is_loopback())
    }
}

/// Host and port as they are written; none where readers of addresses differ.
///
/// Source: WHATWG URL Standard §4.4 drops tabs and line breaks, takes a backslash for a slash, and
/// any number of slashes for two; RFC 3986 does not.
fn authority(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once("://")?;
    let is_plain = |c: char| c != '\\' && !c.is_control();
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let is_alike = !scheme.contains(':') && text.chars().all(is_plain) && end > 0;
    is_alike.then(|| &rest[..end])
}

fn is_public_host(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => is_public_name(name),
        Some(Host::Ipv4(ip)) => is_public(ip.into()),
        Some(Host::Ipv6(ip)) => is_public(ip.into()),
        None => false,
    }
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => is_local_name(name),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests;
