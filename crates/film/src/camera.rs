//! The built-in camera move: a photo, filmed.

mod motion;
mod path;
mod planes;
mod sampler;

pub use motion::{Motion, UnknownMotion};
pub use path::{CameraPath, Viewport};

use crate::encoding::Encoding;
use crate::ffmpeg::{Ffmpeg, FfmpegError, Frames, file};
use crate::photo::{PhotoLimits, PhotoRefusal, open_upright};
use planes::Planes;
use sampler::Sampler;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use tokio::sync::mpsc::{self, Receiver, Sender};

/// Frames in flight between the sampler and the encoder.
const FRAMES_IN_FLIGHT: usize = 3;

/// One shot: how the camera moves, for how long, and what comes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CameraMove {
    /// How the camera moves.
    pub motion: Motion,
    /// Length of the shot, in seconds; 1 to 60.
    pub duration_secs: u32,
    /// Width of the video, in pixels; even, 16 to 7680.
    pub width: u32,
    /// Height of the video, in pixels; even, 16 to 7680.
    pub height: u32,
    /// Frames per second; 1 to 120.
    pub fps: u32,
}

impl CameraMove {
    /// Frames of the shot.
    #[must_use]
    pub fn frames(&self) -> u32 {
        self.duration_secs * self.fps
    }

    fn check(&self) -> Result<(), FilmError> {
        let side = |side: u32| side.is_multiple_of(2) && (16..=7680).contains(&side);
        let sane = side(self.width) && side(self.height);
        if sane && (1..=60).contains(&self.duration_secs) && (1..=120).contains(&self.fps) {
            return Ok(());
        }
        let Self { duration_secs, width, height, fps, .. } = *self;
        Err(FilmError::Shot { duration_secs, width, height, fps })
    }
}

/// A photo could not be filmed.
#[derive(Debug, thiserror::Error)]
pub enum FilmError {
    /// The shot is none that can be made.
    #[error("cannot film {duration_secs} s of {width}x{height} at {fps} frames per second")]
    Shot {
        /// Length, in seconds.
        duration_secs: u32,
        /// Width, in pixels.
        width: u32,
        /// Height, in pixels.
        height: u32,
        /// Frames per second.
        fps: u32,
    },

    /// The photo is not accepted.
    #[error("cannot use the photo")]
    Photo(#[from] PhotoRefusal),

    /// The photo could not be read.
    #[error("cannot read the photo {}", path.display())]
    Read {
        /// Where it should be.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// The encoder failed.
    #[error("cannot encode the shot")]
    Ffmpeg(#[from] FfmpegError),
}

/// Films `photo` as `shot` says and writes an MP4 without audio to `to`.
///
/// Dropping the future ends the encoder; what it wrote until then stays.
///
/// # Errors
/// [`FilmError`] if the photo is refused, the shot cannot be made, or the encoder fails.
pub async fn film_photo(
    ffmpeg: &Ffmpeg,
    photo: &Path,
    shot: &CameraMove,
    to: &Path,
) -> Result<(), FilmError> {
    shot.check()?;
    let unreadable = |source| FilmError::Read { path: photo.to_owned(), source };
    let bytes = tokio::fs::read(photo).await.map_err(unreadable)?;

    let prepared = shot.clone();
    let sampler = tokio::task::spawn_blocking(move || prepare(&bytes, &prepared));
    let sampler = sampler.await.map_err(|stopped| unreadable(stopped.into()))??;

    let (filled, frames) = mpsc::channel(FRAMES_IN_FLIGHT);
    let (emptied, buffers) = mpsc::channel(FRAMES_IN_FLIGHT);
    tokio::task::spawn_blocking(move || shoot(sampler, &filled, buffers));
    ffmpeg.run(&arguments(shot, to), Some(Frames { filled: frames, emptied })).await?;
    Ok(())
}

fn prepare(photo: &[u8], shot: &CameraMove) -> Result<Sampler, PhotoRefusal> {
    let limits = PhotoLimits { long_side: 7680, min_side: 2, ..PhotoLimits::default() };
    let photo = open_upright(photo, &limits)?;
    let interest = path::interest(&photo);
    let path = CameraPath::new(shot, photo.dimensions(), interest);
    let (planes, scale) = Planes::of(&photo, path.tightest().width / f64::from(shot.width));
    Ok(Sampler::new(planes, scale, path, (shot.width, shot.height)))
}

/// Makes the frames in order until the last or until nobody takes them.
fn shoot(mut sampler: Sampler, filled: &Sender<Vec<u8>>, mut buffers: Receiver<Vec<u8>>) {
    for frame in 0..sampler.frames() {
        let mut buffer = buffers.try_recv().unwrap_or_default();
        sampler.draw(frame, &mut buffer);
        if filled.blocking_send(buffer).is_err() {
            return;
        }
    }
}

fn arguments(shot: &CameraMove, to: &Path) -> Vec<OsString> {
    let size = format!("{}x{}", shot.width, shot.height);
    let encoding = Encoding { crf: 17, ..Encoding::default() };
    let mut arguments: Vec<OsString> =
        ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-video_size", &size, "-framerate"]
            .map(OsString::from)
            .into();
    arguments.extend(
        [shot.fps.to_string(), "-i".into(), "pipe:0".into(), "-an".into()].map(OsString::from),
    );
    arguments.extend(encoding.video_arguments());
    // A seek lands within two seconds, and groups of pictures are closed, so that clips can be joined.
    arguments.extend(["-g".into(), (2 * shot.fps).to_string()].map(OsString::from));
    arguments.extend(encoding.container_arguments());
    arguments.push(file(to));
    arguments
}

#[cfg(test)]
mod tests;
