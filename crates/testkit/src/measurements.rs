//! What is measured while a test listens.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use ports::{MEASURED, Metric};
use tracing::field::{Field, Visit};
use tracing::subscriber::DefaultGuard;
use tracing::{Dispatch, Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry;

/// One measurement.
#[derive(Clone, Debug, Default, PartialEq)]
struct Measured {
    metric: String,
    value: f64,
    end: Option<String>,
}

/// Lets a thread of a test listen, whatever threads beside it do.
///
/// As long as one dispatcher is alive alone, whether anybody listens to a place in the code is asked of
/// the thread that comes by there first, and never again: of one that does not listen, the answer is
/// no. With two more that always live, every one is asked.
/// Source: tracing-core 0.1, `callsite.rs`, `Rebuilder::JustOne`.
pub fn listen_on_any_thread() {
    static KEPT: LazyLock<[Dispatch; 2]> =
        LazyLock::new(|| [Dispatch::new(registry()), Dispatch::new(registry())]);
    LazyLock::force(&KEPT);
}

/// Everything that is measured on this thread from [`Measurements::listen`] on.
#[derive(Debug)]
pub struct Measurements {
    told: Told,
    _listening: DefaultGuard,
}

#[derive(Clone, Debug, Default)]
struct Told(Arc<Mutex<Vec<Measured>>>);

impl Measurements {
    /// Begins to listen.
    pub fn listen() -> Self {
        listen_on_any_thread();
        let told = Told::default();
        let listener = registry().with(told.clone());
        Self { told, _listening: tracing::subscriber::set_default(listener) }
    }

    /// The values of one metric, in the order in which they were told.
    pub fn of(&self, metric: Metric) -> Vec<f64> {
        self.all().filter(|told| told.metric == metric.name()).map(|told| told.value).collect()
    }

    /// The ends of jobs, in that order.
    pub fn ends(&self) -> Vec<String> {
        self.all().filter_map(|told| told.end).collect()
    }

    fn all(&self) -> impl Iterator<Item = Measured> {
        self.told.0.lock().unwrap_or_else(PoisonError::into_inner).clone().into_iter()
    }
}

impl<S: Subscriber> Layer<S> for Told {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == MEASURED {
            let mut measured = Measured::default();
            event.record(&mut measured);
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(measured);
        }
    }
}

impl Visit for Measured {
    fn record_f64(&mut self, field: &Field, value: f64) {
        if field.name() == "value" {
            self.value = value;
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "metric" => value.clone_into(&mut self.metric),
            "end" => self.end = Some(value.to_owned()),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}
