//! The process dies after every step that stores, sends, publishes or orders something, and is
//! started again.

use std::time::Duration;

use domain::{FailureKind, JobId, JobState, keys};
use ports::ObjectStore;
use testkit::{Fuse, Moment, ReadyClip};

use crate::world::{Parts, World};

/// Longer than every visibility time-out: what the dead process was at comes back.
const OUTAGE: Duration = Duration::from_hours(3);
/// How much time passes between looks after the restart.
const STEP: Duration = Duration::from_mins(1);

/// Lets the process die at the `n`-th step of a job, and starts it again until the job has ended.
/// None if the job has fewer steps.
async fn die_at(world: &mut World, parts: &Parts, n: u64, moment: Moment) -> Option<JobId> {
    let fuse = Fuse::new(n, moment);
    world.start(&parts.clone().with_fuse(&fuse));
    let id = world.upload(&format!("dies-{moment:?}-{n}.jpg")).await;
    while !fuse.blown() && !is_over(world, id).await {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    world.stop().await;
    if !fuse.blown() {
        return None;
    }
    world.advance(OUTAGE);
    world.start(parts);
    world.ended_with(id, STEP).await;
    world.drained_with(STEP).await;
    world.stop().await;
    Some(id)
}

/// Whether a job has ended and everybody was told.
async fn is_over(world: &World, id: JobId) -> bool {
    let ended = world.job(id).await.is_some_and(|job| job.state.is_end());
    let mut waiting = 0;
    for queue in ["ingest", "ltx", "render", "notify"] {
        waiting += world.messages_in(queue).await;
    }
    ended && waiting == 0
}

/// Row and artefacts agree.
async fn assert_agreement(world: &World, id: JobId, context: &str) {
    let job = world.job(id).await.expect("a row");
    let video = world.home.bucket().head(&keys::video(id)).await.expect("head");
    let clip = world.home.bucket().head(&keys::clip(id)).await.expect("head");
    let rendered = job.state == JobState::Rendered;
    assert_eq!(video.is_some(), rendered, "{context}: video and {}", job.state);
    assert!(clip.is_some() || !rendered, "{context}: a video without a clip");
}

async fn dies_at_every_step(moment: Moment, generator: ReadyClip) {
    let parts = Parts::default().with_generator(generator);
    let mut world = World::new().await;
    let (mut steps, mut unknown) = (0, 0);

    while let Some(id) = die_at(&mut world, &parts, steps + 1, moment).await {
        steps += 1;
        let context = format!("dies {moment:?} step {steps}");
        let job = world.job(id).await.expect("a row");
        assert_agreement(&world, id, &context).await;
        assert!(parts.generator.billed(id) <= 1, "{context}: charged twice");
        match &job.failure {
            None => world.assert_rendered_once(&parts, id, &context).await,
            // Whether the order was taken is not known, so it is not ordered again.
            Some(failure) => {
                assert_eq!(failure.kind, FailureKind::Unknown, "{context}: {failure:?}");
                world.assert_whole_history_told(&parts, id, &context).await;
                unknown += 1;
            }
        }
    }
    println!("{steps} steps, dying {moment:?} each; {unknown} unknown orders held");
    assert!(steps > 30, "only {steps} steps");
    // Before or after the order itself, and before its answer was written down: no other step.
    assert!(unknown <= 3, "{unknown} jobs ended unknown");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dying_before_any_step_loses_nothing() {
    dies_at_every_step(Moment::Before, ReadyClip::new("a clip").safe_to_resubmit()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dying_after_any_step_loses_nothing() {
    dies_at_every_step(Moment::After, ReadyClip::new("a clip").safe_to_resubmit()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dying_before_any_step_never_pays_twice() {
    dies_at_every_step(Moment::Before, ReadyClip::new("a clip")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dying_after_any_step_never_pays_twice() {
    dies_at_every_step(Moment::After, ReadyClip::new("a clip")).await;
}
