use std::sync::Arc;

use axum::http::StatusCode;
use axum::{Extension, Router};
use domain::{FailureKind, Job, JobState, Settlement, Stage, Step, keys};
use events::{JobDeleted, JobRedriven};
use ports::{Chronicle, History, JobStore, Meters, bytes_meter, erase};
use serde_json::{Value, json};
use testkit::{Fuse, Fused, InMemoryLedger, InMemoryMeters, Moment, samples};

use crate::test_crash::{dying, moments};
use crate::test_world::{World, answer, request};
use crate::{Api, Caller, calls};

const BYTES: u64 = 4_000;

async fn retry(caller: &World, job: &Job) -> (StatusCode, Value) {
    let path = format!("/api/jobs/{}/retry", job.id);
    let (status, _, body) = caller.call("POST", &path, Value::Null).await;
    (status, body)
}

async fn cancel(caller: &World, job: &Job) -> (StatusCode, Value) {
    let path = format!("/api/jobs/{}/cancel", job.id);
    let (status, _, body) = caller.call("POST", &path, Value::Null).await;
    (status, body)
}

async fn delete(caller: &World, job: &Job) -> (StatusCode, Value) {
    let path = format!("/api/jobs/{}", job.id);
    let (status, _, body) = caller.call("DELETE", &path, Value::Null).await;
    (status, body)
}

async fn failed_at(world: &World, stage: Stage, kind: FailureKind) -> Job {
    let reached = if stage == Stage::Render { JobState::Rendering } else { JobState::Queued };
    let job = world.job_in(reached).await;
    world.step(&job, &Step::Fail(samples::failure(stage, kind))).await
}

fn kind(problem: &Value) -> &str {
    problem["type"].as_str().expect("a type").rsplit(':').next().expect("a name")
}

#[tokio::test]
async fn a_failed_job_is_tried_again_from_where_it_stands() {
    let world = World::default();
    let job = failed_at(&world, Stage::Ltx, FailureKind::Fault).await;
    world.put(&keys::photo(job.id)).await;
    let user = world.user("user-1");

    let (status, body) = retry(&user, &job).await;
    let again = retry(&user, &job).await;

    assert_eq!(status, StatusCode::ACCEPTED);
    let expected = json!({ "jobId": job.id.to_string(), "state": "queued", "stage": "ltx" });
    assert_eq!(body, expected);
    assert_eq!(world.api.queues.ltx.sent().len(), 1);
    assert_eq!(world.api.chronicle.bus.facts::<JobRedriven>()[0].fact.by, "user#user-1");
    assert_eq!((again.0, kind(&again.1)), (StatusCode::CONFLICT, "not-failed"));
}

#[tokio::test]
async fn why_a_job_is_not_tried_again_is_said_by_type() {
    let world = World::default();
    let refused = failed_at(&world, Stage::Ltx, FailureKind::Refused).await;
    let (status, problem) = retry(&world.user("user-1"), &refused).await;
    assert_eq!((status, kind(&problem)), (StatusCode::CONFLICT, "refused"));
    assert!(problem["detail"].as_str().expect("text").contains("the photo is too small"));

    let world = World::default();
    let without_photo = failed_at(&world, Stage::Ltx, FailureKind::Fault).await;
    let (_, problem) = retry(&world.user("user-1"), &without_photo).await;
    assert_eq!(kind(&problem), "photo-gone");

    let lost = samples::attempt(samples::job().id);
    let lost = lost.settled(Settlement::unknown("lost".to_owned()), samples::AT).expect("legal");
    let world = World::with(|api| api.ledger = InMemoryLedger::default().with(&lost));
    let unknown = failed_at(&world, Stage::Ltx, FailureKind::Unknown).await;
    world.put(&keys::photo(unknown.id)).await;
    let (_, problem) = retry(&world.user("user-1"), &unknown).await;
    assert_eq!(kind(&problem), "order-unknown");

    let rendered = world.led_to(samples::job_named("done"), JobState::Rendered).await;
    let (_, problem) = retry(&world.user("user-1"), &rendered).await;
    assert_eq!(kind(&problem), "not-failed");
}

#[tokio::test]
async fn a_job_under_way_is_called_off_once_however_often_it_is_asked() {
    let attempt = samples::attempt(samples::job().id).submitted("p-1", None).expect("taken");
    let world = World::with(|api| api.ledger = InMemoryLedger::default().with(&attempt));
    let job = world.job_in(JobState::Generating).await;
    let user = world.user("user-1");

    let first = cancel(&user, &job).await;
    let second = cancel(&user, &job).await;

    assert_eq!((first.0, &first.1["state"]), (StatusCode::ACCEPTED, &json!("cancelled")));
    assert!(first.1["note"].as_str().expect("a note").contains("costs"));
    assert_eq!(first, second);
    assert_eq!(world.api.queues.ltx.sent().len(), 1, "the provider is told");
    assert_eq!(world.api.chronicle.bus.detail_types().last().expect("one"), "JobCancelled.v1");
}

