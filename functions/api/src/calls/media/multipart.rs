//! Uploads in parts, as registers hold them: `upload#{uploadId}`.

use std::time::Duration;

use domain::{JobId, ObjectKey, Timestamp};
use ports::{Registers, Replaced, UploadName, Uploads};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::new_upload::NewUpload;
use crate::{Api, Caller, Parts, Problem};

/// How long an upload may take.
const MAY_TAKE: Duration = Duration::from_hours(24);
/// Size of a part, in bytes, unless there would be too many.
const PART_BYTES: u64 = 16 << 20;
/// Most parts.
///
/// Source: Amazon S3 User Guide, "Amazon S3 multipart upload limits".
const MAX_PARTS: u64 = 10_000;

/// How far an upload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum UploadState {
    /// Parts are taken.
    Open,
    /// The file is stored.
    Complete,
    /// It was given up.
    Aborted,
}

/// An upload in parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Upload {
    /// Where the file is stored.
    pub(super) key: ObjectKey,
    /// The bucket's name for the upload.
    name: String,
    /// Whose it is; none: nobody's in particular.
    pub(super) user: Option<String>,
    /// Who began it.
    caller: String,
    /// Size of the file, in bytes.
    pub(super) size_bytes: u64,
    /// Its media type.
    content_type: String,
    /// How far it is.
    pub(super) state: UploadState,
    /// Until when it may take.
    pub(super) expires: Timestamp,
}

impl Upload {
    /// An upload that the bucket has not begun yet.
    pub(super) fn new(
        now: Timestamp,
        caller: &Caller,
        user: Option<String>,
        key: ObjectKey,
        body: &NewUpload,
    ) -> Self {
        Self {
            key,
            name: String::new(),
            user,
            caller: caller.name(),
            size_bytes: body.size_bytes,
            content_type: body.content_type.clone(),
            state: UploadState::Open,
            expires: now.plus(MAY_TAKE),
        }
    }

    /// The bucket's name for it.
    pub(super) fn name(&self) -> UploadName {
        UploadName(self.name.clone())
    }

    /// Size of every part but the last, in bytes.
    pub(super) fn part_size_bytes(&self) -> u64 {
        self.size_bytes.div_ceil(MAX_PARTS).max(PART_BYTES)
    }

    /// How many parts there are.
    pub(super) fn part_count(&self) -> u32 {
        let count = self.size_bytes.div_ceil(self.part_size_bytes());
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// Size of a part, in bytes; none if there is no such part.
    pub(super) fn size_of(&self, number: u32) -> Option<u64> {
        if !(1..=self.part_count()).contains(&number) {
            return None;
        }
        let before = u64::from(number - 1) * self.part_size_bytes();
        Some(self.part_size_bytes().min(self.size_bytes - before))
    }

    /// Parts are taken.
    ///
    /// # Errors
    /// A [`Problem`] if none are any more.
    pub(super) fn check_open(&self) -> Result<(), Problem> {
        if self.state == UploadState::Complete {
            return Err(Problem::conflict("the upload is complete"));
        }
        self.check_not_aborted()
    }

    /// It was not given up.
    ///
    /// # Errors
    /// A [`Problem`] if it was.
    pub(super) fn check_not_aborted(&self) -> Result<(), Problem> {
        if self.state == UploadState::Aborted {
            let detail = "the upload was given up: announce it anew, under a new key";
            return Err(Problem::conflict(detail));
        }
        Ok(())
    }
}

/// An upload as it was read.
#[derive(Debug)]
pub(super) struct Found {
    register: String,
    revision: u64,
    /// The upload.
    pub(super) upload: Upload,
}

/// A register is neither there nor can it be written.
#[derive(Debug, thiserror::Error)]
#[error("the register of an upload keeps changing")]
struct Contended;

fn register(id: JobId) -> String {
    format!("upload#{id}")
}

impl<P: Parts> Api<P> {
    /// Begins an upload at the bucket, unless an earlier sending of the same request has.
    pub(super) async fn begin_upload(&self, id: JobId, new: Upload) -> Result<Upload, Problem> {
        if let Some(found) = self.find_upload(id).await? {
            return begun(found);
        }
        let name = self.store.begin(&new.key, &new.content_type).await?;
        let upload = Upload { name: name.0, ..new };
        if self.write_upload(&register(id), None, &upload).await? == Replaced::Done {
            return Ok(upload);
        }
        self.store.abort(&upload.key, &upload.name()).await?;
        let found = self.find_upload(id).await?;
        begun(found.ok_or_else(|| Problem::fault(&Contended))?)
    }

    /// The upload, if the caller may touch it.
    pub(super) async fn upload_of(&self, caller: &Caller, id: &str) -> Result<Found, Problem> {
        let found = match JobId::parse(id) {
            Ok(id) => self.find_upload(id).await?,
            Err(_) => None,
        };
        let found = found.filter(|found| caller.may_touch(found.upload.user.as_deref()));
        found.ok_or_else(|| Problem::not_found("upload"))
    }

    async fn find_upload(&self, id: JobId) -> Result<Option<Found>, Problem> {
        let register = register(id);
        let read = self.registers.read(&register, self.now()).await?;
        let Some(read) = read else { return Ok(None) };
        let upload = serde_json::from_str(&read.text).map_err(|error| Problem::fault(&error))?;
        Ok(Some(Found { register, revision: read.revision, upload }))
    }

    /// Writes down how the upload has ended. False if somebody else has, meanwhile.
    pub(super) async fn close(&self, found: &Found, state: UploadState) -> Result<bool, Problem> {
        let closed = Upload { state, ..found.upload.clone() };
        let replaced = self.write_upload(&found.register, Some(found.revision), &closed).await?;
        Ok(replaced == Replaced::Done)
    }

    async fn write_upload(
        &self,
        register: &str,
        before: Option<u64>,
        upload: &Upload,
    ) -> Result<Replaced, Problem> {
        let text = serde_json::to_string(upload).map_err(|error| Problem::fault(&error))?;
        Ok(self.registers.write(register, before, &text, Some(upload.expires)).await?)
    }
}

/// The same answer for a repeat, unless the upload was given up.
fn begun(found: Found) -> Result<Upload, Problem> {
    found.upload.check_not_aborted()?;
    Ok(found.upload)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upload(size_bytes: u64) -> Upload {
        Upload {
            key: ObjectKey::new("music/a.mp3").expect("a key"),
            name: "n".to_owned(),
            user: None,
            caller: "service#n8n".to_owned(),
            size_bytes,
            content_type: "audio/mpeg".to_owned(),
            state: UploadState::Open,
            expires: Timestamp::from_epoch_ms(0),
        }
    }

    #[test]
    fn parts_make_up_the_file() {
        for size_bytes in [100_000_001, PART_BYTES * 7, PART_BYTES * 7 + 1, PART_BYTES * 20_000 + 3]
        {
            let upload = upload(size_bytes);
            let count = upload.part_count();

            let sizes = (1..=count).map(|number| upload.size_of(number).expect("a part"));

            assert_eq!(sizes.sum::<u64>(), size_bytes);
            assert!(u64::from(count) <= MAX_PARTS);
            assert_eq!((upload.size_of(0), upload.size_of(count + 1)), (None, None));
        }
    }
}
