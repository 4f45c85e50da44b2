//! Orders that become clips.

use super::*;

#[tokio::test]
async fn an_order_becomes_a_stored_clip() {
    let generator = ReadyClip::new("clip");
    let world = World::with(&generator);

    let handled = world.deliver().await.expect("handled");

    let job = world.job();
    assert_eq!((handled, job.state), (Handled::Done, JobState::LtxDone));
    assert_eq!(world.clip().as_deref(), Some(&b"clip"[..]));
    assert_eq!(world.bus.detail_types(), ["GenerationStarted.v1", "LtxDone.v1"]);
    let meta = &world.bus.facts::<LtxDone>()[0].fact.meta;
    assert_eq!((meta.provider.as_str(), meta.ltx_job_id.as_str()), ("ready", "ready-1"));
    assert_eq!((meta.duration, meta.resolution.as_str()), (6, "1920x1080"));
}

#[tokio::test]
async fn a_clip_is_stored_with_what_is_known_of_it() {
    let world = World::with(&ReadyClip::new("clip"));

    world.deliver().await.expect("handled");

    let key = keys::clip(samples::job().id);
    let head = world.store.head(&key).await.expect("head").expect("a clip");
    assert_eq!(head.meta.content_type, "video/mp4");
    assert_eq!(ClipMade::from_metadata(&head.meta.user), world.job().clip);
}

#[tokio::test]
async fn an_order_is_in_the_ledger_with_its_price_and_its_end() {
    let generator = ReadyClip::new("clip").quoting(MicroUsd(40_000)).limited_to(HOUR);
    let world = World::with(&generator);

    world.deliver().await.expect("handled");

    let attempts = world.ledger.all();
    assert_eq!(world.attempts(), [(1, AttemptState::Succeeded, 0)]);
    assert_eq!(attempts[0].provider_job.as_deref(), Some("ready-1"));
    assert_eq!(attempts[0].quoted, MicroUsd(40_000));
    assert_eq!(attempts[0].deadline, samples::AT.plus(HOUR));
    assert_eq!(attempts[0].settled_at, Some(samples::AT));
}

#[tokio::test]
async fn an_order_is_written_down_before_it_leaves() {
    let generator = ReadyClip::new("clip");
    let world = World::with(&generator);
    let fuse = Fuse::new(5, Moment::Before);

    world.ltx_on(&fuse).handle(&order()).await.expect_err("died before the order left");

    assert_eq!(world.attempts(), [(1, AttemptState::Intended, 0)]);
    assert_eq!(generator.submits(), 0);
}

#[tokio::test]
async fn what_cannot_be_written_down_is_not_ordered() {
    let generator = ReadyClip::new("clip");
    let world = World::with(&generator);
    let fuse = Fuse::new(4, Moment::Before);

    let fault = world.ltx_on(&fuse).handle(&order()).await.expect_err("the ledger is down");
    let submits = generator.submits();
    world.deliver().await.expect("handled");

    assert!(matches!(fault, LtxError::Ledger(_)), "{fault:?}");
    assert_eq!((submits, generator.billed_in_all()), (0, 1));
    assert_eq!(world.job().state, JobState::LtxDone);
}

#[tokio::test]
async fn a_bucket_that_fails_before_the_order_leaves_nothing_in_the_ledger() {
    let generator = ReadyClip::new("clip");
    let world = World::with(&generator);
    let photo = keys::photo(samples::job().id);
    world.store.remove(&photo);

    let fault = world.deliver().await.expect_err("there is no photo");
    let attempts = world.attempts();
    let put = world.store.put(&photo, Content::Bytes(b"photo"), &ObjectMeta::default()).await;
    let handled = world.deliver().await.expect("handled");

    put.expect("stored");
    assert!(matches!(fault, LtxError::Store(_)), "{fault:?}");
    assert_eq!((attempts, handled), (vec![], Handled::Done));
    assert_eq!(generator.billed_in_all(), 1);
}

#[tokio::test]
async fn a_repeat_after_the_clip_is_stored_changes_nothing() {
    let generator = ReadyClip::new("clip");
    let world = World::with(&generator);

    world.deliver().await.expect("handled");
    let before = (world.job(), world.bus.published(), world.ledger.all());
    let handled = world.deliver().await.expect("handled again");

    assert_eq!((world.job(), world.bus.published(), world.ledger.all()), before);
    assert_eq!((handled, generator.submits()), (Handled::Done, 1));
}
