use std::collections::BTreeSet;

use std::time::Duration;

use axum::http::StatusCode;
use domain::{AttemptState, FailureKind, Job, JobState, MicroUsd, Settlement, Stage, Step, keys};
use serde_json::{Value, json};
use testkit::{InMemoryJobs, InMemoryLedger, samples};

use crate::test_world::World;

fn ids(body: &Value) -> Vec<String> {
    let jobs = body["jobs"].as_array().expect("jobs").iter();
    jobs.map(|job| job["jobId"].as_str().expect("an id").to_owned()).collect()
}

/// A world of jobs of `user-1`, one a second, and others of somebody else and of nobody.
fn world_of(count: u64) -> (World, Vec<Job>) {
    let after = |secs| samples::AT.plus(Duration::from_secs(secs));
    let mut jobs: Vec<_> = (0..count)
        .map(|n| Job { created_at: after(n), ..samples::job_named(&format!("villa-{n}")) })
        .collect();
    let mut others = [samples::job_named("theirs"), samples::job_named("nobodys")];
    others[0].order.user_id = Some("user-2".to_owned());
    others[1].order.user_id = None;
    let rows = jobs.iter().chain(&others).fold(InMemoryJobs::default(), InMemoryJobs::with);
    jobs.reverse();
    (World::with(|api| api.chronicle.jobs = rows), jobs)
}

#[tokio::test]
async fn a_user_sees_its_own_jobs_the_newest_first_part_by_part() {
    let (world, jobs) = world_of(5);
    let user = world.user("user-1");

    let (status, _, first) = user.call("GET", "/api/jobs?limit=3", Value::Null).await;
    let cursor = first["nextCursor"].as_str().expect("more");
    let path = format!("/api/jobs?limit=3&cursor={cursor}");
    let (_, _, second) = user.call("GET", &path, Value::Null).await;

    let expected: Vec<_> = jobs.iter().map(|job| job.id.to_string()).collect();
    assert_eq!((status, [ids(&first), ids(&second)].concat()), (StatusCode::OK, expected));
    assert_eq!(second.get("nextCursor"), None);
    let created = &first["jobs"][0];
    assert_eq!(created["createdAt"], "2026-11-20T10:00:04.000Z");
    assert_eq!((&created["state"], &created["status"]), (&json!("pending"), &json!("pending")));
    assert_eq!((&created["title"], &created["seq"]), (&json!("Villa Azul"), &json!(1)));
    assert_eq!(created.get("failure"), None);
}

#[tokio::test]
async fn jobs_are_listed_by_state_and_time() {
    let (world, _) = world_of(3);
    let failed = world.led_to(samples::job_named("bad"), JobState::Failed).await;
    let user = world.user("user-1");
    let list = async |query: &str| {
        let path = format!("/api/jobs?{query}");
        ids(&user.call("GET", &path, Value::Null).await.2).len()
    };

    let (_, _, bad) = user.call("GET", "/api/jobs?state=failed", Value::Null).await;

    assert_eq!(ids(&bad), [failed.id.to_string()]);
    assert_eq!(
        bad["jobs"][0]["failure"],
        json!({ "stage": "ingest", "kind": "refused", "reason": "the photo is too small" })
    );
    assert_eq!(list("").await, 4);
    assert_eq!(list("from=2026-11-20T10:00:01Z").await, 2);
    assert_eq!(list("until=2026-11-20T10:00:01Z&state=&userId=").await, 2);
    assert_eq!(list("from=2026-11-20T11:00:01%2B01:00&until=2026-11-20T10:00:02Z").await, 1);
}

#[tokio::test]
async fn a_deleted_job_is_not_listed() {
    let world = World::default();
    world.job_in(JobState::Deleted).await;
    let user = world.user("user-1");

    let (_, _, body) = user.call("GET", "/api/jobs", Value::Null).await;
    let (status, _, problem) = user.call("GET", "/api/jobs?state=deleted", Value::Null).await;

    assert!(ids(&body).is_empty());
    assert_eq!(
        (status, &problem["errors"][0]["field"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("state"))
    );
}

#[tokio::test]
async fn a_service_says_whose_jobs_it_wants() {
    let (world, jobs) = world_of(2);
    let service = world.service();
    let list =
        async |query: &str| service.call("GET", &format!("/api/jobs{query}"), Value::Null).await;

    let (status, _, problem) = list("").await;

    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem["errors"][0]["field"], "userId");
    assert_eq!(ids(&list("?userId=user-1").await.2).len(), jobs.len());
    let nobodys = list("?userId=-").await.2;
    assert_eq!(ids(&nobodys), [samples::job_named("nobodys").id.to_string()]);
    assert_eq!(nobodys["jobs"][0].get("userId"), None);
}

