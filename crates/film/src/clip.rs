//! A clip that a provider delivered: judged, and put into an MP4 that plays from its first bytes on.

mod look;

use crate::ffmpeg::{Ffmpeg, FfmpegError, MediaInfo, file, input};
use look::{Look, look};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Codecs of video that every `ffmpeg` copies into an MP4, as it names them.
const VIDEO_IN_MP4: &[&str] =
    &["h264", "hevc", "av1", "vp9", "mpeg4", "mpeg2video", "mpeg1video", "mjpeg"];
/// Codecs of sound that every `ffmpeg` copies into an MP4, as it names them.
const SOUND_IN_MP4: &[&str] = &["aac", "mp3", "mp2", "opus", "vorbis", "ac3", "eac3", "alac"];

/// How much longer or shorter than asked a clip may be in any case.
const LENGTH_SLACK: Duration = Duration::from_secs(1);
/// What a copy may lack of the length that its container promises, in milliseconds, beside a twentieth: containers round,
/// and some count the sound too.
const PROMISE_SLACK_MS: u64 = 200;

/// What was delivered, after it was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveredClip {
    /// Length of the video in milliseconds.
    pub duration_ms: u64,
    /// Width in pixels, before a rotation that the clip may ask for.
    pub width: u32,
    /// Height in pixels, before a rotation that the clip may ask for.
    pub height: u32,
    /// There is sound in what was written.
    pub has_audio: bool,
}

/// A clip could not be rewrapped.
#[derive(Debug, thiserror::Error)]
pub enum ClipError {
    /// It is no video that can be played to its end, or not about as long as asked. The text is for the engineer and says
    /// what it is; a repeat on the same file says the same.
    #[error("the clip cannot be used: {0}")]
    Unplayable(String),

