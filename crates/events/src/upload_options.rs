//! What somebody asks for beside a photo: as `x-amz-meta-*` of the object, or in `{key}.json`.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::{Branding, InvalidClipOptions, InvalidKey, JobOrder, ObjectKey, keys};
use percent_encoding::percent_decode_str;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::LtxOptions;

/// Longest title and subtitle, in characters.
const MAX_WORDS: usize = 300;
/// Longest name of a user or a property, in characters: it becomes part of keys.
const MAX_NAME: usize = 200;
/// Longest prompt, in characters.
///
/// Source: LTX API documentation (not confirmed first-hand).
const MAX_PROMPT: usize = 5000;

/// Wishes for the video of a photo. Everything may be absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UploadOptions {
    /// Who asks: up to 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The villa, room or product in the photo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub property_id: Option<String>,
    /// What the clip is to show, in words: up to 5000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// The large words: up to 300 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The smaller words: up to 300 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subtitle: Option<String>,
    /// Key of the logo, under `logos/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo: Option<String>,
    /// Key of the music, under `music/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub music: Option<String>,
    /// Name of the theme.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub theme: Option<String>,
    /// What the clip is to look like.
    #[serde(default)]
    pub options: LtxOptions,
}

/// The wishes cannot be met. The text is for the person who asked.
#[derive(Debug, thiserror::Error)]
pub enum InvalidUploadOptions {
    /// The sidecar is not what it should be.
    #[error("the options beside the photo cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    /// A number was expected.
    #[error("option {name} must be a whole number, not {value:?}")]
    Number {
        /// Name of the option.
        name: &'static str,
        /// What was given.
        value: String,
    },
    /// A yes or no was expected.
    #[error("option {name} must be true or false, not {value:?}")]
    Choice {
        /// Name of the option.
        name: &'static str,
        /// What was given.
        value: String,
    },
    /// Such a clip is not on offer.
    #[error(transparent)]
    Clip(#[from] InvalidClipOptions),
    /// Too many words.
    #[error("option {name} has {characters} characters, at most {limit} fit")]
    TooLong {
        /// Name of the option.
        name: &'static str,
        /// How many it has.
        characters: usize,
        /// How many it may have.
        limit: usize,
    },
    /// Not a key under the folder that such things are in.
    #[error("option {name} must be a key under {prefix}, not {value:?}")]
    Place {
        /// Name of the option.
        name: &'static str,
        /// Where it should be.
        prefix: &'static str,
        /// What was given.
        value: String,
    },
    /// Not a key at all.
    #[error("option {name}: {source}")]
    Key {
        /// Name of the option.
        name: &'static str,
        /// Why not.
        source: InvalidKey,
    },
}

impl UploadOptions {
    /// Reads a sidecar.
    ///
    /// # Errors
    /// [`InvalidUploadOptions::Json`] names the place in the text.
    pub fn from_json(json: &[u8]) -> Result<Self, InvalidUploadOptions> {
        Ok(serde_json::from_slice(json)?)
    }

    /// Reads the user metadata of an object: names without `x-amz-meta-`, in lower case, words
    /// separated by dashes or not (`property-id`, `propertyid`). Unknown names are ignored, since
    /// other tools leave theirs there. Values may be percent-encoded or RFC 2047 words, which is
    /// how text beyond ASCII passes through a header.
    ///
    /// # Errors
    /// [`InvalidUploadOptions::Number`] names the option.
    pub fn from_metadata(metadata: &HashMap<String, String>) -> Result<Self, InvalidUploadOptions> {
        let mut options = Self::default();
        for (name, value) in metadata {
            let value = header_text(value);
            let name = name.to_ascii_lowercase().replace(['-', '_'], "");
            match name.as_str() {
                "userid" => options.user_id = Some(value),
                "propertyid" => options.property_id = Some(value),
                "prompt" => options.prompt = Some(value),
                "title" => options.title = Some(value),
                "subtitle" => options.subtitle = Some(value),
                "logo" => options.logo = Some(value),
                "music" => options.music = Some(value),
                "theme" => options.theme = Some(value),
                "duration" => options.options.duration = Some(number("duration", &value)?),
                "fps" => options.options.fps = Some(number("fps", &value)?),
                "resolution" => options.options.resolution = Some(value),
                "cameramotion" => options.options.camera_motion = Some(value),
                "provider" => options.options.provider = Some(value),
                "model" => options.options.model = Some(value),
                "seed" => options.options.seed = Some(number("seed", &value)?),
                "audio" => options.options.audio = Some(choice("audio", &value)?),
                "reuse" => options.options.reuse = Some(choice("reuse", &value)?),
                _ => {}
            }
        }
        Ok(options)
    }

