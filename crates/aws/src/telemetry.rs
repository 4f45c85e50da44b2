//! What a function tells on its standard output: log lines, and what it measures.

mod level;
mod line;
#[cfg(test)]
mod tests;

use ports::{MEASURED, environment};
use tracing::Subscriber;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::JsonFields;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, Registry, filter::FilterFn, fmt};

use line::{EmbeddedMetric, LogLine};

/// Has everything that `function`, by its name in the topology, logs and measures from here on written
/// to standard output, a line of JSON each.
///
/// | setting | what it is | without it |
/// |---|---|---|
/// | `AWS_LAMBDA_LOG_LEVEL`, else `RUST_LOG` | what is logged; never *trace*, and of other libraries no *debug* | info |
/// | `METRICS_NAMESPACE` | under which name Amazon `CloudWatch` keeps what is measured | it is not written |
///
/// # Panics
/// If it is called again.
pub fn start(function: &'static str) {
    subscriber(function, environment, std::io::stdout).init();
}

fn subscriber<W>(
    function: &'static str,
    lookup: impl Fn(&str) -> Option<String>,
    out: W,
) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Clone + Send + Sync + 'static,
{
    let set = |name| lookup(name).filter(|text: &String| !text.is_empty());
    let asked = set("RUST_LOG").or_else(|| set("AWS_LAMBDA_LOG_LEVEL"));
    let metrics = set("METRICS_NAMESPACE").map(|namespace| {
        fmt::layer()
            .event_format(EmbeddedMetric { function, namespace })
            .fmt_fields(JsonFields::new())
            .with_writer(out.clone())
            .with_filter(FilterFn::new(|about| about.is_span() || about.target() == MEASURED))
    });
    let log = fmt::layer()
        .event_format(LogLine)
        .fmt_fields(JsonFields::new())
        .with_writer(out)
        .with_filter(level::filter(asked.as_deref()));
    Registry::default().with(metrics).with(log)
}
