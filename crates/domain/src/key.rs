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
    /// Renderings of clips that are there, asked for anew.
    pub const RENDER_REQUESTS: &str = "render-requests/";
    /// What is to be fetched from elsewhere.
    pub const FETCH_REQUESTS: &str = "fetch-requests/";
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

    /// Where the API has the photo of a job arrive.
    ///
    /// # Errors
    /// [`InvalidKey`] if the name is too long.
    pub fn upload(job: JobId, file_name: &str) -> Result<ObjectKey, InvalidKey> {
        ObjectKey::new(format!("{UPLOADS}{job}/{file_name}"))
    }

    /// The wish to have the clip of a job rendered again.
    pub fn render_request(job: JobId, render: RenderId) -> ObjectKey {
        ObjectKey(format!("{RENDER_REQUESTS}{job}/{render}.json"))
    }

    /// The wish to have things fetched for a job: `what` is `photo`, or the rendering they are for.
    pub fn fetch_request(job: JobId, what: &str) -> ObjectKey {
        ObjectKey(format!("{FETCH_REQUESTS}{job}/{what}.json"))
    }

    /// What is in the bucket for a job and nobody else: prefixes of keys, beside its upload.
    pub fn prefixes_of(job: JobId) -> [String; 7] {
        [
            format!("{UPLOADS}{job}/"),
            format!("{PHOTOS}{job}."),
            format!("{CLIPS}{job}."),
            format!("{DELIVERED}{job}/"),
            format!("{RENDERS}{job}/"),
            format!("{RENDER_REQUESTS}{job}/"),
            format!("{FETCH_REQUESTS}{job}/"),
        ]
    }

    /// The folder of somebody under [`LOGOS`] and [`MUSIC`]: what is directly under those is anybody's.
    pub fn folder_of(prefix: &str, owner: &str) -> String {
        let safe = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let letter = |byte: u8| {
            if safe(byte) { char::from(byte).to_string() } else { format!("~{byte:02x}") }
        };
        format!("{prefix}{}/", owner.bytes().map(letter).collect::<String>())
    }

    /// Whether `owner` may have what is at a key under [`LOGOS`] or [`MUSIC`] put on a video.
    pub fn is_open_to(key: &ObjectKey, prefix: &str, owner: &str) -> bool {
        let Some(rest) = key.as_str().strip_prefix(prefix) else { return false };
        !rest.contains('/') || key.as_str().starts_with(&folder_of(prefix, owner))
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

    /// The job that an accepted photo belongs to: `photos/{jobId}.jpg`.
    pub fn job_of_photo(key: &ObjectKey) -> Option<JobId> {
        let id = key.as_str().strip_prefix(PHOTOS)?.strip_suffix(".jpg")?;
        JobId::parse(id).ok()
    }

    /// The job that a request is about: `render-requests/{jobId}/….json` or
    /// `fetch-requests/{jobId}/….json`.
    pub fn job_of_request(key: &ObjectKey) -> Option<JobId> {
        let key = key.as_str();
        let rest =
            key.strip_prefix(RENDER_REQUESTS).or_else(|| key.strip_prefix(FETCH_REQUESTS))?;
        let (id, file_name) = rest.split_once('/')?;
        file_name.strip_suffix(".json")?;
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
    use proptest::{prop_assert, prop_assert_eq, proptest};

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
    fn the_keys_of_a_clip_and_a_photo_lead_back_to_their_job() {
        let job = JobId::of_object("media", "uploads/a.jpg", "e");

        assert_eq!(keys::job_of_clip(&keys::clip(job)), Some(job));
        assert_eq!(keys::job_of_clip(&key("ltx-videos/notes.txt")), None);
        assert_eq!(keys::job_of_photo(&keys::photo(job)), Some(job));
        assert_eq!(keys::job_of_photo(&keys::clip(job)), None);
    }

    #[test]
    fn a_request_key_leads_back_to_its_job() {
        let job = JobId::of_object("media", "uploads/a.jpg", "e");
        let render = crate::RenderId::of_request(job, "1");

        assert_eq!(keys::job_of_request(&keys::render_request(job, render)), Some(job));
        assert_eq!(keys::job_of_request(&keys::fetch_request(job, "photo")), Some(job));
        assert_eq!(keys::job_of_request(&key(&format!("fetch-requests/{job}.json"))), None);
        assert_eq!(keys::job_of_request(&key(&format!("fetch-requests/{job}/photo.jpg"))), None);
        assert_eq!(keys::job_of_request(&key(&format!("uploads/{job}/photo.json"))), None);
        assert_eq!(keys::job_of_request(&key("render-requests/holiday/1.json")), None);
    }

    #[test]
    fn everything_of_a_job_is_under_its_prefixes_and_nothing_of_others() {
        let (job, other) =
            (JobId::of_object("media", "a", "e"), JobId::of_object("media", "b", "e"));
        let render = crate::RenderId::of_clip(job, "c");
        let of = |job| {
            [
                keys::upload(job, "villa.jpg").expect("short"),
                keys::photo(job),
                keys::clip(job),
                keys::delivered(job, 1),
                keys::video(job),
                keys::earlier_video(job, render),
                keys::poster(job),
                keys::render_request(job, render),
            ]
        };
        let prefixes = keys::prefixes_of(job);
        let is_under = |key: &ObjectKey| {
            prefixes.iter().any(|prefix| key.as_str().starts_with(prefix.as_str()))
        };

        assert!(of(job).iter().all(is_under));
        assert!(!of(other).iter().any(is_under));
    }

    #[test]
    fn what_is_in_a_folder_is_open_to_its_owner_and_what_is_in_none_to_everybody() {
        let open = |text: &str, owner: &str| keys::is_open_to(&key(text), keys::LOGOS, owner);

        assert!(open("logos/house.png", "ana") && open("logos/house.png", ""));
        assert!(open("logos/ana/mine.png", "ana") && open("logos/ana/2026/mine.png", "ana"));
        assert!(!open("logos/ana/mine.png", "an") && !open("logos/ana/mine.png", "anabel"));
        assert!(!open("logos/ana/mine.png", "") && !open("logos/ana/mine.png", "*"));
        assert!(!open("music/house.png", "ana") && !open("music/ana/mine.mp3", "ana"));
    }

    proptest! {
        #[test]
        fn nobody_gets_into_the_folder_of_somebody_else(a in "\\PC{1,12}", b in "\\PC{1,12}") {
            let folder = keys::folder_of(keys::MUSIC, &a);
            let theirs = key(&format!("{folder}song.mp3"));

            prop_assert_eq!(folder.matches('/').count(), 2, "{} is one folder", folder);
            prop_assert!(keys::is_open_to(&theirs, keys::MUSIC, &a));
            prop_assert_eq!(keys::is_open_to(&theirs, keys::MUSIC, &b), a == b);
        }
    }

    #[test]
    fn a_key_has_one_to_1024_bytes() {
        assert!(ObjectKey::new("").is_err());
        assert!(ObjectKey::new("é".repeat(512)).is_ok());
        assert!(ObjectKey::new("é".repeat(513)).is_err());
    }
}
