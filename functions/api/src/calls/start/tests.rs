use axum::http::StatusCode;
use domain::{Job, JobState, ObjectKey, keys};
use events::{FetchItem, FetchRequest, FetchedAs};
use ports::{Meters, bytes_meter, jobs_meter};
use serde_json::{Value, json};
use testkit::{InMemoryStore, samples};

use crate::test_crash::{dying, moments};
use crate::test_world::{World, answer, request};
use crate::{Caller, Rules};

const PATH: &str = "/api/start-video-job";
const KEY: [(&str, &str); 1] = [("idempotency-key", "request-1")];

/// `user-1` has a job with a photo and a logo, and so has `user-2`.
async fn world() -> (World, Job) {
    let (own, other) = (samples::job(), samples::job_named("finca"));
    let other = {
        let mut other = other;
        other.order.user_id = Some("user-2".to_owned());
        other
    };
    let world = World::with(|api| {
        api.store = InMemoryStore::default()
            .with(format!("uploads/{}/villa.jpg", own.id), "photo")
            .with(keys::photo(own.id).to_string(), "photo")
            .with(keys::photo(other.id).to_string(), "other")
            .with(format!("uploads/{}/finca.jpg", other.id), "other")
            .with("uploads/dropped.jpg", "dropped")
            .with("uploads/dropped.jpg.json", "{}")
            .with("logos/user-1/logo.png", "logo")
            .with("ltx-videos/clip.mp4", "clip");
    });
    world.led_to(own.clone(), JobState::Queued).await;
    world.led_to(other, JobState::Queued).await;
    (world.user("user-1"), own)
}

fn of(image: impl Into<String>) -> Value {
    json!({ "imageUrl": image.into(), "prompt": "slow dolly in", "title": "Villa Azul" })
}

fn job_of(world: &World, body: &Value) -> Job {
    let id = domain::JobId::parse(body["jobId"].as_str().expect("an id")).expect("an id");
    world.api.chronicle.jobs.job(id).expect("a row")
}

fn asked(world: &World, job: &Job) -> Option<FetchRequest> {
    let request = world.api.store.content(&keys::fetch_request(job.id, "photo"))?;
    Some(serde_json::from_slice(&request).expect("a request"))
}

fn item(used_as: FetchedAs, from: &str, to: &impl ToString) -> FetchItem {
    FetchItem { used_as, from: from.to_owned(), to: to.to_string() }
}

#[tokio::test]
async fn a_photo_of_an_own_job_is_used_as_it_is() {
    let (world, own) = world().await;

    let image = format!("s3://media/uploads/{}/villa.jpg", own.id);
    let (status, headers, body) = world.call("POST", PATH, of(image)).await;

    assert_eq!((status, &body["state"]), (StatusCode::ACCEPTED, &json!("pending")), "{body}");
    let job = job_of(&world, &body);
    assert_eq!(body["statusUrl"], format!("/api/jobs/{}", job.id));
    assert_eq!(headers["location"], format!("/api/jobs/{}", job.id));
    assert_eq!(job.upload_key.to_string(), format!("uploads/{}/villa.jpg", job.id));
    assert_eq!(world.api.store.content(&job.upload_key).as_deref(), Some(&b"photo"[..]));
    assert_eq!((asked(&world, &job), job.upload_bytes), (None, 5));
    assert_eq!(job.order.user_id.as_deref(), Some("user-1"));
    let meters = &world.api.meters;
    assert_eq!(meters.read(&jobs_meter("user-1", samples::AT.day())).await.expect("read"), 1);
    assert_eq!(meters.read(&bytes_meter("user-1")).await.expect("read"), 5);
}

