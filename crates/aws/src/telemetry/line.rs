//! The lines themselves.

use std::fmt;

use ports::{Clock as _, SystemClock};
use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::{LookupSpan, Scope};

/// A log line: time and level, the fields of the spans, from the outside in, those of the event.
pub(super) struct LogLine;

impl<S, N> FormatEvent<S, N> for LogLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut timestamp = String::new();
        SystemTime.format_time(&mut Writer::new(&mut timestamp))?;
        let mut line = fields(context, event);
        line.insert("timestamp".to_owned(), timestamp.into());
        line.insert("level".to_owned(), event.metadata().level().as_str().into());
        writeln!(out, "{}", Value::Object(line))
    }
}

/// What was measured, as Amazon `CloudWatch` reads it; what it is about goes with it and makes no
/// metric of its own.
///
/// Source: Amazon `CloudWatch` User Guide, "Specification: Embedded metric format".
pub(super) struct EmbeddedMetric {
    pub(super) function: &'static str,
    pub(super) namespace: String,
}

impl<S, N> FormatEvent<S, N> for EmbeddedMetric
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = fields(context, event);
        let (Some(Value::String(name)), Some(unit), Some(value)) =
            (line.remove("metric"), line.remove("unit"), line.remove("value"))
        else {
            return Err(fmt::Error);
        };
        let told = json!({
            "Namespace": self.namespace,
            "Dimensions": [["Function"]],
            "Metrics": [{ "Name": name, "Unit": unit }],
        });
        let timestamp = SystemClock.now().epoch_ms();
        line.insert(
            "_aws".to_owned(),
            json!({ "Timestamp": timestamp, "CloudWatchMetrics": [told] }),
        );
        line.insert("Function".to_owned(), self.function.into());
        line.insert(name, value);
        writeln!(out, "{}", Value::Object(line))
    }
}

/// The fields of the spans that the event is in, and its own, which are told where both have one.
fn fields<S, N>(context: &FmtContext<'_, S, N>, event: &Event<'_>) -> Map<String, Value>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    let mut fields = Map::new();
    for span in context.event_scope().into_iter().flat_map(Scope::from_root) {
        if let Some(told) = span.extensions().get::<FormattedFields<N>>()
            && let Ok(Value::Object(told)) = serde_json::from_str(&told.fields)
        {
            fields.extend(told);
        }
    }
    event.record(&mut Fields(&mut fields));
    fields
}

/// Takes fields as JSON.
struct Fields<'a>(&'a mut Map<String, Value>);

impl Fields<'_> {
    fn take(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.take(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.take(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.take(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.take(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.take(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.take(field, format!("{value:?}"));
    }
}
