//! Where events go, and what an answer means.

use std::sync::OnceLock;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode, redirect};
use url::{Host, Url};

use super::EventsError;
use super::store::Delivery;
use crate::sqs::Sqs;
use crate::wire::Chain;
use crate::wiring::Target;

/// `EventBridge` gives an API destination this long.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Where events go.
#[derive(Debug)]
pub(crate) enum Destination {
    Queue { name: String, queues: Sqs },
    Http(Box<ApiDestination>),
}

/// A URL that is called with each event.
#[derive(Debug)]
pub(crate) struct ApiDestination {
    endpoint: Url,
    header_name: HeaderName,
    header_value: HeaderValue,
    /// Made for the first event: many clouds never see one.
    client: OnceLock<Client>,
}

/// How an attempt went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Delivered,
    /// To be tried again, after the given time at the earliest.
    Later {
        reason: String,
        after: Duration,
    },
    /// Never to be tried again.
    Refused {
        reason: String,
    },
}

impl Destination {
    pub(crate) fn new(target: &Target, queues: &Sqs) -> Result<Self, EventsError> {
        match target {
            Target::Queue(name) => Ok(Self::Queue { name: name.clone(), queues: queues.clone() }),
            Target::ApiDestination { endpoint, header_name, header_value } => {
                let bad = || EventsError::BadHeader(header_name.clone());
                let mut value: HeaderValue = header_value.parse().map_err(|_| bad())?;
                value.set_sensitive(true);
                Ok(Self::Http(Box::new(ApiDestination {
                    endpoint: endpoint.clone(),
                    header_name: header_name.parse().map_err(|_| bad())?,
                    header_value: value,
                    client: OnceLock::new(),
                })))
            }
        }
    }

    /// The name under which undelivered events are kept for this destination.
    pub(crate) fn key(&self, bus: &str, rule: &str) -> String {
        match self {
            Self::Queue { name, .. } => format!("{bus}/{rule}/queue:{name}"),
            Self::Http(api) => format!("{bus}/{rule}/{}", api.endpoint),
        }
    }
}

/// Puts all of `deliveries` into a queue, or none.
pub(crate) async fn send(queues: &Sqs, name: &str, deliveries: &[Delivery]) -> Verdict {
    let bodies = deliveries.iter().map(|delivery| delivery.body.clone()).collect();
    let (queues, name) = (queues.clone(), name.to_owned());
    let sent = tokio::task::spawn_blocking(move || queues.send_bodies(&name, bodies)).await;
    match sent {
        Ok(Ok(())) => Verdict::Delivered,
        Ok(Err(error)) => later(Chain(&error).to_string()),
        Err(error) => later(error.to_string()),
    }
}

impl ApiDestination {
    /// Posts one event.
    pub(crate) async fn post(&self, body: String) -> Verdict {
        let request = self
            .client
            .get_or_init(|| client(&self.endpoint))
            .post(self.endpoint.clone())
            .header(CONTENT_TYPE, "application/json; charset=utf-8")
            .header(&self.header_name, &self.header_value)
            .body(body);
        match request.send().await {
            Ok(response) => verdict(&response),
            Err(error) => later(Chain(&error.without_url()).to_string()),
        }
    }
}

fn client(endpoint: &Url) -> Client {
    let mut builder = Client::builder()
        .timeout(TIMEOUT)
        .redirect(redirect::Policy::none())
        .user_agent("local-cloud/api-destination");
    if is_loopback(endpoint) {
        builder = builder.no_proxy();
    }
    builder.build().expect("a client with plain settings can be built")
}

fn is_loopback(endpoint: &Url) -> bool {
    match endpoint.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn verdict(response: &Response) -> Verdict {
    let status = response.status();
    if status.is_success() {
        return Verdict::Delivered;
    }
    let reason = format!("answered {status}");
    if is_retried(status) {
        Verdict::Later { reason, after: retry_after(response) }
    } else {
        Verdict::Refused { reason }
    }
}

/// What `EventBridge` tries again; every other answer is final.
fn is_retried(status: StatusCode) -> bool {
    matches!(status.as_u16(), 401 | 407 | 409 | 429) || status.is_server_error()
}

fn retry_after(response: &Response) -> Duration {
    let header = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let secs = header.and_then(|value| value.parse().ok()).unwrap_or(0);
    Duration::from_secs(secs)
}

fn later(reason: String) -> Verdict {
    Verdict::Later { reason, after: Duration::ZERO }
}
