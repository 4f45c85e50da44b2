//! The compositor: branding on a clip, in one pass of `ffmpeg`.

mod graph;

use crate::encoding::Encoding;
use crate::ffmpeg::{Ffmpeg, FfmpegError, FrameRate, MediaInfo};
use crate::overlay::{Drawn, Layer, Stage, draw_logo, layers, logo_limits};
use crate::photo::PhotoRefusal;
use crate::text::{self, Fonts, Lettering, TextRefusal, TextRoom};
use crate::theme::{Alignment, TextStyle, Theme};
use graph::{Pass, Sound};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Most characters of a title or subtitle.
const MAX_CHARACTERS: usize = 400;
/// Most of the frame's height that a title takes, and a subtitle.
const TITLE_HEIGHT: f32 = 0.46;
const SUBTITLE_HEIGHT: f32 = 0.24;

/// What is put on a clip.
#[derive(Clone, Debug, Default)]
pub struct Branding {
    /// The title; line breaks are kept.
    pub title: Option<String>,
    /// The subtitle; line breaks are kept.
    pub subtitle: Option<String>,
    /// A PNG, JPEG or WebP.
    pub logo: Option<PathBuf>,
    /// A file with sound; it replaces the sound of the clip.
    pub music: Option<PathBuf>,
    /// How all of it looks.
    pub theme: Theme,
    /// A folder with fonts for letters that those of the crate lack; the system's are looked through after it.
    pub fonts: Option<PathBuf>,
}

/// A text of the branding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextPart {
    /// The title.
    Title,
    /// The subtitle.
    Subtitle,
}

impl std::fmt::Display for TextPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Title => "title",
            Self::Subtitle => "subtitle",
        })
    }
}

/// Why a branding cannot be put on any clip, said so that whoever sent it knows what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrandingRefusal {
    /// The logo is no picture that can be used.
    #[error(
        "the logo {name:?} cannot be used: please send a PNG, JPEG or WebP of at most {} MB and {} megapixels",
        logo_limits().max_bytes >> 20, logo_limits().max_pixels / 1_000_000
    )]
    UnreadableLogo {
        /// Name of the file.
        name: String,
        /// What is wrong with it as a picture.
        source: PhotoRefusal,
    },

    /// The music is no file with sound.
    #[error(
        "the music {name:?} has no sound that can be read: please send an MP3, M4A, WAV, FLAC or OGG file"
    )]
    UnreadableMusic {
        /// Name of the file.
        name: String,
    },

    /// A text does not fit on the picture.
    #[error(
        "the {part} has {characters} characters and does not fit on the picture: please shorten it"
    )]
    TextTooLong {
        /// Which text.
        part: TextPart,
        /// How long it is.
        characters: usize,
    },

    /// No font can draw a text.
    #[error(
        "no font here can draw {} of the {part}: please leave it out, or have the package {package} installed",
        text::shown(characters)
    )]
    NoFont {
        /// Which text.
        part: TextPart,
        /// The characters, each once, in the order of the text.
        characters: String,
        /// The Debian package with a font that can.
        package: &'static str,
    },
}

/// A clip could not be branded.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// The branding cannot be used, on this clip or any other.
    #[error("cannot use the branding")]
    Refused(#[from] BrandingRefusal),

    /// `ffmpeg` failed.
    #[error("cannot compose the video")]
    Ffmpeg(#[from] FfmpegError),

    /// The clip has no video that could be branded.
    #[error("{} is no video", path.display())]
    NotAVideo {
        /// The clip.
        path: PathBuf,
    },

    /// A file could not be read or written.
    #[error("cannot use the file {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// The video that was written is notably shorter than the clip.
    #[error("the video has {frames} frames, the clip {expected}")]
    Incomplete {
        /// Frames of the video.
        frames: u64,
        /// Frames of the clip.
        expected: u64,
    },
}

/// A video as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Length in milliseconds.
    pub duration_ms: u64,
    /// Frames.
    pub frames: u64,
    /// It can be heard.
    pub has_audio: bool,
}

