use axum::http::StatusCode;
use domain::{Job, JobId, JobState, ObjectKey, Step, keys};
use events::{FetchItem, FetchRequest, FetchedAs};
use ports::{Meters, Presigned, bytes_meter, jobs_meter};
use serde_json::{Value, json};
use testkit::{InMemoryStore, samples};

use crate::test_crash::{dying, moments};
use crate::test_world::{World, answer, request};
use crate::{Caller, Rules};

const PATH: &str = "/api/media/upload-intent";
const PHOTO: &[u8] = b"a photo";
const KEY: [(&str, &str); 1] = [("idempotency-key", "request-1")];

fn photo() -> Value {
    json!({
        "fileName": "villa azul.jpg",
        "contentType": "image/jpeg",
        "sizeBytes": PHOTO.len(),
        "sha256": samples::bound_to(PHOTO, None).sha256,
        "propertyId": "property-1",
        "prompt": "slow dolly in",
        "title": "Villa Azul",
        "options": { "duration": 6, "resolution": "1920x1080" },
    })
}

fn with(mut body: Value, changes: &Value) -> Value {
    let changes = changes.as_object().expect("an object").clone();
    body.as_object_mut().expect("an object").extend(changes);
    body
}

/// The fields that an answer complains about.
fn named(problem: &Value) -> Vec<&str> {
    let errors = problem["errors"].as_array().expect("errors");
    errors.iter().map(|error| error["field"].as_str().expect("a field")).collect()
}

pub(super) fn presigned(signed: &Value) -> Presigned {
    let headers = signed["headers"].as_object().expect("headers").iter();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let headers = headers.map(|(name, value)| (name.clone(), text(value))).collect();
    Presigned { url: text(&signed["url"]), headers }
}

fn the_job(world: &World) -> Job {
    let [job] = &world.api.chronicle.jobs.all()[..] else { panic!("one job") };
    job.clone()
}

async fn meters(world: &World) -> (u64, u64) {
    let read = async |name: String| world.api.meters.read(&name).await.expect("read");
    (read(jobs_meter("user-1", samples::AT.day())).await, read(bytes_meter("user-1")).await)
}

fn limited(jobs_per_day: Option<u64>, bytes_stored: Option<u64>) -> World {
    let world =
        World::with(|api| api.rules = Rules { jobs_per_day, bytes_stored, ..Rules::default() });
    world.user("user-1")
}

#[tokio::test]
async fn a_photo_begins_a_job_and_may_be_uploaded() {
    let world = World::default().user("user-1");

    let (status, headers, body) = world.call("POST", PATH, photo()).await;

    assert_eq!(status, StatusCode::CREATED, "{body}");
    let job = the_job(&world);
    assert_eq!(headers["location"], format!("/api/jobs/{}", job.id));
    assert_eq!(body["jobId"], job.id.to_string());
    assert_eq!(body["key"], format!("uploads/{}/villa azul.jpg", job.id));
    assert_eq!(body["expiresAt"], "2026-11-20T10:15:00.000Z");
    assert_eq!((job.state, job.upload_bytes), (JobState::Pending, 7));
    assert_eq!(job.order.user_id.as_deref(), Some("user-1"));
    assert_eq!(job.order.clip.duration_secs, Some(6));
    assert_eq!(job.order.branding.title.as_deref(), Some("Villa Azul"));
    assert_eq!(world.api.chronicle.bus.detail_types(), ["JobCreated.v1"]);
    let store = &world.api.store;
    assert_eq!(store.answer("PUT", &presigned(&body["upload"]), b"another").0, 400);
    assert_eq!(store.answer("PUT", &presigned(&body["upload"]), PHOTO).0, 200);
    assert_eq!(store.keys(), [job.upload_key.to_string()]);
    assert_eq!(meters(&world).await, (1, 7));
}

