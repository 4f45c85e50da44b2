//! Deleted jobs, videos that are made again, and what is fetched for them.

use domain::{Branding, RenderId, Rerender, Step};
use ports::{Meters, bytes_meter};

use super::*;

/// A rendered job whose video is to be made again.
fn rerendering() -> (Job, RenderId) {
    let rendered = samples::job_in(JobState::Rendered);
    let render_id = RenderId::of_request(rendered.id, "again");
    let rerender = Rerender { render_id, branding: Branding::default() };
    (rendered.after(&Step::Rerender(rerender), samples::AT).expect("legal"), render_id)
}

fn deleted() -> Job {
    let rendered = samples::job_in(JobState::Rendered);
    rendered.after(&Step::Delete, samples::AT).expect("legal")
}

#[tokio::test]
async fn what_is_left_of_a_deleted_job_is_removed() {
    let world = World::new().with("uploads/villa.jpg", "photo").with("logos/logo.png", "logo");
    let job = awaited(&world.created("uploads/villa.jpg").await);
    let job = samples::led_to(job, JobState::Rendered);
    let job = job.after(&Step::Delete, samples::AT).expect("legal");
    let objects = [keys::photo(job.id), keys::clip(job.id), keys::delivered(job.id, 1)];
    let objects = objects.into_iter().chain([keys::video(job.id), keys::poster(job.id)]);
    let world = objects.fold(world, |world, key| world.with(key.as_str(), "stored"));
    let world = world.knowing(&job);

    let swept = world.sweep_after(NUDGE).await;

    assert_eq!(swept.erased, 1);
    assert!(!world.jobs.is_forgotten(job.id), "something may still arrive");
    assert_eq!((world.store.keys(), world.sent()), (vec!["logos/logo.png".to_owned()], [0, 0, 0]));
    assert_eq!(world.jobs.job(job.id).map(|job| job.state), Some(JobState::Deleted));
}

#[tokio::test]
async fn what_arrives_for_a_deleted_job_is_removed_before_it_is_forgotten() {
    let job = deleted();
    let world = World::new().knowing(&job);
    world.sweep_after(NUDGE).await;
    let world = world.with_clip().await;
    let late = keys::upload(job.id, "late.jpg").expect("a key");
    let fetched = format!("{}{}/logo.png", keys::folder_of(keys::LOGOS, "user-1"), job.id);
    let world = world.with(late.as_str(), "photo").with(&fetched, "logo");

    let between = world.sweep_after(4 * NUDGE).await;
    let last = world.sweep_after(crate::FORGET_AFTER).await;

    assert_eq!((between.erased, last.erased), (0, 1));
    assert_eq!((world.store.keys(), world.sent()), (vec![], [0, 0, 0]));
    assert!(world.jobs.is_forgotten(job.id));
    let deleted = world.jobs.in_state(JobState::Deleted, 9).await.expect("listed");
    assert_eq!(deleted, [], "the next sweep has nothing to do");
}

#[tokio::test]
async fn the_photo_of_another_job_under_the_same_key_stays() {
    let world = World::new().with("uploads/villa.jpg", "a newer photo").knowing(&deleted());

    world.sweep_after(NUDGE).await;

    assert_eq!(world.store.keys(), ["uploads/villa.jpg"]);
}

#[tokio::test]
async fn a_removal_that_has_just_begun_is_left_to_whoever_does_it() {
    let world = World::new().knowing(&deleted()).with_clip().await;

    let swept = world.sweep_after(NUDGE.saturating_sub(SECOND)).await;

    assert_eq!((swept, world.store.keys().len()), (Swept::default(), 1));
}

#[tokio::test]
async fn a_removal_that_dies_at_any_step_is_finished_by_the_next_sweep() {
    for moment in [Moment::Before, Moment::After] {
        for at in 0..16 {
            let world = World::new().knowing(&deleted()).with_clip().await.with_video().await;
            world.clock.advance(NUDGE);

            let died = world.sweep_on(&Fuse::new(at, moment)).run().await;
            world.sweep_after(NUDGE).await;

            assert_eq!(world.store.keys(), [""; 0], "step {at} {moment:?}: {died:?}");
        }
    }
}

#[tokio::test]
async fn another_rendering_that_stands_still_is_told_to_render_again_and_keeps_the_video_in_the_end()
 {
    let (job, _) = rerendering();
    let world = World::new().knowing(&job).with_clip().await.with_video().await;

    let nudged = world.sweep_after(NUDGE).await;
    assert_eq!((nudged.nudged, world.sent(), world.job().state), (1, [0, 0, 1], JobState::LtxDone));

    let ended = world.sweep_after(GIVE_UP).await;
    let job = world.job();
    assert_eq!((ended.ended, job.state, job.rerender), (1, JobState::Rendered, None));
    assert_eq!(world.bus.detail_types(), ["RerenderFailed.v1"]);
}

#[tokio::test]
async fn a_request_to_fetch_that_nobody_has_heard_of_is_told_again_and_render_waits() {
    let (job, render) = rerendering();
    let request = keys::fetch_request(job.id, &render.to_string());
    let world = World::new().knowing(&job).with_clip().await.with(request.as_str(), "{}");

    let young = world.sweep_after(NUDGE).await;
    let swept = world.sweep_after(Duration::from_hours(2)).await;

    assert_eq!((young.fetches, swept.fetches, world.sent()), (0, 1, [0, 0, 0]));
    assert_eq!(told(&world.fetch_queue), [world.created(request.as_str()).await]);
}

#[tokio::test]
async fn a_request_to_fetch_that_nobody_waits_for_is_removed() {
    let request = keys::fetch_request(samples::job().id, "photo");
    let world = World::in_state(JobState::Cancelled).with(request.as_str(), "{}");

    let swept = world.sweep_after(Duration::from_hours(2)).await;

    assert_eq!((swept, world.store.keys()), (Swept::default(), vec![]));
}

#[tokio::test]
async fn bytes_that_never_came_are_given_back_once() {
    let job = Job { upload_bytes: 300, ..samples::job() };
    let owner = job.order.user_id.clone().expect("an owner");
    let world = World::new().knowing(&job);
    world.meters.count(&bytes_meter(&owner), 500, None, None).await.expect("counted");

    world.sweep_after(EXPIRE).await;
    world.sweep_after(EXPIRE).await;

    let expired = world.job();
    assert_eq!((expired.state, expired.upload_bytes), (JobState::Expired, 0));
    assert_eq!(world.meters.read(&bytes_meter(&owner)).await.expect("read"), 200);
}
