//! The pictures that are laid over a video, drawn once: shade, words, logo.

mod layer;
mod place;

pub use layer::Layer;

use crate::photo::{PhotoLimits, PhotoRefusal};
use crate::theme::{Colour, LogoBox, Scrim};
use image::imageops::{self, FilterType};
use image::{ImageBuffer, Rgba, RgbaImage};

pub(crate) use place::{Drawn, Stage, layers};

/// A picture with transparency.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// `pixels: [height × width × 4]`, RGBA, row-major, sRGB, colours multiplied by opacity, 0 to 1.
    pub pixels: Vec<f32>,
}

/// Bounds on a logo.
pub(crate) fn logo_limits() -> PhotoLimits {
    PhotoLimits {
        max_bytes: 20 << 20,
        max_pixels: 16_000_000,
        max_side: 12_000,
        min_side: 4,
        max_alloc_bytes: 256 << 20,
        ..PhotoLimits::default()
    }
}

/// Reads a logo and scales it to fit its box in a frame whose shorter side is `short_side` pixels long. A transparent
/// border is cut away first, so that the margin is the theme's.
pub(crate) fn draw_logo(
    bytes: &[u8],
    room: &LogoBox,
    short_side: f32,
) -> Result<Picture, PhotoRefusal> {
    let logo = without_border(&crate::photo::decode_transparent(bytes, &logo_limits())?);
    let (width, height) = (logo.width() as f32, logo.height() as f32);
    // A small logo becomes blurred rather than large.
    let scale = (room.width * short_side / width).min(room.height * short_side / height).min(2.0);
    let scaled = |side: f32| ((side * scale).round() as u32).max(1);

    let multiplied: ImageBuffer<Rgba<u16>, Vec<u16>> =
        ImageBuffer::from_fn(logo.width(), logo.height(), |x, y| multiplied(*logo.get_pixel(x, y)));
    let small = imageops::resize(&multiplied, scaled(width), scaled(height), FilterType::Lanczos3);
    let pixels = small.pixels().flat_map(|pixel| {
        let alpha = pixel.0[3];
        pixel.0.map(|sample| f32::from(sample.min(alpha)) / f32::from(u16::MAX))
    });
    Ok(Picture { width: small.width(), height: small.height(), pixels: pixels.collect() })
}

fn multiplied(Rgba([red, green, blue, alpha]): Rgba<u8>) -> Rgba<u16> {
    let by_alpha = |sample: u8| ((u32::from(sample) * u32::from(alpha) * 257 + 127) / 255) as u16;
    Rgba([by_alpha(red), by_alpha(green), by_alpha(blue), u16::from(alpha) * 257])
}

fn without_border(logo: &RgbaImage) -> RgbaImage {
    let seen = |x: u32, y: u32| logo.get_pixel(x, y).0[3] > 8;
    let rows: Vec<u32> =
        (0..logo.height()).filter(|&y| (0..logo.width()).any(|x| seen(x, y))).collect();
    let (Some(&top), Some(&bottom)) = (rows.first(), rows.last()) else {
        return logo.clone();
    };
    let columns: Vec<u32> =
        (0..logo.width()).filter(|&x| (top..=bottom).any(|y| seen(x, y))).collect();
    let (left, right) = (columns[0], columns[columns.len() - 1]);
    imageops::crop_imm(logo, left, top, right - left + 1, bottom - top + 1).to_image()
}

/// Draws a shade of `width` by `height` pixels, clear above and darkest below.
///
/// The opacity is dithered: its few steps would be seen as bands in a clear sky.
pub(crate) fn draw_scrim(scrim: &Scrim, width: u32, height: u32) -> Picture {
    let Colour { red, green, blue } = scrim.colour;
    let colour = [red, green, blue].map(|sample| f32::from(sample) / 255.0);
    let mut pixels = Vec::with_capacity((width * height * 4) as usize);
    for y in 0..height {
        let part = (y as f32 + 0.5) / height as f32;
        let strength = scrim.strength * part * part * (3.0 - 2.0 * part);
        for x in 0..width {
            let alpha = (strength + (noise(x, y) - 0.5) / 255.0).clamp(0.0, 1.0);
            pixels.extend([colour[0] * alpha, colour[1] * alpha, colour[2] * alpha, alpha]);
        }
    }
    Picture { width, height, pixels }
}

/// Interleaved gradient noise, 0 to 1.
fn noise(x: u32, y: u32) -> f32 {
    (52.982_918 * (0.067_110_56 * x as f32 + 0.005_837_15 * y as f32).fract()).fract()
}

#[cfg(test)]
mod tests;
