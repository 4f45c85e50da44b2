//! A session as it is in `examples/`, and what can be done with its job.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::support::{Answer, FrontDoor, probe, text};

/// Runs the example in `folder`, with this key if there is one.
pub(crate) fn session(door: &FrontDoor, folder: &Path, token: Option<&str>) -> Output {
    std::fs::write(folder.join("villa.jpg"), &door.photo).expect("written");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/session.sh");
    Command::new(script)
        .args([&door.api(), "villa.jpg"])
        .current_dir(folder)
        .env_remove("TOKEN")
        .envs(token.map(|token| ("TOKEN", token)))
        .env("TITLE", "Villa Azul")
        .stdin(Stdio::null())
        .output()
        .expect("it runs")
}

fn conflict(answer: &Answer) -> &str {
    assert_eq!(answer.status, 409, "{}", answer.body);
    answer.problem()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_session_ends_with_a_video_whose_words_can_be_changed_for_free() {
    let door = FrontDoor::open(&[]);
    let folder = tempfile::tempdir().expect("a folder");

    let output = session(&door, folder.path(), None);

    assert!(output.status.success(), "{}", text(&output.stderr));
    let facts = text(&output.stderr);
    let facts: Vec<_> = facts.lines().collect();
    let expected = ["JobCreated.v1", "PhotoAccepted.v1", "GenerationStarted.v1", "LtxDone.v1"];
    assert_eq!(facts[..4], expected);
    assert_eq!(facts[4..], ["RenderStarted.v1", "Rendered.v1"]);
    let path = folder.path().join("video.mp4");
    let picture = &probe(&path)["streams"][0];
    assert_eq!((&picture["codec_name"], &picture["width"]), (&json!("h264"), &json!(640)));

    let id = text(&output.stdout).trim().to_owned();
    let before = door.job(&id).await;
    assert_eq!((&before["state"], &before["title"]), (&json!("rendered"), &json!("Villa Azul")));
    let wish = json!({ "jobId": id, "title": "Villa Verde" });
    let accepted = door.post_once("/api/render-final-video", "green", &wish).await.expect(202);
    let repeat = door.post_once("/api/render-final-video", "green", &wish).await.expect(202);
    assert_eq!(accepted, repeat, "the same request is the same rendering");
    let seq = before["seq"].as_u64().expect("a number");
    let after = door.ended(&id, seq).await;

    assert_eq!(after["state"], "rendered");
    assert_eq!(after["branding"]["title"], "Villa Verde", "{after}");
    assert_eq!(after["costs"], before["costs"], "nothing was ordered");
    let attempts = after["costs"]["attempts"].as_array().map(Vec::len);
    assert_eq!(attempts, Some(1));
    let (status, video) = door.download(&after["media"]["video"]["url"]).await;
    let first = std::fs::read(path).expect("the first video");
    assert_eq!(status, 200);
    assert!(video.len() > 1000 && video != first, "other words are another video");

    its_job_cannot_be_undone_but_removed(&door, &id, &after).await;
}

async fn its_job_cannot_be_undone_but_removed(door: &FrontDoor, id: &str, job: &Value) {
    let path = format!("/api/jobs/{id}");
    assert_eq!(conflict(&door.ask(&format!("{path}/retry")).await), "not-failed");
    assert_eq!(conflict(&door.ask(&format!("{path}/cancel")).await), "conflict");
    let mine = |keys: Vec<String>| keys.into_iter().filter(|key| key.contains(id)).count();
    assert!(mine(door.keys().await) >= 4, "photo, clip, poster, video");

    assert_eq!(door.delete(&path).await.status, 204);

    assert_eq!(door.get(&path).await.status, 404);
    assert_eq!(door.delete(&path).await.status, 204, "again is nothing new");
    assert_eq!(mine(door.keys().await), 0, "its objects are gone");
    assert_eq!(door.download(&job["media"]["video"]["url"]).await.0, 404);
    assert_eq!(door.ask(&format!("{path}/retry")).await.status, 404);
    let listed = door.get("/api/jobs").await.expect(200);
    assert_eq!(listed["jobs"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_whose_photo_never_came_is_called_off_once() {
    let door = FrontDoor::open(&[]);
    let grant = door.post("/api/media/upload-intent", &door.intent()).await.expect(201);
    let path = format!("/api/jobs/{}", grant["jobId"].as_str().expect("a job"));
    assert_eq!(door.delete(&path).await.problem(), "under-way");

    let called_off = door.ask(&format!("{path}/cancel")).await.expect(202);

    assert_eq!(called_off["state"], "cancelled");
    assert_eq!(door.ask(&format!("{path}/cancel")).await.expect(202), called_off);
    assert_eq!(conflict(&door.ask(&format!("{path}/retry")).await), "not-failed");
    let job = door.get(&path).await.expect(200);
    let facts = job["history"].as_array().expect("a history").iter().map(|fact| &fact["type"]);
    assert_eq!(facts.collect::<Vec<_>>(), ["JobCreated.v1", "JobCancelled.v1"]);
}
