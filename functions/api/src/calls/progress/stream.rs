//! What happens to a job, as server-sent events.
//!
//! A stream is read by the connection and by nothing else: when the client is gone or the server stops,
//! it is dropped, and nobody looks at the job any more.
//!
//! Source: WHATWG HTML Standard §9.2, "Server-sent events".

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::Stream;
use ports::Chain;
use serde_json::json;

use super::watch::{News, Watch};
use crate::Parts;
use crate::fact_view::FactView;

/// After how long a client connects again.
const RETRY: Duration = Duration::from_secs(1);

/// How long a connection says nothing at most.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// The stream that begins with `first` and goes on with what `watch` finds.
pub(super) fn of<P: Parts>(watch: Watch<P>, first: &News) -> Response {
    let mut telling = Telling { watch, ready: VecDeque::new(), is_over: false };
    telling.ready.push_back(Event::default().retry(RETRY));
    telling.tell(first);
    let alive = KeepAlive::new().interval(HEARTBEAT).text("still here");
    let mut response = Sse::new(telling.into_stream()).keep_alive(alive).into_response();
    // Some proxies hold answers back until they are whole.
    let unbuffered = HeaderName::from_static("x-accel-buffering");
    response.headers_mut().insert(unbuffered, HeaderValue::from_static("no"));
    response
}

struct Telling<P: Parts> {
    watch: Watch<P>,
    ready: VecDeque<Event>,
    is_over: bool,
}

impl<P: Parts> Telling<P> {
    fn into_stream(self) -> impl Stream<Item = Result<Event, Infallible>> + Send + 'static {
        futures::stream::unfold(self, async |mut telling| {
            let event = telling.next().await?;
            Some((Ok(event), telling))
        })
    }

    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if self.is_over || !self.watch.pause(self.watch.api.rules.stream_for).await {
                return None;
            }
            match self.watch.look().await {
                Ok(Some(news)) => self.tell(&news),
                Ok(None) => self.is_over = true,
                Err(error) => {
                    // The client connects again behind what it has seen.
                    tracing::warn!(error = %Chain(&error), "a stream of events broke off");
                    self.is_over = true;
                }
            }
        }
    }

    fn tell(&mut self, news: &News) {
        self.ready.extend(news.facts.iter().map(event));
        if news.ended {
            self.ready.push_back(end(news));
        }
        let has_told = !news.facts.is_empty() && self.watch.api.rules.stream_ends_with_news;
        self.is_over |= news.ended || has_told;
    }
}

/// Without a name, so that one `onmessage` hears every fact, those that will be added too.
fn event(fact: &FactView) -> Event {
    let data = serde_json::to_string(fact).expect("strings and numbers under string keys");
    Event::default().id(fact.seq.to_string()).data(data)
}

fn end(news: &News) -> Event {
    let data = json!({ "seq": news.seq, "state": news.state });
    Event::default().id(news.seq.to_string()).event("end").data(data.to_string())
}
