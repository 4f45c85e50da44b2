//! Keys are told to nobody and written nowhere.

use std::path::Path;

use domain::JobState;
use fake_providers::{Endpoint, Name, Scripted};
use serde_json::json;
use support::{LOG_ALL, Shop, Studio, assert_no_key, assert_no_secret, fake, said, text, until};

mod support;

/// What a provider may say instead of yes.
const REFUSALS: [u16; 4] = [401, 402, 422, 500];

fn refusal(status: u16, message: &str) -> Scripted {
    let body = json!({ "error": { "type": "error", "message": message }, "detail": message });
    Scripted::new(Endpoint::Submit, status, body)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_ltx_repeats_when_it_refuses_it_is_told_to_nobody() {
    refused_by(Name::Ltx).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_runway_repeats_when_it_refuses_it_is_told_to_nobody() {
    refused_by(Name::Runway).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_replicate_repeats_when_it_refuses_it_is_told_to_nobody() {
    refused_by(Name::Replicate).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_fal_repeats_when_it_refuses_it_is_told_to_nobody() {
    refused_by(Name::Fal).await;
}

/// The provider refuses our key and says which: in what is told of that, and logged, it is not.
async fn refused_by(provider: Name) {
    let studio = Studio::of(provider, 5).await;
    let refusal = refusal(401, &format!("the key {} is no good", provider.key()));
    studio.fake.change(provider, |switches| switches.answers = vec![refusal]);

    let output = studio.make(&["--provider", provider.as_str()]);

    assert!(!output.status.success(), "{}", said(&output));
    assert!(text(&output.stderr).contains("does not accept our key"), "{}", said(&output));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_key_is_in_the_log_or_the_folder_of_what_is_up() {
    let limits = [("MAX_FAULTS", "2"), ("HOLD_FOR_SECS", "1"), ("RUST_LOG", LOG_ALL)];
    let mut shop = Shop::open_at(fake(5).await, &Name::ALL, &limits);
    let mut jobs = Vec::new();
    for provider in Name::ALL {
        let no = |status| refusal(status, "no").with_header("retry-after", "1");
        let answers = REFUSALS.map(no);
        shop.fake.change(provider, |switches| switches.answers = answers.into());
        for number in 0..=REFUSALS.len() {
            let name = format!("{}-{number}.jpg", provider.as_str());
            let (provider, prompt) = (provider.as_str(), format!("clip {number}"));
            jobs.push(shop.drop_in(&name, &[("provider", provider), ("prompt", &prompt)]).await);
        }
    }
    let ended = until("all jobs to end", async || {
        let jobs = shop.jobs().await;
        jobs.iter().all(|job| job.state.is_end()).then_some(jobs)
    })
    .await;
    let told: String = jobs.iter().map(|job| shop.says(&["job", &job.id.to_string()])).collect();
    let listed = shop.says(&["dead"]);
    shop.up.kill();

    let rendered = ended.iter().filter(|job| job.state == JobState::Rendered).count();
    assert!(rendered >= Name::ALL.len(), "{rendered} are rendered");
    assert_no_secret(&told, &shop.fake);
    assert_no_secret(&listed, &shop.fake);
    let log = std::fs::read(shop.data.with_extension("log")).expect("the log");
    assert!(log.len() > 10_000, "the log has {} bytes", log.len());
    assert_no_secret(&text(&log), &shop.fake);
    let files = assert_no_key_below(&shop.data, &shop);
    assert!(files > jobs.len(), "there are {files} files");
}

/// Looks into every file of a folder; tells how many there are.
fn assert_no_key_below(folder: &Path, shop: &Shop) -> usize {
    let mut files = 0;
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files += assert_no_key_below(&path, shop);
        } else {
            let bytes = std::fs::read(&path).expect("a file");
            assert_no_key(&bytes, &shop.fake, &path.to_string_lossy());
            files += 1;
        }
    }
    files
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn even_those_who_trace_everything_are_told_no_key() {
    let mut studio = Studio::of(Name::Ltx, 6).await;
    studio.settings.push(("RUST_LOG", "trace".to_owned()));

    let output = studio.run(&["--provider", "ltx"]);

    assert!(output.status.success());
    assert_no_key(&output.stderr, &studio.fake, "the log");
    assert_no_key(&output.stdout, &studio.fake, "the output");
}
