//! The environment of a function: what Lambda gives it, and what the CDK app sets.

use std::collections::BTreeMap;

use stillmotion::Home;
use stillmotion::home::{ACCESS_KEY, ACCOUNT, REGION, SECRET_KEY};
use stillmotion::topology::{BUS, Function, Topology, physical};

use crate::program;

/// Settings by name.
pub(crate) type Settings = BTreeMap<String, String>;

/// The name of a function, as the CDK app gives it.
pub(crate) fn function_name(function: &str) -> String {
    physical(function)
}

/// Its ARN.
pub(crate) fn function_arn(function: &str) -> String {
    format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{}", function_name(function))
}

/// What every program has on Lambda.
///
/// Source: AWS Lambda developer guide, "Defined runtime environment variables".
pub(crate) fn of_lambda(
    function: &str,
    memory_mb: u32,
    runtime: &str,
    task_root: &str,
) -> Settings {
    let name = function_name(function);
    let log_group = format!("/aws/lambda/{name}");
    let log_stream = "2026/11/20/[$LATEST]7f3c1d2b9a8e4f60b5c4d3e2f1a09876".to_owned();
    let opt = program::opt().map(|opt| opt.join("lib").display().to_string());
    named(&[
        ("_HANDLER", "bootstrap"),
        ("AWS_REGION", REGION),
        ("AWS_DEFAULT_REGION", REGION),
        ("AWS_LAMBDA_FUNCTION_NAME", &name),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &memory_mb.to_string()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", &log_group),
        ("AWS_LAMBDA_LOG_STREAM_NAME", &log_stream),
        ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
        ("AWS_LAMBDA_LOG_LEVEL", "INFO"),
        ("AWS_ACCESS_KEY_ID", ACCESS_KEY),
        ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
        ("AWS_SESSION_TOKEN", SESSION_TOKEN),
        ("AWS_LAMBDA_RUNTIME_API", runtime),
        ("LAMBDA_TASK_ROOT", task_root),
        ("LAMBDA_RUNTIME_DIR", "/var/runtime"),
        ("LANG", "en_US.UTF-8"),
        ("LD_LIBRARY_PATH", &opt.unwrap_or_else(|| "/opt/lib".to_owned())),
        ("PATH", &program::path()),
        ("TZ", ":UTC"),
    ])
}

/// A role's credentials are good together with a token only.
pub(crate) const SESSION_TOKEN: &str = "IQoJb3JpZ2luX2VjEXAMPLETOKEN";

/// What follows from the topology: `MEDIA_BUCKET`, `EVENT_BUS`, `{TABLE}_TABLE`, `{QUEUE}_QUEUE_URL`,
/// `DEAD_LETTER_QUEUE_URL`, `MAX_RECEIVE_COUNT`.
pub(crate) fn implied(home: &Home, function: &Function) -> Settings {
    let mut settings = Settings::new();
    let mut set = |name: String, value: String| settings.insert(name, value);
    let uses_bucket = [&function.reads, &function.writes, &function.deletes];
    if uses_bucket.iter().any(|prefixes| !prefixes.is_empty()) {
        set("MEDIA_BUCKET".to_owned(), home.bucket_name());
    }
    if !function.publishes.is_empty() {
        set("EVENT_BUS".to_owned(), BUS.to_owned());
    }
    for table in function.tables.keys() {
        set(format!("{}_TABLE", in_capitals(table)), physical(table));
    }
    for queue in function.sends.iter().map(String::as_str).chain(function.queue()) {
        set(format!("{}_QUEUE_URL", in_capitals(queue)), home.queue_url(queue));
    }
    let source = function.queue().map(|queue| &home.topology.queues[queue]);
    if let Some(dead) = source.and_then(|source| source.dead_letter_queue.as_deref()) {
        set("DEAD_LETTER_QUEUE_URL".to_owned(), home.queue_url(dead));
    }
    if let Some(count) = source.and_then(|source| source.max_receive_count) {
        set("MAX_RECEIVE_COUNT".to_owned(), count.to_string());
    }
    settings
}

/// What a stage says itself, and what a function cannot start without.
pub(crate) fn own(function: &str) -> Settings {
    let fonts = program::opt().map(|opt| opt.join("fonts")).filter(|fonts| fonts.is_dir());
    let mut settings = named(match function {
        "fetch" | "ingest" => &[("MAX_PHOTO_BYTES", "41943040")],
        "sweep" => &[
            ("EXPIRE_AFTER_SECS", "86400"),
            ("GIVE_UP_AFTER_SECS", "86400"),
            ("NUDGE_AFTER_SECS", "0"),
        ],
        _ => &[],
    });
    settings.insert("METRICS_NAMESPACE".to_owned(), "stillmotion".to_owned());
    if let Some(fonts) = fonts.filter(|_| function == "render") {
        settings.insert("FONTS_FOLDER".to_owned(), fonts.display().to_string());
    }
    settings
}

/// The function of this name.
pub(crate) fn function<'a>(topology: &'a Topology, name: &str) -> &'a Function {
    topology.functions.get(name).expect("the topology names every function")
}

fn in_capitals(name: &str) -> String {
    name.replace('-', "_").to_uppercase()
}

fn named(settings: &[(&str, &str)]) -> Settings {
    settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
