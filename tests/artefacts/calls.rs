//! What programs ask of AWS, in the words of IAM, and `infra/calls.json`, where it is written down.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use axum::http::{HeaderMap, Method, Uri};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use stillmotion::topology::physical;

use crate::vault;

/// Set to 1, the file is written from what is seen: for a run of all tests.
const UPDATE: &str = "UPDATE_CALLS";

/// What was seen of every function so far.
static SEEN: Mutex<BTreeMap<String, BTreeSet<String>>> = Mutex::new(BTreeMap::new());

/// The file.
#[derive(Default, Serialize, Deserialize)]
struct Calls {
    #[serde(rename = "$comment")]
    comment: String,
    functions: BTreeMap<String, BTreeSet<String>>,
}

const COMMENT: &str = "What the program of each function asks of AWS, as IAM action and resource, seen \
                       while tests/artefacts ran; its role has to allow it. Written by UPDATE_CALLS=1 \
                       cargo test -p tests --test artefacts.";

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/calls.json")
}

/// Whether the file is being written anew.
fn is_update() -> bool {
    env::var(UPDATE).is_ok_and(|value| value == "1")
}

/// Notes that `function` asked for `call`.
pub(crate) fn note(function: &str, call: String) {
    let mut seen = SEEN.lock().expect("not poisoned");
    seen.entry(function.to_owned()).or_default().insert(call);
}

/// Everything that was seen of `function` is in the file.
///
/// # Panics
/// If something is not.
pub(crate) fn check(function: &str) {
    let seen = SEEN.lock().expect("not poisoned");
    if is_update() {
        let calls = Calls { comment: COMMENT.to_owned(), functions: seen.clone() };
        let text = serde_json::to_string_pretty(&calls).expect("JSON") + "\n";
        return std::fs::write(file(), text).expect("infra/calls.json is written");
    }
    let text = std::fs::read_to_string(file()).expect("infra/calls.json");
    let written: Calls = serde_json::from_str(&text).expect("infra/calls.json is read");
    let known = written.functions.get(function).cloned().unwrap_or_default();
    let nothing = BTreeSet::new();
    let unknown: Vec<_> =
        seen.get(function).unwrap_or(&nothing).difference(&known).cloned().collect();
    // Who fails with this in hand fails everybody else.
    drop(seen);
    assert!(
        unknown.is_empty(),
        "{function} asks for what infra/calls.json does not have: {unknown:?}; if it may, run \
         {UPDATE}=1 cargo test -p tests --test artefacts"
    );
}

