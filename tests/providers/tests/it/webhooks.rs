//! Webhooks of Replicate and fal.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fake_providers::{FAL_USER, Failure, Name, Outcome, Switches, Webhooks};
use ring::signature::{ED25519, UnparsedPublicKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use standardwebhooks::Webhook;

use crate::mailbox::{Mail, Mailbox};
use crate::visitor::{Visitor, text};

async fn replicate(webhooks: Webhooks, statuses: Vec<u16>) -> (Visitor, Mailbox, Webhook) {
    let visitor = Visitor::to(Name::Replicate, Switches { webhooks, ..Switches::default() }).await;
    let mailbox = Mailbox::open(statuses).await;
    let webhook = Webhook::new(&visitor.fake.webhook_secret()).expect("a secret");
    let order = json!({"webhook": mailbox.url, "webhook_events_filter": ["completed"]});
    assert_eq!(visitor.order(order).await.0, 201);
    (visitor, mailbox, webhook)
}

async fn fal(switches: Switches) -> (Visitor, Mailbox) {
    let visitor = Visitor::to(Name::Fal, switches).await;
    let mailbox = Mailbox::open(Vec::new()).await;
    let path = format!("/fal-ai/pika/v2.2/image-to-video?fal_webhook={}", mailbox.url);
    let body = fake_providers::contract(Name::Fal, "submit.request")["body"].take();
    assert_eq!(visitor.post(&path, &body).await.0, 200);
    (visitor, mailbox)
}

/// Whether one of the keys that fal shows has signed it.
async fn verifies(visitor: &Visitor, mail: &Mail) -> bool {
    let jwks = visitor.fetch(&format!("{}/.well-known/jwks.json", visitor.fake.rest_base())).await;
    let jwks: Value = serde_json::from_slice(&jwks.bytes().await.expect("a body")).expect("JSON");
    let header = |name| mail.header(&format!("x-fal-webhook-{name}"));
    let hash = Sha256::digest(&mail.body);
    let message = format!(
        "{}\n{}\n{}\n{hash:x}",
        header("request-id"),
        header("user-id"),
        header("timestamp")
    );
    let signature: Vec<u8> = (0..64)
        .map(|index| u8::from_str_radix(&header("signature")[2 * index..2 * index + 2], 16))
        .collect::<Result<_, _>>()
        .expect("hex");
    jwks["keys"].as_array().expect("keys").iter().any(|key| {
        let key = URL_SAFE_NO_PAD.decode(text(&key["x"])).expect("base64");
        UnparsedPublicKey::new(&ED25519, key).verify(message.as_bytes(), &signature).is_ok()
    })
}

#[tokio::test]
async fn replicate_signs() {
    let (visitor, mut mailbox, webhook) = replicate(Webhooks::default(), Vec::new()).await;

    let mail = mailbox.next().await;
    assert!(webhook.verify(&mail.body, &mail.headers).is_ok());
    assert_eq!(mail.json()["status"], "succeeded");
    assert_eq!(visitor.fetch(text(&mail.json()["output"])).await.status(), 200);
    assert!(mailbox.stays_empty().await);
    let secret = visitor.get("/webhooks/default/secret").await.1["key"].take();
    assert_eq!(secret, visitor.fake.webhook_secret());
}

#[tokio::test]
async fn without_a_filter_the_start_is_told_too() {
    let visitor = Visitor::of(Name::Replicate).await;
    let mut mailbox = Mailbox::open(Vec::new()).await;
    visitor.fake.change(Name::Replicate, |switches| switches.latency_ms = 200);
    visitor.order(json!({"webhook": mailbox.url, "webhook_events_filter": null})).await;

    let (start, end) = (mailbox.next().await, mailbox.next().await);
    assert_eq!(start.json()["status"], "processing");
    assert_eq!(end.json()["status"], "succeeded");
    assert_ne!(start.header("webhook-id"), end.header("webhook-id"));
}

#[tokio::test]
async fn copies_have_one_id() {
    let webhooks = Webhooks { copies: 2, ..Webhooks::default() };
    let (_visitor, mut mailbox, _) = replicate(webhooks, Vec::new()).await;

    let (first, second) = (mailbox.next().await, mailbox.next().await);
    assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
}

#[tokio::test]
async fn a_replay_is_the_very_same() {
    let webhooks = Webhooks { replay: true, delay_ms: 50, ..Webhooks::default() };
    let (_visitor, mut mailbox, _) = replicate(webhooks, Vec::new()).await;

    let (first, second) = (mailbox.next().await, mailbox.next().await);
    assert_eq!(first.header("webhook-signature"), second.header("webhook-signature"));
    assert_eq!(first.body, second.body);
}

#[tokio::test]
async fn what_was_not_received_comes_again() {
    let (_visitor, mut mailbox, webhook) = replicate(Webhooks::default(), vec![500]).await;

    let (first, second) = (mailbox.next().await, mailbox.next().await);
    assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
    assert!(webhook.verify(&second.body, &second.headers).is_ok());
}

#[tokio::test]
async fn what_is_wrong_does_not_verify() {
    let good = Webhooks::default;
    let wrong = [
        Webhooks { stale: true, ..good() },
        Webhooks { tamper: true, ..good() },
        Webhooks { unsigned: true, ..good() },
        Webhooks { wrong_key: true, ..good() },
    ];
    for webhooks in wrong {
        let (_visitor, mut mailbox, webhook) = replicate(webhooks.clone(), Vec::new()).await;
        let mail = mailbox.next().await;
        assert!(webhook.verify(&mail.body, &mail.headers).is_err(), "{webhooks:?}");
    }
}

#[tokio::test]
async fn nothing_is_sent_if_so_told() {
    let webhooks = Webhooks { send: false, ..Webhooks::default() };
    let (_visitor, mut mailbox, _) = replicate(webhooks, Vec::new()).await;

    assert!(mailbox.stays_empty().await);
}

#[tokio::test]
async fn fal_signs_what_succeeds_and_what_fails() {
    let (visitor, mut mailbox) = fal(Switches::default()).await;
    let mail = mailbox.next().await;
    assert!(verifies(&visitor, &mail).await);
    assert_eq!(mail.header("x-fal-webhook-user-id"), FAL_USER);
    assert_eq!(mail.json()["status"], "OK");
    assert_eq!(visitor.fetch(text(&mail.json()["payload"]["video"]["url"])).await.status(), 200);

    let outcome = Outcome::failing(Failure::Moderation);
    let (visitor, mut mailbox) = fal(Switches { outcome, ..Switches::default() }).await;
    let mail = mailbox.next().await;
    assert!(verifies(&visitor, &mail).await);
    assert_eq!(mail.json()["status"], "ERROR");
    assert_eq!(mail.json()["payload"]["detail"][0]["type"], "content_policy_violation");
}

#[tokio::test]
async fn fal_can_be_wrong_too() {
    let good = Webhooks::default;
    for webhooks in [Webhooks { tamper: true, ..good() }, Webhooks { wrong_key: true, ..good() }] {
        let (visitor, mut mailbox) = fal(Switches { webhooks, ..Switches::default() }).await;
        assert!(!verifies(&visitor, &mailbox.next().await).await);
    }
    let webhooks = Webhooks { unsigned: true, ..good() };
    let (_visitor, mut mailbox) = fal(Switches { webhooks, ..Switches::default() }).await;
    assert!(!mailbox.next().await.headers.contains_key("x-fal-webhook-signature"));
}
