//! The running server.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::TcpListener;

use crate::name::Name;
use crate::order::{Bill, Call, Order};
use crate::providers::{Providers, now};
use crate::server;
use crate::switches::Switches;

/// The four providers on one port of loopback, until it is dropped.
#[derive(Debug)]
pub struct Fake {
    addr: SocketAddr,
    providers: Arc<Providers>,
}

impl Fake {
    /// Listens on a free port. Every order that succeeds yields `clip`.
    ///
    /// # Errors
    /// If there is no port.
    pub async fn start(clip: Vec<u8>) -> io::Result<Self> {
        Self::start_on((Ipv4Addr::LOCALHOST, 0).into(), clip).await
    }

    /// Listens on this address.
    ///
    /// # Errors
    /// If the address cannot be listened on.
    pub async fn start_on(addr: SocketAddr, clip: Vec<u8>) -> io::Result<Self> {
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        let providers = Providers::new(addr, clip)?;
        providers.spawn(server::serve(providers.clone(), listener));
        Ok(Self { addr, providers })
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        self.providers.root.clone()
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What the URLs of a provider's API begin with; for fal, those of its queue.
    pub fn base(&self, provider: Name) -> String {
        self.providers.base(provider)
    }

    /// What the URLs of fal's other host begin with, where photos are put and keys are shown.
    pub fn rest_base(&self) -> String {
        format!("{}/fal-rest", self.providers.root)
    }

    /// How a provider is to behave from now on.
    pub fn set(&self, provider: Name, switches: Switches) {
        self.providers.books(provider).switches = switches;
    }

    /// Changes how a provider is to behave from now on.
    pub fn change(&self, provider: Name, change: impl FnOnce(&mut Switches)) {
        change(&mut self.providers.books(provider).switches);
    }

    /// How it behaves; what was used up of answers and cuts is gone.
    pub fn switches(&self, provider: Name) -> Switches {
        self.providers.books(provider).switches.clone()
    }

    /// Every order that was taken, the first one first.
    pub fn orders(&self, provider: Name) -> Vec<Order> {
        self.providers.books(provider).orders(now())
    }

    /// Every request that was seen, the first one first.
    pub fn calls(&self, provider: Name) -> Vec<Call> {
        self.providers.books(provider).calls.clone()
    }

    /// What it would charge for.
    pub fn bill(&self, provider: Name) -> Bill {
        self.providers.books(provider).bill(now())
    }

    /// With what Replicate signs webhooks: `whsec_` and base64.
    pub fn webhook_secret(&self) -> String {
        self.providers.webhook_secret.clone()
    }

    /// Stops, and waits until the port is free: after that, connections are refused.
    pub async fn stop(self) {
        self.providers.stop.cancel();
        self.providers.tasks.close();
        self.providers.tasks.wait().await;
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.providers.stop.cancel();
    }
}
