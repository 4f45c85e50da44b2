//! The reference libraries of Standard Webhooks judge what we send.

use std::process::Command;
use std::time::Duration;

use domain::Timestamp;
use ports::{Clock as _, SystemClock};
use serde_json::json;

use crate::judges::{ask, described, file, setting};
use crate::receiver::Received;
use crate::workflow::{NEW, OLD, OTHER, told};

fn python() -> Command {
    let mut python = Command::new(setting("STILLMOTION_PYTHON"));
    python.arg(file("tests/python/verify_webhook.py"));
    python
}

fn node() -> Command {
    // Read here, so that the test says what is missing.
    let modules = setting("STILLMOTION_NODE_MODULES");
    let mut node = Command::new("node");
    node.arg(file("tests/node/verify-webhook.mjs")).env("STILLMOTION_NODE_MODULES", modules);
    node
}

/// Whether it takes the request for genuine.
fn accepts(mut judge: Command, secret: &str, received: &Received) -> bool {
    let mut question = described(received);
    question["secret"] = json!(secret);
    let answer = ask(&mut judge, &question);
    match answer.status.code() {
        Some(0) => true,
        Some(1) => false,
        _ => panic!("{judge:?}: {}", String::from_utf8_lossy(&answer.stderr)),
    }
}

async fn judged_by(judge: fn() -> Command) {
    let now = SystemClock.now();
    let genuine = told(1, "Rendered.v1", now).await;
    let body = [&genuine.body[..], b" "].concat().into();
    let tampered = Received { body, ..genuine.clone() };
    let old = Timestamp::from_epoch_ms(now.epoch_ms() - 6 * 60_000);
    let old = told(1, "Rendered.v1", old).await;
    let early = told(1, "Rendered.v1", now.plus(Duration::from_mins(6))).await;

    assert!(accepts(judge(), NEW, &genuine), "signed with the new secret");
    assert!(accepts(judge(), OLD, &genuine), "signed with the old secret");
    assert!(!accepts(judge(), OTHER, &genuine), "signed with no other");
    assert!(!accepts(judge(), NEW, &tampered), "other bytes");
    assert!(!accepts(judge(), NEW, &old), "too old");
    assert!(!accepts(judge(), NEW, &early), "from the future");
}

#[tokio::test]
async fn what_is_sent_is_genuine_to_the_reference_library_for_python() {
    judged_by(python).await;
}

#[tokio::test]
async fn what_is_sent_is_genuine_to_the_reference_library_for_javascript() {
    judged_by(node).await;
}
