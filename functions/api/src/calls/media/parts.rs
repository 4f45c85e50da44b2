//! `/api/media/uploads/{uploadId}`: the parts of an upload.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use domain::keys;
use events::rfc3339;
use ports::{Bound, Meters, ObjectStore, StoredPart, Uploads, bytes_meter};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::SignedRequest;
use super::multipart::{Found, Upload, UploadState};
use crate::bad_fields::BadFields;
use crate::caller::owner;
use crate::extract::{Json, Path};
use crate::openapi::{Always, Body, Conflict, NotFound};
use crate::{Api, Caller, Parts, Problem};

/// Most parts that are signed at once.
const MAX_AT_ONCE: usize = 100;
/// Most missing parts that are named.
const MAX_NAMED: usize = 20;

/// An upload in parts.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct UploadView {
    /// Key of the file in the bucket.
    key: String,
    /// How far it is.
    state: UploadState,
    /// Size of the file, in bytes.
    size_bytes: u64,
    /// Size of every part but the last, in bytes.
    part_size_bytes: u64,
    /// How many parts there are.
    part_count: u32,
    /// The parts that are stored; none once the upload is complete.
    parts: Vec<PartView>,
}

/// A part that is stored.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PartView {
    /// Its number, from 1.
    number: u32,
    /// Its size, in bytes.
    size_bytes: u64,
}

/// Parts that are about to be uploaded.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct WantedParts {
    /// 1 to 100 parts.
    parts: Vec<WantedPart>,
}

/// A part that is about to be uploaded. All parts but the last have the same size.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct WantedPart {
    /// Its number, from 1.
    number: u32,
    /// SHA-256 of its bytes, in base64.
    sha256: String,
}

/// How parts are uploaded.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SignedParts {
    /// The parts, in the order in which they were asked for.
    parts: Vec<SignedPart>,
}

/// How a part is uploaded.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SignedPart {
    /// Its number, from 1.
    number: u32,
    /// The upload.
    #[serde(flatten)]
    upload: SignedRequest,
    /// Until when it can be uploaded: RFC 3339, UTC.
    expires_at: String,
}

/// A file that is stored.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Uploaded {
    /// Its key in the bucket.
    key: String,
    /// The job that it begins; absent for logos and music.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = Uuid)]
    job_id: Option<String>,
}

/// How far an upload in parts is, to go on with it.
#[utoipa::path(
    get,
    path = "/api/media/uploads/{uploadId}",
    operation_id = "showUpload",
    tag = "uploads",
    params(("uploadId" = String, Path, description = "Identity of the upload.")),
    responses(
        (status = 200, description = "The upload.", body = UploadView),
        Always,
        NotFound,
    ),
)]
pub(super) async fn show<P: Parts>(
    State(api): State<Arc<Api<P>>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<UploadView>, Problem> {
    let upload = api.upload_of(&caller, &id).await?.upload;
    let stored = api.store.parts(&upload.key, &upload.name()).await?.unwrap_or_default();
    let part = |part: StoredPart| PartView { number: part.number, size_bytes: part.size_bytes };
    Ok(axum::Json(UploadView {
        key: upload.key.to_string(),
        state: upload.state,
        size_bytes: upload.size_bytes,
        part_size_bytes: upload.part_size_bytes(),
        part_count: upload.part_count(),
        parts: stored.into_iter().map(part).collect(),
    }))
}

/// How parts are uploaded: up to 100 at once, in any order, also again.
#[utoipa::path(
    post,
    path = "/api/media/uploads/{uploadId}/parts",
    operation_id = "signParts",
    tag = "uploads",
    params(("uploadId" = String, Path, description = "Identity of the upload.")),
    request_body(content = WantedParts, description = "The parts."),
    responses(
        (status = 200, description = "They may be uploaded.", body = SignedParts),
        Always,
        Body,
        NotFound,
        Conflict,
    ),
)]
pub(super) async fn sign<P: Parts>(
    State(api): State<Arc<Api<P>>>,
    caller: Caller,
    Path(id): Path<String>,
    Json(wanted): Json<WantedParts>,
) -> Result<axum::Json<SignedParts>, Problem> {
    let upload = api.upload_of(&caller, &id).await?.upload;
    upload.check_open()?;
    let expires = api.rules.part_expires;
    let expires_at = rfc3339(api.now().plus(expires));
    let mut parts = Vec::new();
    for (number, bound) in wanted.bound(&upload)? {
        let name = upload.name();
        let signed = api.store.sign_part(&upload.key, &name, number, &bound, expires).await?;
        let upload = SignedRequest::put(signed);
        parts.push(SignedPart { number, upload, expires_at: expires_at.clone() });
    }
    Ok(axum::Json(SignedParts { parts }))
}

