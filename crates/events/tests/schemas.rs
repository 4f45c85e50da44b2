//! The committed schemas and examples say what the types say.
//!
//! `UPDATE_SCHEMAS=1 cargo test -p events --test schemas` writes them anew.

use std::fs;
use std::path::PathBuf;

use domain::{
    Branding, ClipMade, ClipOptions, Failure, FailureKind, Job, JobId, JobOrder, ObjectKey, Photo,
    RenderId, Rerender, Resolution, Stage, Step, Timestamp, VideoMade,
};
use events::{
    DeliveryRequest, Detail, Event, Fact, FetchItem, FetchRequest, FetchedAs, GenerationStarted,
    JobCancelled, JobCreated, JobDeleted, JobExpired, JobFailed, JobRedriven, LtxDone, LtxRequest,
    PhotoAccepted, PhotoRefused, RenderRequest, RenderRequested, RenderStarted, Rendered,
    RerenderFailed, UploadOptions, WebhookBody, WebhookEndpointDisabled, announce,
    announce_creation,
};
use schemars::{JsonSchema, schema_for};
use serde::Serialize;
use serde_json::{Value, json};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../schemas")
}

/// Compares `value` with the committed file, or writes it when asked to.
fn committed(path: &str, value: &Value) {
    let path = root().join(path);
    let text = format!("{value:#}\n");
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        fs::create_dir_all(path.parent().expect("a folder")).expect("folder");
        fs::write(&path, &text).expect("write");
    }
    let on_disk = fs::read_to_string(&path).unwrap_or_default();
    let on_disk: Value = serde_json::from_str(&on_disk).unwrap_or_default();
    assert_eq!(&on_disk, value, "{} is out of date: run `just schemas`", path.display());
}

fn schema<T: JsonSchema>(name: &str) -> Value {
    let mut schema = schema_for!(T).to_value();
    schema["title"] = json!(name);
    committed(&format!("{name}.json"), &schema);
    schema
}

fn job() -> Job {
    let id = JobId::parse("0192f0c1-7e57-7abc-8def-001122334455").expect("an id");
    let order = JobOrder {
        user_id: Some("7c9e6679-7425-40de-944b-e07fc1f90ae7".into()),
        property_id: Some("f47ac10b-58cc-4372-a567-0e02b2c3d479".into()),
        prompt: "slow push in towards the pool".into(),
        clip: ClipOptions {
            duration_secs: Some(6),
            resolution: Some(Resolution { width: 1920, height: 1080 }),
            frame_rate: Some(24),
            camera_motion: Some("dolly_in".into()),
            ..ClipOptions::default()
        },
        branding: Branding {
            title: Some("NISMARA UMA VILLA".into()),
            subtitle: Some("Discover Your Balinese Sanctuary".into()),
            ..Branding::default()
        },
    };
    let key = ObjectKey::new(format!("uploads/{id}/villa.jpg")).expect("a key");
    Job::new(id, "stillmotion-media", key, order, Timestamp::from_epoch_ms(1_790_000_000_000))
}

/// The wish to have another title on the video.
fn rerender() -> Rerender {
    Rerender {
        render_id: RenderId::of_request(job().id, "another title"),
        branding: Branding { title: Some("VILLA NISMARA".into()), ..Branding::default() },
    }
}

/// One of each: the history of jobs that end in every way.
fn every_event() -> Vec<Event> {
    let created = job();
    let mut events = vec![announce_creation(&created)];
    let mut take = |job: &Job, step: Step| {
        let now = job.updated_at.plus(std::time::Duration::from_secs(1));
        let after = job.after(&step, now).expect("legal");
        let announced = announce(job, &after, &step);
        assert_eq!(announced.len() as u64, step.announces());
        assert_eq!(announced.last().map(|event| event.seq), Some(after.seq));
        events.extend(announced);
        after
    };
    let refused = Failure {
        stage: Stage::Ingest,
        kind: FailureKind::Refused,
        reason: "the file is not a photo: send a JPEG, PNG or WebP".into(),
        cause: Some("for the engineer only".into()),
    };
    let late = Failure {
        stage: Stage::Ltx,
        kind: FailureKind::Late,
        reason: "the clip was not ready in time".into(),
        cause: None,
    };
    let broken = Failure {
        stage: Stage::Render,
        kind: FailureKind::Fault,
        reason: "the video could not be made".into(),
        cause: Some("for the engineer only".into()),
    };
    let render_id = RenderId::of_clip(created.id, "9b2cf535f27731c974343645a3985328");
    let clip = ClipMade {
        provider: "camera-move".into(),
        provider_job: "camera-move-1".into(),
        duration_secs: 6,
        resolution: Resolution { width: 1920, height: 1080 },
        worked_ms: 6_100,
    };

    take(&created, Step::Expire);
    take(&created, Step::Fail(refused));
    let queued =
        take(&created, Step::AcceptPhoto(Photo { width: 3000, height: 2000, worked_ms: 210 }));
    take(&queued, Step::Cancel);
    let generating = take(&queued, Step::StartGenerating { provider: "camera-move".into() });
    let failed = take(&generating, Step::Fail(late));
    take(&failed, Step::Redrive { stage: Stage::Ltx, by: "ana".into() });
    let ltx_done = take(&generating, Step::StoreClip(clip));
    let rendering = take(&ltx_done, Step::StartRendering { render_id });
    let rendered = take(
        &rendering,
        Step::StoreVideo(VideoMade { render_id, duration_ms: 6_000, worked_ms: 7_300 }),
    );
    let again = take(&rendered, Step::Rerender(rerender()));
    take(&again, Step::Fail(broken));
    take(&again, Step::Cancel);
    take(&rendered, Step::Delete);
    events
}

