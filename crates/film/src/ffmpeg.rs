//! `ffmpeg` and `ffprobe` as typed commands: bounded in time, never left behind, their last words kept.

mod probe;
mod tail;

pub use probe::{FrameRate, MediaInfo};

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use std::{env, io};
use tail::Tail;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::mpsc::{Receiver, Sender};
use tokio::time::timeout;

/// Kinds of file that `ffmpeg` may open for us. A playlist is not among them: it could name other files and addresses.
pub(crate) const MEDIA_FORMATS: &str =
    "mov,mp4,matroska,webm,mp3,wav,w64,flac,ogg,aac,aiff,caf,rawvideo";

/// Most that `ffprobe` may say, in bytes.
const PROBE_LIMIT: u64 = 1 << 20;

/// The two programs, and how long they may take.
#[derive(Clone, Debug)]
pub struct Ffmpeg {
    encoder: PathBuf,
    prober: PathBuf,
    time_limit: Duration,
}

/// `ffmpeg` or `ffprobe` did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum FfmpegError {
    /// The program is not there.
    #[error("cannot start {}: install ffmpeg (Debian: apt-get install ffmpeg) or name its path", program.display())]
    Missing {
        /// What was looked for.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// The program ended and said that it failed, or was killed.
    #[error("ffmpeg failed ({status}): {last_lines}")]
    Failed {
        /// How it ended.
        status: ExitStatus,
        /// The last it said, on one line.
        last_lines: String,
    },

    /// There is no room for what it writes.
    #[error("no space left on the device for ffmpeg's output: {last_lines}")]
    DiskFull {
        /// The last it said, on one line.
        last_lines: String,
    },

    /// The program took too long and was killed.
    #[error("ffmpeg was stopped after {} s: {last_lines}", after.as_secs_f32())]
    TimedOut {
        /// How long it had.
        after: Duration,
        /// The last it said, on one line.
        last_lines: String,
    },

    /// Talking to the program failed.
    #[error("cannot talk to {}", program.display())]
    Io {
        /// The program.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// `ffprobe` answered something else than was asked for.
    #[error("cannot understand ffprobe on {}", path.display())]
    Unintelligible {
        /// The file that was probed.
        path: PathBuf,
        /// What was wrong with the answer.
        source: serde_json::Error,
    },
}

/// Pictures on their way into `ffmpeg`.
pub(crate) struct Frames {
    /// Raw frames, in order.
    pub(crate) filled: Receiver<Vec<u8>>,
    /// Where their buffers go back.
    pub(crate) emptied: Sender<Vec<u8>>,
}

impl Ffmpeg {
    /// Uses these programs; ten minutes for each run.
    pub fn new(ffmpeg: impl Into<PathBuf>, ffprobe: impl Into<PathBuf>) -> Self {
        Self { encoder: ffmpeg.into(), prober: ffprobe.into(), time_limit: Duration::from_mins(10) }
    }

    /// Uses the programs that `PATH` leads to.
    ///
    /// # Errors
    /// [`FfmpegError::Missing`] if one of them is not there.
    pub fn find() -> Result<Self, FfmpegError> {
        Ok(Self::new(on_path("ffmpeg")?, on_path("ffprobe")?))
    }

    /// The same programs with `time_limit` for each run.
    #[must_use]
    pub fn with_time_limit(self, time_limit: Duration) -> Self {
        Self { time_limit, ..self }
    }

    /// Says what kind of media a file is.
    ///
    /// # Errors
    /// [`FfmpegError`]; `Failed` if the file is no media that `ffprobe` can read.
    pub async fn probe(&self, path: impl AsRef<Path>) -> Result<MediaInfo, FfmpegError> {
        let path = path.as_ref();
        let mut command = Command::new(&self.prober);
        command.args(["-v", "error", "-show_entries", probe::ENTRIES, "-of", "json"]);
        command.args(input(path));
        command.stdout(Stdio::piped());

        let answer = self.supervise(command, &self.prober, None).await?;
        probe::parse(&answer)
            .map_err(|source| FfmpegError::Unintelligible { path: path.to_owned(), source })
    }

    /// Runs `ffmpeg` to its end.
    pub(crate) async fn run(
        &self,
        arguments: &[OsString],
        frames: Option<Frames>,
    ) -> Result<(), FfmpegError> {
        let mut command = Command::new(&self.encoder);
        command.args(["-hide_banner", "-nostats", "-loglevel", "error", "-y"]).args(arguments);
        command.stdout(Stdio::null());
        self.supervise(command, &self.encoder, frames).await.map(drop)
    }

    async fn supervise(
        &self,
        mut command: Command,
        program: &Path,
        frames: Option<Frames>,
    ) -> Result<Vec<u8>, FfmpegError> {
        command.stdin(if frames.is_some() { Stdio::piped() } else { Stdio::null() });
        command.stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command
            .spawn()
            .map_err(|source| FfmpegError::Missing { program: program.to_owned(), source })?;

        let mut tail = Tail::default();
        let Ok(ended) = timeout(self.time_limit, attend(&mut child, &mut tail, frames)).await
        else {
            // Killed and reaped before anybody is told, so that its files may be removed.
            let _ = child.kill().await;
            return Err(FfmpegError::TimedOut {
                after: self.time_limit,
                last_lines: tail.to_string(),
            });
        };
        let (status, said) =
            ended.map_err(|source| FfmpegError::Io { program: program.to_owned(), source })?;

        match status {
            status if status.success() => Ok(said),
            _ if tail.disk_full() => Err(FfmpegError::DiskFull { last_lines: tail.to_string() }),
            status => Err(FfmpegError::Failed { status, last_lines: tail.to_string() }),
        }
    }
}

/// Feeds a child, listens to it and waits for its end.
async fn attend(
    child: &mut Child,
    tail: &mut Tail,
    frames: Option<Frames>,
) -> io::Result<(ExitStatus, Vec<u8>)> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let mut said = Vec::new();
    let listen = async {
        match stdout {
            Some(stdout) => stdout.take(PROBE_LIMIT).read_to_end(&mut said).await.map(drop),
            None => Ok(()),
        }
    };
    let complain = async {
        match stderr {
            Some(stderr) => tail.read(stderr).await,
            None => Ok(()),
        }
    };

    let (status, listened, complained, ()) =
        tokio::join!(child.wait(), listen, complain, feed(stdin, frames));
    listened?;
    complained?;
    Ok((status?, said))
}

