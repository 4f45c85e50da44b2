//! What `ffprobe` says about a file.

use serde::Deserialize;
use std::fmt;

/// What is asked for.
pub(super) const ENTRIES: &str = "stream=codec_type,codec_name,width,height,pix_fmt,r_frame_rate,nb_frames,duration:\
                                  stream_disposition=attached_pic:format=duration";

/// Frames per second, as a fraction: 30000/1001 is not 29.97.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameRate {
    /// Frames …
    pub frames: u32,
    /// … in so many seconds.
    pub seconds: u32,
}

impl FrameRate {
    /// The whole frames in `seconds`, rounded.
    #[must_use]
    pub fn frames_in(self, seconds: f64) -> u64 {
        (seconds * f64::from(self.frames) / f64::from(self.seconds)).round().max(0.0) as u64
    }

    /// How long `frames` take, in seconds.
    #[must_use]
    pub fn seconds_of(self, frames: u64) -> f64 {
        frames as f64 * f64::from(self.seconds) / f64::from(self.frames)
    }

    fn parse(text: &str) -> Option<Self> {
        let (frames, seconds) = text.split_once('/')?;
        let rate = Self { frames: frames.parse().ok()?, seconds: seconds.parse().ok()? };
        (rate.frames > 0 && rate.seconds > 0).then_some(rate)
    }
}

impl fmt::Display for FrameRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.frames, self.seconds)
    }
}

/// What a media file holds. Fields about pictures are `None` if there is no video.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MediaInfo {
    /// Width in pixels; 0 without video.
    pub width: u32,
    /// Height in pixels; 0 without video.
    pub height: u32,
    /// Frames per second of the video.
    pub frame_rate: Option<FrameRate>,
    /// Frames of the video, as the container counts them.
    pub frames: Option<u64>,
    /// Length of the video, else of the file, in milliseconds.
    pub duration_ms: Option<u64>,
    /// There is at least one audio stream.
    pub has_audio: bool,
    /// Codec of the video, as `ffmpeg` names it.
    pub video_codec: Option<String>,
    /// Codec of the first audio stream, as `ffmpeg` names it.
    pub audio_codec: Option<String>,
    /// Pixel format of the video, as `ffmpeg` names it.
    pub pix_fmt: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    streams: Vec<Stream>,
    #[serde(default)]
    format: Format,
}

#[derive(Deserialize, Default)]
struct Format {
    duration: Option<String>,
}

#[derive(Deserialize)]
struct Stream {
    codec_type: Option<String>,
    codec_name: Option<String>,
    width: Option<u32>,
    height: Option<u32>,
    pix_fmt: Option<String>,
    r_frame_rate: Option<String>,
    nb_frames: Option<String>,
    duration: Option<String>,
    #[serde(default)]
    disposition: Disposition,
}

#[derive(Deserialize, Default)]
struct Disposition {
    #[serde(default)]
    attached_pic: u8,
}

/// Reads `ffprobe`'s JSON.
pub(super) fn parse(json: &[u8]) -> Result<MediaInfo, serde_json::Error> {
    let answer: Answer = serde_json::from_slice(json)?;
    let of_type = |wanted: &str| {
        let wanted = wanted.to_owned();
        move |stream: &&Stream| stream.codec_type.as_deref() == Some(wanted.as_str())
    };
    let audio = answer.streams.iter().find(of_type("audio"));
    // The cover of a music file calls itself a video.
    let video = answer
        .streams
        .iter()
        .filter(of_type("video"))
        .find(|stream| stream.disposition.attached_pic == 0);

    let duration =
        video.and_then(|stream| stream.duration.as_deref()).or(answer.format.duration.as_deref());
    let seconds = duration.and_then(|text| text.parse::<f64>().ok());
    Ok(MediaInfo {
        width: video.and_then(|stream| stream.width).unwrap_or_default(),
        height: video.and_then(|stream| stream.height).unwrap_or_default(),
        frame_rate: video.and_then(|stream| FrameRate::parse(stream.r_frame_rate.as_deref()?)),
        frames: video.and_then(|stream| stream.nb_frames.as_deref()?.parse().ok()),
        duration_ms: seconds
            .filter(|seconds| *seconds >= 0.0)
            .map(|seconds| (seconds * 1000.0).round() as u64),
        has_audio: audio.is_some(),
        video_codec: video.and_then(|stream| stream.codec_name.clone()),
        audio_codec: audio.and_then(|stream| stream.codec_name.clone()),
        pix_fmt: video.and_then(|stream| stream.pix_fmt.clone()),
    })
}