    /// `ffmpeg` is missing, has no room, took too long or was killed: nothing was found out about the clip.
    #[error("cannot rewrap the clip")]
    Ffmpeg(#[from] FfmpegError),

    /// The clip could not be read: nothing was found out about it.
    #[error("cannot read the clip {}", path.display())]
    File {
        /// The clip.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Judges the clip `from` and writes it to `to` as an MP4 with its index in front. Streams are copied, not encoded: the
/// first video with its rotation, and the first sound if `keep_audio` and if an MP4 can hold it, else none.
///
/// With `expected`, the clip may be 1 s or 15 % longer or shorter than that, whichever is more. Whether its pictures can
/// be decoded is not tried. On an error, `to` may hold a part or be missing; dropping the future ends `ffmpeg` and may
/// leave a part too.
///
/// # Errors
/// [`ClipError::Unplayable`] if the clip is to blame and a repeat says the same; else what failed on the way.
pub async fn rewrap(
    ffmpeg: &Ffmpeg,
    from: &Path,
    expected: Option<Duration>,
    keep_audio: bool,
    to: &Path,
) -> Result<DeliveredClip, ClipError> {
    let seen = look_at(from).await?;
    require_all_bytes(&seen)?;
    let promised = promised_by(ffmpeg, from, &seen).await?;
    require_video(&promised)?;
    copy(ffmpeg, from, sound_of(&promised, keep_audio), to).await?;

    let written = ffmpeg.probe(to).await?;
    require_whole(&promised, &written)?;
    let clip = delivered(&written)?;
    require_length(clip.duration_ms, expected)?;
    Ok(clip)
}

async fn look_at(from: &Path) -> Result<Look, ClipError> {
    let path = from.to_owned();
    let looked = tokio::task::spawn_blocking(move || look(&path)).await;
    looked
        .unwrap_or_else(|stopped| Err(stopped.into()))
        .map_err(|source| ClipError::File { path: from.to_owned(), source })
}

/// `ffmpeg` copies what there is of a clip that was cut off, and calls it a success.
fn require_all_bytes(seen: &Look) -> Result<(), ClipError> {
    let Look { size_bytes, promised_bytes, .. } = seen;
    if size_bytes < promised_bytes {
        return unplayable(format!("it is cut off after {size_bytes} of {promised_bytes} bytes"));
    }
    Ok(())
}

/// What the container says is in it.
async fn promised_by(ffmpeg: &Ffmpeg, from: &Path, seen: &Look) -> Result<MediaInfo, ClipError> {
    match ffmpeg.probe(from).await {
        Err(failed) if blames_input(&failed) => unplayable(format!("no video: {}", seen.beginning)),
        probed => Ok(probed?),
    }
}

fn require_video(promised: &MediaInfo) -> Result<(), ClipError> {
    if promised.width == 0 || promised.height == 0 {
        let instead = if promised.has_audio { "only sound" } else { "no stream with pictures" };
        return unplayable(format!("no video: it has {instead}"));
    }
    match promised.video_codec.as_deref() {
        Some(codec) if VIDEO_IN_MP4.contains(&codec) => Ok(()),
        codec => unplayable(format!(
            "its video is {}, which cannot be copied into an MP4",
            codec.unwrap_or("of an unknown codec")
        )),
    }
}

/// Sound that an MP4 cannot hold is left out: a paid clip does not fail for it.
fn sound_of(promised: &MediaInfo, keep_audio: bool) -> bool {
    let codec = promised.audio_codec.as_deref();
    keep_audio && codec.is_some_and(|codec| SOUND_IN_MP4.contains(&codec))
}

/// Copies the streams. `-xerror` is of no use here: it lets clips pass that are cut between two packets, and refuses
/// good ones in which two packets have the same time.
async fn copy(ffmpeg: &Ffmpeg, from: &Path, sound: bool, to: &Path) -> Result<(), ClipError> {
    let written = [OsString::from("-movflags"), "+faststart".into(), file(to)];
    let Err(failed) = ffmpeg.run(&arguments(from, sound, &written), None).await else {
        return Ok(());
    };
    if !blames_input(&failed) {
        return Err(failed.into());
    }
    // Is it the clip, or the place it should go to?
    match ffmpeg.run(&arguments(from, sound, &["/dev/null".into()]), None).await {
        Err(again) if blames_input(&again) => unplayable(format!("it cannot be copied: {again}")),
        _ => Err(failed.into()),
    }
}

fn arguments(from: &Path, sound: bool, output: &[OsString]) -> Vec<OsString> {
    let mut arguments = Vec::from(input(from));
    // A large V is a video that is no cover.
    arguments.extend(["-map", "0:V:0"].map(OsString::from));
    if sound {
        arguments.extend(["-map", "0:a:0"].map(OsString::from));
    }
    arguments.extend(["-c", "copy", "-f", "mp4"].map(OsString::from));
    arguments.extend_from_slice(output);
    arguments
}

/// The program itself said that it failed. A shell or linker that did not get as far as the program ends with 126 or 127,
/// and `ffmpeg` that was asked to stop with 255.
fn blames_input(failed: &FfmpegError) -> bool {
    let FfmpegError::Failed { status, .. } = failed else {
        return false;
    };
    status.code().is_some_and(|code| !matches!(code, 126 | 127 | 255))
}

/// A net below [`require_all_bytes`], for containers that do not say how many bytes they have. Frames count only without a
/// length, since containers count frames that their edit lists leave out.
fn require_whole(promised: &MediaInfo, written: &MediaInfo) -> Result<(), ClipError> {
    let lacks = |promised: u64, written: Option<u64>, slack: u64| {
        written.unwrap_or_default() + promised / 20 + slack < promised
    };
    match (promised.duration_ms, promised.frames) {
        (Some(duration_ms), _) if lacks(duration_ms, written.duration_ms, PROMISE_SLACK_MS) => {
            unplayable(format!(
                "it ends after {} s of {} s",
                seconds(written.duration_ms.unwrap_or_default()),
                seconds(duration_ms)
            ))
        }
        (None, Some(frames)) if lacks(frames, written.frames, 1) => unplayable(format!(
            "it ends after {} of {frames} frames",
            written.frames.unwrap_or_default()
        )),
        _ => Ok(()),
    }
}

fn delivered(written: &MediaInfo) -> Result<DeliveredClip, ClipError> {
    let &MediaInfo { width, height, has_audio, .. } = written;
    match written.duration_ms {
        Some(duration_ms) if duration_ms > 0 && width > 0 && height > 0 => {
            Ok(DeliveredClip { duration_ms, width, height, has_audio })
        }
        _ => unplayable("no video: it has no frames".to_owned()),
    }
}

fn require_length(actual_ms: u64, expected: Option<Duration>) -> Result<(), ClipError> {
    let Some(expected) = expected else {
        return Ok(());
    };
    let slack = LENGTH_SLACK.max(expected / 20 * 3);
    if Duration::from_millis(actual_ms).abs_diff(expected) <= slack {
        return Ok(());
    }
    let asked = seconds(u64::try_from(expected.as_millis()).unwrap_or(u64::MAX));
    unplayable(format!("it lasts {} s, {asked} s were asked for", seconds(actual_ms)))
}

/// Milliseconds as seconds, to a tenth at most: `2.1`, `6`.
fn seconds(ms: u64) -> String {
    let text = format!("{:.1}", ms as f64 / 1000.0);
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

fn unplayable<T>(reason: String) -> Result<T, ClipError> {
    Err(ClipError::Unplayable(reason))
}

#[cfg(test)]
mod tests;
