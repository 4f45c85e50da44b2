//! What one provider remembers, and how it is to behave.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, SystemTime};

use crate::name::{Endpoint, Name};
use crate::order::{Bill, Call, Order, State};
use crate::switches::{Cut, Download, Failure, Outcome, Scripted, Switches};

/// What one provider remembers.
#[derive(Debug)]
pub(crate) struct Books {
    pub(crate) name: Name,
    pub(crate) switches: Switches,
    pub(crate) entries: Vec<Entry>,
    pub(crate) calls: Vec<Call>,
    pub(crate) uploads: HashMap<String, Upload>,
}

/// An order, and what is not shown of it.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) order: Order,
    pub(crate) outcome: Outcome,
    pub(crate) latency: Duration,
    pub(crate) started: Option<SystemTime>,
    pub(crate) ended: Option<SystemTime>,
    /// URLs of the clip that were given out.
    pub(crate) urls: u32,
    /// Those of them that have expired.
    pub(crate) dead_urls: HashSet<String>,
    /// Which deliveries the customer asked for; all, if none is named.
    pub(crate) events: Vec<String>,
    /// What the provider says it costs, in its own unit.
    pub(crate) credits: u64,
    /// Whether the customer had it removed.
    pub(crate) deleted: bool,
}

/// A place for a photo.
#[derive(Clone, Debug, Default)]
pub(crate) struct Upload {
    /// Form fields that have to come with it.
    pub(crate) fields: Vec<(String, String)>,
    /// Bytes that came.
    pub(crate) received: Option<usize>,
}

/// What an order is, before it is taken.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) id: String,
    pub(crate) prompt: String,
    pub(crate) model: String,
    pub(crate) body: serde_json::Value,
    pub(crate) photo: Option<usize>,
    pub(crate) webhook: Option<String>,
    pub(crate) events: Vec<String>,
    pub(crate) credits: u64,
}

/// What happens to a request.
#[derive(Debug)]
pub(crate) enum Script {
    Normal,
    Answer(Scripted),
    Cut(Cut),
}

impl Books {
    pub(crate) fn new(name: Name) -> Self {
        Self {
            name,
            switches: Switches::default(),
            entries: Vec::new(),
            calls: Vec::new(),
            uploads: HashMap::new(),
        }
    }

    /// What happens to the next request of this kind; it is used up.
    pub(crate) fn next_script(&mut self, what: Endpoint) -> Script {
        let cuts = self.switches.cuts.iter_mut();
        if let Some(cut) = cuts.into_iter().find(|cut| cut.to == what && cut.times > 0) {
            cut.times -= 1;
            return Script::Cut(cut.clone());
        }
        let answers = self.switches.answers.iter_mut();
        let next = answers.into_iter().find(|answer| answer.to == what && answer.times > 0);
        next.map_or(Script::Normal, |answer| {
            answer.times -= 1;
            Script::Answer(answer.clone())
        })
    }

    /// Takes an order, unless there are too many.
    pub(crate) fn take(&mut self, ask: Ask, now: SystemTime) -> Option<&Entry> {
        let full = self.free(now) == 0;
        if full && !self.name.queues() {
            return None;
        }
        let order = Order {
            id: ask.id,
            prompt: ask.prompt,
            model: ask.model,
            body: ask.body,
            photo: ask.photo,
            at: now,
            state: State::Waiting,
            billed: false,
            user_webhook: ask.webhook,
        };
        let mut entry = Entry {
            order,
            outcome: self.switches.outcome,
            latency: Duration::from_millis(self.switches.latency_ms),
            started: None,
            ended: None,
            urls: 0,
            dead_urls: HashSet::new(),
            events: ask.events,
            credits: ask.credits,
            deleted: false,
        };
        if !full {
            entry.start(now);
        }
        self.entries.push(entry);
        self.entries.last()
    }

    /// Orders that may still be begun.
    fn free(&mut self, now: SystemTime) -> usize {
        self.settle(now);
        let busy = |entry: &&Entry| !entry.order.state.is_final() && entry.started.is_some();
        let limit = self.switches.concurrency.map_or(usize::MAX, |limit| limit as usize);
        limit.saturating_sub(self.entries.iter().filter(busy).count())
    }

    /// Brings all orders to where they stand now.
    pub(crate) fn settle(&mut self, now: SystemTime) {
        let charges_moderation = self.name == Name::Runway;
        for entry in &mut self.entries {
            entry.settle(now, charges_moderation);
        }
        while let Some(next) =
            self.entries.iter().position(|entry| entry.order.state == State::Waiting)
        {
            let busy = |entry: &&Entry| !entry.order.state.is_final() && entry.started.is_some();
            let busy = self.entries.iter().filter(busy).count();
            if self.switches.concurrency.is_some_and(|limit| busy >= limit as usize) {
                return;
            }
            self.entries[next].start(now);
            self.entries[next].settle(now, charges_moderation);
        }
    }

    /// An order as it stands now.
    pub(crate) fn entry(&mut self, id: &str, now: SystemTime) -> Option<&mut Entry> {
        self.settle(now);
        self.entries.iter_mut().find(|entry| entry.order.id == id && !entry.deleted)
    }

