//! The workflows for n8n: their shape, and the JavaScript in them, run. n8n itself is too large to
//! install for a test.

use std::process::Command;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use domain::Timestamp;
use events::{Fact as _, JobFailed, Rendered};
use ports::{Clock as _, SystemClock};
use serde_json::{Value, json};

use crate::judges::{ask, described, file};
use crate::receiver::Received;
use crate::workflow::{NEW, OLD, OTHER, told};

const WEBHOOK: &str = "integrations/n8n/stillmotion-webhook.json";
const EVENT_BRIDGE: &str = "integrations/n8n/stillmotion-eventbridge.json";

/// Nodes that there are, and their versions.
///
/// Source: n8n 2.x, `packages/nodes-base/nodes/*/*.node.ts`.
const KNOWN: [(&str, &[f64]); 5] = [
    ("n8n-nodes-base.webhook", &[1.0, 1.1, 2.0, 2.1]),
    ("n8n-nodes-base.code", &[1.0, 2.0]),
    ("n8n-nodes-base.switch", &[1.0, 2.0, 3.0, 3.1, 3.2]),
    ("n8n-nodes-base.noOp", &[1.0]),
    ("n8n-nodes-base.stickyNote", &[1.0]),
];

fn workflow(path: &str) -> Value {
    let text = std::fs::read_to_string(file(path)).expect("the workflow is there");
    serde_json::from_str(&text).expect("JSON")
}

fn nodes(workflow: &Value) -> &Vec<Value> {
    workflow["nodes"].as_array().expect("nodes")
}

fn node<'a>(workflow: &'a Value, kind: &str) -> &'a Value {
    let kind = format!("n8n-nodes-base.{kind}");
    nodes(workflow).iter().find(|node| node["type"] == kind).expect("it is there")
}

/// Everything that a node is connected to, output by output.
fn targets<'a>(workflow: &'a Value, name: &str) -> Vec<Vec<&'a str>> {
    let outputs = workflow["connections"][name]["main"].as_array().into_iter().flatten();
    let names = |output: &'a Value| {
        let targets = output.as_array().into_iter().flatten();
        targets.map(|target| target["node"].as_str().expect("a name")).collect()
    };
    outputs.map(names).collect()
}

/// What becomes of requests that arrive one after the other, as the Code node tells it.
fn run(path: &str, node: &str, secret: &str, requests: &[Value]) -> Vec<Value> {
    let question = json!({
        "workflow": file(path),
        "node": node,
        "env": { "STILLMOTION_WEBHOOK_SECRET": secret },
        "requests": requests,
    });
    let answer = ask(Command::new("node").arg(file("tests/node/n8n-workflow.mjs")), &question);
    let said = String::from_utf8_lossy(&answer.stderr);
    assert!(answer.status.success(), "is Node installed? run ./stillmotion test: {said}");
    serde_json::from_slice(&answer.stdout).expect("JSON")
}

fn verify(secret: &str, requests: &[Value]) -> Vec<Value> {
    run(WEBHOOK, "Verify and drop repeats", secret, requests)
}

#[test]
fn every_node_is_one_that_there_is_and_every_connection_leads_to_one() {
    for path in [WEBHOOK, EVENT_BRIDGE] {
        let workflow = workflow(path);
        let names: Vec<_> =
            nodes(&workflow).iter().map(|node| node["name"].as_str().expect("a name")).collect();

        for node in nodes(&workflow) {
            let known = KNOWN.iter().find(|(kind, _)| node["type"] == *kind).expect("a type");
            let version = node["typeVersion"].as_f64().expect("a version");
            assert!(known.1.contains(&version), "{path}: {} {version}", known.0);
        }
        for name in workflow["connections"].as_object().expect("connections").keys() {
            assert!(names.contains(&name.as_str()), "{path}: from {name}");
            for target in targets(&workflow, name).concat() {
                assert!(names.contains(&target), "{path}: to {target}");
            }
        }
        let (mut unique, count) = (names.clone(), names.len());
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), count, "{path}: names are unique");
    }
}

#[test]
fn a_request_is_answered_checked_and_then_told_apart() {
    for path in [WEBHOOK, EVENT_BRIDGE] {
        let workflow = workflow(path);
        let (hook, code, switch) =
            (node(&workflow, "webhook"), node(&workflow, "code"), node(&workflow, "switch"));
        let name = |node: &Value| node["name"].as_str().expect("a name").to_owned();
        let rules = switch["parameters"]["rules"]["values"].as_array().expect("rules").iter();
        let told_apart: Vec<_> =
            rules.map(|rule| &rule["conditions"]["conditions"][0]["rightValue"]).collect();

        assert_eq!(hook["parameters"]["httpMethod"], "POST");
        assert_eq!(hook["parameters"]["responseMode"], "onReceived");
        assert_eq!(targets(&workflow, &name(hook)), [[&name(code)]]);
        assert_eq!(targets(&workflow, &name(code)), [[&name(switch)]]);
        assert_eq!(told_apart, [Rendered::DETAIL_TYPE, JobFailed::DETAIL_TYPE]);
        assert_eq!(switch["parameters"]["options"]["fallbackOutput"], "extra");
        assert_eq!(targets(&workflow, &name(switch)).len(), told_apart.len() + 1);
    }
    let (signed, keyed) = (workflow(WEBHOOK), workflow(EVENT_BRIDGE));
    assert_eq!(node(&signed, "webhook")["parameters"]["options"]["rawBody"], true);
    assert_eq!(node(&keyed, "webhook")["parameters"]["authentication"], "headerAuth");
}

