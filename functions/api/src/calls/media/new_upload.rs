//! What somebody is about to upload.

use domain::keys;
use events::LtxOptions;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::bad_fields::BadFields;
use crate::ornaments::Ornament;
use crate::wishes::Wishes;

/// Largest upload in one piece, in bytes.
pub(super) const MAX_SINGLE_BYTES: u64 = 100_000_000;
/// Longest name of a file, in characters.
const MAX_NAME: usize = 200;

const MIB: u64 = 1 << 20;

/// What a file is used for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Purpose {
    /// It becomes a video: a job begins.
    #[default]
    Photo,
    /// It is put on videos.
    Logo,
    /// It is put under videos.
    Music,
}

impl Purpose {
    /// What can be used; `film` reads these.
    const fn media_types(self) -> &'static [&'static str] {
        match self {
            Self::Photo | Self::Logo => &["image/jpeg", "image/png", "image/webp"],
            Self::Music => &[
                "audio/mpeg",
                "audio/mp4",
                "audio/x-m4a",
                "audio/aac",
                "audio/ogg",
                "audio/flac",
                "audio/wav",
                "audio/x-wav",
            ],
        }
    }

    const fn max_bytes(self) -> u64 {
        match self {
            Self::Photo => 40 * MIB,
            Self::Logo => 10 * MIB,
            Self::Music => 500 * MIB,
        }
    }

    /// None for a photo, which becomes a job.
    pub(super) const fn ornament(self) -> Option<Ornament> {
        match self {
            Self::Photo => None,
            Self::Logo => Some(Ornament::Logo),
            Self::Music => Some(Ornament::Music),
        }
    }
}

/// A file that is about to be uploaded and, for a photo, what is to become of it.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NewUpload {
    /// What it is used for.
    #[serde(default)]
    pub(super) purpose: Purpose,
    /// Its name: 1 to 200 characters, no slashes.
    #[schema(example = "villa.jpg")]
    pub(super) file_name: String,
    /// Its media type. Photos and logos: JPEG, PNG, WebP. Music: MP3, M4A, AAC, OGG, FLAC, WAV.
    #[schema(example = "image/jpeg")]
    pub(super) content_type: String,
    /// Its size, in bytes: up to 40 MiB for photos, 10 MiB for logos, 500 MiB for music.
    #[schema(example = 2_480_113)]
    pub(super) size_bytes: u64,
    /// SHA-256 of its bytes, in base64. Not needed above 100,000,000 bytes, where it comes in parts.
    pub(super) sha256: Option<String>,
    /// Whose it is; that of the token, unless a service asks.
    pub(super) user_id: Option<String>,
    /// The villa, room or product in the photo: up to 200 characters.
    pub(super) property_id: Option<String>,
    /// What the clip is to show, in words: up to 5000 characters.
    pub(super) prompt: Option<String>,
    /// The large words: up to 300 characters.
    pub(super) title: Option<String>,
    /// The smaller words: up to 300 characters.
    pub(super) subtitle: Option<String>,
    /// The logo: a key under `logos/`, or `https://…`.
    pub(super) logo_url: Option<String>,
    /// The music: a key under `music/`, or `https://…`.
    pub(super) music_url: Option<String>,
    /// Name of the theme: up to 100 characters.
    pub(super) theme: Option<String>,
    /// What the clip is to look like: `duration` (seconds), `resolution` (`1920x1080`), `fps`,
    /// `cameraMotion`, `provider`, `model`, `seed`, `audio`, `reuse`.
    #[schema(value_type = Option<Object>)]
    pub(super) options: Option<LtxOptions>,
}

impl NewUpload {
    /// Notes everything about the file that cannot be.
    pub(super) fn check_file(&self, bad: &mut BadFields) {
        if let Err(refusal) = check_name(&self.file_name, self.purpose) {
            bad.note("/fileName", refusal);
        }
        let types = self.purpose.media_types();
        if !types.contains(&self.content_type.as_str()) {
            bad.note("/contentType", format!("it should be one of {}", types.join(", ")));
        }
        let max_bytes = self.purpose.max_bytes();
        if !(1..=max_bytes).contains(&self.size_bytes) {
            bad.note("/sizeBytes", format!("it should be 1 to {max_bytes}"));
        }
        match &self.sha256 {
            Some(sha256) => bad.check_sha256("/sha256", sha256),
            None if self.size_bytes <= MAX_SINGLE_BYTES => {
                bad.note("/sha256", "it is needed for an upload in one piece");
            }
            None => {}
        }
    }

    /// Notes every wish for a video where none is made.
    pub(super) fn check_no_wishes(&self, bad: &mut BadFields) {
        let given = [
            ("/propertyId", self.property_id.is_some()),
            ("/prompt", self.prompt.is_some()),
            ("/title", self.title.is_some()),
            ("/subtitle", self.subtitle.is_some()),
            ("/logoUrl", self.logo_url.is_some()),
            ("/musicUrl", self.music_url.is_some()),
            ("/theme", self.theme.is_some()),
            ("/options", self.options.is_some()),
        ];
        for (field, _) in given.iter().filter(|(_, is_given)| *is_given) {
            bad.note(field, "only a photo becomes a video: leave it out");
        }
    }

    /// What is asked for beside the photo.
    pub(super) fn wishes(&self) -> Wishes {
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

fn check_name(name: &str, purpose: Purpose) -> Result<(), &'static str> {
    if !(1..=MAX_NAME).contains(&name.chars().count()) {
        return Err("a name has 1 to 200 characters");
    }
    if name.contains(['/', '\\']) || name.chars().any(char::is_control) {
        return Err("a name has no slashes and no control characters");
    }
    if matches!(name, "." | "..") {
        return Err("that is a folder, not a file");
    }
    // What ends like this lies beside a photo and says what to do with it.
    let is_sidecar = domain::ObjectKey::new(name).is_ok_and(|key| keys::is_sidecar(&key));
    if purpose == Purpose::Photo && is_sidecar {
        return Err("a photo is not called .json");
    }
    Ok(())
}
