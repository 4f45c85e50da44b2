use proptest::prelude::{Just, Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof};
use proptest::proptest;

use super::*;
use crate::{RenderId, Resolution};

fn job() -> Job {
    let id = JobId::of_object("media", "uploads/a.jpg", "e");
    let key = ObjectKey::new("uploads/a.jpg").expect("valid");
    Job::new(id, "media", key, JobOrder::default(), Timestamp::from_epoch_ms(1))
}

fn clip() -> ClipMade {
    ClipMade {
        provider: "p".into(),
        provider_job: "1".into(),
        duration_secs: 6,
        resolution: Resolution { width: 1920, height: 1080 },
        worked_ms: 1,
    }
}

fn steps() -> impl Strategy<Value = Step> {
    let render_id = RenderId::of_clip(job().id, "c");
    let failure =
        |stage| Failure { stage, kind: FailureKind::Refused, reason: "no".into(), cause: None };
    let rerender = || Rerender {
        render_id: RenderId::of_request(job().id, "1"),
        branding: Branding { title: Some("new".into()), ..Branding::default() },
    };
    let video = |render_id| Step::StoreVideo(VideoMade { render_id, duration_ms: 1, worked_ms: 1 });
    prop_oneof![
        Just(Step::AcceptPhoto(Photo { width: 2, height: 2, worked_ms: 1 })),
        Just(Step::StartGenerating { provider: "p".into() }),
        Just(Step::StoreClip(clip())),
        Just(Step::StartRendering { render_id }),
        Just(video(render_id)),
        Just(video(rerender().render_id)),
        Just(Step::Rerender(rerender())),
        Just(Step::Fail(failure(Stage::Ingest))),
        Just(Step::Fail(failure(Stage::Render))),
        Just(Step::Cancel),
        Just(Step::Delete),
        Just(Step::Expire),
        Just(Step::Redrive { stage: Stage::Ltx, by: "ana".into() }),
    ]
}

/// Whether it leads out of an end: the wish of somebody, and nothing that happens by itself.
fn reopens(step: &Step) -> bool {
    matches!(step, Step::Redrive { .. } | Step::Rerender(_) | Step::Delete)
}

proptest! {
    #[test]
    fn whatever_happens_a_job_moves_forward_and_ends_once_however_often_it_is_reopened(
        steps in prop::collection::vec((steps(), any::<u32>()), 0..32)
    ) {
        let mut job = job();
        let (mut ends, mut reopened) = (0, 0);
        for (step, at) in steps {
            let before = job.clone();
            match before.after(&step, Timestamp::from_epoch_ms(at.into())) {
                Ok(after) => {
                    prop_assert_eq!(before.state.is_end(), reopens(&step));
                    // Only back from an end, or to the video that was there.
                    let kept = before.rerender.is_some() && after.state == JobState::Rendered;
                    let back = after.state < before.state;
                    prop_assert!(!back || reopens(&step) || kept);
                    reopened += u32::from(reopens(&step));
                    prop_assert_eq!(after.seq, before.seq + step.announces());
                    prop_assert!(after.updated_at >= before.updated_at);
                    ends += u32::from(after.state.is_end());
                    job = after;
                }
                Err(illegal) => prop_assert_eq!(illegal.state, before.state),
            }
        }
        prop_assert!(ends <= 1 + reopened);
    }

    #[test]
    fn a_video_that_is_there_is_never_lost_but_by_a_newer_one_or_removal(
        steps in prop::collection::vec(steps(), 0..32)
    ) {
        let mut job = job();
        for step in steps {
            let before = job.clone();
            let Ok(after) = before.after(&step, before.updated_at) else { continue };
            let removed = matches!(step, Step::Delete);
            if before.video.is_some() {
                prop_assert!(after.video.is_some());
                prop_assert!(removed || !after.state.is_end() || after.state == JobState::Rendered);
            }
            if after.video != before.video {
                let stored = matches!(&step, Step::StoreVideo(video) if Some(video) == after.video.as_ref());
                prop_assert!(stored);
            }
            // A rendering is wanted until there is an end.
            prop_assert!(after.rerender.is_none() || !after.state.is_end() || after.video.is_none());
            job = after;
        }
    }

    #[test]
    fn a_job_that_has_ended_has_no_next_step_but_somebodys_wish(
        step in steps(), end in 5_usize..10, has_clip: bool
    ) {
        let clip = has_clip.then(clip);
        let job = Job { state: JobState::ALL[end], clip, ..job() };
        let possible = match (&step, job.state) {
            (Step::Redrive { .. }, state) => state == JobState::Failed,
            (Step::Rerender(_), state) => {
                has_clip && matches!(state, JobState::Rendered | JobState::Failed)
            }
            (Step::Delete, state) => state != JobState::Deleted,
            _ => false,
        };

        prop_assert!(job.state.is_end());
        prop_assert_eq!(job.after(&step, job.updated_at).is_ok(), possible);
    }
}

