use ports::{Clock as _, SigningSecret, SystemClock, WebhookSecret};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use standardwebhooks::Webhook;

use super::*;
use crate::DeliverError;

const OLD: &str = "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";
const NEW: &str = "whsec_c3RpbGxtb3Rpb24gdGhlIG5ld2VyIHNlY3JldA==";

fn secret(text: &str, until: Option<Timestamp>) -> SigningSecret {
    SigningSecret { secret: WebhookSecret::new(text.to_owned()), until }
}

/// What `n8n` is sent at `now` if these are its secrets.
async fn sent(secrets: Vec<SigningSecret>, now: Timestamp) -> WebhookRequest {
    let world = World { clock: TestClock::at(now), ..World::answering([]) };
    world.change(&Endpoint { secrets, ..endpoint("n8n") });
    let request = world.ask("n8n", 1);
    world.deliver(&request).await;
    world.requests().remove(0)
}

fn headers(request: &WebhookRequest) -> HeaderMap {
    let header = |(name, value): &(&'static str, String)| {
        (HeaderName::from_static(name), HeaderValue::from_str(value).expect("a header"))
    };
    request.headers.iter().map(header).collect()
}

fn is_genuine(secret: &str, request: &WebhookRequest) -> bool {
    let webhook = Webhook::new(secret).expect("a secret");
    webhook.verify(&request.body, &headers(request)).is_ok()
}

#[tokio::test]
async fn the_bytes_that_are_sent_are_the_bytes_that_are_signed() {
    let request = sent(vec![secret(NEW, None)], SystemClock.now()).await;
    let changed = [&request.body[..], b" "].concat();
    let changed = WebhookRequest { body: changed, ..request.clone() };

    assert!(is_genuine(NEW, &request));
    assert!(!is_genuine(NEW, &changed) && !is_genuine(OLD, &request));
}

#[tokio::test]
async fn while_a_secret_is_exchanged_the_new_one_and_the_old_one_sign() {
    let now = SystemClock.now();
    let old = secret(OLD, Some(now.plus(HOUR)));

    let request = sent(vec![secret(NEW, None), old], now).await;

    let alone = sent(vec![secret(NEW, None)], now).await;
    let both = headers(&request)["webhook-signature"].to_str().expect("text").to_owned();
    let first = headers(&alone)["webhook-signature"].to_str().expect("text").to_owned();
    assert!(is_genuine(NEW, &request) && is_genuine(OLD, &request));
    assert!(both.starts_with(&format!("{first} v1,")), "{both}");
}

#[tokio::test]
async fn a_secret_whose_time_is_over_does_not_sign() {
    let now = SystemClock.now();

    let request = sent(vec![secret(NEW, None), secret(OLD, Some(now))], now).await;

    assert!(is_genuine(NEW, &request) && !is_genuine(OLD, &request));
}

#[tokio::test]
async fn an_endpoint_with_nothing_to_sign_with_is_a_fault_that_names_it_and_no_secret() {
    let world = World::answering([]);
    let request = world.ask("n8n", 1);
    let fault = async |secrets| {
        world.change(&Endpoint { secrets, ..endpoint("n8n") });
        world.handler().handle(&request).await.expect_err("nothing to sign with")
    };

    let none = fault(vec![]).await;
    let unreadable = fault(vec![secret("whsec_not base64", None)]).await;

    assert!(matches!(none, DeliverError::NoSecret(_)), "{none:?}");
    assert_eq!(unreadable.to_string(), "secret of endpoint n8n");
    assert!(!format!("{unreadable:?}").contains("not base64"));
    assert!(!Handler::is_hopeless(&none) && world.posts().is_empty());
}
