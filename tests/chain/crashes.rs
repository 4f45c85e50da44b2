//! The process dies after every step that stores, sends, publishes or orders something, and is
//! started again.

use std::time::Duration;

use domain::{Attempt, AttemptState, FailureKind, JobId, JobState, keys};
use fake_providers::{Fake, Name};
use ports::{Ledger, ObjectStore, VideoGenerator};
use testkit::{Fuse, Moment, ReadyClip, ReadyVideo};

use crate::studio::{ordered, provider};
use crate::world::{Parts, World};

/// Longer than every visibility time-out: what the dead process was at comes back.
const OUTAGE: Duration = Duration::from_hours(3);
/// How much time passes between looks after the restart.
const STEP: Duration = Duration::from_mins(1);

/// Lets the process die at the `n`-th step of a job, and starts it again until the job has ended.
/// None if the job has fewer steps.
async fn die_at<G: VideoGenerator + Clone + 'static>(
    world: &mut World,
    parts: &Parts<ReadyVideo, G>,
    n: u64,
    moment: Moment,
) -> Option<JobId> {
    let fuse = Fuse::new(n, moment);
    world.start(&parts.clone().with_fuse(&fuse)).await;
    let id =
        world.upload_with(&format!("dies-{moment:?}-{n}.jpg"), &[("prompt", &prompt(n))]).await;
    while !fuse.blown() && !is_over(world, id).await {
        tokio::time::sleep(Duration::from_millis(5)).await;
        // Providers want a pause before a look.
        world.advance(Duration::from_secs(1));
    }
    world.stop().await;
    if !fuse.blown() {
        return None;
    }
    world.advance(OUTAGE);
    world.start(parts).await;
    world.ended_with(id, STEP).await;
    world.drained_with(STEP).await;
    world.stop().await;
    Some(id)
}

/// What the job that dies at the `n`-th step asks for: by it, a provider's charges are told apart.
fn prompt(n: u64) -> String {
    format!("dies at step {n}")
}

/// Whether a job has ended and everybody was told.
async fn is_over(world: &World, id: JobId) -> bool {
    let ended = world.job(id).await.is_some_and(|job| job.state.is_end());
    let mut waiting = 0;
    for queue in ["ingest", "ltx", "render", "notify", "deliver"] {
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

/// What `charges` a provider made for the job of a prompt, after the process died at each step.
async fn dies_at_every_step<G: VideoGenerator + Clone + 'static>(
    moment: Moment,
    parts: Parts<ReadyVideo, G>,
    charges: impl Fn(JobId, &str) -> usize,
) {
    let mut world = World::new().await;
    let (mut steps, mut unknown) = (0, 0);

    while let Some(id) = die_at(&mut world, &parts, steps + 1, moment).await {
        steps += 1;
        let context = format!("dies {moment:?} step {steps}");
        let job = world.job(id).await.expect("a row");
        assert_agreement(&world, id, &context).await;
        let charges = charges(id, &prompt(steps));
        assert!(charges <= 1, "{context}: charged {charges} times");
        assert_ledger_explains(&world, id, charges, &context).await;
        match &job.failure {
            None => {
                assert_eq!(charges, 1, "{context}: a clip for nothing");
                world.assert_rendered(&parts, id, &context).await;
            }
            // Whether the order was taken is not known, so it is not ordered again.
            Some(failure) => {
                assert_eq!(failure.kind, FailureKind::Unknown, "{context}: {failure:?}");
                world.assert_whole_history_told(&parts, id, &context).await;
                unknown += 1;
            }
        }
    }
    println!("{steps} steps, dying {moment:?} each; {unknown} unknown orders held");
    assert!(steps > if parts.dies_telling { 45 } else { 25 }, "only {steps} steps");
    // Before or after the order itself, and before its answer was written down; or at a step of another
    // function at that very time.
    assert!(unknown <= 8, "{unknown} jobs ended unknown");
}

/// Every charge is of an attempt in the ledger, and of one at most that is known not to be charged.
async fn assert_ledger_explains(world: &World, id: JobId, charges: usize, context: &str) {
    let attempts = world.home.ledger().attempts(id).await.expect("the ledger");
    let may_be_charged = |attempt: &&Attempt| {
        matches!(attempt.state, AttemptState::Succeeded | AttemptState::Unknown)
    };
    let explained = attempts.iter().filter(may_be_charged).count();
    assert!(charges <= explained, "{context}: {charges} charges, {attempts:?}");
    let known = attempts.iter().filter(|one| one.state == AttemptState::Succeeded).count();
    assert!(known <= charges, "{context}: {charges} charges, {attempts:?}");
}

async fn ready_dies_at_every_step(moment: Moment, generator: ReadyClip) {
    let billed = generator.clone();
    let parts = Parts::default().with_generator(generator);
    dies_at_every_step(moment, parts, |id, _| billed.billed(id)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dying_before_any_step_loses_nothing() {
    ready_dies_at_every_step(Moment::Before, ReadyClip::new("a clip").safe_to_resubmit()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dying_after_any_step_loses_nothing() {
    ready_dies_at_every_step(Moment::After, ReadyClip::new("a clip").safe_to_resubmit()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dying_before_any_step_never_pays_twice() {
    ready_dies_at_every_step(Moment::Before, ReadyClip::new("a clip")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dying_after_any_step_never_pays_twice() {
    ready_dies_at_every_step(Moment::After, ReadyClip::new("a clip")).await;
}

/// The same with the real adapter of a provider, over HTTP. Whoever tells others knows no provider: it dies
/// above.
async fn provider_dies_at_every_step(moment: Moment, name: Name) {
    let fake = Fake::start(b"a clip".to_vec()).await.expect("a fake");
    let orders = |id, prompt: &str| ordered(&fake, name, id, prompt);
    let parts = Parts { dies_telling: false, ..Parts::default() };
    dies_at_every_step(moment, parts.with_generator(provider(&fake, name)), orders).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dying_before_any_step_never_pays_a_provider_twice() {
    for name in Name::ALL {
        provider_dies_at_every_step(Moment::Before, name).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dying_after_any_step_never_pays_a_provider_twice() {
    for name in Name::ALL {
        provider_dies_at_every_step(Moment::After, name).await;
    }
}
