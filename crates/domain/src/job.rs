//! A job: one photo on its way to becoming a video.

use serde::{Deserialize, Serialize};

use crate::{
    ClipMade, ClipOptions, IllegalStep, JobId, JobState, ObjectKey, Step, Timestamp, TraceId,
    VideoMade,
};

/// A stage of the chain; also the name of the function that is it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Makes the photo usable.
    Ingest,
    /// Has the clip filmed.
    Ltx,
    /// Makes the video.
    Render,
    /// Tells everybody who asked.
    Notify,
    /// Brings every job to an end.
    Sweep,
}

impl Stage {
    /// The name of the function.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Ltx => "ltx",
            Self::Render => "render",
            Self::Notify => "notify",
            Self::Sweep => "sweep",
        }
    }
}

impl std::fmt::Display for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// What goes on top of the clip.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Branding {
    /// The large words.
    pub title: Option<String>,
    /// The smaller words.
    pub subtitle: Option<String>,
    /// Key of the logo.
    pub logo_key: Option<ObjectKey>,
    /// Key of the music.
    pub music_key: Option<ObjectKey>,
    /// Name of the theme; none: `default`.
    pub theme: Option<String>,
}

/// What somebody asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobOrder {
    /// Who asked; none for a photo that was dropped in.
    pub user_id: Option<String>,
    /// The villa, room or product in the photo.
    pub property_id: Option<String>,
    /// What the clip is to show, in words.
    pub prompt: String,
    /// What the clip is to look like.
    pub clip: ClipOptions,
    /// What goes on top of it.
    pub branding: Branding,
}

/// A photo that was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Photo {
    /// Width after turning upright, in pixels.
    pub width: u32,
    /// Height after turning upright, in pixels.
    pub height: u32,
    /// Time spent on it, in milliseconds.
    pub worked_ms: u64,
}

/// Which kind of no ended a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FailureKind {
    /// What was asked for cannot be done; asking again will not help.
    Refused,
    /// Something broke, more often than we retry.
    Fault,
    /// It was not known in time whether the paid work exists.
    Unknown,
    /// A deadline passed.
    Late,
}

/// Why a job ended without a video.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Where it ended.
    pub stage: Stage,
    /// Which kind of no it was.
    pub kind: FailureKind,
    /// One sentence for the person who asked.
    pub reason: String,
    /// The chain of causes, for the engineer; stays in the row and is not announced.
    pub cause: Option<String>,
}

/// One photo on its way to becoming a video.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Identity.
    pub id: JobId,
    /// How far it is.
    pub state: JobState,
    /// Number of the newest fact about it; grows with every step and never goes back.
    pub seq: u64,
    /// What was asked for.
    pub order: JobOrder,
    /// The bucket that everything is in.
    pub bucket: String,
    /// Where the photo arrives.
    pub upload_key: ObjectKey,
    /// Ties together what is logged about it.
    pub trace_id: TraceId,
    /// The accepted photo.
    pub photo: Option<Photo>,
    /// The stored clip.
    pub clip: Option<ClipMade>,
    /// The stored video.
    pub video: Option<VideoMade>,
    /// Why there is none.
    pub failure: Option<Failure>,
    /// When an operator last had it tried again after it had failed.
    #[serde(default)]
    pub redriven_at: Option<Timestamp>,
    /// When it became known.
    pub created_at: Timestamp,
    /// When the newest step happened.
    pub updated_at: Timestamp,
}

