//! What the API says of itself holds, whatever is asked of it.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use support::{FrontDoor, Stranger, installed, text};

mod support;

/// Requests of each kind to a call, at most.
const EXAMPLES: &str = "8";

/// What is checked. Not among them: `negative_data_rejection` and `positive_data_acceptance`. The document
/// cannot say all that is refused (an address that leads inside, a digest of too few bytes), nor is all
/// refused that it does not mention: parameters that nobody knows are ignored.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance,unsupported_method";

/// What there is to ask for.
async fn there(door: &FrontDoor, receiver: &Stranger) -> Value {
    let wish = json!({ "url": receiver.url("/hook") });
    let endpoint = door.post("/api/webhook-endpoints", &wish).await.expect(201);
    let music = json!({
        "purpose": "music", "fileName": "a.mp3", "contentType": "audio/mpeg", "sizeBytes": 200_000_000,
    });
    let upload = door.post("/api/media/upload-intent", &music).await.expect(201);
    let job = door.begin().await;
    door.ended(&job, 0).await;
    let delivery = receiver.asked_times(1).await.remove(0);
    let event = delivery.headers["webhook-id"].to_str().expect("text").to_owned();
    json!({
        "jobs": job,
        "webhook-endpoints": endpoint["id"],
        "deliveries": event,
        "uploads": upload["uploadId"],
    })
}

/// Asks for all sorts of things, and checks what the document says of the answers.
#[track_caller]
fn ask(door: &FrontDoor, there: &Value, arguments: &[&str]) {
    let hooks = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/properties_hooks.py");
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new(installed("STILLMOTION_PYTHON"))
        .current_dir(folder.path())
        .env("SCHEMATHESIS_HOOKS", hooks)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("THERE", there.to_string())
        .args(["-m", "schemathesis.cli", "run", &format!("{}/openapi.json", door.api())])
        // The same requests every time.
        .args(["--generation-deterministic", "--continue-on-failure", "--no-color"])
        .args(["--request-timeout", "40"])
        .args(arguments)
        .output()
        .expect("it runs");
    let said = text(&output.stdout);
    assert!(output.status.success(), "{said}{}", text(&output.stderr));
    let counted: String = said.lines().filter(|line| line.contains("generated,")).collect();
    println!("{}", counted.trim());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_document_says_is_true_and_without_a_key_nothing_is_told() {
    let mut door = FrontDoor::open(&[]);
    let receiver = Stranger::start(|_| (204, Vec::new(), Vec::new())).await;
    let there = there(&door, &receiver).await;

    // Whoever develops needs no key.
    let open = ["--generation-with-security-parameters", "false"];
    ask(&door, &there, &[&["--checks", CHECKS, "--max-examples", EXAMPLES], &open[..]].concat());

    // None of it has harmed what was there.
    let job = there["jobs"].as_str().expect("a job");
    assert_eq!(door.get("/ready").await.expect(200)["ready"], true);
    assert_eq!(door.job(job).await["costs"]["attempts"].as_array().map(Vec::len), Some(1));

    // Where there is a key, whatever is answered to it is not answered without it.
    let header = format!("Authorization: Bearer {}", door.key("judge"));
    door.kill();
    door.rise();
    let checks = format!("{CHECKS},ignored_auth");
    let few = ["--phases", "coverage,fuzzing", "--max-examples", "2"];
    ask(&door, &there, &[&["--checks", &checks, "--header", &header], &few[..]].concat());
}