#[tokio::test]
async fn every_field_that_cannot_be_used_is_named_at_once() {
    let world = World::default().user("user-1");
    let bad = json!({
        "fileName": "a/b.jpg",
        "contentType": "image/heic",
        "sizeBytes": 0,
        "sha256": "c2hvcnQ=",
        "propertyId": "p".repeat(201),
        "prompt": "p".repeat(5001),
        "title": "t".repeat(301),
        "subtitle": "t".repeat(301),
        "theme": "t".repeat(101),
        "logoUrl": "https://127.0.0.1/logo.png",
        "musicUrl": "s3://elsewhere/music/a.mp3",
        "options": { "duration": 700, "resolution": "wide", "fps": 0 },
    });

    let (status, _, body) = world.call("POST", PATH, bad).await;

    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        named(&body),
        [
            "/fileName",
            "/contentType",
            "/sizeBytes",
            "/sha256",
            "/propertyId",
            "/prompt",
            "/title",
            "/subtitle",
            "/options/duration",
            "/options/resolution",
            "/options/fps",
            "/theme",
            "/logoUrl",
            "/musicUrl",
        ]
    );
    assert!(!body.to_string().contains("127.0.0.1"), "{body}");
    assert!(world.api.chronicle.jobs.all().is_empty());
    assert_eq!(meters(&world).await, (0, 0));
}

#[tokio::test]
async fn a_name_or_size_at_the_edge_is_judged() {
    let world = World::default().user("user-1");
    for (change, expected) in [
        (json!({ "fileName": "é".repeat(200) }), 201),
        (json!({ "fileName": "é".repeat(201) }), 422),
        (json!({ "fileName": ".." }), 422),
        (json!({ "fileName": "a\u{7}.jpg" }), 422),
        (json!({ "fileName": "a\\b.jpg" }), 422),
        (json!({ "fileName": "villa.jpg.json" }), 422),
        (json!({ "sizeBytes": 40 << 20 }), 201),
        (json!({ "sizeBytes": (40 << 20) + 1 }), 422),
        (json!({ "sha256": null }), 422),
        (json!({ "colour": "blue" }), 422),
        (json!({ "purpose": "video" }), 422),
    ] {
        let (status, _, body) = world.call("POST", PATH, with(photo(), &change)).await;
        assert_eq!(status, expected, "{change}: {body}");
    }
}

#[tokio::test]
async fn a_logo_goes_to_its_owners_folder_and_is_no_job() {
    let world = World::default().user("user-1");
    let logo = json!({
        "purpose": "logo",
        "fileName": "logo.png",
        "contentType": "image/png",
        "sizeBytes": PHOTO.len(),
        "sha256": samples::bound_to(PHOTO, None).sha256,
    });

    let (status, headers, body) = world.call("POST", PATH, logo.clone()).await;
    let (refused, _, problem) =
        world.call("POST", PATH, with(logo, &json!({ "title": "x", "options": {} }))).await;

    assert_eq!((status, headers.get("location")), (StatusCode::CREATED, None), "{body}");
    assert!(body.get("jobId").is_none());
    let key = body["key"].as_str().expect("a key");
    assert!(key.starts_with("logos/user-1/") && key.ends_with("/logo.png"), "{key}");
    let key = ObjectKey::new(key).expect("a key");
    assert!(keys::is_open_to(&key, keys::LOGOS, "user-1"));
    assert_eq!(world.api.store.answer("PUT", &presigned(&body["upload"]), PHOTO).0, 200);
    assert_eq!(
        (refused, named(&problem)),
        (StatusCode::UNPROCESSABLE_ENTITY, vec!["/title", "/options"])
    );
    assert!(world.api.chronicle.jobs.all().is_empty());
    assert_eq!(meters(&world).await, (0, 7));
}

#[tokio::test]
async fn a_user_asks_for_nobody_else_and_a_service_for_anybody() {
    let world = World::default();
    let body = with(photo(), &json!({ "userId": "user-1" }));

    let (other, ..) = world.user("user-2").call("POST", PATH, body.clone()).await;
    let (service, ..) = world.service().call("POST", PATH, body).await;
    let (nobody, ..) = world.call("POST", PATH, photo()).await;

    assert_eq!(
        (other, service, nobody),
        (StatusCode::FORBIDDEN, StatusCode::CREATED, StatusCode::UNAUTHORIZED)
    );
    assert_eq!(the_job(&world).order.user_id.as_deref(), Some("user-1"));
}

