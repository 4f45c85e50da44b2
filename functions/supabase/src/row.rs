//! A row of the user's table, and what of it is ours.

use domain::{Failure, Job, JobId, JobState, keys};
use events::{rfc3339, s3_url};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Why a job that was called off has no video.
pub(crate) const CALLED_OFF: &str = "the job was called off";
/// Why a job whose photo never came has no video.
pub(crate) const PHOTO_NEVER_CAME: &str = "the photo did not come in time";

/// `videos.status`: the four values that the table allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// There is no clip yet.
    Pending,
    /// There is a clip, and no video or not the wanted one.
    LtxDone,
    /// The video is there.
    Rendered,
    /// The job has ended without a video.
    Failed,
}

impl Status {
    /// What the table says of a job in this state; none: it has no row.
    pub const fn of(state: JobState) -> Option<Self> {
        match state {
            JobState::Pending | JobState::Queued | JobState::Generating => Some(Self::Pending),
            JobState::LtxDone | JobState::Rendering => Some(Self::LtxDone),
            JobState::Rendered => Some(Self::Rendered),
            JobState::Failed | JobState::Cancelled | JobState::Expired => Some(Self::Failed),
            JobState::Deleted => None,
        }
    }

    /// The value in the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::LtxDone => "ltx_done",
            Self::Rendered => "rendered",
            Self::Failed => "failed",
        }
    }

    /// Reads a value of the table.
    pub fn parse(value: &str) -> Option<Self> {
        let all = [Self::Pending, Self::LtxDone, Self::Rendered, Self::Failed];
        all.into_iter().find(|status| status.as_str() == value)
    }
}

/// Where things of a job are, each `s3://bucket/key`. What is none leaves the column as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Urls {
    /// The photo: accepted, or as it arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub photo_url_s3: Option<String>,
    /// The clip.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ltx_video_url_s3: Option<String>,
    /// The video.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub final_video_url_s3: Option<String>,
    /// The picture that stands for the video.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub poster_url_s3: Option<String>,
}

impl Urls {
    /// What a job has.
    fn of(job: &Job) -> Self {
        let url = |key| s3_url(&job.bucket, &key);
        let photo = if job.photo.is_some() { keys::photo(job.id) } else { job.upload_key.clone() };
        Self {
            photo_url_s3: Some(url(photo)),
            ltx_video_url_s3: job.clip.as_ref().map(|_| url(keys::clip(job.id))),
            final_video_url_s3: job.video.as_ref().map(|_| url(keys::video(job.id))),
            poster_url_s3: job.video.as_ref().map(|_| url(keys::poster(job.id))),
        }
    }
}

/// How far the row of a job is: everything in it that changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// What the rest of the business goes by.
    pub status: Status,
    /// The state of the job, finer than the status.
    pub job_state: JobState,
    /// Why there is no video, in one sentence for the person who asked.
    pub failure_reason: Option<String>,
    /// Number of the newest fact that is in the row.
    pub event_seq: u64,
    /// When that fact happened: RFC 3339, UTC, milliseconds.
    pub updated_at: String,
    /// What there is.
    #[serde(flatten)]
    pub urls: Urls,
}

impl Progress {
    /// As far as the job is; none if it was deleted.
    pub fn of(job: &Job) -> Option<Self> {
        Some(Self {
            status: Status::of(job.state)?,
            job_state: job.state,
            failure_reason: match job.state {
                JobState::Cancelled => Some(CALLED_OFF.to_owned()),
                JobState::Expired => Some(PHOTO_NEVER_CAME.to_owned()),
                _ => job.failure.as_ref().map(|Failure { reason, .. }| reason.clone()),
            },
            event_seq: job.seq,
            updated_at: rfc3339(job.updated_at),
            urls: Urls::of(job),
        })
    }
}

/// A whole row, as it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The job.
    pub id: JobId,
    /// Who asked; null in the table if ours is no UUID.
    pub user_id: Option<Uuid>,
    /// The villa, room or product; null in the table if ours is no UUID.
    pub property_id: Option<Uuid>,
    /// When the job became known: RFC 3339, UTC, milliseconds.
    pub created_at: String,
    /// How far it is. The table wants a photo.
    #[serde(flatten)]
    pub progress: Progress,
}

impl Row {
    /// The row of a job as it is now; none if it was deleted.
    pub fn of(job: &Job) -> Option<Self> {
        Some(Self {
            id: job.id,
            user_id: uuid(job.order.user_id.as_deref()),
            property_id: uuid(job.order.property_id.as_deref()),
            created_at: rfc3339(job.created_at),
            progress: Progress::of(job)?,
        })
    }
}

