//! Keys of the media bucket. Every key is made or read here and nowhere else.

use serde::{Deserialize, Serialize};

/// Longest key that S3 takes, in bytes of UTF-8.
///
/// Source: Amazon S3 User Guide, "Naming Amazon S3 objects".
const MAX_BYTES: usize = 1024;

/// The text cannot be a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an object key has 1 to {MAX_BYTES} bytes, this one has {length_bytes}")]
pub struct InvalidKey {
    /// Length of what was given, in bytes.
    pub length_bytes: usize,
}

/// Key of an object, decoded: 1 to 1024 bytes of UTF-8.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ObjectKey(String);

impl ObjectKey {
    /// Checks the length.
    ///
    /// # Errors
    /// [`InvalidKey`] if it is empty or too long.
    pub fn new(key: impl Into<String>) -> Result<Self, InvalidKey> {
        let key = key.into();
        match key.len() {
            1..=MAX_BYTES => Ok(Self(key)),
            length_bytes => Err(InvalidKey { length_bytes }),
        }
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What follows the last slash.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }
}

impl std::fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where things are in the media bucket.
pub mod keys {
    use super::{InvalidKey, ObjectKey};
    use crate::{JobId, RenderId};

    /// Photos as they arrive.
    pub const UPLOADS: &str = "uploads/";
    /// Photos that were accepted.
    pub const PHOTOS: &str = "photos/";
    /// Clips that were filmed.
    pub const CLIPS: &str = "ltx-videos/";
    /// Clips as a provider delivered them, until they are judged.
    pub const DELIVERED: &str = "delivered/";
    /// Finished videos and their posters.
    pub const RENDERS: &str = "renders/";
    /// Pictures to put on videos.
    pub const LOGOS: &str = "logos/";
    /// Music to put under videos.
    pub const MUSIC: &str = "music/";

    /// The upright, anonymous photo of a job.
    pub fn photo(job: JobId) -> ObjectKey {
        ObjectKey(format!("{PHOTOS}{job}.jpg"))
    }

    /// The clip of a job.
    pub fn clip(job: JobId) -> ObjectKey {
        ObjectKey(format!("{CLIPS}{job}.mp4"))
    }

    /// What a provider delivered for an attempt.
    pub fn delivered(job: JobId, attempt: u32) -> ObjectKey {
        ObjectKey(format!("{DELIVERED}{job}/{attempt}.mp4"))
    }

    /// The newest video of a job.
    pub fn video(job: JobId) -> ObjectKey {
        ObjectKey(format!("{RENDERS}{job}/out.mp4"))
    }

    /// An earlier video of a job, moved here when a newer one took its place.
    pub fn earlier_video(job: JobId, render: RenderId) -> ObjectKey {
        ObjectKey(format!("{RENDERS}{job}/{render}.mp4"))
    }

    /// The picture that stands for the newest video.
    pub fn poster(job: JobId) -> ObjectKey {
        ObjectKey(format!("{RENDERS}{job}/poster.jpg"))
    }

    /// Options for the photo at `upload`, if somebody put some there.
    ///
    /// # Errors
    /// [`InvalidKey`] if the photo's key leaves no room for the ending.
    pub fn sidecar(upload: &ObjectKey) -> Result<ObjectKey, InvalidKey> {
        ObjectKey::new(format!("{upload}.json"))
    }

    /// Whether the object holds options for a photo and is none itself.
    pub fn is_sidecar(key: &ObjectKey) -> bool {
        key.as_str().strip_suffix(".json").is_some()
    }

    /// The job that the API made this upload for: `uploads/{jobId}/{filename}`.
    pub fn job_of_upload(key: &ObjectKey) -> Option<JobId> {
        let (id, file_name) = key.as_str().strip_prefix(UPLOADS)?.split_once('/')?;
        (!file_name.is_empty()).then_some(())?;
        JobId::parse(id).ok()
    }

    /// The job that a clip belongs to: `ltx-videos/{jobId}.mp4`.
    pub fn job_of_clip(key: &ObjectKey) -> Option<JobId> {
        let id = key.as_str().strip_prefix(CLIPS)?.strip_suffix(".mp4")?;
        JobId::parse(id).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::JobId;

    fn key(text: &str) -> ObjectKey {
        ObjectKey::new(text).expect("valid")
    }

    #[test]
    fn an_upload_key_of_the_api_names_its_job() {
        let id = "0192f0c1-7e57-7abc-8def-001122334455";

        let named = keys::job_of_upload(&key(&format!("uploads/{id}/villa a+b.jpg")));

        assert_eq!(named.map(|id| id.to_string()).as_deref(), Some(id));
        assert_eq!(keys::job_of_upload(&key("uploads/villa.jpg")), None);
        assert_eq!(keys::job_of_upload(&key("uploads/summer/villa.jpg")), None);
        assert_eq!(keys::job_of_upload(&key(&format!("uploads/{id}/"))), None);
        assert_eq!(keys::job_of_upload(&key(&format!("photos/{id}/a.jpg"))), None);
    }

    #[test]
    fn a_clip_key_leads_back_to_its_job() {
        let job = JobId::of_object("media", "uploads/a.jpg", "e");

        assert_eq!(keys::job_of_clip(&keys::clip(job)), Some(job));
        assert_eq!(keys::job_of_clip(&key("ltx-videos/notes.txt")), None);
    }

    #[test]
    fn a_key_has_one_to_1024_bytes() {
        assert!(ObjectKey::new("").is_err());
        assert!(ObjectKey::new("é".repeat(512)).is_ok());
        assert!(ObjectKey::new("é".repeat(513)).is_err());
    }
}
