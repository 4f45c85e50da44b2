#![doc = include_str!("../README.md")]
// Pictures are arithmetic between pixel indices, sample values and frame times, whose ranges are bounded where a picture
// comes in; naming each narrowing would hide the arithmetic.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss
)]

pub mod camera;
pub mod clip;
pub mod compose;
pub mod encoding;
pub mod ffmpeg;
pub mod overlay;
pub mod photo;
pub mod text;
pub mod theme;

pub use camera::{CameraMove, FilmError, Motion, UnknownMotion, film_photo};
pub use clip::{ClipError, DeliveredClip, rewrap};
pub use compose::{Branding, BrandingRefusal, ComposeError, Rendered, compose, compose_with};
pub use encoding::{Encoding, Preset};
pub use ffmpeg::{Ffmpeg, FfmpegError, FrameRate, MediaInfo};
pub use photo::{NormalisedPhoto, PhotoFormat, PhotoLimits, PhotoRefusal, normalise};
pub use theme::{Theme, UnknownTheme};
