//! What is logged: as asked, up to a level at which no secret is told.

use ports::MEASURED;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::{FilterExt as _, FilterFn, LevelFilter, Targets};
use tracing_subscriber::layer::Filter;
use tracing_subscriber::registry::LookupSpan;

/// Our own crates, as far as functions are made of them. Others are told of at *info* and above.
pub(super) const OURS: &[&str] = &[
    "api",
    "aws",
    "deliver",
    "domain",
    "events",
    "fetch",
    "film",
    "guard",
    "ingest",
    "ltx",
    "notify",
    "ports",
    "provider_webhook",
    "providers",
    "render",
    "supabase",
    "sweep",
];

/// What of what was `asked` for is logged.
pub(super) fn filter<S>(asked: Option<&str>) -> impl Filter<S> + Send + Sync + use<S>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
{
    // A level that Lambda knows and `tracing` does not.
    let asked = asked.map(|asked| if asked == "FATAL" { "error" } else { asked });
    levels(asked.unwrap_or_default()).and(FilterFn::new(may_be_told))
}

/// A level for all, and levels for modules: `warn,ltx=debug`. What cannot be read is left out. Not
/// `EnvFilter`, which brings regular expressions: 175 kB of each package.
fn levels(asked: &str) -> Targets {
    let usual = Targets::new().with_default(LevelFilter::INFO);
    let parts = asked.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.filter_map(|part| part.parse::<Targets>().ok()).fold(usual, |all, part| {
        let level = part.default_level();
        level.into_iter().fold(all.with_targets(part), Targets::with_default)
    })
}

fn may_be_told(about: &Metadata<'_>) -> bool {
    about.target() != MEASURED && *about.level() <= most(about.target())
}

/// The most that is told of a module. The SDK tells whole requests and answers below *warn*, secrets
/// among them.
fn most(target: &str) -> Level {
    let library = target.split("::").next().unwrap_or_default();
    match library {
        "aws_smithy_runtime" => Level::WARN,
        ours if OURS.contains(&ours) => Level::DEBUG,
        _ => Level::INFO,
    }
}
