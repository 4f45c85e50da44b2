use std::time::Duration;

use axum::http::StatusCode;
use domain::{Job, JobState, Step};
use ports::JobStore;
use serde_json::{Value, json};
use testkit::samples;
use tokio::time::Instant;

use crate::test_world::World;

async fn poll(caller: &World, job: &Job, query: &str) -> (StatusCode, Value) {
    let path = format!("/api/jobs/{}/events?{query}", job.id);
    let (status, _, body) = caller.call("GET", &path, Value::Null).await;
    (status, body)
}

fn seqs(body: &Value) -> Vec<u64> {
    let events = body["events"].as_array().expect("events").iter();
    events.map(|event| event["seq"].as_u64().expect("a number")).collect()
}

#[tokio::test(start_paused = true)]
async fn what_is_there_is_answered_at_once() {
    let world = World::default();
    let job = world.job_in(JobState::LtxDone).await;
    let user = world.user("user-1");
    let began = Instant::now();

    let (status, all) = poll(&user, &job, "wait=20").await;
    let (_, rest) = poll(&user, &job, "after=2&wait=20").await;

    assert_eq!((status, seqs(&all), seqs(&rest)), (StatusCode::OK, vec![1, 2, 3, 4], vec![3, 4]));
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(
        (&rest["seq"], &rest["state"], &rest["ended"]),
        (&json!(4), &json!("ltx_done"), &json!(false))
    );
    let third = &rest["events"][0];
    assert_eq!(
        (&third["type"], &third["state"]),
        (&json!("GenerationStarted.v1"), &json!("generating"))
    );
    assert_eq!(third["data"]["provider"], "ready");
    assert_eq!(third["occurredAt"], "2026-11-20T10:00:00.000Z");
}

