//! What a clip may be asked to look like.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Durations that can be ordered, in seconds.
///
/// Source: LTX API documentation, "Supported models": the fast tier at 1080p.
const DURATIONS_SECS: [u32; 8] = [6, 8, 10, 12, 14, 16, 18, 20];

/// Pictures that can be ordered, landscape; each may be turned upright.
///
/// Source: LTX API documentation, "Supported models".
const LANDSCAPES: [(u32, u32); 4] = [(1280, 720), (1920, 1080), (2560, 1440), (3840, 2160)];

/// Frames per second that can be ordered.
///
/// Source: LTX API documentation, "Supported models".
const FRAME_RATES: [u32; 4] = [24, 25, 48, 50];

/// The clip cannot be ordered like this. The text is for the person who asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidClipOptions {
    /// Not a duration on offer.
    #[error("a clip cannot last {0} s: choose one of 6, 8, 10, 12, 14, 16, 18 or 20 s")]
    Duration(u32),
    /// Not a picture size on offer.
    #[error(
        "a clip cannot be {0}: choose 1280x720, 1920x1080, 2560x1440, 3840x2160 or one of them upright"
    )]
    Resolution(String),
    /// Not a frame rate on offer.
    #[error("a clip cannot have {0} frames per second: choose 24, 25, 48 or 50")]
    FrameRate(u32),
}

/// Size of a picture, in pixels. On the wire `"1920x1080"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// What the clip is to look like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClipOptions {
    /// Length, in seconds.
    pub duration_secs: u32,
    /// Size of the picture.
    pub resolution: Resolution,
    /// Frames per second.
    pub frame_rate: u32,
    /// Name of the camera motion, as LTX names them; none: from the prompt's words.
    pub camera_motion: Option<String>,
    /// Name of the provider; none: the stage's default.
    pub provider: Option<String>,
}

impl Default for ClipOptions {
    fn default() -> Self {
        let (width, height) = LANDSCAPES[1];
        Self {
            duration_secs: DURATIONS_SECS[0],
            resolution: Resolution { width, height },
            frame_rate: FRAME_RATES[0],
            camera_motion: None,
            provider: None,
        }
    }
}

impl ClipOptions {
    /// Whether such a clip is on offer.
    ///
    /// # Errors
    /// [`InvalidClipOptions`] names the first value that is not.
    pub fn check(&self) -> Result<(), InvalidClipOptions> {
        let Resolution { width, height } = self.resolution;
        let size = (width.max(height), width.min(height));

        if !DURATIONS_SECS.contains(&self.duration_secs) {
            return Err(InvalidClipOptions::Duration(self.duration_secs));
        }
        if !LANDSCAPES.contains(&size) {
            return Err(InvalidClipOptions::Resolution(self.resolution.to_string()));
        }
        if !FRAME_RATES.contains(&self.frame_rate) {
            return Err(InvalidClipOptions::FrameRate(self.frame_rate));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_clip_is_on_offer() {
        assert_eq!(ClipOptions::default().check(), Ok(()));
    }

    #[test]
    fn an_upright_picture_is_on_offer_and_an_odd_one_is_not() {
        let of = |text| ClipOptions {
            resolution: Resolution::parse(text).expect("a size"),
            ..ClipOptions::default()
        };

        assert_eq!(of("1080x1920").check(), Ok(()));
        assert_eq!(
            of("1000x1000").check(),
            Err(InvalidClipOptions::Resolution("1000x1000".to_owned()))
        );
        assert!(Resolution::parse("wide").is_err());
    }
}