#[tokio::test]
async fn what_is_genuine_passes_once_whichever_secret_is_known() {
    let now = SystemClock.now();
    let first = described(&told(1, "Rendered.v1", now).await);
    let repeat = described(&told(1, "Rendered.v1", now).await);
    let second = described(&told(2, "JobFailed.v1", now).await);

    for secret in [NEW, OLD] {
        let answers = verify(secret, &[first.clone(), repeat.clone(), second.clone()]);

        assert_eq!(answers[0]["items"][0]["json"]["type"], "Rendered.v1", "{answers:?}");
        assert_eq!(answers[0]["items"][0]["json"]["data"]["title"], "Villa Ćosić");
        assert_eq!(answers[1]["items"], json!([]), "{answers:?}");
        assert_eq!(answers[2]["items"][0]["json"]["type"], "JobFailed.v1");
    }
}

#[tokio::test]
async fn what_is_not_genuine_ends_the_workflow_and_is_not_remembered() {
    let now = SystemClock.now();
    let genuine = told(1, "Rendered.v1", now).await;
    let body = [&genuine.body[..], b" "].concat().into();
    let tampered = Received { body, ..genuine.clone() };
    let old = Timestamp::from_epoch_ms(now.epoch_ms() - 6 * 60_000);
    let old = told(1, "Rendered.v1", old).await;
    let without = |header: &str| {
        let mut received = genuine.clone();
        received.headers.remove(header);
        described(&received)
    };
    let with = |header: &'static str, value: &str| {
        let mut received = genuine.clone();
        received.headers.insert(header, value.parse().expect("a value"));
        described(&received)
    };

    let refused = [
        described(&tampered),
        described(&old),
        without("webhook-signature"),
        without("webhook-id"),
        with("webhook-timestamp", "soon"),
        with("webhook-signature", "v1, v1 v2,AAAA"),
        with("webhook-id", "another"),
    ];
    let answers = verify(NEW, &[&refused[..], &[described(&genuine)]].concat());
    let other = verify(OTHER, &[described(&genuine)]);
    let none = verify("", &[described(&genuine)]);

    for (at, answer) in answers[..refused.len()].iter().chain(&other).chain(&none).enumerate() {
        assert!(answer["error"].is_string(), "{at}: {answer}");
        assert_eq!(answer["remembered"], 0, "{at}");
    }
    let last = answers.last().expect("the genuine one");
    assert_eq!((&last["remembered"], last["items"].is_array()), (&json!(1), true), "{last}");
}

/// What an API destination posts for an event of the bus.
fn from_the_bus(id: &str) -> Value {
    let event = json!({
        "version": "0", "id": "6f", "source": "stillmotion.render", "detail-type": "Rendered.v1",
        "detail": { "id": id, "seq": 6, "occurredAt": "2026-11-20T10:00:00.000Z", "jobId": "j" },
    });
    let body = BASE64_STANDARD.encode(event.to_string());
    json!({ "headers": {}, "body_base64": body })
}

#[test]
fn an_event_of_the_bus_passes_once_and_looks_like_a_webhook() {
    let foreign = json!({ "headers": {}, "body_base64": BASE64_STANDARD.encode("{}") });
    let requests = [from_the_bus("a"), from_the_bus("a"), foreign, from_the_bus("b")];

    let answers = run(EVENT_BRIDGE, "Drop repeats", "", &requests);

    let passed = &answers[0]["items"][0]["json"];
    assert_eq!((&passed["type"], &passed["data"]["id"]), (&json!("Rendered.v1"), &json!("a")));
    assert_eq!(passed["timestamp"], "2026-11-20T10:00:00.000Z");
    assert_eq!(answers[1]["items"], json!([]));
    assert_eq!(answers[2]["error"], "this is no event of stillmotion");
    assert_eq!(answers[3]["items"][0]["json"]["data"]["id"], "b");
}

#[test]
fn a_thousand_ids_are_remembered_the_newest() {
    let ids = (0..1001).chain([1000, 1, 0]);
    let requests: Vec<_> = ids.map(|id| from_the_bus(&id.to_string())).collect();

    let answers = run(EVENT_BRIDGE, "Drop repeats", "", &requests);

    let passed = |at: usize| answers[at]["items"].as_array().expect("items").len();
    assert_eq!(answers[1000]["remembered"], 1000);
    assert_eq!([passed(1000), passed(1001), passed(1002), passed(1003)], [1, 0, 0, 1]);
}
