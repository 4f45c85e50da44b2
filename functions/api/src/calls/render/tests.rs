use axum::http::StatusCode;
use domain::{Branding, Job, JobState, ObjectKey, RenderId, Step, VideoMade, keys};
use events::{FetchItem, FetchRequest, FetchedAs, RenderRequest};
use serde_json::{Value, json};
use testkit::samples;

use crate::Caller;
use crate::test_crash::{dying, moments};
use crate::test_world::{World, answer, request};

const PATH: &str = "/api/render-final-video";
const KEY: [(&str, &str); 1] = [("idempotency-key", "request-1")];

/// A world in which the sample job is in `state`, called by its owner.
async fn world(state: JobState) -> (World, Job) {
    let world = World::default().user("user-1");
    let job = world.job_in(state).await;
    (world, job)
}

fn with(job: &Job, wishes: &Value) -> Value {
    let mut body = json!({ "jobId": job.id.to_string() });
    let wishes = wishes.as_object().expect("an object").clone();
    body.as_object_mut().expect("an object").extend(wishes);
    body
}

fn render_id(body: &Value) -> RenderId {
    RenderId::parse(body["renderId"].as_str().expect("an id")).expect("an id")
}

fn wanted(world: &World, job: &Job) -> (RenderId, Branding) {
    let rerender = world.row(job).rerender.expect("a rendering is wanted");
    (rerender.render_id, rerender.branding)
}

/// What lies in the bucket for the rendering.
fn requested(world: &World, job: &Job, id: RenderId) -> Option<RenderRequest> {
    let request = world.api.store.content(&keys::render_request(job.id, id))?;
    Some(serde_json::from_slice(&request).expect("a request"))
}

#[tokio::test]
async fn what_is_absent_stays_and_what_is_null_is_left_out() {
    let (world, job) = world(JobState::Rendered).await;

    let wishes = json!({ "title": null, "subtitle": "Sea view", "theme": "night" });
    let (status, headers, body) = world.call("POST", PATH, with(&job, &wishes)).await;

    assert_eq!(status, StatusCode::ACCEPTED, "{body}");
    let id = render_id(&body);
    assert_eq!(headers["location"], format!("/api/jobs/{}", job.id));
    let branding = Branding {
        subtitle: Some("Sea view".to_owned()),
        theme: Some("night".to_owned()),
        ..Branding::default()
    };
    assert_eq!(wanted(&world, &job), (id, branding));
    assert_eq!(world.row(&job).state, JobState::LtxDone);
    assert_eq!(requested(&world, &job, id), Some(RenderRequest::of(job.id, id)));
    let types = world.api.chronicle.bus.detail_types();
    assert_eq!(types.last().map(String::as_str), Some("RenderRequested.v1"));
}

#[tokio::test]
async fn a_logo_in_the_bucket_is_used_and_one_from_elsewhere_is_asked_for_first() {
    let (world, job) = world(JobState::Rendered).await;
    world.put(&ObjectKey::new("logos/user-1/logo.png").expect("a key")).await;

    let song = "https://example.com/song.mp3";
    let wishes = json!({ "logoUrl": "logos/user-1/logo.png", "musicUrl": song });
    let (status, _, body) = world.call("POST", PATH, with(&job, &wishes)).await;

    assert_eq!(status, StatusCode::ACCEPTED, "{body}");
    let (id, branding) = wanted(&world, &job);
    let to = format!("music/user-1/{}/{id}/song.mp3", job.id);
    assert_eq!(branding.title.as_deref(), Some("Villa Azul"));
    assert_eq!(branding.logo_key, ObjectKey::new("logos/user-1/logo.png").ok());
    assert_eq!(branding.music_key, ObjectKey::new(to.as_str()).ok());
    assert_eq!(requested(&world, &job, id), None);
    let asked = world.api.store.content(&keys::fetch_request(job.id, &id.to_string()));
    let asked: FetchRequest = serde_json::from_slice(&asked.expect("asked")).expect("JSON");
    let item = FetchItem { used_as: FetchedAs::Music, from: song.to_owned(), to };
    let (job_id, render_id) = (job.id.to_string(), Some(id.to_string()));
    assert_eq!(asked, FetchRequest { job_id, items: vec![item], render_id });
}

#[tokio::test]
async fn every_field_that_cannot_be_used_is_named_at_once() {
    let (world, job) = world(JobState::Rendered).await;
    let fields = |body: &Value| {
        let errors = body["errors"].as_array().expect("errors").iter();
        errors.map(|error| error["field"].as_str().expect("a field").to_owned()).collect::<Vec<_>>()
    };
    let syntax = json!({
        "jobId": "holiday",
        "title": "t".repeat(301),
        "theme": "t".repeat(101),
        "logoUrl": "logos/user-2/logo.png",
        "musicUrl": "https://me@example.com/",
    });
    let absent = with(&job, &json!({ "logoUrl": "logos/gone.png", "musicUrl": "music/gone.mp3" }));

    let (status, _, syntax) = world.call("POST", PATH, syntax).await;
    let (_, _, absent) = world.call("POST", PATH, absent).await;

    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(fields(&syntax), ["/jobId", "/title", "/theme", "/logoUrl", "/musicUrl"]);
    assert_eq!(fields(&absent), ["/logoUrl", "/musicUrl"]);
    assert_eq!(world.row(&job).rerender, None);
}