#[tokio::test]
async fn a_logo_in_the_bucket_is_used_if_it_is_there_and_open_to_the_user() {
    let world = World::with(|api| {
        api.store = InMemoryStore::default()
            .with("logos/house.png", "x")
            .with("logos/user-1/a/logo.png", "x")
            .with("logos/user-2/a/logo.png", "x");
    });
    let user = world.user("user-1");
    for (logo, expected) in [
        ("logos/house.png", 201),
        ("s3://media/logos/user-1/a/logo.png", 201),
        ("logos/user-2/a/logo.png", 422),
        ("logos/user-1/b/logo.png", 422),
        ("photos/user-1/a/logo.png", 422),
        ("music/house.mp3", 422),
    ] {
        let (status, _, body) =
            user.call("POST", PATH, with(photo(), &json!({ "logoUrl": logo }))).await;
        assert_eq!(status, expected, "{logo}: {body}");
    }
    let of_other = with(photo(), &json!({ "logoUrl": "logos/user-2/a/logo.png" }));
    assert_eq!(world.service().call("POST", PATH, of_other).await.0, StatusCode::CREATED);
}

#[tokio::test]
async fn a_logo_from_elsewhere_is_asked_for() {
    let world = World::default().user("user-1");
    let logo = "https://example.com/brand/logo%20dark.png?token=t";

    let (status, _, body) =
        world.call("POST", PATH, with(photo(), &json!({ "logoUrl": logo }))).await;

    assert_eq!(status, StatusCode::CREATED, "{body}");
    let job = the_job(&world);
    let to = format!("logos/user-1/{}/logo dark.png", job.id);
    assert_eq!(job.order.branding.logo_key, ObjectKey::new(to.as_str()).ok());
    let request = world.api.store.content(&keys::fetch_request(job.id, "photo"));
    let request: FetchRequest = serde_json::from_slice(&request.expect("asked")).expect("JSON");
    let item = FetchItem { used_as: FetchedAs::Logo, from: logo.to_owned(), to };
    assert_eq!(
        request,
        FetchRequest { job_id: job.id.to_string(), items: vec![item], render_id: None }
    );
}

#[tokio::test]
async fn a_repeat_is_the_same_job_and_counts_nothing() {
    let world = World::default().user("user-1");

    let (_, _, first) = world.call_with("POST", PATH, &KEY, photo()).await;
    let (status, _, again) = world.call_with("POST", PATH, &KEY, photo()).await;
    let other = with(photo(), &json!({ "title": "Villa Verde" }));
    let (reused, _, problem) = world.call_with("POST", PATH, &KEY, other).await;
    let (elsewhere, ..) = world.user("user-2").call_with("POST", PATH, &KEY, photo()).await;

    assert_eq!((status, &again["jobId"]), (StatusCode::CREATED, &first["jobId"]));
    assert_eq!(again["key"], first["key"]);
    assert_ne!(again["upload"]["url"], first["upload"]["url"]);
    assert_eq!(reused, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem["type"], "urn:stillmotion:problem:idempotency-key-reused");
    assert_eq!(elsewhere, StatusCode::CREATED);
    assert_eq!(world.api.chronicle.jobs.all().len(), 2);
    assert_eq!(meters(&world).await, (1, 7));
}

#[tokio::test]
async fn a_key_is_forgotten_after_a_day_and_its_job_is_not() {
    let world = World::default().user("user-1");
    world.call_with("POST", PATH, &KEY, photo()).await;

    world.clock().advance(std::time::Duration::from_hours(25));
    let (status, _, problem) = world.call_with("POST", PATH, &KEY, photo()).await;

    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem["type"], "urn:stillmotion:problem:idempotency-key-reused");
    assert_eq!(meters(&world).await, (1, 7));
}

#[tokio::test]
async fn a_refused_request_does_not_use_its_key_up() {
    let world = World::default().user("user-1");

    let bad = with(photo(), &json!({ "sizeBytes": 0 }));
    let (refused, ..) = world.call_with("POST", PATH, &KEY, bad).await;
    let (status, ..) = world.call_with("POST", PATH, &KEY, photo()).await;

    assert_eq!((refused, status), (StatusCode::UNPROCESSABLE_ENTITY, StatusCode::CREATED));
}

#[tokio::test]
async fn a_photo_for_a_job_that_was_called_off_is_not_taken() {
    let world = World::default().user("user-1");
    world.call_with("POST", PATH, &KEY, photo()).await;
    world.api.chronicle.step(&the_job(&world), &Step::Cancel).await.expect("cancelled");

    let (status, _, body) = world.call_with("POST", PATH, &KEY, photo()).await;

    assert_eq!(status, StatusCode::CONFLICT, "{body}");
}