#[tokio::test(start_paused = true)]
async fn news_is_waited_for() {
    let world = World::default();
    let job = world.job_in(JobState::Pending).await;
    let user = world.user("user-1");
    let began = Instant::now();
    let happens = async {
        tokio::time::sleep(Duration::from_secs(7)).await;
        world.step(&job, &Step::Cancel).await;
    };

    let ((_, body), ()) = tokio::join!(poll(&user, &job, "after=1&wait=20"), happens);

    assert_eq!((seqs(&body), &body["ended"]), (vec![2], &json!(true)));
    assert!((7..=8).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn no_news_is_an_answer_after_a_while() {
    let world = World::default();
    let job = world.job_in(JobState::Queued).await;
    let began = Instant::now();

    let (status, body) = poll(&world.user("user-1"), &job, "after=2&wait=3").await;

    assert_eq!(status, StatusCode::OK);
    assert_eq!(body, json!({ "events": [], "seq": 2, "state": "queued", "ended": false }));
    assert_eq!(began.elapsed(), Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_job_that_has_ended() {
    let world = World::default();
    let job = world.job_in(JobState::Cancelled).await;
    let began = Instant::now();

    let (_, body) = poll(&world.user("user-1"), &job, "after=2&wait=20").await;
    let (_, beyond) = poll(&world.user("user-1"), &job, "after=99&wait=20").await;

    assert_eq!(body, json!({ "events": [], "seq": 2, "state": "cancelled", "ended": true }));
    assert_eq!(body, beyond, "a number that cannot be is set right");
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_waited_for_is_said() {
    let world = World::default();
    let job = world.job_in(JobState::Queued).await;

    let (status, body) = poll(&world.user("user-1"), &job, "after=-1&wait=21").await;

    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        (&body["errors"][0]["field"], &body["errors"][1]["field"]),
        (&json!("after"), &json!("wait"))
    );
}

#[tokio::test(start_paused = true)]
async fn whoever_saw_a_job_is_told_that_it_is_deleted() {
    let world = World::default();
    let job = world.job_in(JobState::Rendered).await;
    let user = world.user("user-1");
    let path = format!("/api/jobs/{}", job.id);
    assert_eq!(user.call("DELETE", &path, Value::Null).await.0, StatusCode::NO_CONTENT);
    // As the sweep does in the end.
    world.api.chronicle.jobs.forget(&world.row(&job)).await.expect("forgotten");

    let (_, body) = poll(&user, &job, "after=4&wait=20").await;

    assert_eq!(
        (seqs(&body), &body["state"], &body["ended"]),
        (vec![7], &json!("deleted"), &json!(true))
    );
    let published = world.api.chronicle.bus.published();
    let fact = published.last().expect("announced");
    assert_eq!(body["events"][0]["type"], "JobDeleted.v1");
    assert_eq!(body["events"][0]["data"]["id"], fact.id.to_string(), "the fact that was announced");
    assert_eq!(poll(&user, &job, "wait=0").await.0, StatusCode::NOT_FOUND);
    assert_eq!(poll(&world.user("user-2"), &job, "after=4").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test(start_paused = true)]
async fn foreign_jobs_and_unknown_callers_are_told_nothing() {
    let world = World::default();
    let job = world.job_in(JobState::Queued).await;
    let none = samples::job_named("none");

    assert_eq!(poll(&world.user("user-2"), &job, "").await.0, StatusCode::NOT_FOUND);
    assert_eq!(poll(&world.user("user-1"), &none, "").await.0, StatusCode::NOT_FOUND);
    assert_eq!(poll(&world, &job, "").await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(poll(&world, &job, "ticket=guessed").await.0, StatusCode::UNAUTHORIZED);
}

/// A ticket of `user-1`: its whole address.
async fn ticket(world: &World, job: &Job) -> String {
    let path = format!("/api/jobs/{}/events-ticket", job.id);
    let (status, _, body) = world.user("user-1").call("POST", &path, Value::Null).await;
    assert_eq!((status, &body["expiresAt"]), (StatusCode::OK, &json!("2026-11-20T10:05:00.000Z")));
    body["url"].as_str().expect("an address").to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_ticket_is_good_for_the_events_of_its_job_and_for_five_minutes() {
    let world = World::default();
    let job = world.job_in(JobState::Queued).await;
    let other = world.led_to(samples::job_named("other"), JobState::Queued).await;
    let url = ticket(&world, &job).await;
    let get = async |url: &str| world.call("GET", url, Value::Null).await.0;

    assert_eq!([get(&url).await, get(&url).await], [StatusCode::OK; 2], "connected again");
    let ids = (job.id.to_string(), other.id.to_string());
    assert_eq!(get(&url.replace(&ids.0, &ids.1)).await, StatusCode::UNAUTHORIZED);
    assert_eq!(get(&url.replace("/events", "")).await, StatusCode::UNAUTHORIZED);
    world.clock().advance(Duration::from_mins(5));
    assert_eq!(get(&url).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test(start_paused = true)]
async fn a_ticket_is_registered_by_what_does_not_give_it_away() {
    let world = World::default();
    let job = world.job_in(JobState::Queued).await;

    let url = ticket(&world, &job).await;

    let (_, ticket) = url.split_once("ticket=").expect("a ticket");
    let names = world.api.registers.names();
    assert!(names[0].starts_with("ticket#") && !names[0].contains(ticket));
    assert_ne!(self::ticket(&world, &job).await, url);
}

#[tokio::test(start_paused = true)]
async fn a_ticket_for_a_foreign_or_deleted_job_is_not_given() {
    let world = World::default();
    let job = world.job_in(JobState::Queued).await;
    let deleted = world.led_to(samples::job_named("gone"), JobState::Deleted).await;
    let ask = async |caller: World, job: &Job| {
        let path = format!("/api/jobs/{}/events-ticket", job.id);
        caller.call("POST", &path, Value::Null).await.0
    };

    assert_eq!(ask(world.user("user-2"), &job).await, StatusCode::NOT_FOUND);
    assert_eq!(ask(world.user("user-1"), &deleted).await, StatusCode::NOT_FOUND);
    assert_eq!(ask(World::default(), &job).await, StatusCode::UNAUTHORIZED);
}

#[test]
fn a_ticket_is_not_printed() {
    let ticket = Some("s3cret".to_owned());
    let query = super::EventsQuery { after: None, wait: None, ticket };

    assert_eq!(format!("{query:?}"), "EventsQuery { after: None, wait: None, .. }");
}
