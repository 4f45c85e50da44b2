//! How programs start and end.

use std::os::unix::process::ExitStatusExt as _;

use serde_json::json;
use stillmotion::topology::Trigger;

use crate::events::{Call, Message};
use crate::events::{From, batch, http, scheduled};
use crate::settings;
use crate::stage::Stage;

/// SIGTERM, by its number on Linux.
const SIGTERM: i32 = 15;

/// All functions of the topology.
fn functions(stage: &Stage) -> Vec<String> {
    stage.home.topology.functions.keys().cloned().collect()
}

/// Settings that tests give those who want to know whom to believe, or where to write.
fn setup(stage: &Stage, function: &str) -> crate::deployed::Setup {
    let setup = stage.setup(function);
    match function {
        "api" => setup.with("SUPABASE_JWT_SECRET", "a-secret-of-thirty-two-bytes-or-more"),
        "supabase" => setup
            .with("SUPABASE_URL", "http://127.0.0.1:9")
            .with("SUPABASE_SERVICE_KEY", "sb_secret_0123456789"),
        _ => setup,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_program_starts_asks_for_work_and_ends_at_sigterm() {
    let stage = Stage::new().await;
    for function in functions(&stage) {
        let program = setup(&stage, &function).start().await;
        println!("{function}: asks for its first event after {:?}", program.age());

        let status = program.terminate().await;

        let is_over = status.success() || status.signal() == Some(SIGTERM);
        assert!(is_over, "{function}: {status}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_without_a_setting_that_the_topology_implies_names_it_in_one_line() {
    let stage = Stage::new().await;
    for function in functions(&stage) {
        let implied =
            settings::implied(&stage.home, settings::function(&stage.home.topology, &function));
        for name in implied.keys() {
            let written = setup(&stage, &function).without(name).fail().await;

            let named = written.lines().filter(|line| line.contains(name.as_str())).count();
            assert_eq!((named, written.lines().count()), (1, 1), "{function} {name}:\n{written}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_anybody_who_could_call_or_a_place_to_write_to_there_is_no_start() {
    let stage = Stage::new().await;

    let api = stage.setup("api").fail().await;
    let supabase = stage.setup("supabase").fail().await;

    assert!(api.contains("set SUPABASE_URL or SUPABASE_JWT_SECRET"), "{api}");
    assert!(supabase.contains("SUPABASE_URL"), "{supabase}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payload_of_another_shape_is_an_error_with_a_type_and_the_program_lives() {
    let stage = Stage::new().await;
    for function in functions(&stage) {
        let program = setup(&stage, &function).start().await;
        let right = match &stage.home.topology.functions[&function].trigger {
            Trigger::Queue { queue, .. } => batch(queue, &[Message::new("m", "{}").received(1)]),
            Trigger::Schedule { .. } => scheduled(From::Sam),
            Trigger::Http { .. } => http(From::Sam, &Call::new("POST", "/nowhere")),
        };
        let mut wrong = vec![b"not JSON".to_vec(), b"\xff\xfe".to_vec(), b"".to_vec()];
        // The sweep looks at no event.
        if function != "sweep" {
            wrong.extend(
                [&json!({ "hello": 1 }), &json!([1, 2]), &json!({ "Records": 7 })]
                    .map(|wrong| wrong.to_string().into_bytes()),
            );
        }
        for wrong in wrong {
            let text = String::from_utf8_lossy(&wrong).into_owned();
            let error = program.invoke_with(wrong.into()).await.expect_err("no such event");

            assert!(!error.error_type.is_empty(), "{function} {text}: {error:?}");
            assert_ne!(error.error_type, "Runtime.ExitError", "{function} {text}: {error:?}");
            program.invoke(&right).await.expect("the next event is answered");
        }
        assert!(program.is_running());
    }
}
