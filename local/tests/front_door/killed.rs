//! The program dies without a word, and goes on where it was.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::support::FrontDoor;

const INTENT: &str = "/api/media/upload-intent";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_between_announcement_upload_and_film_a_job_still_ends() {
    let mut door = FrontDoor::open(&["--sweep-every-secs", "1", "--nudge-after-secs", "3"]);

    // In the middle of a request, at any moment of it.
    for ms in [1, 4, 8, 16] {
        let wish = door.intent();
        let request = door.request(&Method::POST, INTENT).header("idempotency-key", "one");
        let sending = tokio::spawn(request.json(&wish).send());
        tokio::time::sleep(Duration::from_millis(ms)).await;
        door.kill();
        let _ = sending.await;
        door.rise();
    }
    let grant = door.post_once(INTENT, "one", &door.intent()).await.expect(201);
    let listed = door.get("/api/jobs").await.expect(200);
    let id = grant["jobId"].as_str().expect("a job").to_owned();
    assert_eq!(listed["jobs"].as_array().map(Vec::len), Some(1), "a repeat makes the same job");
    assert_eq!(listed["jobs"][0]["jobId"], id.as_str());

    // What was signed before is taken afterwards.
    door.kill();
    door.rise();
    assert_eq!(door.put(&grant).await, 200);
    door.reached(&id, 3).await;
    door.kill();
    door.rise();
    let job = door.ended(&id, 0).await;

    assert_eq!(job["state"], "rendered", "{job}");
    let history = job["history"].as_array().expect("a history");
    let seqs: Vec<_> = history.iter().map(|fact| fact["seq"].clone()).collect();
    assert_eq!(json!(seqs), json!([1, 2, 3, 4, 5, 6]), "every fact once");
    assert_eq!(door.download(&job["media"]["video"]["url"]).await.0, 200);
}