impl Job {
    /// A job whose photo is awaited, or has just arrived. Its creation is fact 1.
    pub fn new(
        id: JobId,
        bucket: &str,
        upload_key: ObjectKey,
        order: JobOrder,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            state: JobState::Pending,
            seq: 1,
            order,
            bucket: bucket.to_owned(),
            upload_key,
            trace_id: TraceId::of_job(id),
            photo: None,
            clip: None,
            video: None,
            failure: None,
            redriven_at: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// The job after `step`.
    ///
    /// # Errors
    /// [`IllegalStep`] if that cannot happen in its state.
    pub fn after(&self, step: &Step, now: Timestamp) -> Result<Self, IllegalStep> {
        let illegal = IllegalStep { job: self.id, state: self.state, step: step.name() };
        let state = step.after(self.state).ok_or(illegal)?;

        let mut job = self.clone();
        job.state = state;
        job.seq += step.announces();
        job.updated_at = now.max(self.updated_at);
        match step {
            Step::AcceptPhoto(photo) => job.photo = Some(*photo),
            Step::StoreClip(clip) => job.clip = Some(clip.clone()),
            Step::StoreVideo(video) => job.video = Some(video.clone()),
            Step::Fail(failure) => job.failure = Some(failure.clone()),
            Step::Redrive { .. } => {
                job.failure = None;
                job.redriven_at = Some(job.updated_at);
            }
            Step::StartGenerating { .. }
            | Step::StartRendering { .. }
            | Step::Cancel
            | Step::Expire => {}
        }
        Ok(job)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof};
    use proptest::proptest;

    use super::*;
    use crate::{RenderId, Resolution};

    fn job() -> Job {
        let id = JobId::of_object("media", "uploads/a.jpg", "e");
        let key = ObjectKey::new("uploads/a.jpg").expect("valid");
        Job::new(id, "media", key, JobOrder::default(), Timestamp::from_epoch_ms(1))
    }

    fn steps() -> impl Strategy<Value = Step> {
        let render_id = RenderId::of_clip(job().id, "c");
        let clip = ClipMade {
            provider: "p".into(),
            provider_job: "1".into(),
            duration_secs: 6,
            resolution: Resolution { width: 1920, height: 1080 },
            worked_ms: 1,
        };
        let failure =
            |stage| Failure { stage, kind: FailureKind::Refused, reason: "no".into(), cause: None };
        prop_oneof![
            Just(Step::AcceptPhoto(Photo { width: 2, height: 2, worked_ms: 1 })),
            Just(Step::StartGenerating { provider: "p".into() }),
            Just(Step::StoreClip(clip)),
            Just(Step::StartRendering { render_id }),
            Just(Step::StoreVideo(VideoMade { render_id, duration_ms: 1, worked_ms: 1 })),
            Just(Step::Fail(failure(Stage::Ingest))),
            Just(Step::Fail(failure(Stage::Render))),
            Just(Step::Cancel),
            Just(Step::Expire),
            Just(Step::Redrive { stage: Stage::Ltx, by: "ana".into() }),
        ]
    }

    proptest! {
        #[test]
        fn whatever_happens_a_job_moves_forward_and_ends_once_however_often_it_is_redriven(
            steps in prop::collection::vec((steps(), any::<u32>()), 0..24)
        ) {
            let mut job = job();
            let (mut ends, mut redrives) = (0, 0);
            for (step, at) in steps {
                let before = job.clone();
                match before.after(&step, Timestamp::from_epoch_ms(at.into())) {
                    Ok(after) => {
                        let redriven = matches!(step, Step::Redrive { .. });
                        prop_assert_eq!(before.state.is_end(), redriven);
                        prop_assert_eq!(after.state < before.state, redriven);
                        redrives += u32::from(redriven);
                        prop_assert_eq!(after.seq, before.seq + step.announces());
                        prop_assert!(after.updated_at >= before.updated_at);
                        ends += u32::from(after.state.is_end());
                        job = after;
                    }
                    Err(illegal) => prop_assert_eq!(illegal.state, before.state),
                }
            }
            prop_assert!(ends <= 1 + redrives);
        }

        #[test]
        fn a_job_that_has_ended_has_no_next_step_but_a_redrive(step in steps(), end in 5_usize..9) {
            let job = Job { state: JobState::ALL[end], ..job() };
            let redriven = job.state == JobState::Failed && matches!(step, Step::Redrive { .. });

            prop_assert!(job.state.is_end());
            prop_assert_eq!(job.after(&step, job.updated_at).is_ok(), redriven);
        }
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
}
