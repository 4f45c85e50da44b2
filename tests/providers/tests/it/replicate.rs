//! Replicate.

use fake_providers::{Bill, Download, Failure, Name, Outcome, OutputShape, Switches};
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::json;

use crate::visitor::{CLIP, PHOTO, Visitor, text};

#[tokio::test]
async fn a_photo_becomes_a_clip() {
    let visitor = Visitor::of(Name::Replicate).await;

    let file = Part::bytes(PHOTO).file_name("a.jpg").mime_str("image/jpeg").expect("a type");
    let form = Form::new().part("content", file);
    let sent = visitor.ask(Method::POST, "/files").multipart(form).send().await;
    let file: serde_json::Value =
        serde_json::from_slice(&sent.expect("an answer").bytes().await.expect("a body"))
            .expect("JSON");
    let (status, taken) =
        visitor.order(json!({"input": {"input_image": file["urls"]["get"]}})).await;
    assert_eq!((status, &taken["status"]), (201, &json!("starting")));
    let (_, done) = visitor.get(text(&taken["urls"]["get"])).await;
    let clip = visitor.fetch(text(&done["output"])).await;
    assert_eq!(clip.bytes().await.expect("a clip"), CLIP);

    assert_eq!(visitor.fake.orders(Name::Replicate)[0].photo, Some(PHOTO.len()));
    assert_eq!(
        visitor.fake.bill(Name::Replicate),
        Bill { orders: 1, billed: 1, ..Bill::default() }
    );
}

#[tokio::test]
async fn models_are_asked_by_name_too() {
    let visitor = Visitor::of(Name::Replicate).await;
    let body = fake_providers::contract(Name::Replicate, "submit-model.request")["body"].take();

    assert_eq!(visitor.post("/models/example/mover/predictions", &body).await.0, 201);
    let order = visitor.fake.orders(Name::Replicate).remove(0);
    assert_eq!((order.model.as_str(), order.prompt.is_empty()), ("example/mover", false));
    let (status, refused) = visitor.order(json!({"input": {}})).await;
    assert_eq!((status, &refused["title"]), (422, &json!("Input validation failed")));
    assert_eq!(visitor.order(json!({"version": "latest"})).await.0, 422);
}

#[tokio::test]
async fn an_answer_is_held_if_asked() {
    let visitor =
        Visitor::to(Name::Replicate, Switches { latency_ms: 100, ..Switches::default() }).await;
    let body = fake_providers::contract(Name::Replicate, "submit.request")["body"].take();
    let held = |prefer: &'static str| {
        visitor.ask(Method::POST, "/predictions").header("prefer", prefer).json(&body).send()
    };

    assert_eq!(held("wait").await.expect("an answer").status(), 201);
    assert_eq!(held("wait=0").await.expect("an answer").status(), 202);
}

#[tokio::test]
async fn predictions_end_in_many_ways() {
    let visitor = Visitor::of(Name::Replicate).await;
    let ends = [
        (Outcome::failing(Failure::Moderation), "failed"),
        (Outcome::failing(Failure::Input), "failed"),
        (Outcome::Aborted, "aborted"),
        (Outcome::Never, "processing"),
    ];

    for (outcome, status) in ends {
        visitor.fake.change(Name::Replicate, |switches| switches.outcome = outcome);
        let (_, taken) = visitor.order(json!({})).await;
        assert_eq!(visitor.get(text(&taken["urls"]["get"])).await.1["status"], status);
    }
    let last = visitor.fake.orders(Name::Replicate).pop().expect("orders").id;
    let (status, cancelled) =
        visitor.post(&format!("/predictions/{last}/cancel"), &json!(null)).await;
    assert_eq!((status, &cancelled["status"]), (200, &json!("canceled")));
    let bill = Bill { orders: 4, billed: 0, cancelled: 1, failed: 3 };
    assert_eq!(visitor.fake.bill(Name::Replicate), bill);
}

#[tokio::test]
async fn too_many_are_not_taken() {
    let switches =
        Switches { concurrency: Some(1), outcome: Outcome::Never, ..Switches::default() };
    let visitor = Visitor::to(Name::Replicate, switches).await;

    assert_eq!(visitor.order(json!({})).await.0, 201);
    let (status, refused) = visitor.order(json!({})).await;
    assert_eq!((status, &refused["retry_after"]), (429, &json!(30)));
}

#[tokio::test]
async fn output_has_many_shapes() {
    let visitor = Visitor::of(Name::Replicate).await;

    for (shape, pointer) in
        [(OutputShape::List, "/output/0"), (OutputShape::Object, "/output/video")]
    {
        visitor.fake.change(Name::Replicate, |switches| switches.output = shape);
        let (_, taken) = visitor.order(json!({})).await;
        let (_, done) = visitor.get(text(&taken["urls"]["get"])).await;
        assert!(done.pointer(pointer).is_some_and(serde_json::Value::is_string), "{done}");
    }
}

#[tokio::test]
async fn what_was_removed_is_told() {
    let download = Download::Expired { status: 404, expire_first: None };
    let visitor = Visitor::to(Name::Replicate, Switches { download, ..Switches::default() }).await;

    let (_, taken) = visitor.order(json!({})).await;
    let (_, done) = visitor.get(text(&taken["urls"]["get"])).await;
    assert_eq!(visitor.fetch(text(&done["output"])).await.status(), 404);
    let (_, look) = visitor.get(text(&taken["urls"]["get"])).await;
    assert_eq!((&look["data_removed"], &look["output"]), (&json!(true), &json!(null)));
}
