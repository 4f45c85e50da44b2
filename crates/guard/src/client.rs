//! Connections that go where they were checked to go.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures::future::BoxFuture;
use ports::Source;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder};

use crate::check::{Guard, GuardRefusal};

/// Tells the addresses of names.
pub trait Lookup: Send + Sync + 'static {
    /// The addresses of `name`, as they are now.
    fn lookup(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// Asks the operating system.
#[derive(Clone, Copy, Debug)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|addr| addr.ip()).collect())
        })
    }
}

/// A client that sends every request at most once, to where it is told and nowhere else: no
/// redirect, no proxy, no cookie. Time limits are the caller's.
///
/// Relied on (hyper-util 0.1 `client/legacy/client.rs`, reqwest 0.12 `retry.rs`): hyper-util repeats
/// a request only if it was never begun on a *reused* connection, and without idle connections none
/// is reused; reqwest repeats what HTTP/2 refused, so that is switched off, and HTTP/2 with it.
pub fn plain() -> ClientBuilder {
    Client::builder()
        .pool_max_idle_per_host(0)
        .retry(reqwest::retry::never())
        .http1_only()
        .redirect(Policy::none())
        .no_proxy()
        .user_agent("stillmotion/1")
        .no_gzip()
        .no_brotli()
        .no_deflate()
        .no_zstd()
}

impl Guard {
    /// As [`plain`], for addresses that [`Self::check`] has let through: names that lead inside
    /// lead nowhere, and every request looks its name up anew.
    ///
    /// The check comes first: an address in figures has no name to look up.
    pub fn client(self) -> ClientBuilder {
        self.client_with(Arc::new(SystemLookup))
    }

    /// As [`Self::client`], with another lookup of names.
    pub fn client_with(self, lookup: Arc<dyn Lookup>) -> ClientBuilder {
        let resolver = Resolver { guard: self, lookup };
        plain().https_only(!self.lets_loopback()).dns_resolver(Arc::new(resolver))
    }
}

/// Looks names up for the connection itself, so that the address that was checked is the one that
/// is connected to. One address inside, and the name has none.
struct Resolver {
    guard: Guard,
    lookup: Arc<dyn Lookup>,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.guard;
        let found = self.lookup.lookup(name.as_str().to_owned());
        Box::pin(async move {
            let found = found.await?;
            if found.iter().all(|ip| guard.admits(name.as_str(), *ip)) {
                // Port 0 stands for the port of the request.
                Ok(Box::new(found.into_iter().map(|ip| SocketAddr::new(ip, 0))) as Addrs)
            } else {
                Err(Source::from(GuardRefusal::NotPublic))
            }
        })
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").field("guard", &self.guard).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
