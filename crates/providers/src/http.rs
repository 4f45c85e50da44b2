//! Requests to providers: sent at most once, and a lost answer is told from a request never sent.

mod answer;
pub mod download;
mod upload;

use std::time::Duration;

use guard::{Guard, plain};
use ports::{ClipDelivery, Source};
use reqwest::header::{AUTHORIZATION, HeaderMap};
use reqwest::{Client, ClientBuilder, Request, RequestBuilder, Response, StatusCode};
use url::Url;

pub use answer::{Answer, NotUnderstood};
pub use download::DownloadError;
pub(crate) use guard::obeyed;

/// How long things may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Until a connection stands, TLS included.
    pub connect: Duration,
    /// For an answer to begin, and from one sign of life to the next.
    pub read: Duration,
    /// From one piece of a clip to the next.
    pub idle: Duration,
    /// One call of a provider's API.
    pub call: Duration,
    /// One upload of a photo.
    pub upload: Duration,
    /// One download of a clip.
    pub download: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            read: Duration::from_secs(30),
            idle: Duration::from_secs(30),
            call: Duration::from_mins(1),
            upload: Duration::from_mins(5),
            download: Duration::from_hours(1),
        }
    }
}

/// There is no answer. No address and no key is told.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    /// The request is proven not to have reached the provider.
    #[error("the request was not sent")]
    NotSent(#[source] Source),
    /// The request may have reached the provider.
    #[error("the answer was lost")]
    Lost(#[source] Source),
}

impl Unanswered {
    /// What went wrong, whether or not the request was sent.
    pub fn into_source(self) -> Source {
        self.into()
    }
}

/// An answer, whole or on its way.
#[derive(Debug)]
pub enum Reply {
    /// It is here.
    Whole(Answer),
    /// It is a clip on its way.
    Clip {
        /// The headers that came before it.
        headers: HeaderMap,
        /// The clip.
        clip: ClipDelivery,
    },
}

/// The root of a provider's API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base(Url);

impl Base {
    /// Reads `https://host/path`, or `http` for a provider on this machine or in this network.
    pub fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let is_root = matches!(url.scheme(), "http" | "https") && url.has_host();
        let is_bare = url.query().is_none() && url.fragment().is_none();
        (is_root && is_bare).then_some(Self(url))
    }

    /// An address below it; what is special in a segment is escaped.
    #[must_use]
    pub fn at(&self, segments: &[&str]) -> Url {
        let mut url = self.0.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// The address itself.
    pub const fn url(&self) -> &Url {
        &self.0
    }
}

/// Speaks HTTP with one provider, and with the storage that it names.
#[derive(Clone, Debug)]
pub struct Http {
    own: Vec<Base>,
    guard: Guard,
    timeouts: Timeouts,
    /// For the provider itself, which is trusted with the key.
    api: Client,
    /// For addresses that somebody else named.
    open: Client,
}

impl Http {
    /// Speaks with the provider whose roots are `own`.
    ///
    /// # Panics
    /// Never: the settings of the clients are constants, and the roots of trust are compiled in.
    #[must_use]
    pub fn new(own: &[&Base], timeouts: Timeouts) -> Self {
        let guard = Guard::beside(own.iter().map(|base| base.url()));
        let build = |builder: ClientBuilder| {
            let builder = builder.connect_timeout(timeouts.connect).read_timeout(timeouts.read);
            builder.build().expect("constant settings fit")
        };
        let (api, open) = (build(plain()), build(guard.client()));
        Self { own: own.iter().map(|base| (*base).clone()).collect(), guard, timeouts, api, open }
    }

    /// A request to read.
    pub fn get(&self, url: Url) -> RequestBuilder {
        self.api.get(url)
    }

    /// A request to do something once.
    pub fn post(&self, url: Url) -> RequestBuilder {
        self.api.post(url)
    }

    /// A request to put something in place.
    pub fn put(&self, url: Url) -> RequestBuilder {
        self.api.put(url)
    }

    /// A request to remove.
    pub fn delete(&self, url: Url) -> RequestBuilder {
        self.api.delete(url)
    }

    /// Asks the provider, once. No other host is asked: requests carry the key.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn exchange(&self, request: RequestBuilder) -> Result<Answer, Unanswered> {
        let (response, key) = self.send(request).await?;
        Ok(Answer::read(response).await?.without(key.as_deref()))
    }

    /// Asks the provider, once, for something that may come as a clip.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn exchange_for_clip(&self, request: RequestBuilder) -> Result<Reply, Unanswered> {
        let (response, key) = self.send(request).await?;
        if response.status() != StatusCode::OK || !download::is_clip(response.headers()) {
            let answer = Answer::read(response).await?;
            return Ok(Reply::Whole(answer.without(key.as_deref())));
        }
        let headers = response.headers().clone();
        let clip = download::delivery(response, self.timeouts.idle);
        let clip = clip.map_err(|error| Unanswered::Lost(error.into()))?;
        Ok(Reply::Clip { headers, clip })
    }

    /// Sends a request. With the answer comes the key that was shown, for some repeat it.
    async fn send(
        &self,
        request: RequestBuilder,
    ) -> Result<(Response, Option<String>), Unanswered> {
        let request = request.timeout(self.timeouts.call).build().map_err(not_sent)?;
        if !self.owns(request.url()) {
            return Err(Unanswered::NotSent(NotOwn.into()));
        }
        let key = key_in(&request);
        let response = self.api.execute(request).await.map_err(unanswered)?;
        Ok((response, key))
    }

    /// Whether an address is the provider's own, so that the key may be shown there.
    pub fn owns(&self, url: &Url) -> bool {
        self.own.iter().any(|base| base.url().origin() == url.origin())
    }
}

/// The key that a request shows: what follows the scheme.
fn key_in(request: &Request) -> Option<String> {
    let value = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    value.split_once(' ').map(|(_, key)| key.to_owned())
}

/// The key would be shown to somebody else.
#[derive(Debug, thiserror::Error)]
#[error("an address that is not the provider's own")]
struct NotOwn;

/// Nothing is written before the connector is done: name, TCP, TLS (hyper-util marks its errors as
/// `Connect`). Whatever happens later may have reached the provider.
fn unanswered(error: reqwest::Error) -> Unanswered {
    if error.is_connect() { not_sent(error) } else { lost(error) }
}

fn not_sent(error: reqwest::Error) -> Unanswered {
    Unanswered::NotSent(error.without_url().into())
}

fn lost(error: reqwest::Error) -> Unanswered {
    Unanswered::Lost(error.without_url().into())
}

#[cfg(test)]
mod tests;
