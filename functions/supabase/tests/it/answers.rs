//! Answers that are not as hoped for.

use domain::JobState;
use ports::{Chain, HandleRecord as _};
use serde_json::json;
use supabase::{RowsError, SupabaseError};

use crate::gateway::Odd;
use crate::history::History;
use crate::keys::{JWT_SECRET, SECRET_KEY, legacy, token};
use crate::world::World;

fn odd(status: u16, body: &str) -> Odd {
    Odd { status, location: None, body: body.as_bytes().to_vec() }
}

#[tokio::test]
async fn a_wrong_key_is_a_fault_that_does_not_tell_it() {
    let world = World::shared();
    let history = History::named("wrong-key");
    let unknown = "sb_secret_that_is_not_known_here";
    let genuine = legacy("service_role");
    let forged = format!("{}.AAAA", genuine.rsplit_once('.').expect("a token").0);

    for key in [unknown, &forged] {
        let fault = world.supabase(key, history.job()).handle(&history.fact("JobCreated.v1")).await;
        let fault = fault.expect_err("a wrong key");

        let told = format!("{} {fault:?}", Chain(&fault));
        assert!(matches!(fault, SupabaseError::Rows { source: RowsError::Key(_), .. }), "{told}");
        assert!(told.contains("SUPABASE_SERVICE_KEY") && !told.contains(key), "{told}");
    }
    assert_eq!(world.row(history.id()), None);
}

#[tokio::test]
async fn a_token_of_another_project_or_of_the_past_is_a_wrong_key() {
    let world = World::shared();
    let past = token(&json!({ "role": "service_role", "exp": 1_000_000_000 }));

    // The gateway does not know it; PostgREST, asked without a gateway, would say PGRST303.
    let fault = world.table(&past, "videos").ping().await.expect_err("a wrong key");

    assert!(matches!(fault, RowsError::Key(_)), "{fault}");
    assert!(!format!("{fault} {fault:?}").contains(JWT_SECRET));
}

#[tokio::test]
async fn whatever_cannot_be_now_is_done_by_the_next_delivery() {
    let world = World::shared();
    let history = History::named("outage").on_to(JobState::LtxDone);
    let id = history.id().to_string();
    let supabase = world.supabase(SECRET_KEY, history.job());
    supabase.handle(&history.fact("JobCreated.v1")).await.expect("handled");
    let timed_out = r#"{"code":"PGRST003","message":"Timed out acquiring connection"}"#;
    let outages = [
        odd(504, timed_out),
        odd(503, r#"{"code":"PGRST001","message":"no connection"}"#),
        odd(429, ""),
        odd(502, "<html>Bad Gateway</html>"),
    ];

    for outage in outages {
        world.gateway.answer(&id, outage);
        let fault = supabase.handle(&history.fact("LtxDone.v1")).await.expect_err("an outage");
        let is_outage =
            matches!(fault, SupabaseError::Rows { source: RowsError::Unavailable(_), .. });
        assert!(is_outage, "{fault:?}");
    }
    supabase.handle(&history.fact("LtxDone.v1")).await.expect("handled");

    assert_eq!(world.row(history.id()).expect("a row")["status"], "ltx_done");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let world = World::shared();
    let history = History::named("redirect").on_to(JobState::LtxDone);
    let id = history.id().to_string();
    let elsewhere = format!("{}/elsewhere", world.gateway.url());
    let redirect = Odd { location: Some(elsewhere), ..odd(307, "") };
    world.gateway.answer(&id, redirect);

    let supabase = world.supabase(SECRET_KEY, history.job());
    let fault = supabase.handle(&history.fact("LtxDone.v1")).await.expect_err("a redirect");

    assert!(matches!(fault, SupabaseError::Rows { source: RowsError::Refused(_), .. }));
    assert!(world.gateway.asked("/elsewhere").is_empty());
}

#[tokio::test]
async fn an_answer_without_end_or_sense_is_not_read() {
    let world = World::shared();
    let history = History::named("endless").on_to(JobState::LtxDone);
    let id = history.id().to_string();
    let supabase = world.supabase(SECRET_KEY, history.job());

    for body in ["[1]".repeat(100_000), "<html>Welcome</html>".to_owned()] {
        world.gateway.answer(&id, odd(200, &body));
        let fault = supabase.handle(&history.fact("LtxDone.v1")).await.expect_err("no sense");
        let not_understood =
            matches!(fault, SupabaseError::Rows { source: RowsError::NotUnderstood(_), .. });
        assert!(not_understood, "{fault:?}");
    }
}