/// A job with a video, and the wish for another.
fn rendered_and_wanted_again() -> (Job, Job, Rerender) {
    let (made, wanted) = (RenderId::of_clip(job().id, "c"), RenderId::of_request(job().id, "1"));
    let title = |title: &str| Branding { title: Some(title.into()), ..Branding::default() };
    let video = VideoMade { render_id: made, duration_ms: 1, worked_ms: 1 };
    let mut rendered =
        Job { state: JobState::Rendered, clip: Some(clip()), video: Some(video), ..job() };
    rendered.order.branding = title("old");
    let rerender = Rerender { render_id: wanted, branding: title("new") };
    let again = rendered.after(&Step::Rerender(rerender.clone()), rendered.updated_at);
    (rendered, again.expect("legal"), rerender)
}

#[test]
fn a_video_takes_the_place_of_another_with_what_was_wanted_on_top() {
    let (rendered, again, wanted) = rendered_and_wanted_again();
    assert_eq!((again.state, &again.video), (JobState::LtxDone, &rendered.video));
    assert_eq!(again.wanted_branding(), &wanted.branding);
    assert_eq!(again.wanted_render("c"), wanted.render_id);

    let video = VideoMade { render_id: wanted.render_id, duration_ms: 2, worked_ms: 1 };
    let done = again.after(&Step::StoreVideo(video.clone()), again.updated_at).expect("legal");

    assert_eq!((done.state, done.video), (JobState::Rendered, Some(video)));
    assert_eq!((done.order.branding, done.rerender), (wanted.branding, None));
}

#[test]
fn a_video_that_was_begun_before_another_was_wanted_comes_too_late() {
    let (rendered, again, _) = rendered_and_wanted_again();
    let stale = Step::StoreVideo(rendered.video.expect("a video"));

    let illegal = again.after(&stale, again.updated_at).expect_err("stale");

    assert_eq!(illegal.state, JobState::LtxDone);
}

#[test]
fn a_rerender_that_fails_or_is_cancelled_leaves_the_video_as_it_was() {
    let (rendered, again, _) = rendered_and_wanted_again();
    let failure = Failure {
        stage: Stage::Render,
        kind: FailureKind::Fault,
        reason: "it broke".into(),
        cause: None,
    };

    for step in [Step::Fail(failure), Step::Cancel] {
        let after = again.after(&step, again.updated_at).expect("legal");

        assert_eq!(after, Job { seq: again.seq + 1, ..rendered.clone() });
    }
}

#[test]
fn a_rerender_of_a_job_without_a_video_ends_as_any_job_does() {
    let (_, again, _) = rendered_and_wanted_again();
    let again = Job { video: None, ..again };

    let cancelled = again.after(&Step::Cancel, again.updated_at).expect("legal");

    assert_eq!(cancelled.state, JobState::Cancelled);
}

#[test]
fn nothing_is_left_of_a_deleted_job_but_whose_it_was() {
    let (rendered, _, _) = rendered_and_wanted_again();
    let order = JobOrder {
        user_id: Some("u".into()),
        property_id: Some("p".into()),
        prompt: "secret".into(),
        ..rendered.order.clone()
    };
    let rendered = Job { order, ..rendered };

    let deleted = rendered.after(&Step::Delete, rendered.updated_at).expect("legal");

    let (user_id, property_id) = (Some("u".into()), Some("p".into()));
    assert_eq!(deleted.order, JobOrder { user_id, property_id, ..JobOrder::default() });
    assert_eq!(deleted.state, JobState::Deleted);
}

#[test]
fn every_state_but_the_first_is_reached_by_a_step() {
    let id = JobId::of_object("media", "k", "e");
    let render_id = RenderId::of_clip(id, "c");

    let queued = Step::AcceptPhoto(Photo { width: 2, height: 2, worked_ms: 1 });
    let rendering = Step::StartRendering { render_id };

    assert_eq!(queued.after(JobState::Pending), Some(JobState::Queued));
    assert_eq!(rendering.after(JobState::LtxDone), Some(JobState::Rendering));
    assert_eq!(rendering.after(JobState::Generating), None);
    assert_eq!(Step::Expire.after(JobState::Queued), None);
    assert_eq!(Step::Cancel.after(JobState::Rendering), Some(JobState::Cancelled));
}

#[test]
fn an_illegal_step_says_what_could_not_happen() {
    let rendered = Job { state: JobState::Rendered, ..job() };

    let error = rendered.after(&Step::Cancel, rendered.updated_at).expect_err("has ended");

    assert_eq!(
        error.to_string(),
        format!("job {} is rendered, so it cannot be cancelled", rendered.id)
    );
}
