//! Programs whose secret settings are not among their variables.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use domain::{JobOrder, JobState};
use reqwest::header::AUTHORIZATION;
use serde_json::json;
use testkit::samples;

use crate::events::{Message, batch, on_the_bus};
use crate::filming::{order, queued};
use crate::stage::Stage;
use crate::telling::{Got, SUPABASE_KEY, Stranger, postgrest};
use crate::vault::{self, Vault};

/// The setting that the secret `supabase` holds.
const SETTING: &str = "SUPABASE_SERVICE_KEY";

/// The legacy key of a service role, which is a token.
fn legacy_key() -> String {
    let part = |json: serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(json.to_string());
    let claims = json!({ "iss": "supabase", "role": "service_role" });
    format!("{}.{}.c2lnbmF0dXJl", part(json!({ "alg": "HS256" })), part(claims))
}

/// What a request shows as its key: `apikey` and `Authorization`.
fn shown(got: &Got) -> (Option<&str>, Option<&str>) {
    let text = |name| got.headers.get(name).map(|value| value.to_str().expect("text"));
    (text("apikey"), text(AUTHORIZATION.as_str()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_was_replaced_is_used_without_a_new_start() {
    let stage = Stage::new().await;
    let table = Stranger::start(postgrest).await;
    let vault = Vault::with("supabase", &[(SETTING, SUPABASE_KEY)]);
    let job = stage.begin("uploads/villa.jpg", samples::job().order, &[]).await;
    let created = on_the_bus(&stage.history(job.id).await[0]);
    let told = batch("supabase", &[Message::new("m", created)]);
    let setup = stage.setup("supabase").reading(&vault).with("SECRETS_REFRESH_SECS", "0");
    let mut supabase = setup.with("SUPABASE_URL", table.url.as_str()).start().await;
    let replaced = legacy_key();
    supabase.keep_secret(SUPABASE_KEY);
    supabase.keep_secret(&replaced);

    assert_eq!(supabase.failed_of(&told).await, [""; 0], "{}", supabase.written());
    let first = table.got();
    vault.put("supabase", &[(SETTING, &replaced)]);
    assert_eq!(supabase.failed_of(&told).await, [""; 0], "{}", supabase.written());

    let got = table.got();
    let (first, second) = got.split_at(first.len());
    assert!(!first.is_empty() && !second.is_empty(), "{got:?}");
    for got in first {
        assert_eq!(shown(got), (Some(SUPABASE_KEY), None));
    }
    let bearer = format!("Bearer {replaced}");
    for got in second {
        assert_eq!(shown(got), (Some(replaced.as_str()), Some(bearer.as_str())));
    }
    let changed = format!("secrets have changed and are used: {SETTING}");
    assert!(supabase.written().contains(&changed), "{}", supabase.written());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn before_a_secret_has_a_value_there_is_a_start_and_work_that_needs_no_key_is_done() {
    let stage = Stage::new().await;
    let ltx = stage.setup("ltx").reading(&Vault::without_value("providers")).start().await;
    let (job, message) = queued(&stage, "uploads/villa.jpg", order()).await;

    let failed = ltx.failed_of(&batch("ltx", &[message])).await;

    assert_eq!(failed, [""; 0], "{}", ltx.written());
    assert_eq!(stage.job(job.id).await.state, JobState::LtxDone);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_that_cannot_be_read_again_stays_in_use() {
    let stage = Stage::new().await;
    let table = Stranger::start(postgrest).await;
    let vault = Vault::with("supabase", &[(SETTING, SUPABASE_KEY)]);
    let job = stage.begin("uploads/villa.jpg", JobOrder::default(), &[]).await;
    let created = on_the_bus(&stage.history(job.id).await[0]);
    let setup = stage.setup("supabase").reading(&vault).with("SECRETS_REFRESH_SECS", "0");
    let mut supabase = setup.with("SUPABASE_URL", table.url.as_str()).start().await;
    supabase.keep_secret(SUPABASE_KEY);

    vault.remove("supabase");
    let told = batch("supabase", &[Message::new("m", created)]);
    assert_eq!(supabase.failed_of(&told).await, [""; 0], "{}", supabase.written());

    assert_eq!(shown(&table.got()[0]), (Some(SUPABASE_KEY), None));
    let told = format!("cannot read secret {}", vault::id("supabase"));
    assert!(supabase.written().contains(&told), "{}", supabase.written());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_secret_that_it_should_read_a_program_names_it_in_one_line() {
    let stage = Stage::new().await;
    for (function, wiring) in &stage.home.topology.functions {
        for secret in &wiring.secrets {
            let setup = stage.setup(function).reading(&Vault::default());
            let written = setup.with("SUPABASE_URL", "http://127.0.0.1:9").fail().await;

            let id = vault::id(secret);
            let named = written.lines().filter(|line| line.contains(&id)).count();
            assert_eq!((named, written.lines().count()), (1, 1), "{function} {id}:\n{written}");
            assert!(written.contains("ResourceNotFoundException"), "{function} {id}:\n{written}");
        }
    }
}