#[tokio::test]
async fn a_limit_is_told_with_what_to_do_and_nothing_is_counted() {
    let jobs = limited(Some(1), None);
    let bytes = limited(None, Some(10));
    for world in [&jobs, &bytes] {
        assert_eq!(world.call("POST", PATH, photo()).await.0, StatusCode::CREATED);
    }

    let (too_many, headers, told) = jobs.call("POST", PATH, photo()).await;
    let (too_large, _, problem) = bytes.call("POST", PATH, photo()).await;

    assert_eq!(
        (too_many, &headers["retry-after"]),
        (StatusCode::TOO_MANY_REQUESTS, &"50400".parse().expect("a value"))
    );
    assert_eq!(told["type"], "urn:stillmotion:problem:quota-exceeded");
    assert_eq!(too_large, StatusCode::FORBIDDEN);
    assert_eq!(problem["type"], "urn:stillmotion:problem:quota-exceeded");
    assert!(
        problem["detail"].as_str().is_some_and(|it| it.starts_with("7 of 10 bytes")),
        "{problem}"
    );
    assert_eq!((meters(&jobs).await, meters(&bytes).await), ((1, 7), (1, 7)));
}

#[tokio::test]
async fn a_request_that_was_too_much_may_be_sent_again_the_next_day() {
    let world = limited(Some(1), None);
    world.call("POST", PATH, photo()).await;

    let (over, ..) = world.call_with("POST", PATH, &KEY, photo()).await;
    world.clock().advance(std::time::Duration::from_hours(15));
    let (status, ..) = world.call_with("POST", PATH, &KEY, photo()).await;

    assert_eq!((over, status), (StatusCode::TOO_MANY_REQUESTS, StatusCode::CREATED));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_at_once_never_pass_a_limit() {
    let world = limited(Some(5), Some(4 * 7));
    let calls = (0..40).map(|_| {
        let router = world.router();
        tokio::spawn(async move { answer(router, request("POST", PATH, &[], &photo())).await.0 })
    });

    let statuses = futures::future::join_all(calls).await;

    let taken = statuses.into_iter().filter(|it| matches!(it, Ok(StatusCode::CREATED))).count();
    assert_eq!((taken, world.api.chronicle.jobs.all().len()), (4, 4));
    assert_eq!(meters(&world).await, (4, 28));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_request_many_times_at_once_is_one_job() {
    let world = World::default().user("user-1");
    let calls = (0..40).map(|_| {
        let router = world.router();
        tokio::spawn(async move { answer(router, request("POST", PATH, &KEY, &photo())).await.0 })
    });

    let statuses = futures::future::join_all(calls).await;

    assert!(statuses.iter().all(|it| matches!(it, Ok(StatusCode::CREATED))), "{statuses:?}");
    assert_eq!(world.api.chronicle.jobs.all().len(), 1);
    assert_eq!(meters(&world).await, (1, 7));
}

#[tokio::test]
async fn a_repeat_completes_what_a_crash_left() {
    let body = with(photo(), &json!({ "logoUrl": "https://example.com/logo.png" }));
    let mut died = 0;
    for fuse in moments(8) {
        let world = World::default().user("user-1");
        let router = dying(&world, Caller::User("user-1".to_owned()), &fuse);
        answer(router, request("POST", PATH, &KEY, &body)).await;

        let (status, _, told) = world.call_with("POST", PATH, &KEY, body.clone()).await;

        assert_eq!(status, StatusCode::CREATED, "{fuse:?}: {told}");
        let job = the_job(&world);
        assert_eq!(job.id, JobId::of_request("user#user-1", "request-1"));
        assert_eq!(world.api.store.keys(), [keys::fetch_request(job.id, "photo").to_string()]);
        assert_eq!(world.api.chronicle.jobs.all().len(), 1);
        // What a crash leaves counted is never too little.
        let (jobs, bytes) = meters(&world).await;
        assert!((1..=2).contains(&jobs) && (7..=14).contains(&bytes), "{fuse:?}");
        died += u32::from(fuse.blown());
    }
    assert!(died >= 12, "{died} crashes");
}
