//! Videos of photos that are somewhere else.

use serde_json::{Value, json};

use crate::support::{FrontDoor, Reply, Stranger};

const START: &str = "/api/start-video-job";
const OPTIONS: [(&str, &str); 2] = [("resolution", "640x360"), ("cameraMotion", "static")];

fn wish(url: &str) -> Value {
    let mut options: serde_json::Map<_, _> =
        OPTIONS.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    options.insert("duration".to_owned(), json!(1));
    json!({ "imageUrl": url, "title": "Villa", "options": options })
}

/// Has a photo, and a way that leads inside.
async fn host(photo: Vec<u8>) -> Stranger {
    Stranger::start(move |path| -> Reply {
        match path {
            "/villa.jpg" => (200, vec![("content-type", "image/jpeg".to_owned())], photo.clone()),
            "/inside" => {
                let inside = "http://169.254.169.254/latest/meta-data/".to_owned();
                (302, vec![("location", inside)], Vec::new())
            }
            _ => (404, Vec::new(), Vec::new()),
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_photo_is_fetched_once_however_often_it_is_asked_for_under_one_key() {
    let door = FrontDoor::open(&[]);
    let host = host(door.photo.clone()).await;
    let wish_of = wish(&host.url("/villa.jpg"));

    let started = door.post_once(START, "one", &wish_of).await;

    let location = started.headers["location"].to_str().expect("text").to_owned();
    let body = started.expect(202);
    assert_eq!(body["statusUrl"], location.as_str());
    let id = body["jobId"].as_str().expect("a job");
    let repeat = door.post_once(START, "one", &wish_of).await.expect(202);
    assert_eq!(repeat["jobId"], id);
    let other = door.post_once(START, "one", &wish(&host.url("/other.jpg"))).await;
    assert_eq!((other.status, other.problem()), (422, "idempotency-key-reused"));
    let job = door.ended(id, 0).await;
    assert_eq!((&job["state"], &job["title"]), (&json!("rendered"), &json!("Villa")), "{job}");
    assert_eq!(door.post_once(START, "one", &wish_of).await.expect(202)["state"], "rendered");
    assert_eq!(host.asked().len(), 1, "it is fetched once");
    assert_eq!(door.get("/api/jobs").await.expect(200)["jobs"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_leads_inside_is_refused_at_the_door_or_ends_the_job() {
    let door = FrontDoor::open(&[]);
    let host = host(Vec::new()).await;

    for inside in
        ["https://169.254.169.254/latest/meta-data/", "http://10.0.0.7/a.jpg", "file:///etc/passwd"]
    {
        let refused = door.post(START, &wish(inside)).await;

        assert_eq!((refused.status, refused.problem()), (422, "invalid"), "{inside}");
        assert_eq!(refused.body["errors"][0]["field"], "/imageUrl", "{}", refused.body);
    }
    assert_eq!(door.get("/api/jobs").await.expect(200)["jobs"], json!([]), "no job was begun");

    let started = door.post(START, &wish(&host.url("/inside"))).await.expect(202);
    let job = door.ended(started["jobId"].as_str().expect("a job"), 0).await;

    assert_eq!(job["state"], "failed");
    let failure = &job["failure"];
    assert_eq!((&failure["stage"], &failure["kind"]), (&json!("fetch"), &json!("refused")));
    let reason = failure["reason"].as_str().expect("a reason");
    assert!(reason.starts_with("the photo cannot be used: "), "{reason}");
    assert!(!reason.contains("169.254"), "{reason}");
    assert_eq!(host.asked().len(), 1, "a refusal is not tried again");
}
