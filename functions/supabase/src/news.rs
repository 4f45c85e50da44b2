//! What a fact means for the row.

use domain::{JobId, JobState};
use events::{
    BusEvent, Envelope, Fact, JobCancelled, JobCreated, JobDeleted, JobExpired, JobFailed,
    JobRedriven, LtxDone, PhotoAccepted, RenderRequested, Rendered, RerenderFailed,
};
use serde::Deserialize;

use crate::row::{CALLED_OFF, PHOTO_NEVER_CAME, uuid};
use crate::{Progress, Row, Status, SupabaseError, Urls};

/// What is to become of the row of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// It is to be there.
    Created(Row),
    /// It goes on.
    Moved(Move),
    /// It is to be gone.
    Deleted(JobId),
    /// Nothing.
    Nothing,
}

/// A step of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Move {
    /// The job.
    pub(crate) job: JobId,
    /// The states that it may follow.
    pub(crate) from: &'static [Status],
    /// How far the row is after it.
    pub(crate) progress: Progress,
}

/// Reads an event.
pub(crate) fn read(event: &BusEvent) -> Result<News, SupabaseError> {
    let told = || Told::of(event);
    Ok(match event.detail_type.as_str() {
        JobCreated::DETAIL_TYPE => created(&told()?)?,
        PhotoAccepted::DETAIL_TYPE => photo_accepted(&told()?)?,
        LtxDone::DETAIL_TYPE => ltx_done(&told()?)?,
        Rendered::DETAIL_TYPE => rendered(&told()?)?,
        JobFailed::DETAIL_TYPE => failed(&told()?)?,
        JobCancelled::DETAIL_TYPE => told()?.ended(JobState::Cancelled, CALLED_OFF),
        JobExpired::DETAIL_TYPE => told()?.ended(JobState::Expired, PHOTO_NEVER_CAME),
        JobRedriven::DETAIL_TYPE => redriven(&told()?)?,
        RenderRequested::DETAIL_TYPE => render_requested(&told()?),
        RerenderFailed::DETAIL_TYPE => rerender_failed(&told()?),
        JobDeleted::DETAIL_TYPE => News::Deleted(told()?.job),
        // A refused photo is followed by the end of the job; of what has only begun the row says
        // nothing.
        _ => News::Nothing,
    })
}

fn foreign(event: &BusEvent, source: serde_json::Error) -> SupabaseError {
    SupabaseError::Foreign { detail_type: event.detail_type.clone(), source }
}

/// An event, as far as all facts are alike.
struct Told<'a> {
    job: JobId,
    envelope: Envelope,
    event: &'a BusEvent,
}

impl<'a> Told<'a> {
    fn of(event: &'a BusEvent) -> Result<Self, SupabaseError> {
        let envelope = event.envelope().map_err(|source| foreign(event, source))?;
        Ok(Self { job: JobId::parse(&envelope.job_id)?, envelope, event })
    }

    fn fact<F: Fact + Deserialize<'a>>(&self) -> Result<F, SupabaseError> {
        F::deserialize(&self.event.detail).map_err(|source| foreign(self.event, source))
    }

    fn progress(&self, status: Status, job_state: JobState, urls: Urls) -> Progress {
        Progress {
            status,
            job_state,
            failure_reason: None,
            event_seq: self.envelope.seq,
            updated_at: self.envelope.occurred_at.clone(),
            urls,
        }
    }

    fn moved(&self, from: &'static [Status], progress: Progress) -> News {
        News::Moved(Move { job: self.job, from, progress })
    }

    fn ended(&self, job_state: JobState, reason: &str) -> News {
        let progress = self.progress(Status::Failed, job_state, Urls::default());
        let progress = Progress { failure_reason: Some(reason.to_owned()), ..progress };
        self.moved(&[Status::Pending, Status::LtxDone], progress)
    }
}

fn created(told: &Told<'_>) -> Result<News, SupabaseError> {
    let JobCreated { upload_url_s3, .. } = told.fact()?;
    let urls = Urls { photo_url_s3: Some(upload_url_s3), ..Urls::default() };
    Ok(News::Created(Row {
        id: told.job,
        user_id: uuid(told.envelope.user_id.as_deref()),
        property_id: uuid(told.envelope.property_id.as_deref()),
        created_at: told.envelope.occurred_at.clone(),
        progress: told.progress(Status::Pending, JobState::Pending, urls),
    }))
}

fn photo_accepted(told: &Told<'_>) -> Result<News, SupabaseError> {
    let PhotoAccepted { photo_url_s3, .. } = told.fact()?;
    let urls = Urls { photo_url_s3: Some(photo_url_s3), ..Urls::default() };
    let progress = told.progress(Status::Pending, JobState::Queued, urls);
    Ok(told.moved(&[Status::Pending], progress))
}

fn ltx_done(told: &Told<'_>) -> Result<News, SupabaseError> {
    let LtxDone { photo_url_s3, ltx_video_url, .. } = told.fact()?;
    let urls = Urls {
        photo_url_s3: Some(photo_url_s3),
        ltx_video_url_s3: Some(ltx_video_url),
        ..Urls::default()
    };
    let progress = told.progress(Status::LtxDone, JobState::LtxDone, urls);
    Ok(told.moved(&[Status::Pending], progress))
}

/// It may overtake all that was before, so it leaves nothing out.
fn rendered(told: &Told<'_>) -> Result<News, SupabaseError> {
    let Rendered { photo_url_s3, ltx_video_url, final_video_url, poster_url, .. } = told.fact()?;
    let urls = Urls {
        photo_url_s3: Some(photo_url_s3),
        ltx_video_url_s3: Some(ltx_video_url),
        final_video_url_s3: Some(final_video_url),
        poster_url_s3: Some(poster_url),
    };
    let progress = told.progress(Status::Rendered, JobState::Rendered, urls);
    Ok(told.moved(&[Status::Pending, Status::LtxDone, Status::Rendered], progress))
}

fn failed(told: &Told<'_>) -> Result<News, SupabaseError> {
    let JobFailed { reason, .. } = told.fact()?;
    Ok(told.ended(JobState::Failed, &reason))
}

fn redriven(told: &Told<'_>) -> Result<News, SupabaseError> {
    let JobRedriven { stage, .. } = told.fact()?;
    let (status, job_state) = match stage.as_str() {
        "render" => (Status::LtxDone, JobState::LtxDone),
        "ltx" => (Status::Pending, JobState::Queued),
        _ => (Status::Pending, JobState::Pending),
    };
    let progress = told.progress(status, job_state, Urls::default());
    Ok(told.moved(&[Status::Failed], progress))
}

fn render_requested(told: &Told<'_>) -> News {
    let progress = told.progress(Status::LtxDone, JobState::LtxDone, Urls::default());
    told.moved(&[Status::Rendered, Status::Failed], progress)
}

/// The earlier video stays.
fn rerender_failed(told: &Told<'_>) -> News {
    let progress = told.progress(Status::Rendered, JobState::Rendered, Urls::default());
    told.moved(&[Status::LtxDone], progress)
}