#[tokio::test]
async fn a_job_of_somebody_else_is_not_there() {
    let (world, job) = world(JobState::Rendered).await;

    let (status, ..) = world.user("user-2").call("POST", PATH, with(&job, &json!({}))).await;
    let (service, ..) = world.service().call("POST", PATH, with(&job, &json!({}))).await;

    assert_eq!((status, service), (StatusCode::NOT_FOUND, StatusCode::ACCEPTED));
}

#[tokio::test]
async fn a_job_that_is_on_its_way_or_has_no_clip_is_not_rendered_again() {
    for (state, expected) in [
        (JobState::Pending, "its photo is awaited: wait until it is rendered"),
        (JobState::Generating, "it is generating: wait until it is rendered"),
        (JobState::Rendering, "it is rendering: wait until it is rendered"),
        (JobState::Failed, "the job is failed and has no clip"),
        (JobState::Cancelled, "the job is cancelled: begin another"),
    ] {
        let (world, job) = world(state).await;

        let (status, _, body) = world.call("POST", PATH, with(&job, &json!({}))).await;

        assert_eq!((status, &body["detail"]), (StatusCode::CONFLICT, &json!(expected)));
        assert!(world.api.store.keys().is_empty());
    }
}

#[tokio::test]
async fn a_repeat_is_the_same_rendering() {
    let (world, job) = world(JobState::Rendered).await;
    let body = with(&job, &json!({ "title": "Villa Verde" }));

    let (_, _, first) = world.call_with("POST", PATH, &KEY, body.clone()).await;
    let id = render_id(&first);
    let (waiting, _, again) = world.call_with("POST", PATH, &KEY, body.clone()).await;
    let video = VideoMade { render_id: id, duration_ms: 6_000, worked_ms: 9 };
    let done = world.step(&world.row(&job), &Step::StoreVideo(video)).await;
    world.api.store.remove(&keys::render_request(job.id, id));
    let (made, _, later) = world.call_with("POST", PATH, &KEY, body).await;
    let other = with(&job, &json!({ "title": "Villa Roja" }));
    let (reused, ..) = world.call_with("POST", PATH, &KEY, other.clone()).await;
    let (new, _, another) = world.call("POST", PATH, other).await;

    assert_eq!((waiting, made), (StatusCode::ACCEPTED, StatusCode::ACCEPTED));
    assert_eq!((&again, &later), (&first, &first));
    assert_eq!(done.order.branding.title.as_deref(), Some("Villa Verde"));
    assert_eq!(requested(&world, &job, id), None);
    assert_eq!((reused, new), (StatusCode::UNPROCESSABLE_ENTITY, StatusCode::ACCEPTED));
    assert_ne!(render_id(&another), id);
}

#[tokio::test]
async fn the_same_key_of_another_caller_is_another_rendering() {
    let (world, job) = world(JobState::Rendered).await;

    let (_, _, by_user) = world.call_with("POST", PATH, &KEY, with(&job, &json!({}))).await;
    let title = with(&job, &json!({ "title": "x" }));
    let (status, ..) = world.service().call_with("POST", PATH, &KEY, title).await;

    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(wanted(&world, &job).0, render_id(&by_user));
}

#[tokio::test]
async fn a_repeat_completes_what_a_crash_left() {
    for (wishes, prefix) in [
        (json!({ "title": "Villa Verde" }), keys::RENDER_REQUESTS),
        (json!({ "logoUrl": "https://example.com/logo.png" }), keys::FETCH_REQUESTS),
    ] {
        let mut died = 0;
        for fuse in moments(6) {
            let (world, job) = world(JobState::Rendered).await;
            let body = with(&job, &wishes);
            let router = dying(&world, Caller::User("user-1".to_owned()), &fuse);
            answer(router, request("POST", PATH, &KEY, &body)).await;

            let (status, _, told) = world.call_with("POST", PATH, &KEY, body).await;

            assert_eq!(status, StatusCode::ACCEPTED, "{fuse:?}: {told}");
            assert_eq!(wanted(&world, &job).0, render_id(&told));
            let key = format!("{prefix}{}/{}.json", job.id, render_id(&told));
            assert_eq!(world.api.store.keys(), [key], "{fuse:?}");
            assert_eq!(world.row(&job).seq, job.seq + 1);
            died += u32::from(fuse.blown());
        }
        assert!(died >= 8, "{died} crashes");
    }
}

#[tokio::test]
async fn a_failed_rendering_can_be_asked_for_with_other_words() {
    let (world, job) = world(JobState::LtxDone).await;
    let kind = domain::FailureKind::Refused;
    let failure = samples::failure(domain::Stage::Render, kind);
    world.step(&job, &Step::Fail(failure)).await;

    let (status, _, body) = world.call("POST", PATH, with(&job, &json!({ "title": "x" }))).await;

    assert_eq!(status, StatusCode::ACCEPTED, "{body}");
    assert_eq!(world.row(&job).state, JobState::LtxDone);
}
