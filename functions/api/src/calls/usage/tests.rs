use axum::http::StatusCode;
use domain::JobId;
use ports::{Meters, bytes_meter, jobs_meter};
use serde_json::{Value, json};
use testkit::{InMemoryLedger, samples};

use crate::Rules;
use crate::test_world::World;

async fn world(rules: Rules) -> World {
    let world = World::with(|api| {
        api.rules = rules;
        let job = JobId::of_object("media", "uploads/villa.jpg", "e1");
        api.ledger = InMemoryLedger::default().with(&samples::attempt(job));
    });
    let meters = &world.api.meters;
    meters.count(&jobs_meter("user-1", samples::AT.day()), 3, None, None).await.expect("counted");
    meters.count(&bytes_meter("user-1"), 700, None, None).await.expect("counted");
    world
}

#[tokio::test]
async fn a_user_sees_what_it_uses() {
    let world = world(Rules::default()).await.user("user-1");

    let (status, _, body) = world.call("GET", "/api/usage", Value::Null).await;

    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!(
        body,
        json!({
            "userId": "user-1",
            "day": "2026-11-20",
            "jobs": { "used": 3 },
            "bytes": { "stored": 700 },
            "spend": { "currency": "USD", "today": { "amount": "0.36", "clips": 1 } },
        })
    );
}

#[tokio::test]
async fn limits_are_told_where_there_are_some() {
    let rules = Rules { jobs_per_day: Some(20), bytes_stored: Some(1000), ..Rules::default() };
    let world = world(rules).await;

    let (_, _, body) = world.service().call("GET", "/api/usage?userId=user-1", Value::Null).await;

    assert_eq!(body["jobs"], json!({ "used": 3, "limit": 20 }));
    assert_eq!(body["bytes"], json!({ "stored": 700, "limit": 1000 }));
}

#[tokio::test]
async fn a_user_sees_nobody_elses_and_a_service_what_is_nobodys() {
    let world = world(Rules::default()).await;

    let other = world.user("user-2");
    let (status, ..) = other.call("GET", "/api/usage?userId=user-1", Value::Null).await;
    let (_, _, own) = other.call("GET", "/api/usage", Value::Null).await;
    let (_, _, nobodys) = world.service().call("GET", "/api/usage", Value::Null).await;
    let (misspelt, ..) = world.service().call("GET", "/api/usage?user=a", Value::Null).await;

    assert_eq!((status, misspelt), (StatusCode::FORBIDDEN, StatusCode::UNPROCESSABLE_ENTITY));
    assert_eq!(
        (&own["jobs"]["used"], &own["spend"]["today"]["amount"]),
        (&json!(0), &json!("0.00"))
    );
    assert_eq!((nobodys.get("userId"), &nobodys["bytes"]["stored"]), (None, &json!(0)));
}
