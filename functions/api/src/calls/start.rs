//! `POST /api/start-video-job`: a video of a photo that is somewhere already.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use axum::routing::post;
use domain::{Job, JobState, ObjectKey, keys};
use events::{FetchItem, FetchedAs, LtxOptions};
use ports::{StoreError, copy_traced};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use crate::bad_fields::BadFields;
use crate::idempotency::{Repeatable, RequestKey, job_id};
use crate::media_url::MediaUrl;
use crate::new_job::{NewJob, refuse_ended};
use crate::openapi::{Always, Body, Conflict, Forbidden};
use crate::ornaments::Ornaments;
use crate::wishes::Wishes;
use crate::{Api, Caller, Parts, Problem};

/// Largest photo, in bytes; `film` has the same limit.
const MAX_PHOTO_BYTES: u64 = 40 << 20;
/// The name of a photo whose address has none.
const PHOTO: &str = "photo.jpg";

#[derive(OpenApi)]
#[openapi(paths(start_video_job))]
struct Docs;

/// The calls of this group, described.
pub(super) fn docs() -> utoipa::openapi::OpenApi {
    Docs::openapi()
}

/// The calls of this group.
pub(super) fn routes<P: Parts>() -> Router<Arc<Api<P>>> {
    Router::new().route("/api/start-video-job", post(start_video_job::<P>))
}

/// A photo, and what is to become of it.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewVideo {
    /// Whose it is; that of the token, unless a service asks.
    user_id: Option<String>,
    /// The villa, room or product in the photo: up to 200 characters.
    property_id: Option<String>,
    /// The photo: a key under `uploads/` or `photos/`, `s3://bucket/key` in our bucket, or `https://…`.
    #[schema(example = "https://example.com/villa.jpg")]
    image_url: String,
    /// What the clip is to show, in words: up to 5000 characters.
    prompt: Option<String>,
    /// What the clip is to look like: `duration` (seconds), `resolution` (`1920x1080`), `fps`,
    /// `cameraMotion`, `provider`, `model`, `seed`, `audio`, `reuse`.
    #[schema(value_type = Option<Object>)]
    options: Option<LtxOptions>,
    /// The large words: up to 300 characters.
    title: Option<String>,
    /// The smaller words: up to 300 characters.
    subtitle: Option<String>,
    /// The logo: a key under `logos/`, or `https://…`.
    logo_url: Option<String>,
    /// The music: a key under `music/`, or `https://…`.
    music_url: Option<String>,
    /// Name of the theme: up to 100 characters.
    theme: Option<String>,
}

impl NewVideo {
    fn wishes(&self) -> Wishes {
        Wishes {
            user_id: self.user_id.clone(),
            property_id: self.property_id.clone(),
            prompt: self.prompt.clone(),
            title: self.title.clone(),
            subtitle: self.subtitle.clone(),
            theme: self.theme.clone(),
            options: self.options.clone().unwrap_or_default(),
        }
    }
}

/// A job that has begun.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Started {
    /// Identity.
    #[schema(format = Uuid)]
    job_id: String,
    /// How far it is.
    #[schema(example = "pending")]
    state: String,
    /// Where to look how far it is.
    status_url: String,
}

/// Begins a job with a photo that is somewhere already: in the bucket, or at a public address.
#[utoipa::path(
    post,
    path = "/api/start-video-job",
    operation_id = "startVideoJob",
    tag = "jobs",
    params((
        "idempotency-key" = Option<String>, Header,
        description = "1 to 128 visible ASCII characters: the same request under the same key, within \
                       a day, is one request.",
    )),
    request_body(content = NewVideo, description = "The photo, and what is to become of it."),
    responses(
        (status = 202, description = "The job has begun.", body = Started),
        Always,
        Body,
        Forbidden,
        Conflict,
    ),
)]
async fn start_video_job<P: Parts>(
    State(api): State<Arc<Api<P>>>,
    caller: Caller,
    Repeatable { body, key }: Repeatable<NewVideo>,
) -> Result<Response, Problem> {
    let user = caller.user(body.user_id.as_deref().filter(|id| !id.is_empty()))?;
    let video = Video::read(&api, &caller, &body)?;
    let job = match api.begun(key.as_ref()).await? {
        Some(job) => job,
        None => video.begin(&api, &caller, user, body.wishes(), key.as_ref()).await?,
    };
    refuse_ended(&job)?;
    if job.state == JobState::Pending {
        // Done again by a repeat: an earlier sending may have come no further than the row.
        video.set_going(&api, &job).await?;
    }
    let status_url = format!("/api/jobs/{}", job.id);
    let location = AppendHeaders([(header::LOCATION, status_url.clone())]);
    let started = Started { job_id: job.id.to_string(), state: job.state.to_string(), status_url };
    Ok((StatusCode::ACCEPTED, location, axum::Json(started)).into_response())
}

