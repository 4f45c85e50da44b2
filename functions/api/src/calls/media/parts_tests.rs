use std::time::Duration;

use axum::http::StatusCode;
use domain::ObjectKey;
use ports::{Meters, bytes_meter};
use serde_json::{Value, json};
use testkit::{Fuse, samples};

use super::intent_tests::presigned;
use super::multipart::Upload;
use super::new_upload::NewUpload;
use crate::Caller;
use crate::test_crash::{dying, moments};
use crate::test_world::{World, answer, request};

const SIZE: usize = 100_000_001;
const PART: usize = 16 << 20;
const COUNT: usize = 6;
const SONG: &[u8] = b"a song";
const KEY: [(&str, &str); 1] = [("idempotency-key", "request-1")];

fn music() -> Value {
    json!({
        "purpose": "music",
        "fileName": "song.mp3",
        "contentType": "audio/mpeg",
        "sizeBytes": SIZE,
    })
}

fn content() -> Vec<u8> {
    vec![7; SIZE]
}

/// A world in which `user-1` has announced a large file, and where it is looked at.
async fn announced() -> (World, String) {
    let world = World::default().user("user-1");
    let (status, headers, body) =
        world.call_with("POST", "/api/media/upload-intent", &KEY, music()).await;
    assert_eq!(status, StatusCode::CREATED, "{body}");
    let location = headers["location"].to_str().expect("text").to_owned();
    (world, location)
}

async fn upload(world: &World, path: &str, numbers: &[usize]) {
    let content = content();
    let part = |number: usize| &content[(number - 1) * PART..SIZE.min(number * PART)];
    let wanted = numbers.iter().map(|&number| {
        json!({ "number": number, "sha256": samples::bound_to(part(number), None).sha256 })
    });
    let wanted = json!({ "parts": wanted.collect::<Vec<_>>() });
    let (status, _, body) = world.call("POST", &format!("{path}/parts"), wanted).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    for (signed, &number) in body["parts"].as_array().expect("parts").iter().zip(numbers) {
        assert_eq!(signed["number"], number);
        assert_eq!(signed["expiresAt"], "2026-11-20T11:00:00.000Z");
        assert_eq!(world.api.store.answer("PUT", &presigned(signed), part(number)).0, 200);
    }
}

async fn bytes(world: &World) -> u64 {
    world.api.meters.read(&bytes_meter("user-1")).await.expect("read")
}

fn key(text: &Value) -> ObjectKey {
    ObjectKey::new(text.as_str().expect("a key")).expect("a key")
}

#[tokio::test]
async fn a_large_file_comes_in_parts_in_any_order() {
    let (world, path) = announced().await;
    let complete = format!("{path}/complete");

    upload(&world, &path, &[6, 1, 3]).await;
    let (early, _, missing) = world.call("POST", &complete, Value::Null).await;
    let (_, _, shown) = world.call("GET", &path, Value::Null).await;
    upload(&world, &path, &[2, 4, 5]).await;
    let (done, _, file) = world.call("POST", &complete, Value::Null).await;
    let (again, _, same) = world.call("POST", &complete, Value::Null).await;
    let (late, ..) = world.call("DELETE", &path, Value::Null).await;

    assert_eq!(early, StatusCode::CONFLICT);
    assert_eq!(missing["detail"], "these parts are missing: 2, 4, 5");
    assert_eq!((&shown["sizeBytes"], &shown["partCount"]), (&json!(SIZE), &json!(COUNT)));
    assert_eq!((&shown["partSizeBytes"], &shown["state"]), (&json!(PART), &json!("open")));
    let last = json!({ "number": 6, "sizeBytes": SIZE - 5 * PART });
    assert_eq!((&shown["parts"][2], shown["parts"].as_array().map(Vec::len)), (&last, Some(3)));
    assert_eq!((done, again, &file), (StatusCode::OK, StatusCode::OK, &same));
    assert!(file.get("jobId").is_none());
    assert_eq!(world.api.store.content(&key(&file["key"])), Some(content()));
    assert_eq!((late, bytes(&world).await), (StatusCode::CONFLICT, SIZE as u64));
    let (_, _, shown) = world.call("GET", &path, Value::Null).await;
    assert_eq!((&shown["state"], &shown["parts"]), (&json!("complete"), &json!([])));
}