    /// How many orders wait before this one.
    pub(crate) fn before(&self, id: &str) -> usize {
        let mut waiting = self.entries.iter().filter(|entry| entry.order.state == State::Waiting);
        waiting.position(|entry| entry.order.id == id).unwrap_or(0)
    }

    pub(crate) fn orders(&mut self, now: SystemTime) -> Vec<Order> {
        self.settle(now);
        self.entries.iter().map(|entry| entry.order.clone()).collect()
    }

    pub(crate) fn bill(&mut self, now: SystemTime) -> Bill {
        self.settle(now);
        let count = |is: &dyn Fn(&Order) -> bool| {
            self.entries.iter().filter(|entry| is(&entry.order)).count()
        };
        Bill {
            orders: self.entries.len(),
            billed: count(&|order| order.billed),
            cancelled: count(&|order| order.state == State::Cancelled),
            failed: count(&|order| matches!(order.state, State::Failed | State::Aborted)),
        }
    }

    /// What the next download gets; it is used up.
    pub(crate) fn next_download(&mut self) -> Download {
        let download = self.switches.download;
        match &mut self.switches.download_times {
            _ if download == Download::Whole => download,
            Some(0) => Download::Whole,
            Some(times) => {
                *times -= 1;
                download
            }
            None => download,
        }
    }
}

impl Entry {
    fn start(&mut self, now: SystemTime) {
        self.started = Some(now);
        self.order.state = State::Starting;
    }

    fn settle(&mut self, now: SystemTime, charges_moderation: bool) {
        let Some(started) = self.started.filter(|_| !self.order.state.is_final()) else { return };
        let end = started + self.latency;
        if self.outcome != Outcome::Never && now >= end {
            self.ended = Some(end);
            self.order.state = match self.outcome {
                Outcome::Succeed | Outcome::Never => State::Succeeded,
                Outcome::Fail { .. } => State::Failed,
                Outcome::Aborted => State::Aborted,
            };
            self.order.billed = self.order.state == State::Succeeded
                || charges_moderation && self.failure() == Some(Failure::Moderation);
        } else if self.outcome != Outcome::Aborted && now >= started + self.latency / 4 {
            self.order.state = State::Running;
        }
    }

    /// Calls it off; what has ended stays as it is.
    pub(crate) fn cancel(&mut self, now: SystemTime) {
        if !self.order.state.is_final() {
            self.order.state = State::Cancelled;
            self.ended = Some(now);
        }
    }

    pub(crate) fn failure(&self) -> Option<Failure> {
        match self.outcome {
            Outcome::Fail { kind, .. } => Some(kind),
            Outcome::Aborted => Some(Failure::Internal),
            Outcome::Succeed | Outcome::Never => None,
        }
    }

    /// How much of the work is done, 0 to 1.
    pub(crate) fn progress(&self, now: SystemTime) -> f64 {
        let since = |started| now.duration_since(started).unwrap_or_default().as_secs_f64();
        let elapsed = self.started.map_or(0.0, since);
        let whole = self.latency.as_secs_f64().max(0.001);
        (elapsed / whole * 100.0).round().min(99.0) / 100.0
    }

    /// How long the work took.
    pub(crate) fn worked(&self) -> Duration {
        let (Some(started), Some(ended)) = (self.started, self.ended) else {
            return Duration::ZERO;
        };
        ended.duration_since(started).unwrap_or_default()
    }

    /// Lets a URL expire, if there is one left that may; tells whether it has.
    pub(crate) fn expire(&mut self, url: &str, most: Option<u32>) -> bool {
        if most.is_none_or(|most| self.dead_urls.len() < most as usize) {
            self.dead_urls.insert(url.to_owned());
        }
        self.dead_urls.contains(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(id: &str) -> Ask {
        Ask {
            id: id.to_owned(),
            prompt: String::new(),
            model: String::new(),
            body: serde_json::Value::Null,
            photo: None,
            webhook: None,
            events: Vec::new(),
            credits: 0,
        }
    }

    fn limited(name: Name) -> (Books, SystemTime) {
        let mut books = Books::new(name);
        books.switches.concurrency = Some(1);
        books.switches.latency_ms = 1000;
        (books, SystemTime::now())
    }

    #[test]
    fn who_waits_begins_when_another_ends() {
        let (mut books, now) = limited(Name::Runway);
        for id in ["a", "b"] {
            assert!(books.take(ask(id), now).is_some());
        }
        let states = |books: &mut Books, ms| {
            let orders = books.orders(now + Duration::from_millis(ms));
            orders.iter().map(|order| order.state).collect::<Vec<_>>()
        };

        assert_eq!(states(&mut books, 500), [State::Running, State::Waiting]);
        assert_eq!(states(&mut books, 1000), [State::Succeeded, State::Starting]);
        assert_eq!(states(&mut books, 2000), [State::Succeeded, State::Succeeded]);
    }

    #[test]
    fn without_a_queue_too_many_are_not_taken() {
        let (mut books, now) = limited(Name::Ltx);

        assert!(books.take(ask("a"), now).is_some());
        assert!(books.take(ask("b"), now).is_none());
        assert!(books.take(ask("c"), now + Duration::from_secs(1)).is_some());
    }
}