/// What a request asks for; a request that nobody here knows asks for itself.
pub(crate) fn asked(method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Vec<String> {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some((service, operation)) = header("x-amz-target").and_then(|it| it.split_once('.')) {
        let body = serde_json::from_slice(body).unwrap_or(Value::Null);
        return of_json(service, operation, &body);
    }
    of_s3(method, uri, header("x-amz-copy-source"))
}

/// What a request that was answered with 404 asks for beside: without it S3 answers 403, so that nobody
/// is told what there is.
///
/// Source: Amazon S3 API reference, "`HeadObject`", "Permissions".
pub(crate) const TO_HEAR_OF_ABSENCE: &str = "s3:ListBucket";

fn of_json(service: &str, operation: &str, body: &Value) -> Vec<String> {
    match service {
        "DynamoDB_20120810" if operation == "TransactWriteItems" => {
            let parts = body["TransactItems"].as_array().into_iter().flatten();
            parts.flat_map(|part| part.as_object().into_iter().flatten()).map(of_part).collect()
        }
        "DynamoDB_20120810" => {
            let table = own(text(&body["TableName"]));
            let index = body["IndexName"].as_str().map(|index| format!("/{index}"));
            vec![format!("dynamodb:{operation} {table}{}", index.unwrap_or_default())]
        }
        "AmazonSQS" => {
            let queue = text(&body["QueueUrl"]).rsplit('/').next().unwrap_or_default();
            vec![format!("sqs:{operation} {}", own(queue))]
        }
        "AWSEvents" if operation == "PutEvents" => vec!["events:PutEvents".to_owned()],
        "AWSEvents" => vec![format!("events:{operation}")],
        "secretsmanager" => {
            vec![format!("secretsmanager:{operation} {}", vault::name(text(&body["SecretId"])))]
        }
        other => vec![format!("{other}:{operation}")],
    }
}

/// One part of a transaction.
fn of_part((kind, part): (&String, &Value)) -> String {
    let action = match kind.as_str() {
        "ConditionCheck" => "ConditionCheckItem".to_owned(),
        kind => format!("{kind}Item"),
    };
    format!("dynamodb:{action} {}", own(text(&part["TableName"])))
}

fn of_s3(method: &Method, uri: &Uri, copied: Option<&str>) -> Vec<String> {
    let path = percent_decode_str(uri.path().trim_start_matches('/')).decode_utf8_lossy();
    let (_, key) = path.split_once('/').unwrap_or((&path, ""));
    let query: Vec<_> = uri.query().unwrap_or_default().split('&').collect();
    let has = |name: &str| query.iter().any(|pair| pair.split('=').next() == Some(name));
    let on = |action: &str, key: &str| format!("s3:{action} {}", prefix(key));

    match (method.as_str(), key) {
        ("GET", "") if has("uploads") => vec!["s3:ListBucketMultipartUploads".to_owned()],
        ("GET" | "HEAD", "") => vec!["s3:ListBucket".to_owned()],
        ("GET", key) if has("uploadId") => vec![on("ListMultipartUploadParts", key)],
        ("GET" | "HEAD", key) => vec![on("GetObject", key)],
        ("PUT", key) => {
            let from = copied.map(|from| percent_decode_str(from).decode_utf8_lossy());
            let from =
                from.as_deref().and_then(|from| from.trim_start_matches('/').split_once('/'));
            let read = from.map(|(_, key)| on("GetObject", key));
            read.into_iter().chain([on("PutObject", key)]).collect()
        }
        // Begun, and completed.
        ("POST", key) if has("uploads") || has("uploadId") => vec![on("PutObject", key)],
        ("DELETE", key) if has("uploadId") => vec![on("AbortMultipartUpload", key)],
        ("DELETE", key) if !key.is_empty() => vec![on("DeleteObject", key)],
        _ => vec![format!("unknown {method} {uri}")],
    }
}

/// Keys by their first segment, as topology names them.
fn prefix(key: &str) -> String {
    match key.split_once('/') {
        Some((first, _)) => format!("{first}/*"),
        None => key.to_owned(),
    }
}

/// A name without what says where it is.
fn own(name: &str) -> &str {
    name.strip_prefix(&physical("")).unwrap_or(name)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use stillmotion::topology::{Access, Function, Published, Topology};

    use super::*;

    /// Whether the topology lets a function do this.
    fn is_granted(topology: &Topology, function: &Function, call: &str) -> bool {
        let (action, resource) = call.split_once(' ').unwrap_or((call, ""));
        let prefix = resource.trim_end_matches('*').to_owned();
        let table = resource.split('/').next().unwrap_or_default();
        let has = |access| function.tables.get(table).is_some_and(|all| all.contains(&access));
        let is_dead_letters = || {
            let queue = function.queue().and_then(|queue| topology.queues.get(queue));
            queue.is_some_and(|queue| queue.dead_letter_queue.as_deref() == Some(resource))
        };
        let sends = || function.sends.iter().any(|queue| queue == resource);
        match action {
            "s3:GetObject" => function.reads.contains(&prefix),
            "s3:PutObject" | "s3:AbortMultipartUpload" | "s3:ListMultipartUploadParts" => {
                function.writes.contains(&prefix)
            }
            "s3:DeleteObject" => function.deletes.contains(&prefix),
            "s3:ListBucket" => !function.reads.is_empty(),
            "dynamodb:GetItem" | "dynamodb:Query" => has(Access::Read),
            "dynamodb:PutItem" | "dynamodb:UpdateItem" | "dynamodb:ConditionCheckItem" => {
                has(Access::Write)
            }
            "dynamodb:DeleteItem" => has(Access::Delete),
            "events:PutEvents" => !function.publishes.is_empty(),
            "events:DescribeEventBus" => function.publishes.contains(&Published::Jobs),
            "sqs:SendMessage" => sends() || is_dead_letters(),
            "sqs:GetQueueAttributes" => sends(),
            "sqs:ChangeMessageVisibility" => function.queue() == Some(resource),
            "secretsmanager:GetSecretValue" | "secretsmanager:DescribeSecret" => {
                function.secrets.iter().any(|secret| secret == resource)
            }
            _ => false,
        }
    }

    /// What the topology lets a function do, as the calls of which one at least has to be seen.
    fn grants(function: &Function) -> Vec<Vec<String>> {
        let on = |action: &str, all: &[String]| -> Vec<_> {
            all.iter().map(|one| vec![format!("{action} {one}")]).collect()
        };
        let objects = |action: &str, prefixes: &[String]| -> Vec<_> {
            prefixes.iter().map(|prefix| vec![format!("s3:{action} {prefix}*")]).collect()
        };
        let tables = function.tables.iter().flat_map(|(table, all)| {
            all.iter().map(move |access| match access {
                Access::Read => {
                    vec![format!("dynamodb:GetItem {table}"), format!("dynamodb:Query {table}")]
                }
                Access::Write => vec![
                    format!("dynamodb:PutItem {table}"),
                    format!("dynamodb:UpdateItem {table}"),
                ],
                Access::Delete => vec![format!("dynamodb:DeleteItem {table}")],
            })
        });
        let buses = (!function.publishes.is_empty()).then(|| vec!["events:PutEvents".to_owned()]);
        [
            objects("GetObject", &function.reads),
            objects("PutObject", &function.writes),
            objects("DeleteObject", &function.deletes),
            on("sqs:SendMessage", &function.sends),
            on("secretsmanager:GetSecretValue", &function.secrets),
            on("secretsmanager:DescribeSecret", &function.secrets),
            tables.collect(),
            buses.into_iter().collect(),
        ]
        .concat()
    }

    /// The file; none while it is being written anew, for it is whole only when all tests have run.
    fn written() -> Option<BTreeMap<String, BTreeSet<String>>> {
        if is_update() {
            return None;
        }
        let text = std::fs::read_to_string(file()).expect("infra/calls.json");
        let calls: Calls = serde_json::from_str(&text).expect("infra/calls.json is read");
        Some(calls.functions)
    }

    #[test]
    fn the_topology_lets_every_function_do_what_it_does() {
        let Some(calls) = written() else { return };
        let topology = Topology::built_in();
        assert!(calls.keys().eq(topology.functions.keys()), "every function was seen");
        let refused: Vec<_> = calls
            .iter()
            .flat_map(|(name, calls)| calls.iter().map(move |call| (name, call)))
            .filter(|(name, call)| !is_granted(&topology, &topology.functions[*name], call))
            .collect();

        assert!(refused.is_empty(), "not in infra/topology.json: {refused:#?}");
    }

    #[test]
    fn the_topology_lets_no_function_do_what_it_does_not() {
        let Some(calls) = written() else { return };
        for (name, function) in &Topology::built_in().functions {
            let seen = &calls[name];
            let is_seen = |call: &String| {
                // A table is read by its indexes, too.
                seen.contains(call) || seen.iter().any(|it| it.starts_with(&format!("{call}/")))
            };
            let idle: Vec<_> =
                grants(function).into_iter().filter(|any| !any.iter().any(is_seen)).collect();

            assert!(
                idle.is_empty(),
                "{name} is let in infra/topology.json, and never seen: {idle:#?}"
            );
        }
    }

    fn s3(method: &str, uri: &str) -> String {
        let method = method.parse().expect("a method");
        of_s3(&method, &uri.parse().expect("a URI"), None).join(", ")
    }

    #[test]
    fn requests_are_told_as_the_actions_that_they_need() {
        assert_eq!(s3("HEAD", "/b/photos/a%20b.jpg"), "s3:GetObject photos/*");
        assert_eq!(s3("GET", "/b/?list-type=2&prefix=uploads%2F"), "s3:ListBucket");
        assert_eq!(s3("PUT", "/b/uploads/j/a?partNumber=1&uploadId=u"), "s3:PutObject uploads/*");
        assert_eq!(s3("GET", "/b/uploads/j/a?uploadId=u"), "s3:ListMultipartUploadParts uploads/*");
        assert_eq!(s3("DELETE", "/b/uploads/j/a?uploadId=u"), "s3:AbortMultipartUpload uploads/*");
        assert_eq!(s3("POST", "/b/?delete"), "unknown POST /b/?delete");
        let copied =
            of_s3(&Method::PUT, &Uri::from_static("/b/renders/j/2"), Some("b/renders/j/1"));
        assert_eq!(copied, ["s3:GetObject renders/*", "s3:PutObject renders/*"]);
    }

    #[test]
    fn a_transaction_needs_what_its_parts_need() {
        let body = serde_json::json!({ "TransactItems": [
            { "Put": { "TableName": "stillmotion-jobs" } },
            { "ConditionCheck": { "TableName": "stillmotion-ledger" } },
        ]});

        let asked = of_json("DynamoDB_20120810", "TransactWriteItems", &body);

        assert_eq!(asked, ["dynamodb:PutItem jobs", "dynamodb:ConditionCheckItem ledger"]);
    }
}