/// What a video is made of.
struct Video {
    image: MediaUrl,
    ornaments: Ornaments,
}

impl Video {
    /// Reads where everything is.
    fn read<P: Parts>(api: &Api<P>, caller: &Caller, body: &NewVideo) -> Result<Self, Problem> {
        let mut bad = BadFields::default();
        body.wishes().check(&mut bad);
        let image = MediaUrl::read(&body.image_url, &api.bucket, api.guard());
        let image = bad.take("/imageUrl", image);
        if image.as_ref().and_then(MediaUrl::ours).is_some_and(|key| !is_photo(key)) {
            bad.note("/imageUrl", "it should be a photo under uploads/ or photos/");
        }
        let named = (body.logo_url.as_deref(), body.music_url.as_deref());
        let ornaments = Ornaments::read(api, caller, named, &mut bad);
        bad.finish()?;
        let image = image.ok_or_else(|| Problem::invalid(Vec::new()))?;
        Ok(Self { image, ornaments })
    }

    /// Makes the row.
    async fn begin<P: Parts>(
        &self,
        api: &Api<P>,
        caller: &Caller,
        user: Option<String>,
        wishes: Wishes,
        key: Option<&RequestKey>,
    ) -> Result<Job, Problem> {
        let upload_bytes = self.check_there(api, caller).await?;
        let id = job_id(key);
        let mut bad = BadFields::default();
        let upload_key = bad.take("/imageUrl", keys::upload(id, &self.file_name()));
        bad.finish()?;
        let upload_key = upload_key.ok_or_else(|| Problem::invalid(Vec::new()))?;
        let placed = self.ornaments.placed(user.as_deref(), id)?;
        let new = NewJob { id, user, wishes, placed, upload_key, upload_bytes };
        api.begin_job(key, new).await
    }

    /// Checks that what is said to be in the bucket is there, and returns the size of the photo, in
    /// bytes; 0 if it is elsewhere.
    async fn check_there<P: Parts>(&self, api: &Api<P>, caller: &Caller) -> Result<u64, Problem> {
        let mut bad = BadFields::default();
        let mut size_bytes = 0;
        if let Some(key) = self.image.ours() {
            match api.photo_of(caller, key).await? {
                Some(head) if head.size_bytes <= MAX_PHOTO_BYTES => size_bytes = head.size_bytes,
                Some(_) => {
                    bad.note("/imageUrl", format!("it has more than {MAX_PHOTO_BYTES} bytes"));
                }
                None => bad.note("/imageUrl", NO_PHOTO),
            }
        }
        self.ornaments.check_there(api, &mut bad).await?;
        bad.finish()?;
        Ok(size_bytes)
    }

    /// The name of the photo; one that ends like options beside a photo would not be taken for one.
    fn file_name(&self) -> String {
        let name = self.image.file_name(PHOTO);
        let is_sidecar = ObjectKey::new(name.as_str()).is_ok_and(|key| keys::is_sidecar(&key));
        if is_sidecar { PHOTO.to_owned() } else { name }
    }

    /// Puts the photo where it sets the chain going, or has everything fetched that is elsewhere.
    async fn set_going<P: Parts>(&self, api: &Api<P>, job: &Job) -> Result<(), Problem> {
        let mut items = self.ornaments.placed(job.order.user_id.as_deref(), job.id)?.items;
        if let (MediaUrl::Ours(from), true) = (&self.image, items.is_empty()) {
            return match copy_traced(&api.store, from, &job.upload_key, &job.trace_id).await {
                Err(StoreError::NotFound { .. }) => {
                    let mut bad = BadFields::default();
                    bad.note("/imageUrl", NO_PHOTO);
                    bad.finish()
                }
                copied => Ok(copied?),
            };
        }
        let from = self.image.address(&api.bucket);
        let to = job.upload_key.to_string();
        items.push(FetchItem { used_as: FetchedAs::Photo, from, to });
        api.have_fetched(job.id, "photo", items, None).await
    }
}

/// The same whether it is not there or somebody else's.
const NO_PHOTO: &str = "there is no such photo that is yours";

fn is_photo(key: &ObjectKey) -> bool {
    let is_there = [keys::UPLOADS, keys::PHOTOS].iter().any(|it| key.as_str().starts_with(it));
    is_there && !keys::is_sidecar(key) && !key.file_name().is_empty()
}
