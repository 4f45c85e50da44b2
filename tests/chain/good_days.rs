//! A photo comes in, a video goes out.

use std::collections::HashMap;
use std::time::Duration;

use domain::{JobState, ObjectKey, keys};
use ports::{Content, History, ObjectMeta, ObjectStore, TRACE_ID};
use testkit::{Rng, samples};

use crate::world::{Parts, World, told_ids};

#[tokio::test]
async fn a_dropped_photo_becomes_one_video_and_everybody_is_told() {
    let parts = Parts::default();
    let world = World::with(&parts).await;

    let id = world.upload("villa a+b é.jpg").await;
    world.ended(id).await;
    world.drained().await;

    world.assert_rendered_once(&parts, id, "a good day").await;
    let history = world.home.jobs().events(id).await.expect("history");
    let facts: Vec<_> = history.iter().map(|event| event.detail_type.as_str()).collect();
    assert_eq!(
        facts,
        [
            "JobCreated.v1",
            "PhotoAccepted.v1",
            "GenerationStarted.v1",
            "LtxDone.v1",
            "RenderStarted.v1",
            "Rendered.v1"
        ]
    );
    assert_eq!(told_ids(&parts.receiver).len(), 4, "created, accepted, filmed, rendered");
}

#[tokio::test]
async fn wishes_travel_as_metadata_or_in_a_sidecar() {
    let parts = Parts::default();
    let world = World::with(&parts).await;
    let bucket = world.home.bucket();
    let photo = samples::photo_jpeg(640, 480);
    let key = |text: &str| ObjectKey::new(text).expect("a key");
    let title = HashMap::from([("title".to_owned(), "Vila S%C3%A3o Jo%C3%A3o".to_owned())]);
    let jpeg = ObjectMeta { content_type: "image/jpeg".to_owned(), user: title };
    let id = "0192f0c1-7e57-7abc-8def-001122334455";
    let named = key(&format!("uploads/{id}/photo.jpg"));

    let etag = bucket.put(&key("uploads/m.jpg"), Content::Bytes(&photo), &jpeg).await.expect("put");
    let sidecar = keys::sidecar(&named).expect("a key");
    let wishes = r#"{"title": "别墅", "userId": "u-1", "options": {"duration": 8}}"#.as_bytes();
    bucket.put(&sidecar, Content::Bytes(wishes), &ObjectMeta::default()).await.expect("put");
    bucket.put(&named, Content::Bytes(&photo), &ObjectMeta::default()).await.expect("put");
    let by_metadata = domain::JobId::of_object(&world.home.bucket_name(), "uploads/m.jpg", &etag);
    let by_metadata = world.ended(by_metadata).await;
    let by_sidecar = world.ended(domain::JobId::parse(id).expect("an id")).await;

    assert_eq!(by_metadata.order.branding.title.as_deref(), Some("Vila São João"));
    assert_eq!(by_sidecar.order.branding.title.as_deref(), Some("别墅"));
    assert_eq!(by_sidecar.order.user_id.as_deref(), Some("u-1"));
    assert_eq!(by_sidecar.order.clip.duration_secs, Some(8));
}

#[tokio::test]
async fn everything_that_is_stored_of_a_job_says_which_trace_it_belongs_to() {
    let parts = Parts::default();
    let world = World::with(&parts).await;

    let id = world.upload("traced.jpg").await;
    let job = world.ended(id).await;

    let mut stored = Vec::new();
    for prefix in [keys::PHOTOS, keys::CLIPS, keys::RENDERS] {
        stored.extend(world.keys(prefix).await);
    }
    assert_eq!(stored.len(), 4, "photo, clip, poster and video: {stored:?}");
    for at in stored {
        let key = ObjectKey::new(at.as_str()).expect("a key");
        let head = world.home.bucket().head(&key).await.expect("head").expect("there");
        let trace = head.meta.user.get(TRACE_ID).map(String::as_str);
        assert_eq!(trace, Some(job.trace_id.as_str()), "{at}");
    }
}

#[tokio::test]
async fn everything_delivered_twice_is_still_one_video_and_one_charge() {
    let parts = Parts::default();
    let world = World::with(&parts).await;
    world.cloud().faults().duplicate_every(1);

    let mut ids = Vec::new();
    for n in 0..12 {
        ids.push(world.upload(&format!("twice-{n}.jpg")).await);
    }
    for id in &ids {
        world.ended_with(*id, Duration::from_secs(2)).await;
    }
    world.drained_with(Duration::from_secs(2)).await;

    for id in ids {
        world.assert_rendered_once(&parts, id, "everything twice").await;
    }
}

#[tokio::test]
async fn neighbouring_events_that_swap_places_change_nothing() {
    let parts = Parts::default();
    let world = World::with(&parts).await;
    // Every second message waits until the one behind it has passed.
    world.cloud().faults().delay_every(2, Duration::from_millis(150));

    let mut ids = Vec::new();
    for n in 0..12 {
        ids.push(world.upload(&format!("swapped-{n}.jpg")).await);
    }
    for id in &ids {
        world.ended(*id).await;
    }
    world.drained().await;

    for id in ids {
        world.assert_rendered_once(&parts, id, "swapped").await;
    }
}

#[tokio::test]
async fn everything_twice_and_shuffled_at_once() {
    let parts = Parts::default();
    let mut world = World::new().await;
    let mut rng = Rng::fresh();
    world.cloud().faults().duplicate_every(1 + u32::try_from(rng.below(3)).expect("small"));
    world.cloud().faults().delay_every(3, Duration::from_millis(80));
    let mut names: Vec<_> = (0..20).map(|n| format!("shuffled-{n}.jpg")).collect();
    rng.shuffle(&mut names);

    let mut ids = Vec::new();
    for name in names {
        ids.push(world.upload(&name).await);
    }
    world.start(&parts).await;
    for id in &ids {
        world.ended_with(*id, Duration::from_secs(2)).await;
    }
    world.drained_with(Duration::from_secs(2)).await;

    for id in ids {
        world.assert_rendered_once(&parts, id, "twice and shuffled").await;
        assert_eq!(world.job(id).await.map(|job| job.state), Some(JobState::Rendered));
    }
}