fn schema_of_fact<F: Fact + JsonSchema>() -> Value {
    let mut schema = schema_for!(Detail<F>).to_value();
    schema["title"] = json!(F::DETAIL_TYPE);
    schema["description"] = schema_for!(F).to_value()["description"].clone();
    committed(&format!("{}.json", F::DETAIL_TYPE), &schema);
    schema
}

fn example_of<F: Fact + JsonSchema>() {
    let schema = schema_of_fact::<F>();
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let event = every_event()
        .into_iter()
        .find(|event| event.detail_type == F::DETAIL_TYPE)
        .expect("one of each");
    let detail: Value = serde_json::from_str(&event.detail).expect("JSON");
    let problems: Vec<_> = validator.iter_errors(&detail).map(|e| e.to_string()).collect();

    assert_eq!(problems, [""; 0]);
    assert!(!event.detail.contains("for the engineer only"));
    committed(
        &format!("examples/{}.json", F::DETAIL_TYPE),
        &json!({ "source": event.source, "detail-type": event.detail_type, "detail": detail }),
    );
}

#[test]
fn every_fact_has_a_schema_and_an_example_that_obeys_it() {
    example_of::<JobCreated>();
    example_of::<PhotoAccepted>();
    example_of::<PhotoRefused>();
    example_of::<GenerationStarted>();
    example_of::<LtxDone>();
    example_of::<RenderStarted>();
    example_of::<Rendered>();
    example_of::<JobFailed>();
    example_of::<JobCancelled>();
    example_of::<JobExpired>();
    example_of::<JobRedriven>();
    example_of::<RenderRequested>();
    example_of::<RerenderFailed>();
    example_of::<JobDeleted>();
}

#[test]
fn the_fact_that_is_about_no_job_has_a_schema_and_an_example_too() {
    const NAME: &str = WebhookEndpointDisabled::DETAIL_TYPE;
    let owner = job().order.user_id;
    let reason = "it answered 410: nobody is there any more";
    let at = job().created_at;
    let announced = WebhookEndpointDisabled::announce("we_1", owner.as_deref(), at, reason);
    let detail: Value = serde_json::from_str(&announced.detail).expect("JSON");

    let validator = jsonschema::validator_for(&schema::<WebhookEndpointDisabled>(NAME));

    assert!(validator.expect("a schema").is_valid(&detail));
    let (source, detail_type) = (announced.source, announced.detail_type);
    let example = json!({ "source": source, "detail-type": detail_type, "detail": detail });
    committed(&format!("examples/{NAME}.json"), &example);
}

#[test]
fn messages_and_webhooks_have_schemas_too() {
    schema::<WebhookBody>("WebhookBody");
    schema::<UploadOptions>("UploadOptions");
    let (job, render_id) = (job(), rerender().render_id);

    message("LtxRequest", &LtxRequest::of_job(&job));
    message("RenderRequest", &RenderRequest::of(job.id, render_id));
    let logo = FetchItem {
        used_as: FetchedAs::Logo,
        from: "https://cdn.example/logo.png".into(),
        to: format!("logos/7c9e6679-7425-40de-944b-e07fc1f90ae7/{render_id}"),
    };
    let photo = FetchItem {
        used_as: FetchedAs::Photo,
        from: "https://cdn.example/villa.jpg".into(),
        to: job.upload_key.to_string(),
    };
    let wanted =
        FetchRequest { job_id: job.id.to_string(), items: vec![logo, photo], render_id: None };
    message("FetchRequest", &wanted);
    let delivery = DeliveryRequest {
        event_id: announce_creation(&job).id.to_string(),
        endpoint_id: "we_1".into(),
        owner: job.order.user_id,
    };
    message("DeliveryRequest", &delivery);
}

/// Commits the schema of a message, and one that obeys it.
fn message<T: JsonSchema + Serialize>(name: &str, example: &T) {
    let example = serde_json::to_value(example).expect("JSON");

    let validator = jsonschema::validator_for(&schema::<T>(name));

    assert!(validator.expect("a schema").is_valid(&example));
    committed(&format!("examples/{name}.json"), &example);
}

#[test]
fn the_same_step_announces_the_same_fact() {
    let ids = |events: Vec<Event>| events.into_iter().map(|event| event.id).collect::<Vec<_>>();

    assert_eq!(ids(every_event()), ids(every_event()));
}
