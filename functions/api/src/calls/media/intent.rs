//! `POST /api/media/upload-intent`

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use domain::{JobId, JobState, ObjectKey, keys};
use events::rfc3339;
use ports::{Bound, Uploads};
use serde::Serialize;
use utoipa::ToSchema;

use super::SignedRequest;
use super::multipart::Upload;
use super::new_upload::{MAX_SINGLE_BYTES, NewUpload};
use crate::bad_fields::BadFields;
use crate::caller::owner;
use crate::idempotency::{Repeatable, RequestKey, job_id};
use crate::new_job::{NewJob, refuse_ended};
use crate::openapi::{Always, Body, Conflict, Forbidden};
use crate::ornaments::{Ornament, Ornaments};
use crate::quota::Use;
use crate::{Api, Caller, Parts, Problem};

/// Where a file is to be uploaded: in one piece with `upload`, or in parts with `uploadId`.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct UploadGrant {
    /// The job that begins when the photo arrives; absent for logos and music.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = Uuid)]
    job_id: Option<String>,
    /// Key of the file in the bucket.
    key: String,
    /// Until when it can be uploaded: RFC 3339, UTC.
    expires_at: String,
    /// The upload in one piece.
    #[serde(skip_serializing_if = "Option::is_none")]
    upload: Option<SignedRequest>,
    /// The upload in parts, above 100,000,000 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = Uuid)]
    upload_id: Option<String>,
    /// Size of every part but the last, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    part_size_bytes: Option<u64>,
    /// How many parts there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    part_count: Option<u32>,
}

/// Announces a file, and is told how to upload it.
///
/// A photo begins a job, which goes on by itself once the photo has arrived. The upload goes straight to
/// the bucket, which takes exactly the bytes that were announced.
#[utoipa::path(
    post,
    path = "/api/media/upload-intent",
    operation_id = "announceUpload",
    tag = "uploads",
    params((
        "idempotency-key" = Option<String>, Header,
        description = "1 to 128 visible ASCII characters: the same request under the same key, within \
                       a day, is one request.",
    )),
    request_body(content = NewUpload, description = "The file, and for a photo what it becomes."),
    responses(
        (status = 201, description = "It may be uploaded.", body = UploadGrant),
        Always,
        Body,
        Forbidden,
        Conflict,
    ),
)]
pub(super) async fn upload_intent<P: Parts>(
    State(api): State<Arc<Api<P>>>,
    caller: Caller,
    Repeatable { body, key }: Repeatable<NewUpload>,
) -> Result<Response, Problem> {
    let user = caller.user(body.user_id.as_deref().filter(|id| !id.is_empty()))?;
    let key = key.as_ref();
    match body.purpose.ornament() {
        None => announce_photo(&api, &caller, user, &body, key).await,
        Some(ornament) => announce_ornament(&api, &caller, user, &body, key, ornament).await,
    }
}

async fn announce_photo<P: Parts>(
    api: &Api<P>,
    caller: &Caller,
    user: Option<String>,
    body: &NewUpload,
    key: Option<&RequestKey>,
) -> Result<Response, Problem> {
    let id = job_id(key);
    let mut bad = BadFields::default();
    body.check_file(&mut bad);
    body.wishes().check(&mut bad);
    let named = (body.logo_url.as_deref(), body.music_url.as_deref());
    let ornaments = Ornaments::read(api, caller, named, &mut bad);
    let upload_key = bad.take("/fileName", keys::upload(id, &body.file_name));
    bad.finish()?;
    let Some(upload_key) = upload_key else { return Err(Problem::invalid(Vec::new())) };

    let placed = ornaments.placed(user.as_deref(), id)?;
    let items = placed.items.clone();
    let job = if let Some(job) = api.begun(key).await? {
        job
    } else {
        let mut bad = BadFields::default();
        ornaments.check_there(api, &mut bad).await?;
        bad.finish()?;
        let (wishes, upload_bytes) = (body.wishes(), body.size_bytes);
        let new = NewJob { id, user, wishes, placed, upload_key, upload_bytes };
        api.begin_job(key, new).await?
    };
    refuse_ended(&job)?;
    if job.state == JobState::Pending {
        // Written again by a repeat: an earlier sending may have come no further than the row.
        api.have_fetched(job.id, "photo", items, None).await?;
    }
    let user = job.order.user_id;
    let grant = grant(api, caller, id, user, job.upload_key, body).await?;
    let location = Some(format!("/api/jobs/{id}"));
    Ok(created(location, UploadGrant { job_id: Some(id.to_string()), ..grant }))
}

async fn announce_ornament<P: Parts>(
    api: &Api<P>,
    caller: &Caller,
    user: Option<String>,
    body: &NewUpload,
    key: Option<&RequestKey>,
    ornament: Ornament,
) -> Result<Response, Problem> {
    let id = job_id(key);
    let owner = owner(user.as_deref()).to_owned();
    let folder = keys::folder_of(ornament.prefix(), &owner);
    let mut bad = BadFields::default();
    body.check_file(&mut bad);
    body.wishes().check(&mut bad);
    body.check_no_wishes(&mut bad);
    let to = ObjectKey::new(format!("{folder}{id}/{}", body.file_name));
    let to = bad.take("/fileName", to);
    bad.finish()?;
    let Some(to) = to else { return Err(Problem::invalid(Vec::new())) };

    api.admit(key, &Use { owner, jobs: 0, bytes: body.size_bytes }).await?;
    let grant = grant(api, caller, id, user, to, body).await?;
    let location = grant.upload_id.as_ref().map(|id| format!("/api/media/uploads/{id}"));
    Ok(created(location, grant))
}

fn created(location: Option<String>, grant: UploadGrant) -> Response {
    let location = location.map(|location| (header::LOCATION, location));
    (StatusCode::CREATED, AppendHeaders(location), axum::Json(grant)).into_response()
}

/// How the file is uploaded to `key`; `id` names the upload if it comes in parts.
async fn grant<P: Parts>(
    api: &Api<P>,
    caller: &Caller,
    id: JobId,
    user: Option<String>,
    key: ObjectKey,
    body: &NewUpload,
) -> Result<UploadGrant, Problem> {
    if body.size_bytes > MAX_SINGLE_BYTES {
        let upload = Upload::new(api.now(), caller, user, key, body);
        let upload = api.begin_upload(id, upload).await?;
        return Ok(UploadGrant {
            key: upload.key.to_string(),
            expires_at: rfc3339(upload.expires),
            upload_id: Some(id.to_string()),
            part_size_bytes: Some(upload.part_size_bytes()),
            part_count: Some(upload.part_count()),
            ..UploadGrant::default()
        });
    }
    let expires = api.rules.upload_expires;
    let bound = Bound {
        content_type: Some(body.content_type.clone()),
        size_bytes: body.size_bytes,
        sha256: body.sha256.clone().unwrap_or_default(),
    };
    let signed = api.store.sign_put(&key, &bound, expires).await?;
    Ok(UploadGrant {
        key: key.to_string(),
        expires_at: rfc3339(api.now().plus(expires)),
        upload: Some(SignedRequest::put(signed)),
        ..UploadGrant::default()
    })
}