#[tokio::test]
async fn a_user_may_not_list_anothers_jobs_and_nobody_may_unknown() {
    let (world, _) = world_of(1);

    let foreign = world.user("user-2").call("GET", "/api/jobs?userId=user-1", Value::Null).await;
    let unknown = world.call("GET", "/api/jobs", Value::Null).await;

    assert_eq!(foreign.0, StatusCode::FORBIDDEN);
    assert_eq!(unknown.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_query_is_told() {
    let (world, _) = world_of(1);
    let query = "state=done&from=yesterday&until=1&cursor=abc&limit=101";

    let (status, _, problem) =
        world.user("user-1").call("GET", &format!("/api/jobs?{query}"), Value::Null).await;

    let errors = problem["errors"].as_array().expect("errors").iter();
    let fields: Vec<_> = errors.map(|error| error["field"].as_str().expect("a name")).collect();
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(fields, ["state", "from", "until", "cursor", "limit"]);
}

#[tokio::test]
async fn one_job_is_told_with_everything_that_is_known() {
    let job = samples::job();
    let paid = samples::attempt(job.id).submitted("p-1", None).expect("taken");
    let paid = paid.settled(Settlement::succeeded(MicroUsd(240_000)), samples::AT).expect("legal");
    let world = World::with(|api| api.ledger = InMemoryLedger::default().with(&paid));
    let job = world.led_to(job, JobState::Rendered).await;

    let (status, _, body) =
        world.user("user-1").call("GET", &format!("/api/jobs/{}", job.id), Value::Null).await;

    assert_eq!(status, StatusCode::OK);
    assert_eq!(body["jobId"], job.id.to_string());
    assert_eq!(
        (&body["state"], &body["status"], &body["seq"]),
        (&json!("rendered"), &json!("rendered"), &json!(6))
    );
    assert_eq!(body["prompt"], "slow dolly in over the pool");
    assert_eq!(
        (&body["options"], &body["branding"]),
        (&json!({}), &json!({ "title": "Villa Azul" }))
    );
    assert_eq!((&body["unknown"], body.get("rerender")), (&json!(false), None));
    let history = body["history"].as_array().expect("history");
    let told: Vec<_> = history.iter().map(|fact| (&fact["seq"], fact["type"].as_str())).collect();
    assert_eq!(told[0], (&json!(1), Some("JobCreated.v1")));
    assert_eq!(told[5], (&json!(6), Some("Rendered.v1")));
    assert_eq!(history[5]["data"]["finalVideoUrl"], format!("s3://media/{}", keys::video(job.id)));
    assert_eq!(
        body["costs"],
        json!({ "currency": "USD", "charged": "0.24", "attempts": [{
            "number": 1, "provider": "ready", "state": "succeeded", "quoted": "0.36",
            "charged": "0.24", "unknown": false, "intendedAt": "2026-11-20T10:00:00.000Z",
            "settledAt": "2026-11-20T10:00:00.000Z",
        }] })
    );
}

#[tokio::test]
async fn only_what_is_there_can_be_downloaded_and_not_for_ever() {
    let world = World::default();
    let user = world.user("user-1");
    let pending = world.led_to(samples::job_named("new"), JobState::Pending).await;
    let filmed = world.led_to(samples::job_named("filmed"), JobState::LtxDone).await;
    let rendered = world.led_to(samples::job_named("done"), JobState::Rendered).await;
    let media = async |job: &Job| {
        let (_, _, mut body) =
            user.call("GET", &format!("/api/jobs/{}", job.id), Value::Null).await;
        body["media"].take()
    };

    let names =
        |media: &Value| media.as_object().expect("media").keys().cloned().collect::<BTreeSet<_>>();
    let done = media(&rendered).await;

    assert_eq!(media(&pending).await, json!({}));
    let expected = |names: &[&str]| names.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
    assert_eq!(names(&media(&filmed).await), expected(&["clip", "photo"]));
    assert_eq!(names(&done), expected(&["clip", "photo", "poster", "video"]));
    assert_eq!(done["video"]["expiresAt"], "2026-11-20T11:00:00.000Z");
    let url = done["video"]["url"].as_str().expect("an address");
    assert!(url.contains(&keys::video(rendered.id).to_string()), "{url}");
}

#[tokio::test]
async fn an_order_whose_answer_was_lost_is_said_aloud() {
    let job = samples::job();
    let lost = Settlement::unknown("connection reset by provider.internal".to_owned());
    let lost = samples::attempt(job.id).settled(lost, samples::AT).expect("legal");
    let world = World::with(|api| api.ledger = InMemoryLedger::default().with(&lost));
    let job = world.led_to(job, JobState::Generating).await;

    let (_, _, body) =
        world.user("user-1").call("GET", &format!("/api/jobs/{}", job.id), Value::Null).await;

    assert_eq!(lost.state, AttemptState::Unknown);
    assert_eq!(body["unknown"], true);
    let attempt = &body["costs"]["attempts"][0];
    assert_eq!((&attempt["unknown"], attempt.get("charged")), (&json!(true), None));
    assert_eq!(body["costs"]["charged"], "0.00");
    assert!(!body.to_string().contains("provider.internal"), "what is for the engineer stays here");
}

#[tokio::test]
async fn another_rendering_is_told_while_it_is_under_way() {
    let world = World::default();
    let rendered = world.job_in(JobState::Rendered).await;
    let rerender = samples::rerender(rendered.id, "again");
    let job = world.step(&rendered, &Step::Rerender(rerender.clone())).await;
    let user = world.user("user-1");

    let (_, _, body) = user.call("GET", &format!("/api/jobs/{}", job.id), Value::Null).await;

    assert_eq!(body["rerender"], json!({ "renderId": rerender.render_id.to_string() }));
    assert!(body["media"]["video"].is_object(), "the video is there until another takes its place");
}

#[tokio::test]
async fn the_causes_of_a_failure_are_not_told() {
    let world = World::default();
    let mut failure = samples::failure(Stage::Render, FailureKind::Fault);
    failure.cause = Some("ffmpeg: /tmp/secret".to_owned());
    let rendering = world.job_in(JobState::Rendering).await;
    let job = world.step(&rendering, &Step::Fail(failure)).await;

    let (_, _, body) =
        world.user("user-1").call("GET", &format!("/api/jobs/{}", job.id), Value::Null).await;

    assert_eq!(body["failure"]["kind"], "fault");
    assert!(!body.to_string().contains("secret"));
}

#[tokio::test]
async fn a_job_that_is_foreign_deleted_or_none_is_not_found() {
    let world = World::default();
    let job = world.job_in(JobState::Deleted).await;
    let there = world.led_to(samples::job_named("there"), JobState::Queued).await;
    let get = async |caller: World, id: &str| {
        caller.call("GET", &format!("/api/jobs/{id}"), Value::Null).await.0
    };

    let none = "0192f0c1-7e57-7abc-8def-001122334455";
    for (caller, id) in [
        (world.user("user-1"), job.id.to_string()),
        (world.service(), job.id.to_string()),
        (world.user("user-2"), there.id.to_string()),
        (world.user("user-1"), none.to_owned()),
        (world.user("user-1"), "holiday".to_owned()),
    ] {
        assert_eq!(get(caller, &id).await, StatusCode::NOT_FOUND, "{id}");
    }
    assert_eq!(get(world.service(), &there.id.to_string()).await, StatusCode::OK);
}

#[tokio::test]
async fn a_user_of_more_than_200_characters_is_no_user() {
    let service = World::default().service();
    let (fits, long) = ("u".repeat(200), "u".repeat(201));

    for path in ["/api/jobs", "/api/usage", "/api/webhook-endpoints", "/api/webhook-endpoints/e1"] {
        let asked =
            async |id: &str| service.call("GET", &format!("{path}?userId={id}"), Value::Null).await;

        let (status, _, problem) = asked(&long).await;

        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        assert_eq!(problem["errors"].as_array().map(Vec::len), Some(1), "{problem}");
        assert_eq!(problem["errors"][0]["field"], "userId");
        assert_ne!(asked(&fits).await.0, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
    }
}