#[tokio::test]
async fn a_job_for_which_nothing_was_ordered_is_called_off_without_a_note() {
    let world = World::default();
    let job = world.job_in(JobState::Pending).await;

    let (_, body) = cancel(&world.user("user-1"), &job).await;

    assert_eq!(body, json!({ "jobId": job.id.to_string(), "state": "cancelled" }));
}

#[tokio::test]
async fn another_rendering_is_called_off_and_the_video_stays() {
    let world = World::default();
    let rendered = world.job_in(JobState::Rendered).await;
    let rerender = Step::Rerender(samples::rerender(rendered.id, "again"));
    let job = world.step(&rendered, &rerender).await;

    let (status, body) = cancel(&world.user("user-1"), &job).await;

    assert_eq!((status, &body["state"]), (StatusCode::ACCEPTED, &json!("rendered")));
    assert!(world.api.queues.ltx.sent().is_empty());
}

#[tokio::test]
async fn a_job_that_has_ended_otherwise_cannot_be_called_off() {
    for state in [JobState::Rendered, JobState::Failed, JobState::Expired] {
        let world = World::default();
        let job = world.job_in(state).await;

        let (status, problem) = cancel(&world.user("user-1"), &job).await;

        assert_eq!((status, kind(&problem)), (StatusCode::CONFLICT, "conflict"), "{state}");
        assert_eq!(world.row(&job), job);
    }
}

#[tokio::test]
async fn nothing_can_be_done_about_a_foreign_job() {
    let world = World::default();
    let job = world.job_in(JobState::Failed).await;
    let foreign = world.user("user-2");

    assert_eq!(retry(&foreign, &job).await.0, StatusCode::NOT_FOUND);
    assert_eq!(cancel(&foreign, &job).await.0, StatusCode::NOT_FOUND);
    assert_eq!(delete(&foreign, &job).await.0, StatusCode::NOT_FOUND);
    assert_eq!(world.row(&job), job);
}

/// A world with a job that has ended, all its objects, and what was counted for it.
async fn ended() -> (World, Job) {
    let world = World::default();
    let upload_key = keys::upload(samples::job().id, "villa.jpg").expect("a short name");
    let new = Job { upload_bytes: BYTES, upload_key, ..samples::job() };
    let job = world.led_to(new, JobState::Rendered).await;
    for key in objects(&job) {
        world.put(&key).await;
    }
    let meter = bytes_meter("user-1");
    world.api.meters.count(&meter, BYTES + 1, None, None).await.expect("counted");
    (world, job)
}

fn objects(job: &Job) -> Vec<domain::ObjectKey> {
    let id = job.id;
    let delivered = keys::delivered(id, 1);
    vec![
        job.upload_key.clone(),
        keys::photo(id),
        keys::clip(id),
        delivered,
        keys::video(id),
        keys::poster(id),
    ]
}

async fn bytes(meters: &InMemoryMeters) -> u64 {
    meters.read(&bytes_meter("user-1")).await.expect("read")
}

#[tokio::test]
async fn a_removed_job_leaves_nothing_but_its_name() {
    let (world, job) = ended().await;
    let other = world.led_to(samples::job_named("other"), JobState::Rendered).await;
    world.put(&keys::video(other.id)).await;

    let (status, body) = delete(&world.user("user-1"), &job).await;

    assert_eq!((status, body), (StatusCode::NO_CONTENT, Value::Null));
    assert_eq!(world.api.store.keys(), [keys::video(other.id).to_string()]);
    assert_eq!(world.row(&job).order.prompt, "");
    assert_eq!(world.api.chronicle.bus.facts::<JobDeleted>().len(), 1);
    assert_eq!(bytes(&world.api.meters).await, 1);
}

