//! From untrusted bytes to pixels, within limits.

use super::jpeg::{Outline, outline};
use super::{PhotoFormat, PhotoLimits, PhotoRefusal};
use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, Limits, RgbImage, Rgba, RgbaImage};
use std::io::Cursor;
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;

/// A decoded photo, not yet turned or converted.
pub(crate) struct Frame {
    /// Samples in the colours of `profile`; transparency became white.
    pub(crate) picture: RgbImage,
    /// How to turn it.
    pub(crate) orientation: Orientation,
    /// The ICC profile, if there is one.
    pub(crate) profile: Option<Vec<u8>>,
    /// What the bytes were.
    pub(crate) format: PhotoFormat,
}

/// Decodes a photo of any accepted kind.
pub(crate) fn decode(bytes: &[u8], limits: &PhotoLimits) -> Result<Frame, PhotoRefusal> {
    let format = check_file(bytes, limits)?;
    match format {
        PhotoFormat::Jpeg => decode_jpeg(bytes, limits),
        PhotoFormat::Png => decode_png(bytes, limits).map(|(frame, _)| frame),
        PhotoFormat::WebP => decode_webp(bytes, limits).map(|(frame, _)| frame),
    }
}

/// Decodes a picture that may be transparent, such as a logo; turned upright.
pub(crate) fn decode_transparent(
    bytes: &[u8],
    limits: &PhotoLimits,
) -> Result<RgbaImage, PhotoRefusal> {
    let format = check_file(bytes, limits)?;
    let (orientation, picture) = match format {
        PhotoFormat::Jpeg => {
            let frame = decode_jpeg(bytes, limits)?;
            (frame.orientation, DynamicImage::ImageRgb8(frame.picture))
        }
        PhotoFormat::Png => {
            decode_png(bytes, limits).map(|(frame, picture)| (frame.orientation, picture))?
        }
        PhotoFormat::WebP => {
            decode_webp(bytes, limits).map(|(frame, picture)| (frame.orientation, picture))?
        }
    };
    let mut picture = picture;
    picture.apply_orientation(orientation);
    Ok(picture.into_rgba8())
}

fn check_file(bytes: &[u8], limits: &PhotoLimits) -> Result<PhotoFormat, PhotoRefusal> {
    let size_bytes = bytes.len() as u64;
    if size_bytes > limits.max_bytes {
        return Err(PhotoRefusal::TooLarge { size_bytes, limit_bytes: limits.max_bytes });
    }
    PhotoFormat::of(bytes)
}

/// Refuses a picture by its header alone. `bytes_per_pixel` is what decoding takes at its peak.
fn check_size(
    (width, height): (u32, u32),
    bytes_per_pixel: u64,
    limits: &PhotoLimits,
) -> Result<(), PhotoRefusal> {
    let limit_pixels = limits.max_pixels.min(limits.max_alloc_bytes / bytes_per_pixel);
    if u64::from(width) * u64::from(height) > limit_pixels {
        return Err(PhotoRefusal::TooManyPixels { width, height, limit_pixels });
    }
    if width.max(height) > limits.max_side {
        return Err(PhotoRefusal::TooLong { width, height, limit_side: limits.max_side });
    }
    if width.min(height) < limits.min_side.max(1) {
        return Err(PhotoRefusal::TooSmall { width, height, limit_side: limits.min_side.max(1) });
    }
    Ok(())
}

fn decode_jpeg(bytes: &[u8], limits: &PhotoLimits) -> Result<Frame, PhotoRefusal> {
    let format = PhotoFormat::Jpeg;
    let Some(outline) = outline(bytes) else {
        return Err(PhotoRefusal::Truncated { format });
    };
    check_size((outline.width, outline.height), jpeg_bytes_per_pixel(outline), limits)?;
    if outline.components == 4 {
        return Err(PhotoRefusal::Cmyk);
    }
    if !outline.complete {
        return Err(PhotoRefusal::Truncated { format });
    }

    let (samples, decoder) = jpeg_samples(bytes, true)
        .or_else(|error| match error {
            // Stray bytes between two segments lose nothing of the picture.
            DecodeErrors::FormatStatic(said) if said.contains("Extra bytes") => {
                jpeg_samples(bytes, false)
            }
            _ => Err(error),
        })
        .map_err(|_| PhotoRefusal::Damaged { format })?;
    let picture = RgbImage::from_raw(outline.width, outline.height, samples)
        .ok_or(PhotoRefusal::Damaged { format })?;
    let profile = decoder.icc_profile();
    let orientation = decoder.exif().map_or(Orientation::NoTransforms, |exif| orientation_of(exif));
    Ok(Frame { picture, orientation, profile, format })
}

