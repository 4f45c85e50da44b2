//! Videos that are made again, with something else on top.

use std::collections::HashMap;

use domain::{Branding, Rerender, Step};

use super::*;

/// A world in which the video of [`samples::job`] is there and is to be made again as `branding` says.
async fn rerendering(branding: Branding) -> (World, RenderId) {
    let world = World::in_state(JobState::LtxDone).await;
    world.deliver().await.expect("the first video");
    let rendered = world.job();
    let render_id = RenderId::of_request(rendered.id, "again");
    let step = Step::Rerender(Rerender { render_id, branding });
    let job = rendered.after(&step, samples::AT).expect("legal");
    (World { jobs: world.jobs.clone().with(&job), ..world }, render_id)
}

/// What the bucket says of the request to render again.
fn request(render: RenderId) -> Vec<ObjectCreated> {
    vec![created(keys::render_request(samples::job().id, render))]
}

fn titled(title: &str) -> Branding {
    Branding { title: Some(title.to_owned()), ..Branding::default() }
}

#[tokio::test]
async fn a_clip_is_rendered_again_with_other_words_and_the_earlier_video_is_kept() {
    let (world, render) = rerendering(titled("Villa Verde")).await;
    let first = world.render_id().await;

    world.render().handle(&request(render)).await.expect("handled");

    let job = world.job();
    assert_eq!((job.state, job.rerender), (JobState::Rendered, None));
    assert_eq!(job.order.branding, titled("Villa Verde"));
    assert_eq!(job.video.map(|video| video.render_id), Some(render));
    assert!(world.content(&keys::earlier_video(job.id, first)).is_some());
    let titles: Vec<_> = world.renderer.orders().into_iter().map(|order| order.title).collect();
    assert_eq!(titles, [Some("Villa Azul".to_owned()), Some("Villa Verde".to_owned())]);
}

#[tokio::test]
async fn the_same_request_is_rendered_once() {
    let (world, render) = rerendering(titled("Villa Verde")).await;

    for _ in 0..3 {
        world.render().handle(&request(render)).await.expect("handled");
    }

    assert_eq!(world.renderer.orders().len(), 2);
}

#[tokio::test]
async fn news_of_the_clip_that_come_late_make_the_video_that_is_wanted_now() {
    let (world, render) = rerendering(titled("Villa Verde")).await;

    world.deliver().await.expect("handled");

    assert_eq!(world.job().video.map(|video| video.render_id), Some(render));
}

#[tokio::test]
async fn another_video_that_is_refused_leaves_the_first_as_it_was() {
    let (world, render) = rerendering(titled("Villa Verde")).await;
    let before = world.video();
    let world =
        World { renderer: ReadyVideo::default().refusing("there is no theme night"), ..world };

    world.render().handle(&request(render)).await.expect("handled");

    let job = world.job();
    assert_eq!((job.state, job.rerender, job.failure), (JobState::Rendered, None, None));
    assert_eq!((job.order.branding, world.video()), (samples::job().order.branding, before));
    assert_eq!(world.bus.detail_types().last().map(String::as_str), Some("RerenderFailed.v1"));
}

#[tokio::test(start_paused = true)]
async fn a_video_waits_for_what_is_fetched_for_it() {
    let world = World::in_state(JobState::LtxDone).await;
    let fetching = keys::fetch_request(samples::job().id, "photo");
    world.put(&fetching, "{}", HashMap::new()).await;

    let (rendering, clips) = (world.render(), clips());
    let (handled, ()) = tokio::join!(rendering.handle(&clips), async {
        tokio::time::sleep(std::time::Duration::from_secs(30)).await;
        assert_eq!(world.video(), None);
        world.store.delete(&fetching).await.expect("fetched");
    });

    handled.expect("handled");
    assert!(world.video().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_video_is_not_made_without_what_is_long_in_coming() {
    let world = World::in_state(JobState::LtxDone).await;
    let fetching = keys::fetch_request(samples::job().id, "photo");
    world.put(&fetching, "{}", HashMap::new()).await;

    let fault = world.deliver().await.expect_err("it comes again");

    assert!(matches!(fault, RenderFunctionError::StillFetched), "{fault:?}");
    assert_eq!((world.video(), world.job().state), (None, JobState::LtxDone));
}

#[tokio::test]
async fn a_logo_in_its_owners_folder_that_is_not_there_fails_the_video_with_a_reason() {
    let mut job = samples::job();
    job.order.branding.logo_key = Some(ObjectKey::new("logos/user-1/j/logo.png").expect("a key"));
    let world = World::of(&samples::led_to(job, JobState::LtxDone)).await;

    world.deliver().await.expect("handled");

    let reason = "the logo is not there: render again with another, or none".to_owned();
    assert_eq!(world.end(), (FailureKind::Refused, reason));
}

#[tokio::test(start_paused = true)]
async fn a_video_whose_logo_could_not_be_fetched_is_not_made() {
    let world = World::in_state(JobState::LtxDone).await;
    let fetching = keys::fetch_request(samples::job().id, "photo");
    world.put(&fetching, "{}", HashMap::new()).await;

    let (rendering, clips) = (world.render(), clips());
    let (handled, ()) = tokio::join!(rendering.handle(&clips), async {
        tokio::time::sleep(std::time::Duration::from_secs(10)).await;
        let failure = domain::Failure {
            stage: Stage::Fetch,
            kind: FailureKind::Refused,
            reason: "the logo cannot be used".to_owned(),
            cause: None,
        };
        let failed = world.job().after(&Step::Fail(failure), samples::AT).expect("legal");
        let _ = world.jobs.clone().with(&failed);
        world.store.delete(&fetching).await.expect("removed");
    });

    handled.expect("handled");
    assert_eq!((world.video(), world.job().state), (None, JobState::Failed));
}
