//! Where a request may go that somebody else named the address of.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use ports::Source;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// The request would go where it must not. The address is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GuardRefusal {
    /// It is not an address at all, or has a name and password in it.
    #[error("not an address")]
    NotAnAddress,
    /// Anybody could read and change what comes.
    #[error("an address that is not https")]
    NotHttps,
    /// It is inside: of this machine, of this network, or of the cloud's own services.
    #[error("an address that is not public")]
    NotPublic,
}

/// Lets requests go to public addresses over https only.
///
/// A provider on this machine hands out addresses on this machine: beside it, loopback is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guard {
    loopback: bool,
}

impl Guard {
    /// Lets nothing inside.
    pub const STRICT: Self = Self { loopback: false };

    /// The guard beside a provider with these roots.
    pub(super) fn beside<'a>(mut roots: impl Iterator<Item = &'a Url>) -> Self {
        Self { loopback: roots.any(|root| root.scheme() == "http" && is_this_machine(root)) }
    }

    /// Reads an address and checks all of it that can be checked without asking for names.
    ///
    /// # Errors
    /// [`GuardRefusal`].
    pub fn check(self, text: &str) -> Result<Url, GuardRefusal> {
        let url = Url::parse(text).map_err(|_| GuardRefusal::NotAnAddress)?;
        let is_named = !url.username().is_empty() || url.password().is_some();
        if is_named || !url.has_host() {
            return Err(GuardRefusal::NotAnAddress);
        }
        let is_inside = is_this_machine(&url);
        match url.scheme() {
            "https" | "http" if self.loopback && is_inside => Ok(url),
            "https" if is_inside => Err(GuardRefusal::NotPublic),
            "https" => match literal(&url) {
                Some(ip) if !is_public(ip) => Err(GuardRefusal::NotPublic),
                _ => Ok(url),
            },
            _ => Err(GuardRefusal::NotHttps),
        }
    }

    /// Looks names up for the connection itself, so that the address that was checked is the one
    /// that is connected to.
    pub(super) fn resolver(self) -> Arc<Resolver> {
        Arc::new(Resolver(self))
    }

    fn admits(self, name: &str, addr: IpAddr) -> bool {
        is_public(addr) || (self.loopback && is_local_name(name) && addr.is_loopback())
    }
}

/// Looks names up; one address inside, and the name has none.
#[derive(Debug)]
pub(super) struct Resolver(Guard);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.0;
        Box::pin(async move {
            let name = name.as_str();
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name, 0)).await?.collect();
            if found.iter().all(|addr| guard.admits(name, addr.ip())) {
                Ok(Box::new(found.into_iter()) as Addrs)
            } else {
                Err(Source::from(GuardRefusal::NotPublic))
            }
        })
    }
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => is_local_name(name),
        _ => literal(url).is_some_and(|ip| ip.is_loopback()),
    }
}

fn is_local_name(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

fn literal(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Domain(_) => None,
        Host::Ipv4(ip) => Some(ip.into()),
        Host::Ipv6(ip) => Some(ip.into()),
    }
}

/// Whether an address is reachable for everybody.
///
/// Source: IANA IPv4 and IPv6 Special-Purpose Address Registries.
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let is_special = match (a, b, c) {
        // "this network", multicast and reserved; carrier-grade NAT; protocol assignments and 6to4
        // relays; benchmarks
        (0 | 224.., ..) | (100, 64..=127, _) | (192, 0, 0) | (192, 88, 99) | (198, 18 | 19, _) => {
            true
        }
        _ => ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_documentation(),
    };
    !is_special
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    match ip.segments() {
        // NAT64: the IPv4 address is in the last 32 bits
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            let [a, b] = high.to_be_bytes();
            let [c, d] = low.to_be_bytes();
            is_public_v4(Ipv4Addr::new(a, b, c, d))
        }
        // protocol assignments with Teredo, documentation, 6to4
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x2002, ..] | [0x3fff, 0..=0xfff, ..] => false,
        // all that is global so far; neither mapped IPv4, nor local, nor multicast
        [0x2000..=0x3fff, ..] => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_inside_is_public() {
        let inside = [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:8.8.8.8",
            "::ffff:127.0.0.1",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2001::1",
            "64:ff9b::7f00:1",
            "fd00:ec2::254",
        ];
        let outside = ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1", "64:ff9b::808:808"];
        let public = |text: &&str| is_public(text.parse().expect("an address"));

        assert_eq!(inside.iter().copied().filter(|ip| public(ip)).collect::<Vec<_>>(), [""; 0]);
        assert!(outside.iter().all(public));
    }

    #[test]
    fn only_public_https_is_let_through() {
        use GuardRefusal::{NotAnAddress, NotHttps, NotPublic};
        let refused = [
            ("http://169.254.169.254/latest/meta-data", NotHttps),
            ("https://169.254.169.254/", NotPublic),
            ("https://127.0.0.1/", NotPublic),
            ("https://2130706433/", NotPublic),
            ("https://0x7f.1/", NotPublic),
            ("https://[::1]/", NotPublic),
            ("https://[::ffff:10.0.0.1]/", NotPublic),
            ("https://localhost/", NotPublic),
            ("https://a.LOCALHOST./", NotPublic),
            ("http://example.com/", NotHttps),
            ("file:///etc/passwd", NotAnAddress),
            ("https://user:pass@example.com/", NotAnAddress),
            ("nothing", NotAnAddress),
        ];

        for (text, why) in refused {
            assert_eq!(Guard::STRICT.check(text), Err(why), "{text}");
        }
        assert!(Guard::STRICT.check("https://example.com/a.mp4?sig=1").is_ok());
    }

    #[test]
    fn beside_a_provider_on_this_machine_loopback_is_allowed_and_nothing_else() {
        let root = |text: &str| Url::parse(text).expect("an address");
        let local = Guard::beside([&root("http://127.0.0.1:4010/ltx")].into_iter());

        assert!(local.check("http://127.0.0.1:9/clip.mp4").is_ok());
        assert!(local.check("http://localhost:9/clip.mp4").is_ok());
        assert_eq!(local.check("http://10.0.0.1/"), Err(GuardRefusal::NotHttps));
        assert_eq!(local.check("https://10.0.0.1/"), Err(GuardRefusal::NotPublic));
        assert_eq!(Guard::beside([&root("https://127.0.0.1")].into_iter()), Guard::STRICT);
        assert_eq!(Guard::beside([&root("http://10.0.0.1")].into_iter()), Guard::STRICT);
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_leads_nowhere() {
        let name = |text: &str| text.parse::<Name>().expect("a name");
        let strict = Guard::STRICT.resolver().resolve(name("localhost")).await;
        let local = Guard { loopback: true }.resolver().resolve(name("localhost")).await;

        assert!(strict.is_err_and(|error| error.is::<GuardRefusal>()));
        assert!(local.is_ok());
    }
}
