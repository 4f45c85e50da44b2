//! fal.

use fake_providers::{Bill, Failure, Name, Outcome, Switches};
use reqwest::Method;
use serde_json::json;

use crate::visitor::{CLIP, PHOTO, Visitor, pause, text};

#[tokio::test]
async fn a_photo_becomes_a_clip() {
    let visitor = Visitor::to(Name::Fal, Switches { latency_ms: 200, ..Switches::default() }).await;
    let initiate =
        format!("{}/storage/upload/initiate?storage_type=fal-cdn-v3", visitor.fake.rest_base());

    let body = json!({"content_type": "image/jpeg", "file_name": "a.jpg"});
    let (_, target) = visitor.post(&initiate, &body).await;
    let put = visitor.http.put(text(&target["upload_url"])).header("content-type", "image/jpeg");
    assert_eq!(put.body(PHOTO).send().await.expect("an answer").status(), 200);
    let (status, taken) = visitor.order(json!({"image_url": target["file_url"]})).await;
    assert_eq!((status, &taken["status"]), (200, &json!("IN_QUEUE")));
    assert!(text(&taken["status_url"]).contains("/fal/fal-ai/pika/requests/"));
    let look = format!("{}?logs=1", text(&taken["status_url"]));
    assert_eq!(visitor.get(text(&taken["response_url"])).await.0, 400);
    pause(80).await;
    let (status, looked) = visitor.get(&look).await;
    assert_eq!((status, &looked["status"]), (202, &json!("IN_PROGRESS")));
    pause(150).await;
    let (status, looked) = visitor.get(&look).await;
    assert_eq!((status, &looked["status"]), (200, &json!("COMPLETED")));
    let (_, result) = visitor.get(text(&looked["response_url"])).await;
    assert_eq!(result["video"]["file_size"], CLIP.len());
    let clip = visitor.fetch(text(&result["video"]["url"])).await;
    assert_eq!(clip.bytes().await.expect("a clip"), CLIP);

    assert_eq!(visitor.fake.orders(Name::Fal)[0].photo, Some(PHOTO.len()));
    assert_eq!(visitor.fake.bill(Name::Fal), Bill { orders: 1, billed: 1, ..Bill::default() });
}

#[tokio::test]
async fn a_failure_shows_in_the_result() {
    let visitor = Visitor::of(Name::Fal).await;
    let ends = [(Failure::Moderation, 422), (Failure::Input, 422), (Failure::Internal, 500)];

    for (kind, status) in ends {
        visitor.fake.change(Name::Fal, |switches| switches.outcome = Outcome::failing(kind));
        let (_, taken) = visitor.order(json!({})).await;
        assert_eq!(visitor.get(text(&taken["status_url"])).await.1["status"], "COMPLETED");
        let (given, result) = visitor.get(text(&taken["response_url"])).await;
        assert_eq!(given, status, "{result}");
    }
    assert_eq!(visitor.fake.bill(Name::Fal), Bill { orders: 3, failed: 3, ..Bill::default() });
}

#[tokio::test]
async fn what_is_missing_is_told() {
    let visitor = Visitor::of(Name::Fal).await;

    let (status, body) = visitor.order(json!({"prompt": null})).await;
    assert_eq!((status, &body["detail"][0]["loc"]), (422, &json!(["body", "prompt"])));
    let (status, body) = visitor.order(json!({"image_url": "file:///a.jpg"})).await;
    assert_eq!((status, &body["detail"][0]["loc"]), (422, &json!(["body", "image_url"])));
    let built = "/fal-ai/pika/v2.2/image-to-video/requests/none/status";
    assert_eq!(visitor.get(built).await.0, 405);
}

#[tokio::test]
async fn who_waits_can_be_called_off() {
    let switches =
        Switches { concurrency: Some(1), outcome: Outcome::Never, ..Switches::default() };
    let visitor = Visitor::to(Name::Fal, switches).await;
    let (_, running) = visitor.order(json!({})).await;
    let (_, waiting) = visitor.order(json!({})).await;
    let cancel = |url: String| async {
        visitor.ask(Method::PUT, &{ url }).send().await.expect("an answer").status().as_u16()
    };

    assert_eq!(visitor.get(text(&waiting["status_url"])).await.1["status"], "IN_QUEUE");
    assert_eq!(cancel(text(&running["cancel_url"]).to_owned()).await, 202);
    assert_eq!(cancel(text(&waiting["cancel_url"]).to_owned()).await, 200);
    assert_eq!(cancel(text(&waiting["cancel_url"]).to_owned()).await, 400);
    assert_eq!(visitor.get(text(&waiting["response_url"])).await.0, 499);
    assert_eq!(visitor.fake.bill(Name::Fal).cancelled, 1);
}
