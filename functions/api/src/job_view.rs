//! Jobs as callers see them.

use std::fmt;

use domain::{Attempt, Branding, FailureKind, Job, JobState, MicroUsd, ObjectKey, keys};
use events::{LtxOptions, rfc3339};
use ports::{Clock, History, Ledger, Uploads};
use serde::Serialize;
use utoipa::ToSchema;

use crate::fact_view::FactView;
use crate::{Api, Parts, Problem};

/// Why a job ended without a video.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FailureView {
    /// Where it ended: `fetch`, `ingest`, `ltx`, `render` or `sweep`.
    stage: String,
    /// `refused`: asking again will not help. `fault`: something broke, more often than we retry.
    /// `unknown`: it was not known in time whether the paid work exists. `late`: a deadline passed.
    kind: &'static str,
    /// Why, in one sentence for the person who asked.
    reason: String,
}

/// A job in a listing. Times are RFC 3339, UTC, with milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JobSummary {
    /// Identity; also `videos.id`.
    #[schema(format = Uuid)]
    job_id: String,
    /// Who asked; absent for a photo that was dropped in.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    /// The villa, room or product in the photo.
    #[serde(skip_serializing_if = "Option::is_none")]
    property_id: Option<String>,
    /// How far it is: `pending`, `queued`, `generating`, `ltx_done`, `rendering`, `rendered`, `failed`,
    /// `cancelled` or `expired`.
    state: String,
    /// The same in the four values of `videos.status`: `pending`, `ltx_done`, `rendered`, `failed`.
    status: &'static str,
    /// Number of the newest fact about it.
    seq: u64,
    /// The large words on the video.
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    /// When it became known.
    created_at: String,
    /// When the newest fact happened.
    updated_at: String,
    /// Why there is no video.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<FailureView>,
}

impl JobSummary {
    /// What a listing says of `job`.
    pub(crate) fn of(job: &Job) -> Self {
        let failure = job.failure.as_ref().map(|failure| FailureView {
            stage: failure.stage.to_string(),
            kind: kind_of(failure.kind),
            reason: failure.reason.clone(),
        });
        Self {
            job_id: job.id.to_string(),
            user_id: job.order.user_id.clone(),
            property_id: job.order.property_id.clone(),
            state: job.state.to_string(),
            status: status_of(job.state),
            seq: job.seq,
            title: job.order.branding.title.clone(),
            created_at: rfc3339(job.created_at),
            updated_at: rfc3339(job.updated_at),
            failure,
        }
    }
}

const fn kind_of(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::Refused => "refused",
        FailureKind::Fault => "fault",
        FailureKind::Unknown => "unknown",
        FailureKind::Late => "late",
    }
}

/// The user's four values, which are all that his table allows.
const fn status_of(state: JobState) -> &'static str {
    match state {
        JobState::Pending | JobState::Queued | JobState::Generating => "pending",
        JobState::LtxDone | JobState::Rendering => "ltx_done",
        JobState::Rendered => "rendered",
        JobState::Failed | JobState::Cancelled | JobState::Expired | JobState::Deleted => "failed",
    }
}

/// What goes on top of the clip.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BrandingView {
    /// The large words.
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    /// The smaller words.
    #[serde(skip_serializing_if = "Option::is_none")]
    subtitle: Option<String>,
    /// Key of the logo.
    #[serde(skip_serializing_if = "Option::is_none")]
    logo_key: Option<String>,
    /// Key of the music.
    #[serde(skip_serializing_if = "Option::is_none")]
    music_key: Option<String>,
    /// Name of the theme; absent: `default`.
    #[serde(skip_serializing_if = "Option::is_none")]
    theme: Option<String>,
}

impl From<&Branding> for BrandingView {
    fn from(branding: &Branding) -> Self {
        Self {
            title: branding.title.clone(),
            subtitle: branding.subtitle.clone(),
            logo_key: branding.logo_key.as_ref().map(ObjectKey::to_string),
            music_key: branding.music_key.as_ref().map(ObjectKey::to_string),
            theme: branding.theme.clone(),
        }
    }
}

/// Another rendering that is under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RerenderView {
    /// Which rendering it is.
    #[schema(format = Uuid)]
    render_id: String,
}

/// One order of paid work. Amounts are dollars with two to six decimals: `"0.36"`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AttemptView {
    /// Which attempt of the job, from 1.
    number: u32,
    /// Who is to do the work.
    provider: String,
    /// `intended`, `submitted`, `unknown`, `succeeded`, `not_taken`, `failed` or `cancelled`.
    state: &'static str,
    /// What the provider is expected to charge.
    quoted: String,
    /// What the provider charges; absent: that is not settled.
    #[serde(skip_serializing_if = "Option::is_none")]
    charged: Option<String>,
    /// Whether nobody knows if the order was taken: it may be charged, and is not made again.
    unknown: bool,
    /// What may be charged beside it, for an earlier attempt that nobody knows the end of.
    #[serde(skip_serializing_if = "Option::is_none")]
    at_risk: Option<String>,
    /// When it was written down: RFC 3339, UTC, milliseconds.
    intended_at: String,
    /// When it ended, or was found unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    settled_at: Option<String>,
}

