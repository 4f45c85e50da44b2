//! What is at an address that a person named: whole and as wanted, or not at all.

mod error;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt as _, TryFutureExt as _, stream};
use ports::{ByteStream, Source};
use reqwest::header::{ACCEPT, ACCEPT_ENCODING};
use reqwest::{Client, Response};
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::check::Guard;
use crate::client::{Lookup, SystemLookup};
use crate::headers::{media_type, redirect, retry_after};
use error::Trouble;
pub use error::{FetchError, Refusal};

/// How often an address may send us elsewhere.
const MAX_REDIRECTS: usize = 3;
/// What bytes are that nobody says anything of.
///
/// Source: RFC 9110 §8.3.
const ANYTHING: &str = "application/octet-stream";

/// How long things may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Until a connection stands, TLS included.
    pub connect: Duration,
    /// For an answer to begin, connection included, and from one piece to the next.
    pub idle: Duration,
    /// For all of it, redirects included.
    pub total: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(30),
            total: Duration::from_mins(5),
        }
    }
}

/// What is wanted of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Most that is taken, in bytes.
    pub max_bytes: u64,
    /// Media types that are taken, in lower case and without parameters. What comes without a type
    /// counts as `application/octet-stream`.
    pub types: &'static [&'static str],
}

/// What is at an address, on its way.
pub struct Fetched {
    /// Its media type, one of those that were wanted.
    pub content_type: String,
    /// Its bytes. The stream breaks, with a [`FetchError`], unless all of it comes in time and it
    /// is as small as wanted.
    pub bytes: ByteStream,
}

impl fmt::Debug for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetched").field("content_type", &self.content_type).finish_non_exhaustive()
    }
}

/// Fetches from addresses that a person named.
#[derive(Clone, Debug)]
pub struct Fetcher {
    guard: Guard,
    limits: Limits,
    client: Client,
}

impl Fetcher {
    /// Fetches from where `guard` lets it, within `limits`.
    pub fn new(guard: Guard, limits: Limits) -> Self {
        Self::with_lookup(guard, limits, Arc::new(SystemLookup))
    }

    /// As [`Self::new`], with another lookup of names.
    ///
    /// # Panics
    /// Never: the settings of the client are constants, and the roots of trust are compiled in.
    pub fn with_lookup(guard: Guard, limits: Limits, lookup: Arc<dyn Lookup>) -> Self {
        let client = guard.client_with(lookup).connect_timeout(limits.connect);
        Self { guard, limits, client: client.build().expect("constant settings fit") }
    }

    /// Fetches what is at `url`, following three redirects at most.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn fetch(&self, url: &str, wanted: &Wanted) -> Result<Fetched, FetchError> {
        let clock = Clock { idle: self.limits.idle, end: Instant::now() + self.limits.total };
        let mut guard = self.guard;
        let mut url = guard.check(url)?;
        for _ in 0..=MAX_REDIRECTS {
            guard = guard.beyond(&url);
            let response = self.get(url, wanted, clock).await?;
            let Some(next) = redirect(&response).map_err(|_| Refusal::Nowhere)? else {
                return accepted(response, *wanted, clock);
            };
            url = guard.check_any_length(next.as_str())?;
        }
        Err(Refusal::Redirects.into())
    }

    async fn get(&self, url: Url, wanted: &Wanted, clock: Clock) -> Result<Response, FetchError> {
        // Whatever else there is may be sent too: it is refused with its type.
        let accept = format!("{}, */*;q=0.1", wanted.types.join(", "));
        let request = self.client.get(url).header(ACCEPT, accept);
        let sent = request.header(ACCEPT_ENCODING, "identity").send();
        clock.bound(sent.map_err(FetchError::unanswered)).await?
    }
}

/// When waiting ends.
#[derive(Clone, Copy)]
struct Clock {
    idle: Duration,
    end: Instant,
}

impl Clock {
    async fn bound<T>(self, coming: impl Future<Output = T>) -> Result<T, Trouble> {
        let until = Instant::now() + self.idle;
        let came = timeout_at(until.min(self.end), coming).await;
        came.map_err(|_| if until < self.end { Trouble::Idle(self.idle) } else { Trouble::Total })
    }
}

fn accepted(response: Response, wanted: Wanted, clock: Clock) -> Result<Fetched, FetchError> {
    match response.status().as_u16() {
        200 => {}
        status @ (408 | 425 | 429 | 500..) => {
            let retry_after = retry_after(response.headers());
            return Err(FetchError::Later { retry_after, source: Trouble::Status(status).into() });
        }
        status => return Err(Refusal::Status(status).into()),
    }
    let content_type = media_type(response.headers()).unwrap_or_else(|| ANYTHING.to_owned());
    if !wanted.types.contains(&content_type.as_str()) {
        return Err(Refusal::of_type(&content_type, wanted.types).into());
    }
    if response.content_length().is_some_and(|announced| announced > wanted.max_bytes) {
        return Err(Refusal::TooLarge { max_bytes: wanted.max_bytes }.into());
    }
    Ok(Fetched { content_type, bytes: bounded(response, wanted.max_bytes, clock) })
}

/// The body of an answer, in time and of `max_bytes` at most. That all of it comes that was
/// announced is hyper's promise.
fn bounded(response: Response, max_bytes: u64, clock: Clock) -> ByteStream {
    let state = Some((response, max_bytes));
    stream::try_unfold(state, move |state| async move {
        let Some((mut response, left)) = state else { return Ok(None) };
        let chunk = clock.bound(response.chunk()).await.map_err(FetchError::from)?;
        let Some(chunk) = chunk.map_err(FetchError::unanswered)? else { return Ok(None) };
        match left.checked_sub(chunk.len() as u64) {
            Some(left) => Ok(Some((chunk, Some((response, left))))),
            None => Err(Source::from(FetchError::from(Refusal::TooLarge { max_bytes }))),
        }
    })
    .boxed()
}

#[cfg(test)]
mod tests;