/// Samples out, and for a progressive picture the 16-bit coefficients of every component until the last scan.
fn jpeg_bytes_per_pixel(outline: Outline) -> u64 {
    let components = u64::from(outline.components.max(3));
    if outline.progressive { 3 + 2 * components } else { 3 }
}

type Samples<'a> = (Vec<u8>, JpegDecoder<ZCursor<&'a [u8]>>);

fn jpeg_samples(bytes: &[u8], strict: bool) -> Result<Samples<'_>, DecodeErrors> {
    let options = DecoderOptions::default()
        .set_strict_mode(strict)
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX))
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    let samples = decoder.decode()?;
    Ok((samples, decoder))
}

fn decode_png(bytes: &[u8], limits: &PhotoLimits) -> Result<(Frame, DynamicImage), PhotoRefusal> {
    let mut room = Limits::default();
    room.max_alloc = Some(limits.max_alloc_bytes);
    let decoder = PngDecoder::with_limits(Cursor::new(bytes), room)
        .map_err(|e| unreadable(PhotoFormat::Png, &e))?;
    finish(decoder, PhotoFormat::Png, limits)
}

fn decode_webp(bytes: &[u8], limits: &PhotoLimits) -> Result<(Frame, DynamicImage), PhotoRefusal> {
    let decoder =
        WebPDecoder::new(Cursor::new(bytes)).map_err(|e| unreadable(PhotoFormat::WebP, &e))?;
    finish(decoder, PhotoFormat::WebP, limits)
}

fn finish(
    mut decoder: impl ImageDecoder,
    format: PhotoFormat,
    limits: &PhotoLimits,
) -> Result<(Frame, DynamicImage), PhotoRefusal> {
    let bytes_per_pixel = u64::from(decoder.color_type().bytes_per_pixel()) + 4;
    check_size(decoder.dimensions(), bytes_per_pixel, limits)?;

    let exif = decoder.exif_metadata().unwrap_or_default();
    let profile = decoder.icc_profile().unwrap_or_default();
    let picture = DynamicImage::from_decoder(decoder).map_err(|e| unreadable(format, &e))?;
    let frame = Frame {
        picture: flatten(&picture),
        orientation: exif.map_or(Orientation::NoTransforms, |exif| orientation_of(&exif)),
        profile,
        format,
    };
    Ok((frame, picture))
}

fn unreadable(format: PhotoFormat, error: &ImageError) -> PhotoRefusal {
    match error {
        ImageError::IoError(io) if io.kind() == std::io::ErrorKind::UnexpectedEof => {
            PhotoRefusal::Truncated { format }
        }
        _ => PhotoRefusal::Damaged { format },
    }
}

/// The picture on white.
fn flatten(picture: &DynamicImage) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.to_rgb8();
    }
    let transparent = picture.to_rgba8();
    let mut flat = RgbImage::new(transparent.width(), transparent.height());
    for (to, &Rgba([r, g, b, alpha])) in flat.pixels_mut().zip(transparent.pixels()) {
        to.0 = [r, g, b].map(|sample| over_white(sample, alpha));
    }
    flat
}

fn over_white(sample: u8, alpha: u8) -> u8 {
    let alpha = u32::from(alpha);
    ((u32::from(sample) * alpha + 255 * (255 - alpha) + 127) / 255) as u8
}

/// WebP writers disagree on whether the chunk begins with the JPEG segment's name.
fn orientation_of(exif: &[u8]) -> Orientation {
    let tiff = exif.strip_prefix(b"Exif\0\0").unwrap_or(exif);
    Orientation::from_exif_chunk(tiff).unwrap_or(Orientation::NoTransforms)
}
