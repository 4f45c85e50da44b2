//! What is wrong with a body.

use serde_json::{Value, json};

use crate::test_world::World;

const UPLOAD: &str = "/api/media/upload-intent";
const VIDEO: &str = "/api/start-video-job";
const RENDER: &str = "/api/render-final-video";
const ENDPOINT: &str = "/api/webhook-endpoints";
const PARTS: &str = "/api/media/uploads/0192f0c1-7e57-7abc-8def-001122334455/parts";

async fn wrong(path: &str, body: Value) -> Vec<String> {
    let user = World::default().user("user-1");
    let (status, _, problem) = user.call("POST", path, body).await;
    assert_eq!(status, 422, "{path}: {problem}");
    assert_eq!(problem["type"], "urn:stillmotion:problem:invalid");
    let errors = problem["errors"].as_array().expect("errors").iter();
    errors.map(|error| error["field"].as_str().expect("a field").to_owned()).collect()
}

#[tokio::test]
async fn every_call_names_all_that_is_missing() {
    assert_eq!(wrong(UPLOAD, json!({})).await, ["/fileName", "/contentType", "/sizeBytes"]);
    assert_eq!(wrong(VIDEO, json!({})).await, ["/imageUrl"]);
    assert_eq!(wrong(RENDER, json!({})).await, ["/jobId"]);
    assert_eq!(wrong(ENDPOINT, json!({})).await, ["/url"]);
    assert_eq!(wrong(PARTS, json!({})).await, ["/parts"]);
}

#[tokio::test]
async fn every_call_names_all_that_is_unknown_or_of_another_type() {
    let upload = json!({ "filename": "a.jpg", "sizeBytes": "12", "purpose": "video", "theme": 1 });
    let video = json!({ "imageUrl": 1, "options": { "fps": "fast" }, "titel": "Villa" });
    let render = json!({ "jobId": null, "title": 1, "logoUrl": null, "id": 1, "user/id": 1 });
    let endpoint = json!({ "url": [], "events": ["Rendered.v1", 2], "secret": "mine" });
    let parts = json!({ "parts": [{ "number": 1, "sha256": "" }, { "number": -1 }] });

    assert_eq!(
        wrong(UPLOAD, upload).await,
        ["/fileName", "/contentType", "/purpose", "/sizeBytes", "/theme", "/filename"]
    );
    assert_eq!(wrong(VIDEO, video).await, ["/imageUrl", "/options/fps", "/titel"]);
    assert_eq!(wrong(RENDER, render).await, ["/jobId", "/title", "/id", "/user~1id"]);
    assert_eq!(wrong(ENDPOINT, endpoint).await, ["/events/1", "/url", "/secret"]);
    assert_eq!(wrong(PARTS, parts).await, ["/parts/1/number"]);
}

#[tokio::test]
async fn an_unknown_option_is_named_where_it_is() {
    let body = json!({ "imageUrl": "photos/a.jpg", "options": { "colour": "blue" } });

    assert_eq!(wrong(VIDEO, body).await, ["/options/colour"]);
}
