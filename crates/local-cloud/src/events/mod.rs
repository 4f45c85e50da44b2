//! `EventBridge`: buses whose rules come from the wiring.

mod api;
mod courier;
mod destination;
mod entry;
mod store;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use rustack_events_core::pattern::{EventPattern, PatternParseError, matches, parse_event_pattern};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::sqs::{Names, Sqs};
use crate::wiring;
pub(crate) use courier::Courier;
use destination::Destination;
use entry::{Entry, Refusal};
use store::Store;

/// All buses. Clones are the same buses.
#[derive(Clone, Debug)]
pub(crate) struct Events {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    buses: BTreeMap<String, Vec<Rule>>,
    store: Arc<Store>,
    names: Names,
    clock: Clock,
}

#[derive(Debug)]
struct Rule {
    name: String,
    pattern: EventPattern,
    pattern_json: String,
    targets: Vec<RuleTarget>,
}

/// A target as the bus sees it: where deliveries are kept, and whom to wake.
#[derive(Clone, Debug)]
struct RuleTarget {
    key: String,
    arn: String,
    wake: Arc<Notify>,
}

/// The buses could not be opened or brought to what the wiring says.
#[derive(Debug, thiserror::Error)]
pub enum EventsError {
    /// Their database failed.
    #[error("the database of the event buses")]
    Database(#[from] rusqlite::Error),
    /// A rule with a pattern that is none.
    #[error("the pattern of rule {rule} is not valid")]
    BadPattern {
        /// The rule.
        rule: String,
        /// What is wrong with it.
        source: PatternParseError,
    },
    /// A rule that names a queue that does not exist.
    #[error("rule {rule} names the queue {queue}, which does not exist")]
    NoSuchQueue {
        /// The rule.
        rule: String,
        /// The queue that is missing.
        queue: String,
    },
    /// An API destination whose header cannot be sent.
    #[error("the header {0} of an API destination has a bad name or value")]
    BadHeader(String),
}

/// The buses, and the couriers that serve their targets.
pub(crate) struct Opened {
    pub(crate) events: Events,
    pub(crate) couriers: Vec<Courier>,
}

impl Events {
    /// Opens the buses whose undelivered events are stored at `path`.
    pub(crate) fn open(
        path: &Path,
        buses: &[wiring::Bus],
        queues: &Sqs,
        clock: &Clock,
        stop: &CancellationToken,
    ) -> Result<Opened, EventsError> {
        let store = Arc::new(Store::open(path)?);
        let mut opening = Opening { store: &store, queues, clock, stop, couriers: Vec::new() };
        let mut by_name = BTreeMap::from([("default".to_owned(), Vec::new())]);
        for bus in buses {
            by_name.insert(bus.name.clone(), opening.rules(bus)?);
        }
        let couriers = opening.couriers;
        drop_strays(&store, &couriers, clock)?;

        let names = queues.names().clone();
        let inner = Inner { buses: by_name, store, names, clock: clock.clone() };
        Ok(Opened { events: Self { inner: Arc::new(inner) }, couriers })
    }

    /// Stores the deliveries that `entry` causes into `deliveries`, and tells the id of the event.
    fn route(&self, entry: Entry, routed: &mut Routed) -> Result<String, Refusal> {
        let inner = &self.inner;
        let bus = entry.bus().to_owned();
        let rules = inner.buses.get(&bus).ok_or_else(|| Refusal::no_such_bus(&bus))?;
        let event =
            entry.accept(&inner.names.account, &inner.names.region, inner.clock.now_ms())?;
        let (body, value) = event.encode();
        for rule in rules.iter().filter(|rule| matches(&rule.pattern, &value)) {
            for target in &rule.targets {
                routed.deliveries.push((target.key.clone(), body.clone()));
                routed.wake.push(target.wake.clone());
            }
        }
        Ok(event.id)
    }

    fn bus_arn(&self, bus: &str) -> String {
        let Names { region, account, .. } = &self.inner.names;
        format!("arn:aws:events:{region}:{account}:event-bus/{bus}")
    }
}

/// What the entries of one request cause.
#[derive(Default)]
struct Routed {
    deliveries: Vec<(String, String)>,
    wake: Vec<Arc<Notify>>,
}

/// What is needed to turn the wiring into rules and couriers.
struct Opening<'a> {
    store: &'a Arc<Store>,
    queues: &'a Sqs,
    clock: &'a Clock,
    stop: &'a CancellationToken,
    couriers: Vec<Courier>,
}

impl Opening<'_> {
    fn rules(&mut self, bus: &wiring::Bus) -> Result<Vec<Rule>, EventsError> {
        bus.rules.iter().map(|rule| self.rule(&bus.name, rule)).collect()
    }

    fn rule(&mut self, bus: &str, rule: &wiring::Rule) -> Result<Rule, EventsError> {
        let pattern_json = rule.pattern.to_string();
        let pattern = parse_event_pattern(&pattern_json)
            .map_err(|source| EventsError::BadPattern { rule: rule.name.clone(), source })?;
        let targets = rule.targets.iter().map(|target| self.target(bus, &rule.name, target));
        let targets = targets.collect::<Result<_, _>>()?;
        Ok(Rule { name: rule.name.clone(), pattern, pattern_json, targets })
    }

    fn target(
        &mut self,
        bus: &str,
        rule: &str,
        target: &wiring::Target,
    ) -> Result<RuleTarget, EventsError> {
        let arn = match target {
            wiring::Target::Queue(queue) if !self.queues.exists(queue) => {
                let (rule, queue) = (rule.to_owned(), queue.clone());
                return Err(EventsError::NoSuchQueue { rule, queue });
            }
            wiring::Target::Queue(queue) => self.queues.names().arn(queue),
            wiring::Target::ApiDestination { .. } => {
                let Names { region, account, .. } = self.queues.names();
                format!("arn:aws:events:{region}:{account}:api-destination/{rule}")
            }
        };
        let destination = Destination::new(target, self.queues)?;
        let key = destination.key(bus, rule);
        let wake = Arc::new(Notify::new());
        self.couriers.push(Courier {
            key: key.clone(),
            destination,
            store: self.store.clone(),
            clock: self.clock.clone(),
            wake: wake.clone(),
            stop: self.stop.clone(),
        });
        Ok(RuleTarget { key, arn, wake })
    }
}

/// A delivery whose target is gone from the wiring would wait for ever.
fn drop_strays(store: &Store, couriers: &[Courier], clock: &Clock) -> Result<(), EventsError> {
    let keys: Vec<_> = couriers.iter().map(|courier| courier.key.clone()).collect();
    for (id, target) in store.strays(&keys)? {
        tracing::warn!(target, "an event was given up: its target is no longer in the wiring");
        store.drop_delivery(id, "the target is no longer in the wiring", clock.now_ms())?;
    }
    Ok(())
}