impl WantedParts {
    /// What each part is bound to.
    fn bound(self, upload: &Upload) -> Result<Vec<(u32, Bound)>, Problem> {
        let mut bad = BadFields::default();
        if !(1..=MAX_AT_ONCE).contains(&self.parts.len()) {
            bad.note("/parts", format!("ask for 1 to {MAX_AT_ONCE} parts at once"));
        }
        let mut bound: Vec<(u32, Bound)> = Vec::new();
        for (at, WantedPart { number, sha256 }) in self.parts.into_iter().enumerate() {
            bad.check_sha256(&format!("/parts/{at}/sha256"), &sha256);
            let field = format!("/parts/{at}/number");
            if bound.iter().any(|(other, _)| *other == number) {
                bad.note(&field, "it is asked for twice");
            }
            match upload.size_of(number) {
                Some(size_bytes) => {
                    bound.push((number, Bound { content_type: None, size_bytes, sha256 }));
                }
                None => bad.note(&field, format!("it should be 1 to {}", upload.part_count())),
            }
        }
        bad.finish()?;
        Ok(bound)
    }
}

/// Makes the file of its parts, once all are stored.
///
/// Completing again changes nothing.
#[utoipa::path(
    post,
    path = "/api/media/uploads/{uploadId}/complete",
    operation_id = "completeUpload",
    tag = "uploads",
    params(("uploadId" = String, Path, description = "Identity of the upload.")),
    responses(
        (status = 200, description = "The file is stored.", body = Uploaded),
        Always,
        NotFound,
        Conflict,
    ),
)]
pub(super) async fn complete<P: Parts>(
    State(api): State<Arc<Api<P>>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<Uploaded>, Problem> {
    let mut found = api.upload_of(&caller, &id).await?;
    let parts = api.parts_of(&found.upload).await?;
    // Written down first: from here on nobody gives it up.
    if found.upload.state == UploadState::Open && !api.close(&found, UploadState::Complete).await? {
        found = api.upload_of(&caller, &id).await?;
        found.upload.check_not_aborted()?;
    }
    if let Some(parts) = parts {
        api.store.complete(&found.upload.key, &found.upload.name(), &parts).await?;
    }
    let key = found.upload.key;
    let job_id = keys::job_of_upload(&key).map(|job| job.to_string());
    Ok(axum::Json(Uploaded { key: key.to_string(), job_id }))
}

/// Gives an upload up.
///
/// The parts that are stored are removed. Giving up again changes nothing.
#[utoipa::path(
    delete,
    path = "/api/media/uploads/{uploadId}",
    operation_id = "giveUpUpload",
    tag = "uploads",
    params(("uploadId" = String, Path, description = "Identity of the upload.")),
    responses(
        (status = 204, description = "It is given up."),
        Always,
        NotFound,
        Conflict,
    ),
)]
pub(super) async fn give_up<P: Parts>(
    State(api): State<Arc<Api<P>>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let found = api.upload_of(&caller, &id).await?;
    let Found { upload, .. } = &found;
    if upload.state != UploadState::Aborted {
        upload.check_open()?;
        // Only whoever writes it down gives back, so nothing is given back twice.
        if api.close(&found, UploadState::Aborted).await? {
            let owner = owner(upload.user.as_deref());
            api.meters.give_back(&bytes_meter(owner), upload.size_bytes).await?;
        }
    }
    api.store.abort(&upload.key, &upload.name()).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl<P: Parts> Api<P> {
    /// Every part of an upload; none if its file is stored.
    async fn parts_of(&self, upload: &Upload) -> Result<Option<Vec<StoredPart>>, Problem> {
        upload.check_not_aborted()?;
        let Some(parts) = self.store.parts(&upload.key, &upload.name()).await? else {
            let is_there = upload.state == UploadState::Complete
                && self.store.head(&upload.key).await?.is_some();
            let gone =
                || Problem::conflict("the upload is gone: announce it anew, under a new key");
            return is_there.then_some(None).ok_or_else(gone);
        };
        let parts = upload.all(parts).map_err(|missing| {
            let named: Vec<_> = missing.iter().take(MAX_NAMED).map(ToString::to_string).collect();
            let more = if missing.len() > MAX_NAMED { " and more" } else { "" };
            Problem::conflict(format!("these parts are missing: {}{more}", named.join(", ")))
        })?;
        Ok(Some(parts))
    }
}

impl Upload {
    /// Every part in order, of the size that it should have; or the numbers of those that are missing.
    fn all(&self, stored: Vec<StoredPart>) -> Result<Vec<StoredPart>, Vec<u32>> {
        let is_whole = |part: &StoredPart| self.size_of(part.number) == Some(part.size_bytes);
        let mut parts: Vec<_> = stored.into_iter().filter(is_whole).collect();
        parts.sort_by_key(|part| part.number);
        let is_missing = |number: &u32| parts.iter().all(|part| part.number != *number);
        let missing: Vec<u32> = (1..=self.part_count()).filter(is_missing).collect();
        if missing.is_empty() { Ok(parts) } else { Err(missing) }
    }
}