#[tokio::test]
async fn only_photos_that_are_there_and_ones_own_are_used() {
    let (world, own) = world().await;
    let other = samples::job_named("finca").id;
    for (image, user, service) in [
        (format!("photos/{}.jpg", own.id), 202, 202),
        (format!("photos/{other}.jpg"), 422, 202),
        (format!("uploads/{other}/finca.jpg"), 422, 202),
        ("uploads/dropped.jpg".to_owned(), 422, 202),
        ("uploads/dropped.jpg.json".to_owned(), 422, 422),
        (format!("uploads/{}/gone.jpg", own.id), 422, 422),
        ("ltx-videos/clip.mp4".to_owned(), 422, 422),
        ("s3://elsewhere/uploads/dropped.jpg".to_owned(), 422, 422),
        ("https://10.0.0.1/villa.jpg".to_owned(), 422, 422),
        (String::new(), 422, 422),
    ] {
        let (by_user, _, told) = world.call("POST", PATH, of(image.as_str())).await;
        let (by_service, ..) = world.service().call("POST", PATH, of(image.as_str())).await;

        assert_eq!((by_user.as_u16(), by_service.as_u16()), (user, service), "{image}: {told}");
        if user == 422 {
            assert_eq!(told["errors"][0]["field"], "/imageUrl", "{image}");
        }
    }
}

#[tokio::test]
async fn whatever_is_elsewhere_is_asked_for_with_the_photo_last() {
    let (world, own) = world().await;
    let image = format!("photos/{}.jpg", own.id);
    let (photo, song) = ("https://example.com/a/finca%20sol.jpg?t=1", "https://example.com/song");

    let (_, _, foreign) = world.call("POST", PATH, of(photo)).await;
    let mut mixed = of(image.as_str());
    mixed["logoUrl"] = json!("logos/user-1/logo.png");
    mixed["musicUrl"] = json!(song);
    let (status, _, mixed) = world.call("POST", PATH, mixed).await;

    assert_eq!(status, StatusCode::ACCEPTED, "{mixed}");
    let job = job_of(&world, &foreign);
    let to = format!("uploads/{}/finca sol.jpg", job.id);
    assert_eq!(job.upload_key.to_string(), to);
    assert_eq!(
        asked(&world, &job).map(|it| it.items),
        Some(vec![item(FetchedAs::Photo, photo, &to)])
    );

    let job = job_of(&world, &mixed);
    let music = format!("music/user-1/{}/song", job.id);
    let photo = format!("s3://media/{image}");
    let items =
        [item(FetchedAs::Music, song, &music), item(FetchedAs::Photo, &photo, &job.upload_key)];
    assert_eq!(asked(&world, &job).map(|it| it.items), Some(items.to_vec()));
    assert_eq!(job.order.branding.logo_key, ObjectKey::new("logos/user-1/logo.png").ok());
    assert_eq!(job.order.branding.music_key, ObjectKey::new(music).ok());
    assert_eq!(world.api.store.content(&job.upload_key), None);
}

#[tokio::test]
async fn a_photo_from_elsewhere_always_has_a_name() {
    let (world, _) = world().await;
    for (photo, name) in [
        ("https://example.com/", "photo.jpg"),
        ("https://example.com/photo.json", "photo.jpg"),
        ("https://example.com/a%2Fb.png", "a-b.png"),
    ] {
        let (_, _, body) = world.call("POST", PATH, of(photo)).await;
        assert_eq!(job_of(&world, &body).upload_key.file_name(), name);
    }
}

#[tokio::test]
async fn every_field_that_cannot_be_used_is_named_at_once() {
    let (world, _) = world().await;
    let syntax = json!({
        "imageUrl": "http://example.com/a.jpg",
        "title": "t".repeat(301),
        "logoUrl": "logos/user-2/logo.png",
        "musicUrl": "https://localhost/a.mp3",
        "options": { "fps": 999 },
    });
    let absent = json!({
        "imageUrl": "photos/0192f0c1-7e57-7abc-8def-001122334455.jpg",
        "logoUrl": "logos/gone.png",
        "musicUrl": "music/gone.mp3",
    });
    let fields = |body: &Value| {
        let errors = body["errors"].as_array().expect("errors").iter();
        errors.map(|error| error["field"].as_str().expect("a field").to_owned()).collect::<Vec<_>>()
    };

    let (_, _, syntax) = world.call("POST", PATH, syntax).await;
    let (_, _, absent) = world.call("POST", PATH, absent).await;

    assert_eq!(fields(&syntax), ["/title", "/options/fps", "/imageUrl", "/logoUrl", "/musicUrl"]);
    assert_eq!(fields(&absent), ["/imageUrl", "/logoUrl", "/musicUrl"]);
    assert_eq!(world.api.chronicle.jobs.all().len(), 2);
}