impl From<&Attempt> for AttemptView {
    fn from(attempt: &Attempt) -> Self {
        let at_risk = Some(attempt.at_risk).filter(|at_risk| *at_risk != MicroUsd::ZERO);
        Self {
            number: attempt.number,
            provider: attempt.provider.clone(),
            state: attempt.state.as_str(),
            quoted: dollars(attempt.quoted),
            charged: attempt.charged.map(dollars),
            unknown: attempt.is_unknown(),
            at_risk: at_risk.map(dollars),
            intended_at: rfc3339(attempt.intended_at),
            settled_at: attempt.settled_at.map(rfc3339),
        }
    }
}

/// Dollars without their sign: the currency is said beside them.
fn dollars(amount: MicroUsd) -> String {
    amount.to_string().trim_start_matches('$').to_owned()
}

/// What a job costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Costs {
    /// `USD`.
    currency: &'static str,
    /// What providers charge so far: `"0.24"`.
    charged: String,
    /// Every order of paid work, the oldest first.
    attempts: Vec<AttemptView>,
}

impl Costs {
    fn of(attempts: &[Attempt]) -> Self {
        Self {
            currency: "USD",
            charged: dollars(attempts.iter().filter_map(|attempt| attempt.charged).sum()),
            attempts: attempts.iter().map(AttemptView::from).collect(),
        }
    }
}

/// A download that was signed in advance. The address is a secret.
#[derive(Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Download {
    /// Where to GET it, without any header.
    url: String,
    /// Until when: RFC 3339, UTC, milliseconds.
    expires_at: String,
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// What there is of a job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Media {
    /// The photo, upright and without metadata, once it is accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    photo: Option<Download>,
    /// The clip.
    #[serde(skip_serializing_if = "Option::is_none")]
    clip: Option<Download>,
    /// The newest video.
    #[serde(skip_serializing_if = "Option::is_none")]
    video: Option<Download>,
    /// The picture that stands for the video.
    #[serde(skip_serializing_if = "Option::is_none")]
    poster: Option<Download>,
}

impl Media {
    /// Downloads of what the row says is there.
    async fn of<P: Parts>(api: &Api<P>, job: &Job) -> Result<Self, Problem> {
        let is_made = job.video.is_some();
        Ok(Self {
            photo: download(api, job.photo.is_some(), keys::photo(job.id)).await?,
            clip: download(api, job.clip.is_some(), keys::clip(job.id)).await?,
            video: download(api, is_made, keys::video(job.id)).await?,
            poster: download(api, is_made, keys::poster(job.id)).await?,
        })
    }
}

async fn download<P: Parts>(
    api: &Api<P>,
    is_there: bool,
    key: ObjectKey,
) -> Result<Option<Download>, Problem> {
    if !is_there {
        return Ok(None);
    }
    let good_for = api.rules.download_expires;
    let expires_at = rfc3339(api.chronicle.clock.now().plus(good_for));
    let signed = api.store.sign_get(&key, good_for).await?;
    Ok(Some(Download { url: signed.url, expires_at }))
}

/// Everything that is known of a job.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JobView {
    /// What a listing says.
    #[serde(flatten)]
    summary: JobSummary,
    /// What the clip is to show, in words.
    prompt: String,
    /// What the clip is to look like: `duration` in seconds, `resolution` as `1920x1080`, `fps`,
    /// `cameraMotion`, `provider`, `model`, `seed`, `audio`, `reuse`. What is absent is up to us.
    #[schema(value_type = Object)]
    options: LtxOptions,
    /// What goes on top of the clip.
    branding: BrandingView,
    /// Another rendering that is under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    rerender: Option<RerenderView>,
    /// Whether nobody knows of some order if it was taken: it may be charged.
    unknown: bool,
    /// Everything that happened, the oldest first.
    history: Vec<FactView>,
    /// What it costs.
    costs: Costs,
    /// What there is of it.
    media: Media,
}

impl JobView {
    /// Everything that is known of `job`, which is not deleted.
    ///
    /// # Errors
    /// A [`Problem`] if something broke.
    pub(crate) async fn of<P: Parts>(api: &Api<P>, job: &Job) -> Result<Self, Problem> {
        let attempts = api.ledger.attempts(job.id).await?;
        Ok(Self {
            summary: JobSummary::of(job),
            prompt: job.order.prompt.clone(),
            options: LtxOptions::from(&job.order.clip),
            branding: BrandingView::from(&job.order.branding),
            rerender: job
                .rerender
                .as_ref()
                .filter(|_| !job.state.is_end())
                .map(|rerender| RerenderView { render_id: rerender.render_id.to_string() }),
            unknown: attempts.iter().any(Attempt::is_unknown),
            history: history(api, job).await?,
            costs: Costs::of(&attempts),
            media: Media::of(api, job).await?,
        })
    }
}

async fn history<P: Parts>(api: &Api<P>, job: &Job) -> Result<Vec<FactView>, Problem> {
    let events = api.chronicle.jobs.events(job.id).await?;
    Ok(events.iter().map(|event| FactView::of(event, job)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_download_is_not_printed() {
        let url = "https://bucket/photo.jpg?X-Amz-Signature=s3cret".to_owned();
        let photo = Some(Download { url, expires_at: "soon".to_owned() });

        let printed = format!("{:?}", Media { photo, ..Media::default() });

        assert!(printed.contains(r#"Download { expires_at: "soon", .. }"#), "{printed}");
    }
}
