//! The photo normaliser: any acceptable photo becomes an upright sRGB JPEG of bounded size without metadata.

mod colour;
mod decode;
mod jpeg;
mod kind;

pub(crate) use decode::decode_transparent;
use decode::{Frame, decode};
pub use kind::PhotoFormat;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::{DynamicImage, ExtendedColorType, ImageEncoder, RgbImage};
use std::fmt;

/// Bounds on the photos that are accepted and on the one that is made of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhotoLimits {
    /// Largest file, in bytes.
    pub max_bytes: u64,
    /// Largest picture, in pixels.
    pub max_pixels: u64,
    /// Longest side that comes in, in pixels.
    pub max_side: u32,
    /// Shortest side that comes in, in pixels.
    pub min_side: u32,
    /// Longest side that comes out, in pixels.
    pub long_side: u32,
    /// Most memory that decoding may take, in bytes.
    pub max_alloc_bytes: u64,
    /// Quality of the JPEG that comes out, 1 to 100.
    pub jpeg_quality: u8,
}

impl Default for PhotoLimits {
    fn default() -> Self {
        Self {
            max_bytes: 40 << 20,
            max_pixels: 120_000_000,
            max_side: 20_000,
            min_side: 64,
            long_side: 3840,
            max_alloc_bytes: 1 << 30,
            jpeg_quality: 92,
        }
    }
}

/// A photo as the rest of the chain wants it: upright, sRGB, even sides, no metadata.
#[derive(Clone, PartialEq, Eq)]
pub struct NormalisedPhoto {
    /// A baseline JPEG.
    pub jpeg: Vec<u8>,
    /// Width in pixels; even.
    pub width: u32,
    /// Height in pixels; even.
    pub height: u32,
    /// What the photo was before.
    pub source_format: PhotoFormat,
}

impl fmt::Debug for NormalisedPhoto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NormalisedPhoto")
            .field("jpeg_bytes", &self.jpeg.len())
            .field("width", &self.width)
            .field("height", &self.height)
            .field("source_format", &self.source_format)
            .finish()
    }
}

/// Why a photo is not accepted, said so that whoever sent it knows what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhotoRefusal {
    /// There are no bytes.
    #[error("the photo is empty (0 bytes): the upload may have been cut off, please send it again")]
    Empty,

    /// The file is too large.
    #[error(
        "the photo is {} MB and at most {} MB are accepted: please export it smaller", megas(*.size_bytes), megas(*.limit_bytes)
    )]
    TooLarge {
        /// Size of the file, in bytes.
        size_bytes: u64,
        /// Largest size accepted, in bytes.
        limit_bytes: u64,
    },

    /// The picture has too many pixels.
    #[error(
        "the photo is {width} × {height} pixels and at most {} megapixels are accepted for this kind: please export it smaller",
        .limit_pixels / 1_000_000
    )]
    TooManyPixels {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Most pixels accepted.
        limit_pixels: u64,
    },

    /// One side is too long.
    #[error(
        "the photo is {width} × {height} pixels and no side may exceed {limit_side}: please export it smaller"
    )]
    TooLong {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Longest side accepted, in pixels.
        limit_side: u32,
    },

    /// The picture is too small to be filmed.
    #[error(
        "the photo is only {width} × {height} pixels and each side needs at least {limit_side}: please send the original, not a thumbnail"
    )]
    TooSmall {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Shortest side accepted, in pixels.
        limit_side: u32,
    },

    /// The bytes are nothing that we know, whatever the name says.
    #[error("the file is not a photo, whatever its name says: please send a JPEG, PNG or WebP")]
    NotAPhoto,

    /// A HEIC photo, as phones make them.
    #[error("HEIC photos are not supported here: please export the photo as JPEG and send that")]
    Heic,

    /// A JPEG for print. Its colours need a profile that such files often lack.
    #[error("the photo is in print colours (CMYK): please export it in RGB and send that")]
    Cmyk,

    /// Something known that is not accepted.
    #[error("{kind} files are not accepted as photos: please export as JPEG, PNG or WebP")]
    Unsupported {
        /// What the file is, as people call it.
        kind: &'static str,
    },

    /// The file ends before the picture does.
    #[error(
        "the {format} photo is incomplete, its end is missing: the upload may have been cut off, please send it again"
    )]
    Truncated {
        /// What kind of photo it is.
        format: PhotoFormat,
    },

    /// The picture cannot be decoded.
    #[error(
        "the {format} photo is damaged and cannot be read: please export it again and send that"
    )]
    Damaged {
        /// What kind of photo it is.
        format: PhotoFormat,
    },
}

