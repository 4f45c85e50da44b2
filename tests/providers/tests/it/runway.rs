//! Runway.

use fake_providers::{Bill, Failure, Name, Outcome, Switches};
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::visitor::{CLIP, PHOTO, Visitor, pause, text};

async fn upload(visitor: &Visitor, file_first: bool) -> (u16, Value) {
    let (_, target) =
        visitor.post("/v1/uploads", &json!({"filename": "a.jpg", "type": "ephemeral"})).await;
    let file = || Part::bytes(PHOTO).file_name("a.jpg").mime_str("image/jpeg").expect("a type");
    let form = if file_first { Form::new().part("file", file()) } else { Form::new() };
    let fields = target["fields"].as_object().expect("fields").clone();
    let form = fields
        .into_iter()
        .fold(form, |form, (name, value)| form.text(name, text(&value).to_owned()));
    let form = if file_first { form } else { form.part("file", file()) };
    let sent = visitor.http.post(text(&target["uploadUrl"])).multipart(form).send().await;
    (sent.expect("an answer").status().as_u16(), target)
}

#[tokio::test]
async fn a_photo_becomes_a_clip() {
    let visitor = Visitor::of(Name::Runway).await;

    let (status, target) = upload(&visitor, false).await;
    assert_eq!(status, 204);
    let (status, task) = visitor.order(json!({"promptImage": target["runwayUri"]})).await;
    assert_eq!((status, &task["estimatedCost"]["credits"]), (200, &json!(25)));
    let (_, done) = visitor.get(&format!("/v1/tasks/{}", text(&task["id"]))).await;
    assert_eq!((&done["status"], &done["cost"]["credits"]), (&json!("SUCCEEDED"), &json!(25)));
    let clip = visitor.fetch(text(&done["output"][0])).await;
    assert_eq!(clip.bytes().await.expect("a clip"), CLIP);

    assert_eq!(visitor.fake.orders(Name::Runway)[0].photo, Some(PHOTO.len()));
    assert_eq!(visitor.fake.bill(Name::Runway), Bill { orders: 1, billed: 1, ..Bill::default() });
}

#[tokio::test]
async fn the_file_comes_last() {
    let visitor = Visitor::of(Name::Runway).await;

    let (status, target) = upload(&visitor, true).await;
    assert_eq!(status, 400);
    let (status, body) = visitor.order(json!({"promptImage": target["runwayUri"]})).await;
    assert_eq!((status, &body["issues"][0]["path"][0]), (400, &json!("promptImage")));
}

#[tokio::test]
async fn too_many_wait() {
    let switches = Switches { concurrency: Some(1), latency_ms: 150, ..Switches::default() };
    let visitor = Visitor::to(Name::Runway, switches).await;

    let (_, _first) = visitor.order(json!({})).await;
    let (status, second) = visitor.order(json!({})).await;
    assert_eq!(status, 200);
    let look = format!("/v1/tasks/{}", text(&second["id"]));
    assert_eq!(visitor.get(&look).await.1["status"], "THROTTLED");
    pause(160).await;
    assert_ne!(visitor.get(&look).await.1["status"], "THROTTLED");
    pause(160).await;
    assert_eq!(visitor.get(&look).await.1["status"], "SUCCEEDED");
}

#[tokio::test]
async fn moderated_input_is_charged() {
    let outcome = Outcome::failing(Failure::Moderation);
    let visitor = Visitor::to(Name::Runway, Switches { outcome, ..Switches::default() }).await;

    let (_, task) = visitor.order(json!({})).await;
    let (_, failed) = visitor.get(&format!("/v1/tasks/{}", text(&task["id"]))).await;
    assert_eq!(failed["failureCode"], "SAFETY.INPUT.TEXT");
    assert_eq!(failed["cost"]["credits"], 25);
    let bill = Bill { orders: 1, billed: 1, failed: 1, ..Bill::default() };
    assert_eq!(visitor.fake.bill(Name::Runway), bill);
}

#[tokio::test]
async fn a_task_is_called_off_and_then_removed() {
    let switches = Switches { outcome: Outcome::Never, ..Switches::default() };
    let visitor = Visitor::to(Name::Runway, switches).await;
    let (_, task) = visitor.order(json!({})).await;
    let path = format!("/v1/tasks/{}", text(&task["id"]));
    let delete = || visitor.ask(Method::DELETE, &path).send();

    assert_eq!(visitor.get(&path).await.1["status"], "RUNNING");
    assert_eq!(delete().await.expect("an answer").status(), 204);
    assert_eq!(visitor.get(&path).await.1["status"], "CANCELLED");
    assert_eq!(delete().await.expect("an answer").status(), 204);
    assert_eq!(visitor.get(&path).await.0, 404);
    assert_eq!(visitor.fake.bill(Name::Runway).cancelled, 1);
}

#[tokio::test]
async fn the_version_has_to_be_named() {
    let visitor = Visitor::of(Name::Runway).await;
    let url = format!("{}/v1/organization", visitor.fake.base(Name::Runway));
    let plain = visitor.http.get(url).header("authorization", Name::Runway.authorization());

    assert_eq!(plain.send().await.expect("an answer").status(), 400);
    assert_eq!(visitor.get("/v1/organization").await.1["creditBalance"], 5000);
    assert_eq!(visitor.post("/v1/tasks/none", &json!({})).await.0, 405);
    assert_eq!(visitor.get("/v1/tasks/none").await.0, 404);
}
