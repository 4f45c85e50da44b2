//! Answers, cuts and delays.

use std::error::Error as _;
use std::io;
use std::time::{Duration, Instant};

use fake_providers::{Cut, Endpoint, Name, Outcome, Scripted, Switches};
use fake_providers::{contract, fal, ltx, replicate, runway};
use serde_json::json;

use crate::visitor::{CLIP, Visitor, text};

/// Whether it was the other side that broke the connection.
fn was_reset(error: &reqwest::Error) -> bool {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    causes
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::ConnectionReset)
}

#[tokio::test]
async fn scripted_answers_come_first() {
    let visitor = Visitor::of(Name::Ltx).await;
    let busy = Scripted::contract(Name::Ltx, "error.429-rate", Endpoint::Submit).expect("one");
    let late = Scripted::contract(Name::Ltx, "error.504", Endpoint::Submit).expect("one").taking();
    let torn = Scripted::new(Endpoint::Submit, 202, "{\"id\":");
    visitor.fake.change(Name::Ltx, |switches| switches.answers = vec![busy, late, torn]);

    let first = visitor.try_order().await.expect("an answer");
    assert_eq!(
        (first.status().as_u16(), &first.headers()["retry-after"]),
        (429, &"30".parse().expect("a value"))
    );
    assert_eq!(visitor.fake.bill(Name::Ltx).orders, 0);
    assert_eq!(visitor.try_order().await.expect("an answer").status(), 504);
    assert_eq!(visitor.fake.bill(Name::Ltx).orders, 1);
    let third = visitor.try_order().await.expect("an answer");
    assert_eq!(third.text().await.expect("a body"), "{\"id\":");
    assert_eq!(visitor.order(json!({})).await.0, 202);
    assert_eq!(visitor.fake.bill(Name::Ltx).orders, 2);
}

#[tokio::test]
async fn every_documented_answer_is_given() {
    let all = [
        (Name::Ltx, ltx::documented()),
        (Name::Runway, runway::documented()),
        (Name::Replicate, replicate::documented()),
        (Name::Fal, fal::documented()),
    ];
    for (name, documented) in all {
        let visitor = Visitor::of(name).await;
        assert!(documented.len() > 10);
        for answer in documented.iter().filter(|answer| answer.endpoint == Endpoint::Submit) {
            visitor.fake.change(name, |switches| switches.answers.push(answer.scripted(1)));
            let given = visitor.try_order().await.expect("an answer");
            assert_eq!(given.status().as_u16(), answer.status, "{}", answer.name);
            let body = given.bytes().await.expect("a body");
            let parsed = serde_json::from_slice(&body);
            assert_eq!(
                parsed.unwrap_or_else(|_| json!(&*String::from_utf8_lossy(&body))),
                answer.body
            );
        }
        assert_eq!(visitor.fake.bill(name).orders, 0);
    }
}

#[tokio::test]
async fn a_connection_is_reset_before_or_after_the_taking() {
    for (take, orders) in [(false, 0), (true, 1)] {
        for after_bytes in [0, 30] {
            let visitor = Visitor::of(Name::Runway).await;
            let cut = Cut { to: Endpoint::Submit, times: 1, after_bytes, take };
            visitor.fake.change(Name::Runway, |switches| switches.cuts = vec![cut]);

            let error = visitor.try_order().await.expect_err("a reset");
            assert!(was_reset(&error), "{error:?}");
            assert_eq!(visitor.fake.bill(Name::Runway).orders, orders);
            assert!(visitor.fake.calls(Name::Runway)[0].cut);
            assert_eq!(visitor.order(json!({})).await.0, 200);
        }
    }
}

#[tokio::test]
async fn a_download_is_reset_in_the_middle() {
    let visitor = Visitor::of(Name::Ltx).await;
    let (_, job) = visitor.order(json!({})).await;
    let (_, look) = visitor.get(&format!("/v2/image-to-video/{}", text(&job["id"]))).await;
    let url = text(&look["result"]["video_url"]);
    let head_bytes = 400;
    let cut = |after_bytes| Cut { to: Endpoint::Download, times: 1, after_bytes, take: false };
    let sized = fake_providers::Download::Sized(100_000);
    visitor.fake.change(Name::Ltx, |switches| switches.cuts = vec![cut(head_bytes + 10_000)]);
    visitor.fake.change(Name::Ltx, |switches| switches.download = sized);

    let response = visitor.fetch(url).await;
    assert_eq!(response.status(), 200);
    assert!(was_reset(&response.bytes().await.expect_err("a reset")));
    visitor.fake.change(Name::Ltx, |switches| *switches = Switches::default());
    assert_eq!(visitor.fetch(url).await.bytes().await.expect("a clip"), CLIP);
}

#[tokio::test]
async fn connections_are_refused() {
    let visitor = Visitor::of(Name::Fal).await;
    visitor.fake.change(Name::Fal, |switches| switches.refuse_connections = true);
    assert!(was_reset(&visitor.try_order().await.expect_err("a reset")));
    for name in Name::ALL {
        visitor.fake.change(name, |switches| switches.refuse_connections = true);
    }
    assert!(visitor.try_order().await.is_err());
    assert!(visitor.fake.calls(Name::Fal).is_empty());
    for name in Name::ALL {
        visitor.fake.set(name, Switches::default());
    }
    assert_eq!(visitor.order(json!({})).await.0, 200);
}

#[tokio::test]
async fn a_stopped_fake_is_gone() {
    let Visitor { fake, http, .. } = Visitor::of(Name::Fal).await;
    let url = fake.url();
    fake.stop().await;

    assert!(http.get(url).send().await.expect_err("nobody").is_connect());
}

#[tokio::test]
async fn who_does_not_wait_has_ordered_all_the_same() {
    let visitor = Visitor::to(Name::Ltx, Switches { answer_ms: 500, ..Switches::default() }).await;
    let body = contract(Name::Ltx, "submit.request")["body"].take();
    let asked = visitor.ask(reqwest::Method::POST, "/v2/image-to-video").json(&body);

    let started = Instant::now();
    let error = asked.timeout(Duration::from_millis(100)).send().await.expect_err("a timeout");
    assert!(error.is_timeout() && started.elapsed() < Duration::from_millis(400));
    assert_eq!(visitor.fake.bill(Name::Ltx).orders, 1);
}

#[tokio::test]
async fn an_order_may_never_end() {
    let visitor =
        Visitor::to(Name::Ltx, Switches { outcome: Outcome::Never, ..Switches::default() }).await;
    let (_, job) = visitor.order(json!({})).await;

    let (_, look) = visitor.get(&format!("/v2/image-to-video/{}", text(&job["id"]))).await;
    assert_eq!(look["status"], "processing");
}