#[tokio::test]
async fn a_repeat_is_the_same_upload() {
    let (world, path) = announced().await;

    let (_, headers, body) =
        world.call_with("POST", "/api/media/upload-intent", &KEY, music()).await;

    assert_eq!(headers["location"], path);
    assert_eq!(body["uploadId"].as_str(), path.rsplit('/').next());
    assert_eq!((&body["partCount"], bytes(&world).await), (&json!(COUNT), SIZE as u64));
}

#[tokio::test]
async fn parts_that_cannot_be_are_named_at_once() {
    let (world, path) = announced().await;
    let sha256 = samples::bound_to(b"", None).sha256;
    let part = |number: usize| json!({ "number": number, "sha256": sha256 });
    let path = format!("{path}/parts");

    let wanted = json!({ "parts": [part(0), { "number": 7, "sha256": "?" }, part(2), part(2)] });
    let (status, _, body) = world.call("POST", &path, wanted).await;
    let many = json!({ "parts": (0..101).map(|_| part(1)).collect::<Vec<_>>() });
    let (too_many, ..) = world.call("POST", &path, many).await;
    let (none, ..) = world.call("POST", &path, json!({ "parts": [] })).await;

    assert_eq!(
        (status, too_many, none),
        (
            StatusCode::UNPROCESSABLE_ENTITY,
            StatusCode::UNPROCESSABLE_ENTITY,
            StatusCode::UNPROCESSABLE_ENTITY
        )
    );
    let errors = body["errors"].as_array().expect("errors");
    let fields: Vec<_> = errors.iter().filter_map(|error| error["field"].as_str()).collect();
    let expected = ["/parts/0/number", "/parts/1/sha256", "/parts/1/number", "/parts/3/number"];
    assert_eq!(fields, expected);
}

#[tokio::test]
async fn an_upload_of_somebody_else_is_not_there() {
    let (world, path) = announced().await;
    let other = world.user("user-2");
    let parts =
        json!({ "parts": [{ "number": 1, "sha256": samples::bound_to(b"", None).sha256 }] });

    let calls = [
        other.call("GET", &path, Value::Null).await.0,
        other.call("POST", &format!("{path}/parts"), parts).await.0,
        other.call("POST", &format!("{path}/complete"), Value::Null).await.0,
        other.call("DELETE", &path, Value::Null).await.0,
        world.call("GET", "/api/media/uploads/no-upload", Value::Null).await.0,
    ];

    assert_eq!(calls, [StatusCode::NOT_FOUND; 5]);
    assert_eq!(world.service().call("GET", &path, Value::Null).await.0, StatusCode::OK);
}

#[tokio::test]
async fn an_upload_that_is_given_up_gives_its_bytes_back_once() {
    let (world, path) = announced().await;
    assert_eq!(bytes(&world).await, SIZE as u64);
    world.api.meters.count(&bytes_meter("user-1"), 5, None, None).await.expect("counted");

    let (status, ..) = world.call("DELETE", &path, Value::Null).await;
    let (again, ..) = world.call("DELETE", &path, Value::Null).await;
    let (complete, ..) = world.call("POST", &format!("{path}/complete"), Value::Null).await;
    let (repeat, ..) = world.call_with("POST", "/api/media/upload-intent", &KEY, music()).await;

    assert_eq!((status, again), (StatusCode::NO_CONTENT, StatusCode::NO_CONTENT));
    assert_eq!((complete, repeat), (StatusCode::CONFLICT, StatusCode::CONFLICT));
    assert_eq!(bytes(&world).await, 5);
}

#[tokio::test]
async fn an_upload_may_take_a_day() {
    let (world, path) = announced().await;

    world.clock().advance(Duration::from_hours(24));

    assert_eq!(world.call("GET", &path, Value::Null).await.0, StatusCode::NOT_FOUND);
}