/// Puts `branding` on the clip `base`: writes an MP4 of the same size, rate and number of frames to `out`, and one of its
/// frames, with the words on it, to `poster` as a JPEG.
///
/// `work` is a folder for files that are gone afterwards. Dropping the future ends `ffmpeg`; what was written stays.
///
/// # Errors
/// [`ComposeError::Refused`] if the branding cannot be used and a repeat says the same; else what failed on the way.
pub async fn compose(
    ffmpeg: &Ffmpeg,
    base: &Path,
    branding: &Branding,
    work: &Path,
    out: &Path,
    poster: &Path,
) -> Result<Rendered, ComposeError> {
    compose_with(ffmpeg, &Encoding::default(), base, branding, work, out, poster).await
}

/// [`compose`] with settings of the encoders.
///
/// # Errors
/// As [`compose`].
pub async fn compose_with(
    ffmpeg: &Ffmpeg,
    encoding: &Encoding,
    base: &Path,
    branding: &Branding,
    work: &Path,
    out: &Path,
    poster: &Path,
) -> Result<Rendered, ComposeError> {
    let info = ffmpeg.probe(base).await?;
    let stage = stage_of(base, &info)?;
    let sound = sound_of(ffmpeg, &info, branding, &stage).await?;
    let layers = prepare(branding.clone(), stage, work.to_owned()).await?;

    let pass = Pass { base, layers: &layers, sound, stage, encoding, work, out, poster };
    let ended = ffmpeg.run(&pass.arguments(), None).await;
    for layer in &layers {
        // The folder is the caller's to remove; this only frees the room early.
        let _ = tokio::fs::remove_file(graph::layer_path(work, layer)).await;
    }
    ended?;
    check(&ffmpeg.probe(out).await?, &stage)
}

fn stage_of(base: &Path, info: &MediaInfo) -> Result<Stage, ComposeError> {
    let not_a_video = || ComposeError::NotAVideo { path: base.to_owned() };
    let rate: FrameRate = info.frame_rate.ok_or_else(not_a_video)?;
    let by_length = || info.duration_ms.map(|ms| rate.frames_in(ms as f64 / 1000.0));
    let frames =
        info.frames.or_else(by_length).filter(|&frames| frames > 0).ok_or_else(not_a_video)?;
    Ok(Stage { width: info.width, height: info.height, rate, frames })
}

async fn sound_of(
    ffmpeg: &Ffmpeg,
    base: &MediaInfo,
    branding: &Branding,
    stage: &Stage,
) -> Result<Sound, ComposeError> {
    let Some(music) = &branding.music else {
        return Ok(Sound::of_clip(base));
    };
    require(music).await?;
    let unreadable = || BrandingRefusal::UnreadableMusic { name: name_of(music) };
    let info = match ffmpeg.probe(music).await {
        Ok(info) if info.has_audio => info,
        Ok(_) | Err(FfmpegError::Failed { .. }) => return Err(unreadable().into()),
        Err(error) => return Err(error.into()),
    };
    let length_ms = (stage.seconds() * 1000.0).ceil() as u64;
    let fade_secs = branding.theme.motion.fade_music * stage.haste(&branding.theme.motion);
    Ok(Sound::Music {
        path: music.clone(),
        repeated: info.duration_ms.is_none_or(|music_ms| music_ms < length_ms),
        fade_secs: fade_secs.min(stage.seconds() / 2.0),
    })
}

/// A file that should be there and is not is a fault, not the fault of whoever sent it.
async fn require(path: &Path) -> Result<(), ComposeError> {
    let found = tokio::fs::metadata(path).await;
    found.map(drop).map_err(|source| ComposeError::File { path: path.to_owned(), source })
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().chars().take(120).collect()
}