/// Ours are any text, the columns are of type `uuid`.
pub(crate) fn uuid(text: Option<&str>) -> Option<Uuid> {
    Uuid::parse_str(text?).ok()
}

/// A row as it was found. Others may write to the table, so its values are any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Seen {
    /// `status`.
    pub status: Option<String>,
    /// `job_state`.
    pub job_state: Option<String>,
    /// `event_seq`; none: no fact has changed the row.
    pub event_seq: Option<u64>,
    /// `photo_url_s3`.
    pub photo_url_s3: Option<String>,
    /// `ltx_video_url_s3`.
    pub ltx_video_url_s3: Option<String>,
    /// `final_video_url_s3`.
    pub final_video_url_s3: Option<String>,
    /// `poster_url_s3`.
    pub poster_url_s3: Option<String>,
}

impl Seen {
    /// The status, if it is the one that we wrote: another one is of somebody else.
    pub(crate) fn status_of_ours(&self) -> Option<Status> {
        let ours = Status::of(JobState::parse(self.job_state.as_deref()?)?)?;
        (self.status.as_deref() == Some(ours.as_str())).then_some(ours)
    }

    /// What of `urls` the row does not have yet.
    pub(crate) fn lacks(&self, urls: &Urls) -> Urls {
        let missing = |have: &Option<String>, url: &Option<String>| match have {
            None => url.clone(),
            Some(_) => None,
        };
        // As it arrived, the photo stands in for the accepted one.
        let has_photo = self.photo_url_s3.as_deref().is_some_and(|url| !is_upload(url));
        Urls {
            photo_url_s3: if has_photo { None } else { urls.photo_url_s3.clone() },
            ltx_video_url_s3: missing(&self.ltx_video_url_s3, &urls.ltx_video_url_s3),
            final_video_url_s3: missing(&self.final_video_url_s3, &urls.final_video_url_s3),
            poster_url_s3: missing(&self.poster_url_s3, &urls.poster_url_s3),
        }
    }
}

fn is_upload(url: &str) -> bool {
    let key = url.strip_prefix("s3://").and_then(|rest| rest.split_once('/'));
    key.is_some_and(|(_, key)| key.starts_with(keys::UPLOADS))
}

#[cfg(test)]
mod tests {
    use testkit::samples;

    use super::*;

    #[test]
    fn every_state_but_deleted_has_one_of_the_four_values() {
        let statuses = JobState::ALL.map(|state| Status::of(state).map(Status::as_str));

        let expected = ["pending", "pending", "pending", "ltx_done", "ltx_done", "rendered"];
        assert_eq!(statuses[..6], expected.map(Some));
        assert_eq!(statuses[6..], [Some("failed"), Some("failed"), Some("failed"), None]);
    }

    #[test]
    fn a_row_says_nothing_of_what_there_is_not() {
        let row = Row::of(&samples::job()).expect("a row");

        let json = serde_json::to_value(&row).expect("JSON");

        assert_eq!(json["photo_url_s3"], "s3://media/uploads/villa.jpg");
        assert_eq!(
            (&json["user_id"], &json["status"]),
            (&serde_json::Value::Null, &"pending".into())
        );
        assert_eq!(json.get("ltx_video_url_s3"), None);
    }

    #[test]
    fn an_owner_is_told_by_uuid_or_not_at_all() {
        let id = "0192f0c1-7e57-7abc-8def-001122334455";

        assert_eq!(uuid(Some(id)).map(|id| id.to_string()).as_deref(), Some(id));
        assert_eq!(uuid(Some("user-1")), None);
        assert_eq!(uuid(None), None);
    }

    #[test]
    fn a_status_that_does_not_fit_our_state_is_of_somebody_else() {
        let seen = |status: &str, state: Option<&str>| Seen {
            status: Some(status.to_owned()),
            job_state: state.map(ToOwned::to_owned),
            ..Seen::default()
        };

        assert_eq!(seen("pending", Some("queued")).status_of_ours(), Some(Status::Pending));
        assert_eq!(seen("failed", Some("queued")).status_of_ours(), None);
        assert_eq!(seen("pending", None).status_of_ours(), None);
    }

    #[test]
    fn only_a_photo_as_it_arrived_is_replaced() {
        let urls = Urls { photo_url_s3: Some("s3://media/photos/j.jpg".into()), ..Urls::default() };
        let lacks = |photo: &str| {
            Seen { photo_url_s3: Some(photo.to_owned()), ..Seen::default() }.lacks(&urls)
        };

        assert_eq!(lacks("s3://media/uploads/villa.jpg"), urls);
        assert_eq!(lacks("s3://media/photos/j.jpg"), Urls::default());
        assert_eq!(lacks("https://cdn.test/villa.jpg"), Urls::default());
    }
}
