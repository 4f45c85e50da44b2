//! The public keys of whoever signs tokens, and their cache.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::Timestamp;
use futures::future::BoxFuture;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use ports::{Chain, Source};
use serde::Deserialize;
use url::Url;

use crate::Dependency;

/// How long a set is good. Source: Supabase documentation, "JWT Signing Keys": the edge keeps it as long.
const GOOD_FOR: Duration = Duration::from_mins(10);
/// How long a set serves when no newer one can be had.
const STALE_FOR: Duration = Duration::from_hours(24);
/// The pause between two fetches, so that tokens with made-up key ids cause no more.
const PAUSE: Duration = Duration::from_secs(30);
/// The same while there is no set at all.
const PAUSE_WITHOUT: Duration = Duration::from_secs(2);
/// How long a fetch may take.
const FETCH_TIME: Duration = Duration::from_secs(5);
/// Largest set that is read, in bytes.
const MAX_BYTES: usize = 256 * 1024;
/// Smallest modulus of an RSA key, in bytes. Source: RFC 7518 §3.3.
const MIN_MODULUS_BYTES: usize = 256;

/// No keys can be had: it is not known whether a token is genuine.
#[derive(Debug, thiserror::Error)]
#[error("keys of the issuer of tokens")]
pub struct NoKeys(#[source] pub Source);

/// Gets the set of keys, as JSON.
///
/// Source: RFC 7517 §5.
pub trait FetchKeys: Send + Sync {
    /// Gets it once.
    fn fetch(&self) -> BoxFuture<'_, Result<Vec<u8>, Source>>;
}

/// Gets it over HTTP.
#[derive(Clone, Debug)]
pub struct HttpKeys {
    client: reqwest::Client,
    url: Url,
}

impl HttpKeys {
    /// Gets the set at `url`, and nowhere else: redirects are not followed.
    ///
    /// # Errors
    /// If there is no TLS.
    pub fn new(url: Url) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .timeout(FETCH_TIME)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self { client, url })
    }

    /// Whether the set at `url` can be had; none: not configured.
    ///
    /// # Errors
    /// If there is no TLS.
    pub fn dependency(url: Option<Url>) -> Result<Dependency, reqwest::Error> {
        let name = "keys of the issuer";
        let Some(url) = url else { return Ok(Dependency { name, check: None }) };
        Ok(Dependency::of(name, Self::new(url)?, |keys| async move {
            keys.fetch().await.and_then(|text| read(&text)).map(drop)
        }))
    }

    async fn get(&self) -> Result<Vec<u8>, reqwest::Error> {
        let mut response = self.client.get(self.url.clone()).send().await?.error_for_status()?;
        let mut text = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            text.extend_from_slice(&chunk);
            if text.len() > MAX_BYTES {
                break;
            }
        }
        Ok(text)
    }
}

impl FetchKeys for HttpKeys {
    fn fetch(&self) -> BoxFuture<'_, Result<Vec<u8>, Source>> {
        Box::pin(async {
            let text = self.get().await.map_err(|error| Box::new(error.without_url()))?;
            if text.len() > MAX_BYTES { Err("the set is too large".into()) } else { Ok(text) }
        })
    }
}

/// A key, and the one algorithm it is for.
#[derive(Clone)]
pub(super) struct PublicKey {
    pub(super) key: DecodingKey,
    pub(super) algorithm: Algorithm,
}

/// What is known of the set.
#[derive(Clone, Default)]
struct Known {
    keys: Arc<HashMap<String, PublicKey>>,
    /// When the keys were got.
    got_at: Option<Timestamp>,
    /// When it was last tried to get them.
    tried_at: Option<Timestamp>,
}

impl Known {
    fn is_younger(&self, than: Duration, now: Timestamp) -> bool {
        self.got_at.is_some_and(|at| now.since(at) < than)
    }

    fn may_fetch(&self, now: Timestamp) -> bool {
        let pause = if self.is_younger(STALE_FOR, now) { PAUSE } else { PAUSE_WITHOUT };
        self.tried_at.is_none_or(|at| now.since(at) >= pause)
    }
}

/// The keys of an issuer, kept for a while.
pub struct KeySet {
    source: Box<dyn FetchKeys>,
    known: Mutex<Known>,
    fetching: tokio::sync::Mutex<()>,
}

