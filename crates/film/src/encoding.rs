//! How videos are encoded: H.264 in `yuv420p` tagged BT.709, AAC, index in front.

use std::ffi::OsString;
use std::fmt;

/// An x264 preset: how long the encoder looks for a smaller file of the same quality.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preset {
    /// Largest file; for tests.
    Ultrafast,
    /// About half the time of `Medium`.
    Veryfast,
    /// x264's `fast`.
    Fast,
    /// x264's own default.
    #[default]
    Medium,
    /// x264's `slow`.
    Slow,
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ultrafast => "ultrafast",
            Self::Veryfast => "veryfast",
            Self::Fast => "fast",
            Self::Medium => "medium",
            Self::Slow => "slow",
        })
    }
}

/// The settings of both encoders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoding {
    /// x264's preset.
    pub preset: Preset,
    /// x264's constant rate factor, 0 (lossless) to 51; 18 is visually the original.
    pub crf: u8,
    /// AAC, in kbit/s for both channels.
    pub audio_kbit: u32,
}

impl Default for Encoding {
    fn default() -> Self {
        Self { preset: Preset::Medium, crf: 18, audio_kbit: 256 }
    }
}

impl Encoding {
    /// Arguments of `ffmpeg` for the video of an output.
    #[must_use]
    pub fn video_arguments(&self) -> Vec<OsString> {
        let (preset, crf) = (self.preset.to_string(), self.crf.to_string());
        words(&["-c:v", "libx264", "-preset", &preset, "-crf", &crf, "-pix_fmt", "yuv420p"])
            .chain(words(&["-color_range", "tv", "-colorspace", "bt709"]))
            .chain(words(&["-color_primaries", "bt709", "-color_trc", "bt709"]))
            .collect()
    }

    /// Arguments of `ffmpeg` for the audio of an output.
    #[must_use]
    pub fn audio_arguments(&self) -> Vec<OsString> {
        let bitrate = format!("{}k", self.audio_kbit);
        words(&["-c:a", "aac", "-b:a", &bitrate, "-ar", "48000", "-ac", "2"]).collect()
    }

    /// Arguments of `ffmpeg` for the MP4 around them: index in front, no metadata of the inputs.
    #[must_use]
    pub fn container_arguments(&self) -> Vec<OsString> {
        words(&[
            "-movflags",
            "+faststart",
            "-map_metadata",
            "-1",
            "-map_chapters",
            "-1",
            "-f",
            "mp4",
        ])
        .collect()
    }
}

fn words<'a>(words: &'a [&'a str]) -> impl Iterator<Item = OsString> + 'a {
    words.iter().map(OsString::from)
}
