//! Tells customers when their orders end.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use uuid::Uuid;

use crate::books::Entry;
use crate::clock::since_epoch;
use crate::fal;
use crate::keys::FAL_USER;
use crate::name::Name;
use crate::order::State;
use crate::providers::{Providers, now};
use crate::replicate::{self, signature};
use crate::switches::Webhooks;

/// How often an order that waits for others is looked at.
const GLANCE: Duration = Duration::from_millis(20);
/// How much later the same delivery is sent again.
const REPLAY_AFTER: Duration = Duration::from_millis(500);
/// The age of a stale signature, in seconds.
const STALE_SECS: i64 = 600;
/// Waits before Replicate tries again; the last try comes about a minute after the end.
const REPLICATE_WAITS: [u64; 6] = [1, 2, 4, 8, 16, 30];
/// Waits before fal tries again: ten times in two hours.
const FAL_WAITS: [u64; 10] = [7, 14, 28, 56, 112, 224, 448, 896, 1792, 3584];

/// Sends what the customer wants to be told of an order, from its taking to its end.
pub(crate) fn follow(providers: &Arc<Providers>, name: Name, entry: &Entry) {
    let Some(url) = entry.order.user_webhook.clone() else { return };
    let (this, id) = (providers.clone(), entry.order.id.clone());
    providers.spawn(async move {
        let started = Courier::new(&this, name, &id, &url);
        if name == Name::Replicate && wants(&this, name, &id, "start") {
            until(&this, name, &id, |state| state == State::Running || state.is_final()).await;
            started.once().await;
        }
        until(&this, name, &id, State::is_final).await;
        if wants(&this, name, &id, "completed") {
            Courier::new(&this, name, &id, &url).deliver().await;
        }
    });
}

fn wants(providers: &Providers, name: Name, id: &str, event: &str) -> bool {
    let mut books = providers.books(name);
    let Some(entry) = books.entry(id, now()) else { return false };
    // fal says nothing of what it called off.
    let silent = name == Name::Fal && entry.order.state == State::Cancelled;
    !silent && (entry.events.is_empty() || entry.events.iter().any(|wanted| wanted == event))
}

/// Waits for an order.
async fn until(providers: &Providers, name: Name, id: &str, there: impl Fn(State) -> bool) {
    loop {
        let state = providers.books(name).entry(id, now()).map(|entry| entry.order.state);
        if state.is_none_or(&there) {
            return;
        }
        tokio::time::sleep(GLANCE).await;
    }
}

/// Brings one message, all copies of it under one id.
struct Courier<'a> {
    providers: &'a Providers,
    name: Name,
    id: &'a str,
    url: &'a str,
    message: String,
}

/// What is sent.
#[derive(Clone)]
struct Signed {
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl<'a> Courier<'a> {
    fn new(providers: &'a Providers, name: Name, id: &'a str, url: &'a str) -> Self {
        let message = format!("msg_{}", Uuid::new_v4().simple());
        Self { providers, name, id, url, message }
    }

    /// Sends it as it stands now, and does not care.
    async fn once(&self) {
        let webhooks = self.webhooks();
        if webhooks.send
            && let Some(signed) = self.signed(&webhooks)
        {
            self.send(&signed).await;
        }
    }

    /// Sends as many copies as the switches have it, each until it arrives.
    async fn deliver(&self) {
        tokio::time::sleep(Duration::from_millis(self.webhooks().delay_ms)).await;
        let webhooks = self.webhooks();
        if !webhooks.send {
            return;
        }
        let Some(first) = self.signed(&webhooks) else { return };
        let copies = (0..webhooks.copies).map(|_| self.insist(&first, &webhooks));
        let replay = async {
            if webhooks.replay {
                tokio::time::sleep(REPLAY_AFTER).await;
                self.send(&first).await;
            }
        };
        tokio::join!(join_all(copies), replay);
    }

    /// Sends until it arrives, each time with a new signature.
    async fn insist(&self, first: &Signed, webhooks: &Webhooks) {
        let waits: &[u64] = if self.name == Name::Fal { &FAL_WAITS } else { &REPLICATE_WAITS };
        let mut signed = Some(first.clone());
        for wait in waits.iter().map(Some).chain([None]) {
            let Some(now) = signed else { return };
            if self.send(&now).await {
                return;
            }
            let Some(secs) = wait else { break };
            tokio::time::sleep(Duration::from_secs(*secs)).await;
            signed = self.signed(webhooks);
        }
        tracing::warn!(order = self.id, "a webhook was given up");
    }

    fn webhooks(&self) -> Webhooks {
        self.providers.books(self.name).switches.webhooks.clone()
    }

    fn signed(&self, webhooks: &Webhooks) -> Option<Signed> {
        let now = now();
        let entry = self.providers.books(self.name).entry(self.id, now).cloned()?;
        let mut body = match self.name {
            Name::Fal => fal::webhook(self.providers, &entry),
            _ => replicate::prediction(self.providers, &entry),
        };
        let text = body.to_string();
        let secs = i64::try_from(since_epoch(now).as_secs()).unwrap_or(i64::MAX);
        let secs = if webhooks.stale { secs - STALE_SECS } else { secs };
        let mut headers = self.headers(!webhooks.wrong_key, secs, &text)?;
        if webhooks.unsigned {
            headers.retain(|(name, _)| !name.ends_with("-signature"));
        }
        if webhooks.tamper {
            body["tampered"] = true.into();
        }
        let body = if webhooks.tamper { body.to_string() } else { text };
        Some(Signed { headers, body })
    }

    fn headers(&self, known: bool, secs: i64, body: &str) -> Option<Vec<(&'static str, String)>> {
        if self.name == Name::Fal {
            return Some(self.providers.signer.headers(known, (self.id, FAL_USER), secs, body));
        }
        let secret = if known { &self.providers.webhook_secret } else { signature::STRANGER };
        let headers = signature::headers(secret, &self.message, secs, body);
        headers.inspect_err(|error| tracing::error!(%error, "a webhook was not signed")).ok()
    }

    /// Sends it, and tells whether it was taken.
    async fn send(&self, signed: &Signed) -> bool {
        let request = self.providers.http.post(self.url).header("content-type", "application/json");
        let named = signed.headers.iter();
        let request = named.fold(request, |request, (name, value)| request.header(*name, value));
        match request.body(signed.body.clone()).send().await {
            Ok(response) => response.status().is_success(),
            Err(error) => {
                tracing::debug!(%error, order = self.id, "a webhook did not arrive");
                false
            }
        }
    }
}
