//! Who is let in.

use reqwest::Method;
use serde_json::json;

use crate::session::session;
use crate::support::{FrontDoor, answer, stillmotion, text};

const USER: &str = "6ba7b810-9dad-41d1-80b4-00c04fd430c8";

/// A ticket lets in whoever has it, to the events of one job.
async fn a_ticket_opens_one_stream(door: &FrontDoor, key: &str, job: &str) {
    let issue = door.request(&Method::POST, &format!("/api/jobs/{job}/events-ticket"));
    let ticket = answer(issue.bearer_auth(key)).await.expect(200);
    let url = ticket["url"].as_str().expect("a url");

    assert_eq!(door.get(url).await.expect(200)["state"], "rendered");
    let events = door.request(&Method::GET, url).header("accept", "text/event-stream");
    let events = events.send().await.expect("an answer").text().await.expect("a stream");
    let told = events.lines().filter(|line| line.starts_with("id: ")).count();
    let named: Vec<_> = events.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    assert_eq!((told, &named[..]), (7, &["end"][..]), "six facts, and the end");
    let forged = format!("/api/jobs/{job}/events?ticket=forged");
    let other = url.replace(job, "00000000-0000-4000-8000-000000000000");
    let not_events = url.replace("/events", "");
    for path in [forged, other, not_events] {
        assert_eq!(door.get(&path).await.status, 401, "{}", path.split('=').next().unwrap_or("?"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_develops_needs_no_key_until_there_is_one() {
    let mut door = FrontDoor::open(&[]);
    let listed = async |door: &FrontDoor, key: &str| {
        let request = door.request(&Method::GET, &format!("/api/jobs?userId={USER}"));
        answer(request.bearer_auth(key)).await
    };
    assert_eq!(door.get("/api/jobs").await.status, 200);
    let lured = door.request(&Method::GET, "/api/jobs").header("host", "evil.example");
    let lured = answer(lured).await;
    assert_eq!((lured.status, lured.problem()), (403, "not-from-there"));
    let forged = format!("smk_n8n_{}", "A".repeat(43));
    assert_eq!(listed(&door, &forged).await.status, 401, "a key that is none opens nothing");

    let key = door.key("n8n");

    assert!(key.starts_with("smk_n8n_"), "what it is can be told by its name");
    assert_eq!(listed(&door, &key).await.status, 200, "it is good at once");
    door.kill();
    door.rise();
    let nobody = door.get("/api/jobs").await;
    assert_eq!((nobody.status, nobody.problem()), (401, "unauthenticated"));
    assert_eq!(nobody.headers["www-authenticate"], "Bearer");
    assert_eq!(listed(&door, &forged).await.status, 401);
    assert_eq!(listed(&door, &key).await.expect(200)["jobs"], json!([]));
    assert_eq!(door.get("/health").await.status, 200, "whether it is up is no secret");

    let folder = tempfile::tempdir().expect("a folder");
    let output = session(&door, folder.path(), Some(&key));
    assert!(output.status.success(), "{}", text(&output.stderr));
    let job = format!("/api/jobs/{}", text(&output.stdout).trim());
    let seen = answer(door.request(&Method::GET, &job).bearer_auth(&key)).await;
    assert_eq!(seen.expect(200)["state"], "rendered");
    assert_eq!(door.get(&job).await.status, 401);
    a_ticket_opens_one_stream(&door, &key, text(&output.stdout).trim()).await;
    let log = std::fs::read_to_string(door.data.with_extension("log")).expect("a log");
    for secret in [key.as_str(), "X-Amz-Signature", "ticket="] {
        assert!(!log.contains(secret), "no secret is logged");
    }

    let revoke = ["key", "revoke", "n8n", "--data"];
    let revoked = stillmotion().args(revoke).arg(&door.data).output().expect("it runs");
    assert!(revoked.status.success(), "{}", text(&revoked.stderr));
    door.kill();
    door.rise();
    assert_eq!(listed(&door, &key).await.status, 401, "a key that was revoked opens nothing");
}

#[test]
fn everybody_is_let_in_nowhere() {
    let folder = tempfile::tempdir().expect("a folder");

    let output = stillmotion()
        .args(["up", "--port", "0", "--listen", "0.0.0.0:0", "--data"])
        .arg(folder.path().join("data"))
        .output()
        .expect("it runs");

    assert!(!output.status.success());
    let said = text(&output.stderr);
    let last = said.lines().last().unwrap_or_default();
    assert!(last.contains("anybody could call") && last.contains("key create"), "{said}");
}