#[tokio::test]
async fn a_repeat_is_the_same_job_however_far_it_is() {
    let (world, own) = world().await;
    let image = format!("photos/{}.jpg", own.id);

    let (_, _, first) = world.call_with("POST", PATH, &KEY, of(image.as_str())).await;
    let job = job_of(&world, &first);
    world.step(&job, &samples::steps_to(&job, JobState::Queued)[0]).await;
    world.api.store.remove(&keys::photo(own.id));
    world.api.store.remove(&job.upload_key);
    let (status, _, again) = world.call_with("POST", PATH, &KEY, of(image)).await;

    assert_eq!((status, &again["jobId"]), (StatusCode::ACCEPTED, &first["jobId"]));
    assert_eq!(again["state"], "queued");
    assert_eq!(world.api.store.content(&job.upload_key), None);
    let (reused, ..) = world.call_with("POST", PATH, &KEY, of("uploads/other.jpg")).await;
    assert_eq!(reused, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_repeat_after_the_job_is_over_is_refused() {
    for state in [JobState::Cancelled, JobState::Expired, JobState::Deleted] {
        let (world, own) = world().await;
        let image = format!("photos/{}.jpg", own.id);
        let (_, _, first) = world.call_with("POST", PATH, &KEY, of(image.as_str())).await;
        let job = job_of(&world, &first);
        world.api.store.remove(&job.upload_key);
        for step in samples::steps_to(&job, state) {
            world.step(&job, &step).await;
        }

        let (status, _, problem) = world.call_with("POST", PATH, &KEY, of(image)).await;

        assert_eq!(status, StatusCode::CONFLICT, "{state}: {problem}");
        assert_eq!(problem["type"], "urn:stillmotion:problem:conflict");
        assert_eq!(world.api.store.content(&job.upload_key), None, "{state}");
    }
}

#[tokio::test]
async fn a_limit_stops_jobs_and_their_bytes() {
    let (own, body) = (samples::job(), of(format!("photos/{}.jpg", samples::job().id)));
    let world = World::with(|api| {
        api.rules = Rules { jobs_per_day: Some(2), bytes_stored: Some(9), ..Rules::default() };
        api.store = InMemoryStore::default().with(keys::photo(own.id).to_string(), "photo");
    });
    world.led_to(own, JobState::Queued).await;
    let world = world.user("user-1");

    let (first, ..) = world.call("POST", PATH, body.clone()).await;
    let (bytes, ..) = world.call("POST", PATH, body).await;
    let (second, ..) = world.call("POST", PATH, of("https://example.com/a.jpg")).await;
    let (jobs, ..) = world.call("POST", PATH, of("https://example.com/a.jpg")).await;

    assert_eq!((first, bytes), (StatusCode::ACCEPTED, StatusCode::FORBIDDEN));
    assert_eq!((second, jobs), (StatusCode::ACCEPTED, StatusCode::TOO_MANY_REQUESTS));
}

#[tokio::test]
async fn a_repeat_completes_what_a_crash_left() {
    for (image, sets_going) in
        [("uploads/dropped.jpg", "uploads/"), ("https://example.com/a.jpg", "fetch-requests/")]
    {
        let mut died = 0;
        for fuse in moments(9) {
            let (world, _) = world().await;
            let before = world.api.store.keys().len();
            let router = dying(&world, Caller::Service("n8n".to_owned()), &fuse);
            answer(router, request("POST", PATH, &KEY, &of(image))).await;

            let service = world.service();
            let (status, _, body) = service.call_with("POST", PATH, &KEY, of(image)).await;

            assert_eq!(status, StatusCode::ACCEPTED, "{fuse:?}: {body}");
            let job = job_of(&world, &body);
            let prefix = format!("{sets_going}{}/", job.id);
            let keys = world.api.store.keys();
            assert_eq!(keys.iter().filter(|key| key.starts_with(&prefix)).count(), 1, "{fuse:?}");
            assert_eq!(keys.len(), before + 1);
            assert_eq!(world.api.chronicle.jobs.all().len(), 3);
            died += u32::from(fuse.blown());
        }
        assert!(died >= 12, "{died} crashes");
    }
}
