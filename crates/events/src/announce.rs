//! From a step of a job to the facts that it announces.

use domain::{
    ClipMade, EventId, Failure, FailureKind, Job, JobId, JobState, Stage, Step, Timestamp, keys,
};
use serde::{Deserialize, Serialize};

use crate::facts::{
    ClipMeta, Detail, Envelope, Fact, GenerationStarted, JobCancelled, JobCreated, JobDeleted,
    JobExpired, JobFailed, JobRedriven, LtxDone, PhotoAccepted, PhotoRefused, RenderRequested,
    RenderStarted, Rendered, RerenderFailed,
};
use crate::wire::{rfc3339, s3_url};

/// An event as it is stored and published: built once, the same bytes in every delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Identity of the fact.
    pub id: EventId,
    /// The job it is about.
    pub job: JobId,
    /// Its place in the history of the job.
    pub seq: u64,
    /// `source`: `stillmotion.` and the name of a function.
    pub source: String,
    /// `detail-type`: a past-tense name and a version.
    pub detail_type: String,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// `detail`, as JSON text.
    pub detail: String,
}

/// The fact that a job is known.
pub fn announce_creation(job: &Job) -> Event {
    let upload_url_s3 = s3_url(&job.bucket, &job.upload_key);
    // Such keys are made by the API.
    let by =
        if keys::job_of_upload(&job.upload_key).is_some() { Stage::Api } else { Stage::Ingest };
    Facts { job, seq: job.seq }.next(by, JobCreated { upload_url_s3 })
}

/// The facts that follow from `step`, where `before` and `after` are the job before and after it.
///
/// There are [`Step::announces`] of them, and they take the newest numbers of the sequence.
pub fn announce(before: &Job, after: &Job, step: &Step) -> Vec<Event> {
    let job = after;
    let mut facts = Facts { job, seq: job.seq - step.announces() + 1 };
    let photo_url_s3 = || s3_url(&job.bucket, &keys::photo(job.id));
    let ltx_video_url = || s3_url(&job.bucket, &keys::clip(job.id));
    let upload_url_s3 = || s3_url(&job.bucket, &job.upload_key);

    let event = match step {
        Step::AcceptPhoto(photo) => {
            let (width, height, worked_ms) = (photo.width, photo.height, photo.worked_ms);
            let photo_url_s3 = photo_url_s3();
            facts.next(Stage::Ingest, PhotoAccepted { photo_url_s3, width, height, worked_ms })
        }
        Step::StartGenerating { provider } => {
            facts.next(Stage::Ltx, GenerationStarted { provider: provider.clone() })
        }
        Step::StoreClip(clip) => facts.next(
            Stage::Ltx,
            LtxDone {
                photo_url_s3: photo_url_s3(),
                ltx_video_url: ltx_video_url(),
                meta: meta(clip),
                worked_ms: clip.worked_ms,
            },
        ),
        Step::StartRendering { render_id } => {
            facts.next(Stage::Render, RenderStarted { render_id: render_id.to_string() })
        }
        Step::StoreVideo(video) => facts.next(
            Stage::Render,
            Rendered {
                photo_url_s3: photo_url_s3(),
                ltx_video_url: ltx_video_url(),
                final_video_url: s3_url(&job.bucket, &keys::video(job.id)),
                poster_url: s3_url(&job.bucket, &keys::poster(job.id)),
                render_id: video.render_id.to_string(),
                duration_ms: video.duration_ms,
                meta: job.clip.as_ref().map(meta),
                worked_ms: video.worked_ms,
            },
        ),
        Step::Rerender(rerender) => {
            facts.next(Stage::Api, RenderRequested { render_id: rerender.render_id.to_string() })
        }
        Step::Fail(_) | Step::Cancel if job.state == JobState::Rendered => {
            facts.next(Stage::Render, rerender_failed(before, step))
        }
        Step::Fail(failure) => return failed(&mut facts, failure, upload_url_s3()),
        Step::Delete => facts.next(Stage::Api, JobDeleted {}),
        Step::Cancel => facts.next(Stage::Sweep, JobCancelled {}),
        Step::Expire => facts.next(Stage::Sweep, JobExpired { upload_url_s3: upload_url_s3() }),
        Step::Redrive { stage, by } => {
            let (stage, by) = (stage.to_string(), by.clone());
            facts.next(Stage::Sweep, JobRedriven { stage, by })
        }
    };
    vec![event]
}

fn failed(facts: &mut Facts<'_>, failure: &Failure, upload_url_s3: String) -> Vec<Event> {
    let Failure { stage, kind, reason, .. } = failure;
    let mut events = Vec::with_capacity(2);
    if (*stage, *kind) == (Stage::Ingest, FailureKind::Refused) {
        events.push(facts.next(*stage, PhotoRefused { upload_url_s3, reason: reason.clone() }));
    }
    let (stage_name, kind) = (stage.to_string(), name_of(*kind).to_owned());
    let failed = JobFailed { stage: stage_name, kind, reason: reason.clone() };
    events.push(facts.next(*stage, failed));
    events
}

fn rerender_failed(before: &Job, step: &Step) -> RerenderFailed {
    let render_id = before.rerender.as_ref().map(|rerender| rerender.render_id.to_string());
    let render_id = render_id.unwrap_or_default();
    match step {
        Step::Fail(Failure { stage, kind, reason, .. }) => RerenderFailed {
            render_id,
            stage: stage.to_string(),
            kind: name_of(*kind).to_owned(),
            reason: reason.clone(),
        },
        _ => RerenderFailed {
            render_id,
            stage: Stage::Api.to_string(),
            kind: "cancelled".to_owned(),
            reason: "it was called off".to_owned(),
        },
    }
}

const fn name_of(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::Refused => "refused",
        FailureKind::Fault => "fault",
        FailureKind::Unknown => "unknown",
        FailureKind::Late => "late",
    }
}

fn meta(clip: &ClipMade) -> ClipMeta {
    ClipMeta {
        ltx_job_id: clip.provider_job.clone(),
        duration: clip.duration_secs,
        resolution: clip.resolution.to_string(),
        provider: clip.provider.clone(),
    }
}

/// Numbers facts about one job.
struct Facts<'a> {
    job: &'a Job,
    seq: u64,
}

impl Facts<'_> {
    fn next<F: Fact>(&mut self, announced_by: Stage, fact: F) -> Event {
        let (job, seq) = (self.job, self.seq);
        self.seq += 1;

        let id = EventId::of_fact(job.id, seq, F::DETAIL_TYPE);
        let envelope = Envelope {
            id: id.to_string(),
            seq,
            occurred_at: rfc3339(job.updated_at),
            job_id: job.id.to_string(),
            user_id: job.order.user_id.clone(),
            property_id: job.order.property_id.clone(),
            trace_id: job.trace_id.as_str().to_owned(),
        };
        let detail = serde_json::to_string(&Detail { envelope, fact })
            .expect("facts are strings and numbers under string keys");
        Event {
            id,
            job: job.id,
            seq,
            source: format!("stillmotion.{announced_by}"),
            detail_type: F::DETAIL_TYPE.to_owned(),
            occurred_at: job.updated_at,
            detail,
        }
    }
}
