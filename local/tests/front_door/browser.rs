//! A page in a browser has a video made, from another origin than API and bucket.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{FrontDoor, free_port, installed, text};

/// Where the picture of the page is put, for a person to look at.
fn screenshot() -> PathBuf {
    let wished = std::env::var_os("STILLMOTION_SCREENSHOT").map(PathBuf::from);
    wished.unwrap_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("front-door.png"))
}

/// Opens the page at an origin that is let in, and at one that is not.
fn run(door: &FrontDoor, page_port: u16, photo: &Path) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/browser/run.mjs");
    let output = Command::new("node")
        .arg(script)
        .env("STILLMOTION_NODE_MODULES", installed("STILLMOTION_NODE_MODULES"))
        .env("STILLMOTION_CHROMIUM", installed("STILLMOTION_CHROMIUM"))
        .env("API_URL", door.api())
        .env("PAGE_PORT", page_port.to_string())
        .env("OTHER_PORT", free_port().to_string())
        .env("PHOTO", photo)
        .env("SCREENSHOT", screenshot())
        .output()
        .expect("node");
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output.stdout)))
}

fn numbers(events: &Value) -> Vec<u64> {
    let events = events.as_array().expect("events");
    events.iter().map(|event| event["seq"].as_u64().expect("a number")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_another_origin_uploads_follows_and_plays() {
    let page_port = free_port();
    let door = FrontDoor::open(&["--cors-origin", &format!("http://127.0.0.1:{page_port}")]);
    let folder = tempfile::tempdir().expect("a folder");
    let photo = folder.path().join("villa.jpg");
    std::fs::write(&photo, &door.photo).expect("written");

    let seen = run(&door, page_port, &photo);

    let cannot = "TypeError: Failed to fetch";
    let waits = "pending";
    let elsewhere = &seen["refused"]["elsewhere"];
    assert_eq!(elsewhere["api"], cannot, "a page of an origin that is not let in");
    assert_eq!(elsewhere["bucket"], json!({ "status": "Failed to fetch", "state": waits }));
    for other in ["otherBytes", "moreBytes"] {
        let put = &seen["refused"][other];
        assert!(matches!(put["status"].as_u64(), Some(400 | 403)), "{other}: {put}");
        assert_eq!(put["state"], waits, "{other}");
    }

    assert_eq!((&seen["problem"], &seen["errors"]), (&json!(""), &json!([])));
    let (before, seqs) = (numbers(&seen["beforeReload"]), numbers(&seen["events"]));
    assert_eq!(seqs, (1..=6).collect::<Vec<u64>>(), "each event once, in order");
    assert!(!before.is_empty() && seqs.starts_with(&before), "{before:?}");
    let states: Vec<_> =
        seen["events"].as_array().expect("events").iter().map(|it| &it["state"]).collect();
    let expected = ["pending", "queued", "generating", "ltx_done", "rendering", "rendered"];
    assert_eq!(states, expected);

    let streams = seen["streams"].as_array().expect("streams");
    let broken = &streams[0];
    assert_eq!(broken, &json!({ "after": "0", "lastEventId": null }));
    let again = streams[1]["lastEventId"].as_str().and_then(|id| id.parse::<u64>().ok());
    assert!(again.is_some_and(|id| id >= 1), "the browser goes on behind what it saw: {streams:?}");

    let video = &seen["video"];
    assert_eq!((&video["width"], &video["height"]), (&json!(1280), &json!(720)), "{video}");
    let number = |name: &str| video[name].as_f64().unwrap_or_default();
    assert!((number("duration") - 4.0).abs() < 0.2, "{video}");
    assert!(number("currentTime") > 0.0, "{video}");

    let document = door.get("/openapi.json").await.expect(200);
    let paths = document["paths"].as_object().expect("paths").values();
    let calls: usize = paths.map(|path| path.as_object().expect("methods").len()).sum();
    assert_eq!(seen["calls"], calls, "the page for people shows every call");
    println!("the page: {}", screenshot().display());
}
