//! What a clip may be asked to look like.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Longest clip that any provider films, in seconds, with room to spare.
const MAX_SECS: u32 = 60;
/// Shortest and longest side of a picture, in pixels.
const SIDES: std::ops::RangeInclusive<u32> = 64..=4096;
/// Highest frame rate, in frames per second.
const MAX_FRAME_RATE: u32 = 120;

/// Nobody films such a clip. The text is for the person who asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidClipOptions {
    /// Not a duration at all.
    #[error("a clip cannot last {0} s: choose 1 to {MAX_SECS} s")]
    Duration(u32),
    /// Not a picture size at all.
    #[error("a clip cannot be {0}: write width x height in pixels, such as 1920x1080")]
    Resolution(String),
    /// Not a frame rate at all.
    #[error("a clip cannot have {0} frames per second: choose 1 to {MAX_FRAME_RATE}")]
    FrameRate(u32),
}

/// Size of a picture, in pixels. On the wire `"1920x1080"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Resolution {
    /// Width, in pixels.
    pub width: u32,
    /// Height, in pixels.
    pub height: u32,
}

impl Resolution {
    /// Reads `"WxH"`.
    ///
    /// # Errors
    /// [`InvalidClipOptions::Resolution`] if it is not of that form.
    pub fn parse(text: &str) -> Result<Self, InvalidClipOptions> {
        let invalid = || InvalidClipOptions::Resolution(text.to_owned());
        let (width, height) = text.split_once('x').ok_or_else(invalid)?;
        let side = |text: &str| text.parse::<u32>().map_err(|_| invalid());
        Ok(Self { width: side(width)?, height: side(height)? })
    }
}

impl std::fmt::Display for Resolution {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

impl Serialize for Resolution {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Resolution {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

/// What somebody wants of a clip. What is absent is the provider's choice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClipOptions {
    /// Length, in seconds.
    pub duration_secs: Option<u32>,
    /// Size of the picture.
    pub resolution: Option<Resolution>,
    /// Frames per second.
    pub frame_rate: Option<u32>,
    /// Name of the camera motion, as LTX names them; none: from the prompt's words.
    pub camera_motion: Option<String>,
    /// Name of the provider; none: the stage's default.
    pub provider: Option<String>,
    /// Name of the provider's model; none: the provider's default.
    pub model: Option<String>,
    /// Where chance begins, for providers that let it be chosen.
    pub seed: Option<u32>,
    /// Whether the clip is to have sound of its own; none: no.
    pub audio: Option<bool>,
    /// Whether an equal clip that is stored already may be taken; none: yes.
    pub reuse: Option<bool>,
}

impl ClipOptions {
    /// Whether anybody could film such a clip. What a model has on offer is checked when it is asked.
    ///
    /// # Errors
    /// [`InvalidClipOptions`] names the first value that makes no sense.
    pub fn check(&self) -> Result<(), InvalidClipOptions> {
        if let Some(secs) = self.duration_secs.filter(|secs| !(1..=MAX_SECS).contains(secs)) {
            return Err(InvalidClipOptions::Duration(secs));
        }
        if let Some(Resolution { width, height }) = self.resolution
            && !(SIDES.contains(&width) && SIDES.contains(&height))
        {
            return Err(InvalidClipOptions::Resolution(format!("{width}x{height}")));
        }
        match self.frame_rate.filter(|rate| !(1..=MAX_FRAME_RATE).contains(rate)) {
            Some(rate) => Err(InvalidClipOptions::FrameRate(rate)),
            None => Ok(()),
        }
    }
}

/// The clip that is ordered: every wish fitted to what a model has on offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClipSpec {
    /// Name of the model.
    pub model: String,
    /// Length, in seconds.
    pub duration_secs: u32,
    /// Size of the picture.
    pub resolution: Resolution,
    /// Frames per second.
    pub frame_rate: u32,
    /// Name of the camera motion, as LTX names them.
    pub camera_motion: Option<String>,
    /// Where chance begins.
    pub seed: Option<u32>,
    /// Whether the clip has sound of its own.
    pub audio: bool,
}

/// What the built-in camera move films where nothing is wished for.
impl Default for ClipSpec {
    fn default() -> Self {
        Self {
            model: "camera-move".to_owned(),
            duration_secs: 6,
            resolution: Resolution { width: 1920, height: 1080 },
            frame_rate: 24,
            camera_motion: None,
            seed: None,
            audio: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_wish_at_all_can_be_met() {
        assert_eq!(ClipOptions::default().check(), Ok(()));
    }

    #[test]
    fn a_wish_that_nobody_can_meet_is_named() {
        let of = |text| ClipOptions {
            resolution: Some(Resolution::parse(text).expect("a size")),
            ..ClipOptions::default()
        };
        let lasting =
            |secs| ClipOptions { duration_secs: Some(secs), ..ClipOptions::default() }.check();

        assert_eq!(of("1080x1920").check(), Ok(()));
        assert_eq!(
            of("10x10000").check(),
            Err(InvalidClipOptions::Resolution("10x10000".to_owned()))
        );
        assert_eq!(lasting(7), Ok(()));
        assert_eq!(lasting(0), Err(InvalidClipOptions::Duration(0)));
        assert_eq!(lasting(600), Err(InvalidClipOptions::Duration(600)));
        assert!(Resolution::parse("wide").is_err());
    }
}