fn megas(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / f64::from(1 << 20))
}

/// Makes an upright sRGB JPEG of bounded size, with even sides and without metadata, out of a photo.
///
/// Blocks while it computes; nothing is decoded before the header was found to be within `limits`.
///
/// # Errors
/// [`PhotoRefusal`] if the photo is not accepted; a repeat says the same.
pub fn normalise(bytes: &[u8], limits: &PhotoLimits) -> Result<NormalisedPhoto, PhotoRefusal> {
    let Frame { picture, orientation, profile, format } = decode(bytes, limits)?;

    let mut picture = DynamicImage::ImageRgb8(shrink(picture, limits.long_side));
    picture.apply_orientation(orientation);
    let mut picture = with_even_sides(picture.into_rgb8());
    if let Some(profile) = profile {
        colour::convert_to_srgb(&mut picture, &profile);
    }

    Ok(NormalisedPhoto {
        jpeg: encode(&picture, limits.jpeg_quality),
        width: picture.width(),
        height: picture.height(),
        source_format: format,
    })
}

/// The photo itself, upright and in sRGB, no longer than `limits.long_side`.
pub(crate) fn open_upright(bytes: &[u8], limits: &PhotoLimits) -> Result<RgbImage, PhotoRefusal> {
    let Frame { picture, orientation, profile, .. } = decode(bytes, limits)?;

    let mut picture = DynamicImage::ImageRgb8(shrink(picture, limits.long_side));
    picture.apply_orientation(orientation);
    let mut picture = picture.into_rgb8();
    if let Some(profile) = profile {
        colour::convert_to_srgb(&mut picture, &profile);
    }
    Ok(picture)
}

/// Scales `picture` down until its longer side is at most `long_side`: by halves first, which is quick and frees memory,
/// then by a windowed sinc.
fn shrink(mut picture: RgbImage, long_side: u32) -> RgbImage {
    while picture.width().max(picture.height()) >= long_side.saturating_mul(3) {
        picture = halve(&picture);
    }
    let longest = picture.width().max(picture.height());
    if longest <= long_side {
        return picture;
    }
    let scaled = |side: u32| {
        let exact = u64::from(side) * u64::from(long_side);
        ((exact + u64::from(longest) / 2) / u64::from(longest)).max(2) as u32
    };
    imageops::resize(
        &picture,
        scaled(picture.width()),
        scaled(picture.height()),
        FilterType::Lanczos3,
    )
}

/// The mean of each two by two pixels; an odd last row or column is left out.
fn halve(picture: &RgbImage) -> RgbImage {
    let (width, height) = (picture.width() / 2, picture.height() / 2);
    let stride = picture.width() as usize * 3;
    let samples = picture.as_raw();
    let mut half = Vec::with_capacity(width as usize * height as usize * 3);
    for y in 0..height as usize {
        let upper = &samples[2 * y * stride..][..stride];
        let lower = &samples[(2 * y + 1) * stride..][..stride];
        for x in 0..width as usize {
            for at in 6 * x..6 * x + 3 {
                let sum = u16::from(upper[at])
                    + u16::from(upper[at + 3])
                    + u16::from(lower[at])
                    + u16::from(lower[at + 3]);
                half.push(((sum + 2) / 4) as u8);
            }
        }
    }
    RgbImage::from_raw(width, height, half).expect("as many samples as the size says")
}

fn with_even_sides(picture: RgbImage) -> RgbImage {
    let (width, height) = (picture.width() & !1, picture.height() & !1);
    if (width, height) == picture.dimensions() || width == 0 || height == 0 {
        return picture;
    }
    imageops::crop_imm(&picture, 0, 0, width, height).to_image()
}

fn encode(picture: &RgbImage, quality: u8) -> Vec<u8> {
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, quality.clamp(1, 100))
        .write_image(picture.as_raw(), picture.width(), picture.height(), ExtendedColorType::Rgb8)
        .expect("sides are within 65,535 and memory takes every byte");
    jpeg
}

#[cfg(test)]
mod tests;