#[tokio::test]
async fn removing_a_job_again_changes_nothing() {
    let (world, job) = ended().await;
    let user = world.user("user-1");

    let answers = [delete(&user, &job).await.0, delete(&user, &job).await.0];

    assert_eq!(answers, [StatusCode::NO_CONTENT; 2]);
    assert_eq!(bytes(&world.api.meters).await, 1, "given back once");
    assert_eq!(world.api.chronicle.bus.facts::<JobDeleted>().len(), 1);
    assert_eq!(delete(&world.user("user-2"), &job).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_job_under_way_is_not_removed() {
    for state in [JobState::Pending, JobState::Generating, JobState::Rendering] {
        let world = World::default();
        let job = world.job_in(state).await;

        let (status, problem) = delete(&world.user("user-1"), &job).await;

        assert_eq!((status, kind(&problem)), (StatusCode::CONFLICT, "under-way"), "{state}");
        assert_eq!(world.row(&job), job);
    }
}

fn owner() -> Caller {
    Caller::User("user-1".to_owned())
}

#[tokio::test]
async fn a_removal_that_broke_off_anywhere_is_completed_by_the_repeat() {
    let (world, job) = ended().await;
    let request = || request("DELETE", &format!("/api/jobs/{}", job.id), &[], &Value::Null);
    let unhurt = Fuse::never();
    answer(dying(&world, owner(), &unhurt), request()).await;
    assert!(unhurt.count() > 8, "{}", unhurt.count());

    for fuse in moments(unhurt.count()) {
        let (world, _) = ended().await;

        answer(dying(&world, owner(), &fuse), request()).await;
        let (status, _, _) = answer(world.user("user-1").router(), request()).await;

        assert!(fuse.blown());
        assert_eq!(status, StatusCode::NO_CONTENT, "{fuse:?}");
        assert!(world.api.store.keys().is_empty(), "{fuse:?}");
        assert!(!world.api.chronicle.bus.facts::<JobDeleted>().is_empty(), "{fuse:?}");
        // Never twice; not at all if it died between the row and the meter, the fourth change.
        let left = bytes(&world.api.meters).await;
        assert!(left == 1 || (left == BYTES + 1 && fuse.count() <= 4), "{fuse:?}: {left}");
    }
}

#[tokio::test]
async fn a_removal_that_broke_off_is_completed_by_the_sweep_too() {
    let (world, job) = ended().await;
    let request = || request("DELETE", &format!("/api/jobs/{}", job.id), &[], &Value::Null);
    let unhurt = Fuse::never();
    answer(dying(&world, owner(), &unhurt), request()).await;

    // Before the row is written there is nothing to go on with.
    for fuse in moments(unhurt.count()).skip(1) {
        let (world, _) = ended().await;
        answer(dying(&world, owner(), &fuse), request()).await;

        let Chronicle { jobs, .. } = &world.api.chronicle;
        for event in jobs.all_unpublished(10).await.expect("read") {
            world.api.chronicle.publish(&event).await.expect("published");
        }
        for deleted in jobs.in_state(JobState::Deleted, 10).await.expect("read") {
            erase(&world.api.store, &deleted).await.expect("removed");
        }

        assert!(world.api.store.keys().is_empty(), "{fuse:?}");
        assert!(!world.api.chronicle.bus.facts::<JobDeleted>().is_empty(), "{fuse:?}");
    }
}

/// The calls of the owner over the ports of `world`, whose bus goes down with `fuse`.
fn with_bus_on(world: &World, fuse: &Fuse) -> Router {
    let there = &world.api;
    let Chronicle { jobs, bus, clock } = there.chronicle.clone();
    let api = Api::<(_, _, _, _, _, _, _, _, _, _)> {
        bucket: there.bucket.clone(),
        store: there.store.clone(),
        chronicle: Chronicle { jobs, bus: Fused::new(bus, fuse), clock },
        ledger: there.ledger.clone(),
        registers: there.registers.clone(),
        deliveries: there.deliveries.clone(),
        endpoints: there.endpoints.clone(),
        meters: there.meters.clone(),
        queues: there.queues.clone(),
        rules: there.rules.clone(),
    };
    calls::routes().with_state(Arc::new(api)).layer(Extension(owner()))
}

#[tokio::test]
async fn a_bus_that_is_down_does_not_keep_a_job_from_being_removed() {
    let (world, job) = ended().await;
    let request = || request("DELETE", &format!("/api/jobs/{}", job.id), &[], &Value::Null);
    let down = Fuse::new(1, Moment::Before);

    let (status, _, _) = answer(with_bus_on(&world, &down), request()).await;

    assert_eq!(status, StatusCode::NO_CONTENT);
    assert!(world.api.store.keys().is_empty());
    assert_eq!(bytes(&world.api.meters).await, 1);
    assert!(world.api.chronicle.bus.facts::<JobDeleted>().is_empty());

    answer(world.user("user-1").router(), request()).await;

    assert_eq!(world.api.chronicle.bus.facts::<JobDeleted>().len(), 1);
    assert_eq!(bytes(&world.api.meters).await, 1, "given back once");
}