    /// The same in our own types.
    ///
    /// # Errors
    /// [`InvalidUploadOptions`] names the first wish that cannot be met.
    pub fn into_order(self) -> Result<JobOrder, InvalidUploadOptions> {
        within("userId", self.user_id.as_deref(), MAX_NAME)?;
        within("propertyId", self.property_id.as_deref(), MAX_NAME)?;
        within("title", self.title.as_deref(), MAX_WORDS)?;
        within("subtitle", self.subtitle.as_deref(), MAX_WORDS)?;
        within("prompt", self.prompt.as_deref(), MAX_PROMPT)?;
        Ok(JobOrder {
            clip: self.options.to_clip_options()?,
            branding: Branding {
                title: self.title.filter(|text| !text.trim().is_empty()),
                subtitle: self.subtitle.filter(|text| !text.trim().is_empty()),
                logo_key: place("logo", keys::LOGOS, self.logo)?,
                music_key: place("music", keys::MUSIC, self.music)?,
                theme: self.theme,
            },
            user_id: self.user_id,
            property_id: self.property_id,
            prompt: self.prompt.unwrap_or_default(),
        })
    }
}

fn number(name: &'static str, value: &str) -> Result<u32, InvalidUploadOptions> {
    value.trim().parse().map_err(|_| InvalidUploadOptions::Number { name, value: value.to_owned() })
}

fn choice(name: &'static str, value: &str) -> Result<bool, InvalidUploadOptions> {
    value.trim().parse().map_err(|_| InvalidUploadOptions::Choice { name, value: value.to_owned() })
}

fn within(
    name: &'static str,
    text: Option<&str>,
    limit: usize,
) -> Result<(), InvalidUploadOptions> {
    let characters = text.map_or(0, |text| text.chars().count());
    if characters > limit {
        return Err(InvalidUploadOptions::TooLong { name, characters, limit });
    }
    Ok(())
}

/// A key under its folder: strangers must not have us read, and put on a video, what is elsewhere.
fn place(
    name: &'static str,
    prefix: &'static str,
    key: Option<String>,
) -> Result<Option<ObjectKey>, InvalidUploadOptions> {
    let Some(value) = key.filter(|key| !key.is_empty()) else { return Ok(None) };
    if !value.starts_with(prefix) {
        return Err(InvalidUploadOptions::Place { name, prefix, value });
    }
    let key = ObjectKey::new(value).map_err(|source| InvalidUploadOptions::Key { name, source })?;
    Ok(Some(key))
}

/// Text from a header value. What cannot be decoded is left as it is.
fn header_text(value: &str) -> String {
    if let Some(text) = rfc2047(value) {
        return text;
    }
    percent_decode_str(value).decode_utf8().map_or_else(|_| value.to_owned(), Into::into)
}

/// Decodes `=?UTF-8?B?…?= =?UTF-8?Q?…?=`, which is what S3 makes of such metadata.
///
/// Source: RFC 2047 §2, §4.
fn rfc2047(value: &str) -> Option<String> {
    let mut bytes = Vec::new();
    for word in value.split_ascii_whitespace() {
        let inner = word.strip_prefix("=?")?.strip_suffix("?=")?;
        let (charset, rest) = inner.split_once('?')?;
        let (encoding, text) = rest.split_once('?')?;
        charset.eq_ignore_ascii_case("utf-8").then_some(())?;
        match encoding {
            "B" | "b" => bytes.extend(STANDARD.decode(text).ok()?),
            "Q" | "q" => {
                let percent = text.replace('%', "%25").replace('=', "%").replace('_', " ");
                bytes.extend(percent_decode_str(&percent));
            }
            _ => return None,
        }
    }
    if bytes.is_empty() { None } else { String::from_utf8(bytes).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(name: &str, value: &str) -> HashMap<String, String> {
        HashMap::from([(name.to_owned(), value.to_owned())])
    }

    fn title(value: &str) -> Option<String> {
        UploadOptions::from_metadata(&metadata("title", value)).expect("readable").title
    }

    #[test]
    fn text_beyond_ascii_passes_through_a_header() {
        assert_eq!(title("Vila S%C3%A3o Jo%C3%A3o").as_deref(), Some("Vila São João"));
        assert_eq!(title("=?UTF-8?B?5Yir5aKF?=").as_deref(), Some("别墅"));
        assert_eq!(
            title("=?UTF-8?Q?C=C4=83su=C8=9Ba_din_vale?=").as_deref(),
            Some("Căsuța din vale")
        );
        assert_eq!(title("50% off").as_deref(), Some("50% off"));
    }

    #[test]
    fn an_option_that_is_not_on_offer_is_named() {
        let options = UploadOptions::from_metadata(&metadata("duration", "700")).expect("a number");

        let refusal = options.into_order().expect_err("not on offer").to_string();

        assert!(refusal.contains("700 s") && refusal.contains("1 to 60"), "{refusal}");
        assert_eq!(
            UploadOptions::from_metadata(&metadata("reuse", "maybe"))
                .expect_err("no choice")
                .to_string(),
            r#"option reuse must be true or false, not "maybe""#
        );
        assert_eq!(
            UploadOptions::from_metadata(&metadata("fps", "many"))
                .expect_err("no number")
                .to_string(),
            r#"option fps must be a whole number, not "many""#
        );
    }

    #[test]
    fn a_logo_from_elsewhere_in_the_bucket_is_refused() {
        let options =
            UploadOptions { logo: Some("photos/somebody.jpg".into()), ..UploadOptions::default() };

        assert!(matches!(
            options.into_order(),
            Err(InvalidUploadOptions::Place { name: "logo", .. })
        ));
    }

    #[test]
    fn a_misspelt_option_in_a_sidecar_is_refused() {
        let refusal = UploadOptions::from_json(br#"{"titel": "x"}"#).expect_err("misspelt");

        assert!(refusal.to_string().contains("titel"), "{refusal}");
    }
}