async fn prepare(
    branding: Branding,
    stage: Stage,
    work: PathBuf,
) -> Result<Vec<Layer>, ComposeError> {
    let folder = work.clone();
    let drawing = tokio::task::spawn_blocking(move || {
        let mut layers = layers(draw(&branding, &stage)?, &branding.theme, &stage);
        for layer in &mut layers {
            let path = graph::layer_path(&work, layer);
            write(layer, &path).map_err(|source| ComposeError::File { path, source })?;
            layer.forget_picture();
        }
        Ok(layers)
    });
    drawing.await.map_err(|stopped| ComposeError::File { path: folder, source: stopped.into() })?
}

fn write(layer: &Layer, path: &Path) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    layer.write(&mut file)?;
    file.flush()
}

fn draw(branding: &Branding, stage: &Stage) -> Result<Drawn, ComposeError> {
    let mut fonts = fonts_of(branding);
    let theme = &branding.theme;
    let mut words = |part, text: &Option<String>, style, height| {
        let text = text.as_deref().and_then(text::cleaned);
        text.map(|text| letter(&mut fonts, part, &text, style, room(theme, style, stage, height)))
            .transpose()
    };
    Ok(Drawn {
        title: words(TextPart::Title, &branding.title, &theme.title, TITLE_HEIGHT)?,
        subtitle: words(TextPart::Subtitle, &branding.subtitle, &theme.subtitle, SUBTITLE_HEIGHT)?,
        logo: branding.logo.as_deref().map(|logo| read_logo(logo, theme, stage)).transpose()?,
    })
}

fn fonts_of(branding: &Branding) -> Fonts {
    branding.fonts.iter().fold(Fonts::default(), Fonts::with_folder)
}

fn room(theme: &Theme, style: &TextStyle, stage: &Stage, height: f32) -> TextRoom {
    let widest = (1.0 - 2.0 * theme.layout.margin_x).min(theme.layout.max_width);
    TextRoom {
        width: widest * stage.width as f32,
        height: height * stage.height as f32,
        letter_size: style.size * stage.short_side(),
        centred: theme.layout.align == Alignment::Centre,
    }
}

fn letter(
    fonts: &mut Fonts,
    part: TextPart,
    text: &str,
    style: &TextStyle,
    room: TextRoom,
) -> Result<Lettering, BrandingRefusal> {
    let characters = text.chars().count();
    if characters > MAX_CHARACTERS {
        return Err(BrandingRefusal::TextTooLong { part, characters });
    }
    text::draw(fonts, text, style, room).map_err(|refusal| match refusal {
        TextRefusal::TooLong { characters } => BrandingRefusal::TextTooLong { part, characters },
        TextRefusal::NoFont { characters, package } => {
            BrandingRefusal::NoFont { part, characters, package }
        }
    })
}

fn read_logo(
    path: &Path,
    theme: &Theme,
    stage: &Stage,
) -> Result<crate::overlay::Picture, ComposeError> {
    let failed = |source| ComposeError::File { path: path.to_owned(), source };
    let size_bytes = std::fs::metadata(path).map_err(failed)?.len();
    let refused = |source| BrandingRefusal::UnreadableLogo { name: name_of(path), source };
    let limit_bytes = logo_limits().max_bytes;
    if size_bytes > limit_bytes {
        return Err(refused(PhotoRefusal::TooLarge { size_bytes, limit_bytes }).into());
    }
    let bytes = std::fs::read(path).map_err(failed)?;
    draw_logo(&bytes, &theme.logo, stage.short_side()).map_err(|source| refused(source).into())
}

fn check(written: &MediaInfo, stage: &Stage) -> Result<Rendered, ComposeError> {
    let frames = written.frames.unwrap_or_default();
    // Containers count frames that their edit lists leave out; a paid clip does not fail for those.
    if frames + stage.frames / 20 + 1 < stage.frames {
        return Err(ComposeError::Incomplete { frames, expected: stage.frames });
    }
    let duration_ms =
        written.duration_ms.unwrap_or_else(|| (stage.seconds() * 1000.0).round() as u64);
    let (width, height) = (written.width, written.height);
    Ok(Rendered { width, height, duration_ms, frames, has_audio: written.has_audio })
}

#[cfg(test)]
mod tests;