/// An upload of one small part, as if it were a large file.
async fn small() -> (World, String) {
    let world = World::default().user("user-1");
    let mut body = music();
    body["sizeBytes"] = json!(SONG.len());
    let body: NewUpload = serde_json::from_value(body).expect("an upload");
    let (id, key) = (samples::job().id, ObjectKey::new("music/song.mp3").expect("a key"));
    let user = Some("user-1".to_owned());
    let upload = Upload::new(samples::AT, &owner(), user, key, &body);
    world.api.begin_upload(id, upload).await.expect("begun");
    let meter = bytes_meter("user-1");
    world.api.meters.count(&meter, body.size_bytes, None, None).await.expect("counted");
    let path = format!("/api/media/uploads/{id}");

    let wanted = json!({ "number": 1, "sha256": samples::bound_to(SONG, None).sha256 });
    let wanted = json!({ "parts": [wanted] });
    let (_, _, signed) = world.call("POST", &format!("{path}/parts"), wanted).await;
    assert_eq!(world.api.store.answer("PUT", &presigned(&signed["parts"][0]), SONG).0, 200);
    (world, path)
}

fn owner() -> Caller {
    Caller::User("user-1".to_owned())
}

#[tokio::test]
async fn completing_survives_a_crash() {
    for fuse in moments(2) {
        let (world, path) = small().await;
        let path = format!("{path}/complete");
        let router = dying(&world, owner(), &fuse);

        let (died, ..) = answer(router, request("POST", &path, &[], &Value::Null)).await;
        let (status, _, body) = world.call("POST", &path, Value::Null).await;

        assert_eq!((died, status), (StatusCode::SERVICE_UNAVAILABLE, StatusCode::OK), "{body}");
        assert_eq!(world.api.store.content(&key(&body["key"])).as_deref(), Some(SONG), "{fuse:?}");
    }
}

#[tokio::test]
async fn giving_up_survives_a_crash() {
    for fuse in moments(3) {
        let (world, path) = small().await;
        let router = dying(&world, owner(), &fuse);

        let (died, ..) = answer(router, request("DELETE", &path, &[], &Value::Null)).await;
        let (status, ..) = world.call("DELETE", &path, Value::Null).await;

        assert_eq!((died, status), (StatusCode::SERVICE_UNAVAILABLE, StatusCode::NO_CONTENT));
        let (_, _, shown) = world.call("GET", &path, Value::Null).await;
        assert_eq!((&shown["state"], &shown["parts"]), (&json!("aborted"), &json!([])), "{fuse:?}");
        // What is not given back was counted; nothing is given back twice.
        assert!([0, SONG.len() as u64].contains(&bytes(&world).await), "{fuse:?}");
    }
}

#[tokio::test]
async fn of_completing_and_giving_up_at_once_one_wins() {
    for fuse in moments(1) {
        let (world, path) = small().await;
        let router = dying(&world, owner(), &fuse);
        let complete = format!("{path}/complete");
        answer(router, request("POST", &complete, &[], &Value::Null)).await;

        let (given_up, ..) = world.call("DELETE", &path, Value::Null).await;
        let (completed, ..) = world.call("POST", &complete, Value::Null).await;

        let statuses = (given_up.as_u16(), completed.as_u16());
        assert!([(204, 409), (409, 200)].contains(&statuses), "{fuse:?}: {statuses:?}");
    }
}

#[tokio::test]
async fn announcing_survives_a_crash() {
    let path = "/api/media/upload-intent";
    let changes = Fuse::never();
    let world = World::default();
    answer(dying(&world, owner(), &changes), request("POST", path, &KEY, &music())).await;
    for fuse in moments(changes.count()) {
        let world = World::default().user("user-1");
        answer(dying(&world, owner(), &fuse), request("POST", path, &KEY, &music())).await;

        let (status, _, body) = world.call_with("POST", path, &KEY, music()).await;

        assert!(fuse.blown());
        assert_eq!(status, StatusCode::CREATED, "{fuse:?}: {body}");
        assert!((SIZE as u64..=2 * SIZE as u64).contains(&bytes(&world).await), "{fuse:?}");
    }
}
