//! The workflows for n8n: their shape, and what becomes of requests when they are run by a script that
//! does as n8n does. n8n itself, where it is installed, runs one of them in `n8n_itself`.

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

pub(crate) const WEBHOOK: &str = "integrations/n8n/stillmotion-webhook.json";
const EVENT_BRIDGE: &str = "integrations/n8n/stillmotion-eventbridge.json";

/// Nodes that there are, and their versions.
///
/// Source: n8n 2.x, `packages/nodes-base/nodes/*/*.node.ts`.
const KNOWN: [(&str, &[f64]); 7] = [
    ("n8n-nodes-base.webhook", &[1.0, 1.1, 2.0, 2.1]),
    ("n8n-nodes-base.code", &[1.0, 2.0]),
    ("n8n-nodes-base.if", &[1.0, 2.0, 2.1, 2.2, 2.3]),
    ("n8n-nodes-base.respondToWebhook", &[1.0, 1.1]),
    ("n8n-nodes-base.switch", &[1.0, 2.0, 3.0, 3.1, 3.2]),
    ("n8n-nodes-base.noOp", &[1.0]),
    ("n8n-nodes-base.stickyNote", &[1.0]),
];

/// A workflow of ours.
pub(crate) fn workflow(path: &str) -> Value {
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

/// What becomes of requests that arrive one after the other; the code of the nodes in `broken` cannot
/// be run.
fn run(path: &str, broken: &[&str], secret: &str, requests: &[Value]) -> Vec<Value> {
    let question = json!({
        "workflow": file(path),
        "broken": broken,
        "env": { "STILLMOTION_WEBHOOK_SECRET": secret },
        "requests": requests,
    });
    let answer = ask(Command::new("node").arg(file("tests/node/n8n-workflow.mjs")), &question);
    let said = String::from_utf8_lossy(&answer.stderr);
    assert!(answer.status.success(), "is Node installed? run ./stillmotion test: {said}");
    serde_json::from_slice(&answer.stdout).expect("JSON")
}

/// What was answered, and by which node the request was dealt with last.
fn end(outcome: &Value) -> (u64, &str) {
    (outcome["status"].as_u64().expect("a status"), outcome["node"].as_str().expect("a node"))
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
fn a_request_is_told_apart_by_its_type() {
    for path in [WEBHOOK, EVENT_BRIDGE] {
        let workflow = workflow(path);
        let (hook, switch) = (node(&workflow, "webhook"), node(&workflow, "switch"));
        let rules = switch["parameters"]["rules"]["values"].as_array().expect("rules").iter();
        let told_apart: Vec<_> =
            rules.map(|rule| &rule["conditions"]["conditions"][0]["rightValue"]).collect();

        assert_eq!(hook["parameters"]["httpMethod"], "POST");
        assert_eq!(told_apart, [Rendered::DETAIL_TYPE, JobFailed::DETAIL_TYPE]);
        assert_eq!(switch["parameters"]["options"]["fallbackOutput"], "extra");
        let outputs = targets(&workflow, switch["name"].as_str().expect("a name"));
        assert_eq!(outputs.len(), told_apart.len() + 1, "{path}");
        assert!(outputs.iter().all(|output| output.len() == 1), "{path}: {outputs:?}");
    }
    let keyed = workflow(EVENT_BRIDGE);
    assert_eq!(node(&keyed, "webhook")["parameters"]["authentication"], "headerAuth");
    assert_eq!(node(&keyed, "webhook")["parameters"]["responseMode"], "onReceived");
}

#[test]
fn a_signed_request_is_answered_after_it_was_verified_and_only_then_worked_on() {
    let workflow = workflow(WEBHOOK);
    let named = |name: &str| nodes(&workflow).iter().find(|node| node["name"] == name);
    let status = |name: &str| {
        let answer = named(name).expect("it is there");
        assert_eq!(answer["type"], "n8n-nodes-base.respondToWebhook", "{name}");
        answer["parameters"]["options"]["responseCode"].as_u64().expect("a status")
    };
    let hook = &node(&workflow, "webhook")["parameters"];
    let path = ["Signed webhook", "Verify", "Is it genuine", "Answer 200", "Drop repeats"];

    assert_eq!(
        (&hook["responseMode"], &hook["options"]["rawBody"]),
        (&json!("responseNode"), &json!(true))
    );
    // An error goes the way of everything that does not say that it is genuine.
    assert_eq!(named("Verify").expect("it is there")["onError"], "continueRegularOutput");
    assert_eq!(targets(&workflow, path[0]), [[path[1]]]);
    assert_eq!(targets(&workflow, path[1]), [[path[2]]]);
    assert_eq!(targets(&workflow, path[2]), [["Answer 200"], ["Answer 401"]]);
    assert_eq!(targets(&workflow, path[3]), [[path[4]]]);
    assert_eq!(targets(&workflow, path[4]), [["What happened"]]);
    assert!(targets(&workflow, "Answer 401").is_empty());
    assert_eq!((status("Answer 200"), status("Answer 401")), (200, 401));
}

#[tokio::test]
async fn what_is_genuine_is_answered_with_200_and_passes_once_whichever_secret_is_known() {
    let now = SystemClock.now();
    let first = described(&told(1, "Rendered.v1", now).await);
    let repeat = described(&told(1, "Rendered.v1", now).await);
    let second = described(&told(2, "JobFailed.v1", now).await);
    let third = described(&told(3, "LtxDone.v1", now).await);

    for secret in [NEW, OLD] {
        let requests = [first.clone(), repeat.clone(), second.clone(), third.clone()];
        let outcomes = run(WEBHOOK, &[], secret, &requests);

        assert_eq!(end(&outcomes[0]), (200, "The video is there"), "{outcomes:?}");
        assert_eq!(outcomes[0]["items"][0]["json"]["type"], "Rendered.v1");
        assert_eq!(outcomes[0]["items"][0]["json"]["data"]["title"], "Villa Ćosić");
        assert_eq!(end(&outcomes[1]), (200, "Drop repeats"));
        assert_eq!(end(&outcomes[2]), (200, "The job failed"));
        assert_eq!(end(&outcomes[3]), (200, "Anything else"));
    }
}

#[tokio::test]
async fn what_is_not_genuine_is_answered_with_401_and_not_remembered() {
    let now = SystemClock.now();
    let genuine = told(1, "Rendered.v1", now).await;
    let body = [&genuine.body[..], b" "].concat().into();
    let tampered = Received { body, ..genuine.clone() };
    // What only the node that verifies may say.
    let claim = Received { body: r#"{"genuine":true}"#.into(), ..genuine.clone() };
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
        described(&claim),
        described(&old),
        without("webhook-signature"),
        without("webhook-id"),
        with("webhook-timestamp", "soon"),
        with("webhook-signature", "v1, v1 v2,AAAA"),
        with("webhook-id", "another"),
    ];
    let outcomes = run(WEBHOOK, &[], NEW, &[&refused[..], &[described(&genuine)]].concat());
    let other = run(WEBHOOK, &[], OTHER, &[described(&genuine)]);
    let none = run(WEBHOOK, &[], "", &[described(&genuine)]);

    for (at, outcome) in outcomes[..refused.len()].iter().chain(&other).chain(&none).enumerate() {
        assert_eq!(end(outcome), (401, "Answer 401"), "{at}: {outcome}");
        assert_eq!(outcome["remembered"], 0, "{at}");
    }
    assert_eq!(other[0]["said"], "the signature is not genuine");
    assert_eq!(none[0]["said"], "STILLMOTION_WEBHOOK_SECRET is not set");
    let last = outcomes.last().expect("the genuine one");
    assert_eq!((end(last), &last["remembered"]), ((200, "The video is there"), &json!(1)));
}

#[tokio::test]
async fn what_cannot_be_verified_is_answered_with_401() {
    let claim = json!({ "genuine": true, "id": "a", "event": { "type": "Rendered.v1" } });
    let body = claim.to_string().into();
    let claim = Received { body, ..told(1, "Rendered.v1", SystemClock.now()).await };

    let outcome = &run(WEBHOOK, &["Verify"], NEW, &[described(&claim)])[0];

    assert_eq!(end(outcome), (401, "Answer 401"), "{outcome}");
    assert_eq!(outcome["said"], "the request could not be verified");
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

    let answers = run(EVENT_BRIDGE, &[], "", &requests);

    let passed = &answers[0]["items"][0]["json"];
    assert_eq!(end(&answers[0]), (200, "The video is there"));
    assert_eq!((&passed["type"], &passed["data"]["id"]), (&json!("Rendered.v1"), &json!("a")));
    assert_eq!(passed["timestamp"], "2026-11-20T10:00:00.000Z");
    assert_eq!(end(&answers[1]), (200, "Drop repeats"));
    assert_eq!(answers[2]["error"], "this is no event of stillmotion");
    assert_eq!(answers[3]["items"][0]["json"]["data"]["id"], "b");
}

#[test]
fn a_thousand_ids_are_remembered_the_newest() {
    let ids = (0..1001).chain([1000, 1, 0]);
    let requests: Vec<_> = ids.map(|id| from_the_bus(&id.to_string())).collect();

    let answers = run(EVENT_BRIDGE, &[], "", &requests);

    let passed = |at: usize| answers[at]["items"].as_array().expect("items").len();
    assert_eq!(answers[1000]["remembered"], 1000);
    assert_eq!([passed(1000), passed(1001), passed(1002), passed(1003)], [1, 0, 0, 1]);
}
