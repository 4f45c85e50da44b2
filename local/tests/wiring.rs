//! What is wired here, as a file that the tests of the CDK app hold their templates against.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use stillmotion::Home;
use stillmotion::chain::{self, Crew, Settings};
use stillmotion::topology::Topology;
use supabase::Project;
use testkit::{PassThrough, ReadyClip, ReadyVideo};

const FILE: &str = "../infra/wiring.json";

#[tokio::test]
async fn the_file_says_what_is_wired() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    let wired = wired().await;
    let written = std::fs::read(&path).ok().and_then(|text| serde_json::from_slice(&text).ok());
    if written.as_ref() == Some(&wired) {
        return;
    }
    assert!(
        std::env::var_os("UPDATE_SCHEMAS").is_some(),
        "infra/wiring.json is not what is wired: run `just schemas`"
    );
    let text = serde_json::to_string_pretty(&wired).expect("JSON") + "\n";
    std::fs::write(&path, text).expect("written");
}

/// Everything that the embedded cloud holds and that the pollers do, with nothing left out.
async fn wired() -> Value {
    let data = tempfile::tempdir().expect("a folder");
    let topology = Topology::built_in();
    let mut wired = serde_json::to_value(topology.wiring(&[])).expect("JSON");
    let home = Home::start_wired(topology, data.path(), None, &[]).await.expect("a cloud");
    let settings =
        Settings { supabase: Some(project()), ..Settings::new(data.path().join("work")) };
    let crew = Crew {
        generators: vec![ReadyClip::new("a clip")],
        renderer: ReadyVideo::default(),
        rewrap: PassThrough::default(),
    };
    let pollers = chain::start(&home, &settings, crew).expect("a chain");

    wired["mappings"] = pollers
        .mappings()
        .iter()
        .map(|mapping| {
            json!({
                "function": mapping.function,
                "queue": mapping.queue_arn.rsplit(':').next(),
                "batchSize": mapping.batch_size,
                "batchWindowSecs": whole_secs(mapping.batch_window),
                "maximumConcurrency": mapping.maximum_concurrency,
                "functionTimeoutSecs": whole_secs(mapping.function_timeout),
            })
        })
        .collect();
    wired["schedules"] = pollers
        .schedules()
        .iter()
        .map(|schedule| {
            json!({
                "function": schedule.function,
                "everySecs": whole_secs(schedule.every),
                "functionTimeoutSecs": whole_secs(schedule.function_timeout),
            })
        })
        .collect();
    pollers.stop().await;
    wired
}

fn whole_secs(duration: Duration) -> u64 {
    assert_eq!(duration.subsec_nanos(), 0, "{duration:?} is not a number of seconds");
    duration.as_secs()
}

fn project() -> Project {
    let lookup = |name: &str| match name {
        "SUPABASE_URL" => Some("http://127.0.0.1:9".to_owned()),
        "SUPABASE_SERVICE_KEY" => Some("sb_secret_0123456789".to_owned()),
        _ => None,
    };
    Project::from_vars(lookup).expect("settings").expect("a project")
}
