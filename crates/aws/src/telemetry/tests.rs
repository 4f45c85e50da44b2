use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use domain::JobState;
use ports::{HandleRecord, Handled, Metric, Source, about};
use serde_json::{Value, json};
use testkit::{RecordingQueue, listen_on_any_thread, samples};

use super::*;
use crate::sqs;

/// Keeps what is written.
#[derive(Clone, Default)]
struct Out(Arc<Mutex<Vec<u8>>>);

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("not poisoned").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The lines that are written while `work` is done under these settings.
fn lines(settings: &[(&str, &str)], work: impl FnOnce()) -> Vec<Value> {
    listen_on_any_thread();
    let (out, settings) = (Out::default(), settings.to_vec());
    let lookup = |name: &str| {
        let found = settings.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    let writer = out.clone();
    let subscriber = subscriber("sweep", lookup, move || writer.clone());
    tracing::subscriber::with_default(subscriber, work);
    let text = String::from_utf8(out.0.lock().expect("not poisoned").clone()).expect("text");
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

const MEASURING: (&str, &str) = ("METRICS_NAMESPACE", "stillmotion-dev");

/// The format, as Amazon `CloudWatch` describes it.
///
/// Source: Amazon `CloudWatch` User Guide, "Specification: Embedded metric format", "Embedded metric
/// format JSON schema".
fn embedded_metric_format() -> Value {
    let name = |longest: u32| json!({ "type": "string", "minLength": 1, "maxLength": longest });
    let units = [
        "Seconds",
        "Microseconds",
        "Milliseconds",
        "Bytes",
        "Percent",
        "Count",
        "Count/Second",
        "None",
    ];
    json!({
        "type": "object",
        "required": ["_aws"],
        "properties": { "_aws": {
            "type": "object",
            "additionalProperties": false,
            "required": ["Timestamp", "CloudWatchMetrics"],
            "properties": {
                "Timestamp": { "type": "integer", "minimum": 1_600_000_000_000_u64 },
                "CloudWatchMetrics": { "type": "array", "minItems": 1, "items": {
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["Namespace", "Dimensions", "Metrics"],
                    "properties": {
                        "Namespace": name(1024),
                        "Dimensions": { "type": "array", "minItems": 1, "items": {
                            "type": "array", "minItems": 0, "maxItems": 30, "items": name(250),
                        } },
                        "Metrics": { "type": "array", "minItems": 1, "maxItems": 100, "items": {
                            "type": "object",
                            "additionalProperties": false,
                            "required": ["Name"],
                            "properties": { "Name": name(1024), "Unit": { "enum": units } },
                        } },
                    },
                } },
            },
        } },
    })
}

/// Asserts that `line` is in the format, and that what it refers to is in it.
fn assert_embedded(line: &Value) {
    let schema = embedded_metric_format();
    assert!(jsonschema::is_valid(&schema, line), "{line}");
    for told in line["_aws"]["CloudWatchMetrics"].as_array().expect("an array") {
        for metric in told["Metrics"].as_array().expect("an array") {
            assert!(line[metric["Name"].as_str().expect("a name")].is_number(), "{line}");
        }
        for name in told["Dimensions"][0].as_array().expect("an array") {
            assert!(line[name.as_str().expect("a name")].is_string(), "{line}");
        }
    }
}

#[test]
fn every_metric_is_one_line_in_the_embedded_metric_format() {
    for metric in Metric::ALL {
        let told = lines(&[MEASURING], || metric.record(3));

        let [line] = &told[..] else { panic!("{} lines", told.len()) };
        assert_embedded(line);
        assert_eq!(line[metric.name()], json!(3.0));
        assert_eq!(line["Function"], "sweep");
        let [only] = &line["_aws"]["CloudWatchMetrics"].as_array().expect("an array")[..] else {
            panic!("{line}")
        };
        let expected = json!({
            "Namespace": "stillmotion-dev",
            "Dimensions": [["Function"]],
            "Metrics": [{ "Name": metric.name(), "Unit": metric.unit().as_str() }],
        });
        assert_eq!(*only, expected);
    }
}

#[test]
fn a_log_line_is_no_metric_and_a_metric_no_log_line() {
    let told = lines(&[MEASURING, ("RUST_LOG", "debug")], || {
        tracing::error!(alarm = "key", attempt = 2, "order refused");
        Metric::ProviderRefusals.count();
    });

    let [log, metric] = &told[..] else { panic!("{told:?}") };
    assert_eq!((&log["level"], &log["message"]), (&json!("ERROR"), &json!("order refused")));
    assert_eq!((&log["alarm"], &log["attempt"]), (&json!("key"), &json!(2)));
    assert!(log["timestamp"].as_str().is_some_and(|at| at.ends_with('Z')), "{log}");
    assert_eq!(log["_aws"], Value::Null);
    assert!(!jsonschema::is_valid(&embedded_metric_format(), log), "{log}");
    assert_embedded(metric);
    assert_eq!((&metric["level"], &metric["message"]), (&Value::Null, &Value::Null));
}

#[test]
fn without_a_namespace_nothing_is_measured() {
    for settings in [&[][..], &[("METRICS_NAMESPACE", "")], &[("RUST_LOG", "trace")]] {
        assert_eq!(lines(settings, || Metric::UnknownOrders.record(1)), Vec::<Value>::new());
    }
}

#[test]
fn what_is_measured_does_not_depend_on_what_is_logged() {
    let told = lines(&[MEASURING, ("AWS_LAMBDA_LOG_LEVEL", "ERROR")], || {
        tracing::warn!("not told");
        Metric::RecordsFailed.count();
    });

    assert_eq!(told.len(), 1, "{told:?}");
    assert_embedded(&told[0]);
}

#[test]
fn the_end_of_a_job_says_which_and_of_which() {
    let job = samples::job_in(JobState::Failed);

    let told = lines(&[MEASURING], || Metric::job_ended(&job));

    assert_eq!(told.len(), 1, "{told:?}");
    assert_embedded(&told[0]);
    assert_eq!((&told[0]["JobsEnded"], &told[0]["end"]), (&json!(1.0), &json!("failed")));
    assert_eq!(told[0]["job.id"], job.id.to_string());
    assert_eq!(told[0]["trace.id"], job.trace_id.as_str());
}

#[test]
fn every_line_says_which_job_it_is_about_once_that_is_known() {
    let job = samples::job();

    let told = lines(&[MEASURING, ("RUST_LOG", "error")], || {
        let span = tracing::error_span!(
            "record",
            message.id = "m",
            job.id = tracing::field::Empty,
            trace.id = tracing::field::Empty
        );
        let _in = span.entered();
        tracing::error!("before");
        about(samples::job_named("another").id);
        about(job.id);
        tracing::error!("after");
        Metric::RecordsFailed.count();
    });

    let [before, after, metric] = &told[..] else { panic!("{told:?}") };
    assert_eq!((&before["message.id"], &before["job.id"]), (&json!("m"), &Value::Null));
    for line in [after, metric] {
        assert_eq!(line["job.id"], job.id.to_string());
        assert_eq!(line["trace.id"], job.trace_id.as_str());
    }
}

/// Says which job it is about, and fails.
struct Failing;

impl HandleRecord for Failing {
    type Record = String;
    type Error = io::Error;

    async fn handle(&self, _: &String) -> Result<Handled, io::Error> {
        about(samples::job().id);
        Err(io::Error::other("connection refused"))
    }

    async fn give_up(&self, _: &String, _: &str) -> Result<(), io::Error> {
        Ok(())
    }
}

/// Hands one record, with the trace of another job, to a function that logs only errors.
fn lines_of_a_record(parse: fn(&str) -> Result<String, Source>) -> Vec<Value> {
    let record = json!({
        "messageId": "m", "receiptHandle": "r", "body": "b",
        "attributes": { "ApproximateReceiveCount": "2" },
        "messageAttributes": { "traceId": {
            "stringValue": samples::job_named("another").trace_id, "dataType": "String",
            "stringListValues": [], "binaryListValues": [],
        } },
    });
    let batch = serde_json::from_value(json!({ "Records": [record] })).expect("a batch");
    let (queue, policy) = (RecordingQueue::default(), sqs::RetryPolicy::up_to(3));
    let inbound = sqs::Inbound { queue: &queue, dead_letters: &queue, policy: &policy };
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");

    lines(&[MEASURING, ("RUST_LOG", "error")], || {
        runtime.block_on(sqs::each_record(batch, &Failing, parse, &inbound));
    })
}

#[test]
fn a_record_that_fails_is_told_with_its_job_in_the_log_and_beside_what_is_measured() {
    let job = samples::job();

    let told = lines_of_a_record(|body| Ok(body.to_owned()));

    let [log, metric] = &told[..] else { panic!("{told:?}") };
    assert_eq!(
        (&log["message"], &log["error"]),
        (&json!("record m failed"), &json!("connection refused"))
    );
    assert_eq!(metric["RecordsFailed"], json!(1.0));
    for line in [log, metric] {
        assert_eq!((&line["message.id"], &line["receive.count"]), (&json!("m"), &json!(2)));
        assert_eq!(line["job.id"], job.id.to_string());
        assert_eq!(line["trace.id"], job.trace_id.as_str());
    }
}

#[test]
fn a_record_that_cannot_be_read_is_told_with_the_trace_that_came_with_it() {
    let told = lines_of_a_record(|_| Err("not a record".into()));

    assert_eq!(told.len(), 2, "{told:?}");
    for line in &told {
        assert_eq!(line["trace.id"], samples::job_named("another").trace_id.as_str());
        assert_eq!(line["job.id"], Value::Null);
    }
}

/// One line for each event that is logged: what it says of its level.
fn levels(settings: &[(&str, &str)], work: impl FnOnce()) -> Vec<String> {
    let levels = lines(settings, work).into_iter().map(|line| line["level"].clone());
    levels.map(|level| level.as_str().expect("a level").to_owned()).collect()
}

/// Logs at every level under `$target`.
macro_rules! log_all {
    ($target:literal) => {
        || {
            tracing::error!(target: $target, "told");
            tracing::warn!(target: $target, "told");
            tracing::info!(target: $target, "told");
            tracing::debug!(target: $target, "told");
            tracing::trace!(target: $target, "told");
        }
    };
}

#[test]
fn the_level_is_never_trace_and_the_sdk_tells_no_requests_whatever_is_asked() {
    let asked = [
        "trace",
        "TRACE",
        "aws_smithy_runtime=trace,hyper=trace,aws_smithy_runtime::client=trace,ltx=trace,aws_sdk_s3=trace",
    ];
    for asked in asked {
        for name in ["RUST_LOG", "AWS_LAMBDA_LOG_LEVEL"] {
            let set = [(name, asked)];
            let sdk = levels(&set, log_all!("aws_smithy_runtime::client::orchestrator"));
            let hyper = levels(&set, log_all!("hyper::proto"));
            let s3 = levels(&set, log_all!("aws_sdk_s3::operation"));
            let ours = levels(&set, log_all!("ltx::handler"));

            assert_eq!(sdk, ["ERROR", "WARN"], "{asked}");
            assert_eq!(hyper, ["ERROR", "WARN", "INFO"], "{asked}");
            assert_eq!(s3, ["ERROR", "WARN", "INFO"], "{asked}");
            assert_eq!(ours, ["ERROR", "WARN", "INFO", "DEBUG"], "{asked}");
        }
    }
}

#[test]
fn the_level_is_as_asked_below_that() {
    let at = |settings: &[(&str, &str)]| levels(settings, log_all!("ltx::handler")).len();

    assert_eq!(at(&[]), 3);
    assert_eq!(at(&[("RUST_LOG", "warn")]), 2);
    assert_eq!(at(&[("RUST_LOG", "error"), ("AWS_LAMBDA_LOG_LEVEL", "INFO")]), 1);
    assert_eq!(at(&[("AWS_LAMBDA_LOG_LEVEL", "FATAL")]), 1);
    assert_eq!(at(&[("RUST_LOG", "warn,ltx=debug")]), 4);
}

#[test]
fn what_is_ours_is_every_crate_that_functions_are_made_of() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folders = |of: &str| std::fs::read_dir(root.join(of)).expect("a folder");
    let names = folders("crates").chain(folders("functions")).map(|folder| {
        let name = folder.expect("a folder").file_name();
        name.into_string().expect("text").replace('-', "_")
    });
    // Of tests and laptops.
    let elsewhere = ["local_cloud", "testkit"];
    let names: BTreeSet<_> = names.filter(|name| !elsewhere.contains(&name.as_str())).collect();

    assert_eq!(names, level::OURS.iter().map(|&name| name.to_owned()).collect());
}