/// Writes frames until there are no more or the child has had enough; how the child ends tells the rest.
async fn feed(stdin: Option<ChildStdin>, frames: Option<Frames>) {
    let (Some(mut stdin), Some(mut frames)) = (stdin, frames) else {
        return;
    };
    while let Some(frame) = frames.filled.recv().await {
        if stdin.write_all(&frame).await.is_err() {
            return;
        }
        // Nobody needs the buffer back if there are enough of them or the last frame is made.
        let _ = frames.emptied.try_send(frame);
    }
}

/// Arguments that name an input file as nothing but a file.
pub(crate) fn input(path: &Path) -> [OsString; 6] {
    [
        "-protocol_whitelist".into(),
        "file,pipe".into(),
        "-format_whitelist".into(),
        MEDIA_FORMATS.into(),
        "-i".into(),
        file(path),
    ]
}

/// A path as `ffmpeg` takes it literally.
pub(crate) fn file(path: &Path) -> OsString {
    let mut name = OsString::from("file:");
    name.push(path);
    name
}

fn on_path(program: &str) -> Result<PathBuf, FfmpegError> {
    env::var_os("PATH")
        .iter()
        .flat_map(env::split_paths)
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
        .ok_or_else(|| FfmpegError::Missing {
            program: program.into(),
            source: io::Error::new(io::ErrorKind::NotFound, "not on PATH"),
        })
}

#[cfg(test)]
mod tests;
