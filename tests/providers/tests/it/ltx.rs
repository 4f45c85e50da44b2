//! LTX.

use fake_providers::{Bill, Endpoint, Failure, Name, Outcome, Switches, ltx};
use reqwest::Method;
use serde_json::json;

use crate::visitor::{CLIP, PHOTO, Visitor, pause, text};

#[tokio::test]
async fn a_photo_becomes_a_clip() {
    let visitor = Visitor::to(Name::Ltx, Switches { latency_ms: 200, ..Switches::default() }).await;

    let (status, target) = visitor.post("/v1/upload", &json!(null)).await;
    assert_eq!(status, 200);
    let put = visitor.http.put(text(&target["upload_url"])).header("content-type", "image/jpeg");
    let headers = target["required_headers"].as_object().expect("headers");
    let put = headers.iter().fold(put, |put, (name, value)| put.header(name, text(value)));
    let stored = put.body(PHOTO).send().await.expect("an answer");
    assert_eq!(stored.status(), 200);

    let (status, job) = visitor.order(json!({"image_uri": target["storage_uri"]})).await;
    assert_eq!(status, 202);
    let look = format!("/v2/image-to-video/{}", text(&job["id"]));
    assert_eq!(visitor.get(&look).await.1["status"], "pending");
    pause(80).await;
    assert_eq!(visitor.get(&look).await.1["status"], "processing");
    pause(150).await;
    let (_, done) = visitor.get(&look).await;
    assert_eq!(done["status"], "completed");
    let clip = visitor.fetch(text(&done["result"]["video_url"])).await;
    assert_eq!(clip.bytes().await.expect("a clip"), CLIP);

    let orders = visitor.fake.orders(Name::Ltx);
    assert_eq!((orders[0].photo, orders[0].billed), (Some(PHOTO.len()), true));
    assert_eq!(orders[0].model, "ltx-2-3-fast");
    let bill = Bill { orders: 1, billed: 1, ..Bill::default() };
    assert_eq!(visitor.fake.bill(Name::Ltx), bill);
    let calls = visitor.fake.calls(Name::Ltx);
    assert_eq!(calls.len(), 7);
    assert!(calls.iter().all(|call| {
        let media = [Endpoint::Download, Endpoint::UploadTarget].contains(&call.what);
        call.had_authorization != media
    }));
}

#[tokio::test]
async fn the_legacy_answer_is_the_clip() {
    let visitor = Visitor::of(Name::Ltx).await;
    let body = fake_providers::contract(Name::Ltx, "submit-legacy.request")["body"].take();
    let submit = || visitor.ask(Method::POST, "/v1/image-to-video").json(&body).send();

    let clip = submit().await.expect("an answer");
    assert_eq!(clip.headers()["content-type"], "video/mp4");
    assert_eq!(clip.bytes().await.expect("a clip"), CLIP);
    visitor.fake.change(Name::Ltx, |switches| switches.legacy_octets = true);
    let clip = submit().await.expect("an answer");
    assert_eq!(clip.headers()["content-type"], "application/octet-stream");
    assert_eq!(visitor.fake.bill(Name::Ltx).billed, 2);
}

#[tokio::test]
async fn what_is_wrong_is_not_taken() {
    let visitor = Visitor::of(Name::Ltx).await;

    let (status, body) = visitor.order(json!({"model": "ltx-2-pro"})).await;
    assert_eq!((status, &body["error"]["type"]), (400, &json!("invalid_request_error")));
    assert!(text(&body["error"]["message"]).contains("gone"));
    assert_eq!(visitor.order(json!({"image_uri": "ltx://uploads/none"})).await.0, 400);
    let url = format!("{}/v2/image-to-video", visitor.fake.base(Name::Ltx));
    let nobody = visitor.http.post(url).bearer_auth("another").json(&body).send().await;
    assert_eq!(nobody.expect("an answer").status(), 401);
    assert_eq!(visitor.get("/v2/image-to-video/none").await.0, 404);
    assert_eq!(visitor.fake.bill(Name::Ltx), Bill::default());
}

#[tokio::test]
async fn an_upload_needs_its_headers_and_comes_once() {
    let visitor = Visitor::of(Name::Ltx).await;
    let (_, target) = visitor.post("/v1/upload", &json!(null)).await;
    let put = || visitor.http.put(text(&target["upload_url"])).header("content-type", "image/png");
    let complete = || {
        put()
            .header("x-goog-content-length-range", "0,104857600")
            .header("x-goog-if-generation-match", "0")
            .body(PHOTO)
    };

    assert_eq!(put().body(PHOTO).send().await.expect("an answer").status(), 403);
    let keyed = complete().bearer_auth("key").send().await;
    assert_eq!(keyed.expect("an answer").status(), 400);
    assert_eq!(complete().send().await.expect("an answer").status(), 200);
    assert_eq!(complete().send().await.expect("an answer").status(), 412);
}

#[tokio::test]
async fn a_third_order_is_too_many() {
    let switches =
        Switches { concurrency: Some(2), outcome: Outcome::Never, ..Switches::default() };
    let visitor = Visitor::to(Name::Ltx, switches).await;

    for _ in 0..2 {
        assert_eq!(visitor.order(json!({})).await.0, 202);
    }
    let refused = visitor.try_order().await.expect("an answer");
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["retry-after"], "5");
    assert_eq!(visitor.fake.bill(Name::Ltx), Bill { orders: 2, ..Bill::default() });
}

#[tokio::test]
async fn moderation_comes_at_once_or_later() {
    let visitor = Visitor::of(Name::Ltx).await;
    let fail = |at_submit| Outcome::Fail { kind: Failure::Moderation, at_submit };

    visitor.fake.change(Name::Ltx, |switches| switches.outcome = fail(true));
    assert_eq!(visitor.order(json!({})).await.0, 422);
    visitor.fake.change(Name::Ltx, |switches| switches.outcome = fail(false));
    let (status, job) = visitor.order(json!({})).await;
    assert_eq!(status, 202);
    let (_, failed) = visitor.get(&format!("/v2/image-to-video/{}", text(&job["id"]))).await;
    assert_eq!(failed["error"]["type"], "content_filtered_error");
    assert_eq!(visitor.fake.bill(Name::Ltx), Bill { orders: 1, failed: 1, ..Bill::default() });
}

#[test]
fn what_is_documented_can_be_scripted() {
    let statuses: Vec<_> = ltx::documented().iter().map(|answer| answer.status).collect();

    for status in [400, 401, 402, 403, 404, 413, 422, 429, 500, 503, 504, 529] {
        assert!(statuses.contains(&status), "{status}");
    }
}