impl KeySet {
    /// The set that `source` gets.
    pub fn new(source: impl FetchKeys + 'static) -> Self {
        Self {
            source: Box::new(source),
            known: Mutex::default(),
            fetching: tokio::sync::Mutex::default(),
        }
    }

    /// The key named `id`, if there is one.
    pub(super) async fn find(&self, id: &str, now: Timestamp) -> Result<Option<PublicKey>, NoKeys> {
        let known = self.known();
        if let Some(key) = known.keys.get(id)
            && known.is_younger(GOOD_FOR, now)
        {
            return Ok(Some(key.clone()));
        }
        let failed = self.fetch(id, now).await.err();
        let known = self.known();
        if !known.is_younger(STALE_FOR, now) {
            return Err(NoKeys(
                failed.unwrap_or_else(|| "they could not be had a moment ago".into()),
            ));
        }
        Ok(known.keys.get(id).cloned())
    }

    /// Whether the key named `id` is known and good, without asking anybody.
    pub(super) fn has(&self, id: &str, now: Timestamp) -> bool {
        let known = self.known();
        known.is_younger(STALE_FOR, now) && known.keys.contains_key(id)
    }

    /// Gets the set anew, unless that was tried a moment ago. One at a time: who waited for another
    /// takes what that one has got, and who has a key that will do does not wait.
    async fn fetch(&self, id: &str, now: Timestamp) -> Result<(), Source> {
        let _turn = if self.has(id, now) {
            let Ok(turn) = self.fetching.try_lock() else { return Ok(()) };
            turn
        } else {
            self.fetching.lock().await
        };
        let known = self.known();
        let was_got = known.is_younger(GOOD_FOR, now) && known.keys.contains_key(id);
        if was_got || !known.may_fetch(now) {
            return Ok(());
        }
        // Before the fetch: who is cut off while it lasts has tried as well.
        self.change(|known| known.tried_at = Some(now));
        match self.source.fetch().await.and_then(|text| read(&text)) {
            Ok(keys) => {
                self.change(|known| {
                    known.keys = Arc::new(keys);
                    known.got_at = Some(now);
                });
                Ok(())
            }
            Err(error) => {
                tracing::warn!(error = %Chain(&*error), "keys of the issuer of tokens cannot be had");
                Err(error)
            }
        }
    }

    fn known(&self) -> Known {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, change: impl FnOnce(&mut Known)) {
        change(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySet").field("got_at", &self.known().got_at).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<serde_json::Value>,
}

/// The keys that can be used. Those of other kinds are passed over; a set without any is none.
fn read(text: &[u8]) -> Result<HashMap<String, PublicKey>, Source> {
    let Set { keys } = serde_json::from_slice(text)?;
    let all = keys.len();
    let usable: HashMap<_, _> = keys.into_iter().filter_map(usable).collect();
    if usable.is_empty() {
        return Err(format!("none of {all} keys can be used").into());
    }
    Ok(usable)
}

/// The algorithm is that of the key's type. Secrets and Edwards curves are none of ours.
fn usable(jwk: serde_json::Value) -> Option<(String, PublicKey)> {
    let jwk: Jwk = serde_json::from_value(jwk).ok()?;
    let (algorithm, named) = match &jwk.algorithm {
        AlgorithmParameters::EllipticCurve(params) if params.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        AlgorithmParameters::RSA(params) if is_long_enough(&params.n) => {
            (Algorithm::RS256, KeyAlgorithm::RS256)
        }
        _ => return None,
    };
    let common = &jwk.common;
    let is_for_it = common.key_algorithm.is_none_or(|other| other == named);
    let signs = common.public_key_use.as_ref().is_none_or(|us| *us == PublicKeyUse::Signature);
    let id = common.key_id.clone().filter(|_| is_for_it && signs)?;
    Some((id, PublicKey { key: DecodingKey::from_jwk(&jwk).ok()?, algorithm }))
}

fn is_long_enough(modulus: &str) -> bool {
    let modulus = URL_SAFE_NO_PAD.decode(modulus.trim_end_matches('=')).unwrap_or_default();
    modulus.iter().skip_while(|byte| **byte == 0).count() >= MIN_MODULUS_BYTES
}
