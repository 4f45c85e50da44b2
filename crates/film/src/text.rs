//! Text as people write it, in any script, drawn into pictures: shaping, bidi and fallback by cosmic-text.

mod fonts;
mod script;

pub use fonts::Fonts;

use crate::overlay::Picture;
use crate::theme::TextStyle;
use cosmic_text::{
    Align, Attrs, Buffer, CacheKeyFlags, Family, LayoutGlyph, LayoutRun, Metrics, Shaping,
    SwashContent, SwashImage, Weight, Wrap,
};
use fonts::FontSet;

/// Smallest size that a text is shrunk to, in parts of what its style says.
const SMALLEST: f32 = 0.3;
/// Largest size of a text with broken words, in the same parts.
const LARGEST_BROKEN: f32 = 0.6;
/// By how much it is shrunk at a time.
const SHRINK: f32 = 0.94;
/// By how much lines are narrowed at a time, to balance them.
const NARROWER: f32 = 0.97;

/// A text drawn on nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Lettering {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// `pixels: [height × width × 4]`, RGBA, row-major, sRGB, colours multiplied by opacity, 0 to 1.
    pub pixels: Vec<f32>,
    /// The first paragraph runs from right to left.
    pub right_to_left: bool,
    /// Size of the letters as drawn, in pixels.
    pub letter_size: f32,
    /// Lines as drawn.
    pub lines: usize,
}

impl Lettering {
    /// The picture alone.
    #[must_use]
    pub fn into_picture(self) -> Picture {
        Picture { width: self.width, height: self.height, pixels: self.pixels }
    }
}

/// Why a text cannot be drawn.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextRefusal {
    /// No font has these characters.
    #[error("no installed font can draw {}: install the package {package}", shown(characters))]
    NoFont {
        /// The characters, each once, in the order of the text.
        characters: String,
        /// The Debian package with a font that can.
        package: &'static str,
    },

    /// The text does not fit even when it is set as small as can be read.
    #[error(
        "the text is {characters} characters long and does not fit on the picture: please shorten it"
    )]
    TooLong {
        /// How long it is.
        characters: usize,
    },
}

/// The characters with their code points: some look like nothing, some like others.
pub(crate) fn shown(characters: &str) -> String {
    let each = characters.chars().take(8).map(|c| format!("{c} (U+{:04X})", u32::from(c)));
    each.collect::<Vec<_>>().join(", ")
}

/// The room for a text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TextRoom {
    /// Longest line, in pixels.
    pub width: f32,
    /// Height of all lines, in pixels.
    pub height: f32,
    /// Size of the letters if they fit, in pixels.
    pub letter_size: f32,
    /// Lines are centred instead of aligned where reading starts.
    pub centred: bool,
}

/// What people typed, as it can be set: without control characters, line breaks kept, no blank ends. Nothing if nothing
/// is left.
#[must_use]
pub fn cleaned(text: &str) -> Option<String> {
    let text =
        text.replace("\r\n", "\n").replace(['\r', '\u{2028}', '\u{2029}'], "\n").replace('\t', " ");
    let kept: String = text.chars().filter(|&c| c == '\n' || !script::is_unwanted(c)).collect();
    let lines: Vec<&str> = kept.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// Draws `text` in `style` so that it fits into `room`: wrapped at words, then smaller, then wrapped anywhere.
///
/// # Errors
/// [`TextRefusal`] if a character has no font or the text does not fit.
pub fn draw(
    fonts: &mut Fonts,
    text: &str,
    style: &TextStyle,
    room: TextRoom,
) -> Result<Lettering, TextRefusal> {
    let text = if style.uppercase { text.to_uppercase() } else { text.to_owned() };
    let set = fonts.for_text(&text, style)?;
    let (buffer, size) = fit(set, &text, style, room)?;
    Ok(rasterise(set, &buffer, style, room, size))
}

/// The text laid out at the largest size at which it fits: broken between words, or else anywhere.
fn fit(
    set: &mut FontSet,
    text: &str,
    style: &TextStyle,
    room: TextRoom,
) -> Result<(Buffer, f32), TextRefusal> {
    for (wrap, largest) in [(Wrap::Word, 1.0), (Wrap::WordOrGlyph, LARGEST_BROKEN)] {
        let mut part: f32 = largest;
        while part >= SMALLEST {
            let size = room.letter_size * part;
            let buffer = lay_out(set, text, style, room, size, wrap);
            if fits(&buffer, style, room) {
                return Ok((balanced(set, buffer, room), size));
            }
            part *= SHRINK;
        }
    }
    Err(TextRefusal::TooLong { characters: text.chars().count() })
}

/// The same lines with less difference between them: as narrow as they can be without becoming more.
fn balanced(set: &mut FontSet, mut buffer: Buffer, room: TextRoom) -> Buffer {
    let lines = buffer.layout_runs().count();
    if lines < 2 {
        return buffer;
    }
    let mut narrow = |width: f32| {
        buffer.set_size(Some(width), None);
        buffer.shape_until_scroll(&mut set.system, false);
        buffer.layout_runs().count() == lines && buffer.layout_runs().all(|run| run.line_w <= width)
    };
    let mut width = room.width;
    while narrow(width * NARROWER) {
        width *= NARROWER;
    }
    narrow(width);
    buffer
}

fn fits(buffer: &Buffer, style: &TextStyle, room: TextRoom) -> bool {
    let lines = buffer.layout_runs().count();
    let widest = buffer.layout_runs().map(|run| run.line_w).fold(0.0, f32::max);
    let height = lines as f32 * buffer.metrics().line_height;
    lines <= style.max_lines && widest <= room.width && height <= room.height
}

fn lay_out(
    set: &mut FontSet,
    text: &str,
    style: &TextStyle,
    room: TextRoom,
    size: f32,
    wrap: Wrap,
) -> Buffer {
    let mut buffer = Buffer::new(&mut set.system, Metrics::new(size, size * style.line_height));
    buffer.set_wrap(wrap);
    buffer.set_size(Some(room.width), None);
    let align = room.centred.then_some(Align::Center);
    buffer.set_text(text, &attributes(style, text), Shaping::Advanced, align);
    buffer.shape_until_scroll(&mut set.system, false);
    buffer
}

fn attributes<'a>(style: &'a TextStyle, text: &str) -> Attrs<'a> {
    let spacing = if script::letters_may_be_spaced(text) { style.letter_spacing } else { 0.0 };
    Attrs::new()
        .family(Family::Name(&style.family))
        .weight(Weight(style.weight))
        .letter_spacing(spacing)
        .cache_key_flags(CacheKeyFlags::DISABLE_HINTING)
}

/// The characters of a laid-out line for which no font was found.
fn missing(run: &LayoutRun<'_>) -> Vec<char> {
    let undrawn = run.glyphs.iter().filter(|glyph| glyph.glyph_id == 0);
    undrawn
        .flat_map(|glyph: &LayoutGlyph| run.text[glyph.start..glyph.end].chars())
        .filter(|&c| !script::draws_nothing(c))
        .collect()
}

fn rasterise(
    set: &mut FontSet,
    buffer: &Buffer,
    style: &TextStyle,
    room: TextRoom,
    size: f32,
) -> Lettering {
    let lines = buffer.layout_runs().count();
    // Accents and swashes leave their line; the margin is cut away again.
    let margin = size.ceil() as i32;
    let height = (lines as f32 * size * style.line_height).ceil() as i32 + 2 * margin;
    let mut canvas = Canvas::new(room.width.ceil() as i32 + 2 * margin, height, style);

    for run in buffer.layout_runs() {
        for glyph in run.glyphs {
            let glyph = glyph.physical((margin as f32, margin as f32 + run.line_y), 1.0);
            if let Some(image) = set.cache.get_image(&mut set.system, glyph.cache_key) {
                canvas.stamp(image, glyph.x, glyph.y);
            }
        }
    }

    let right_to_left = buffer.layout_runs().next().is_some_and(|run| run.rtl);
    canvas.into_lettering(right_to_left, size, lines)
}

/// Where glyphs are collected.
struct Canvas {
    width: i32,
    height: i32,
    colour: [f32; 3],
    pixels: Vec<f32>,
}

impl Canvas {
    fn new(width: i32, height: i32, style: &TextStyle) -> Self {
        let colour = style.colour;
        Self {
            width,
            height,
            colour: [colour.red, colour.green, colour.blue].map(|sample| f32::from(sample) / 255.0),
            pixels: vec![0.0; (width * height * 4) as usize],
        }
    }

    fn stamp(&mut self, image: &SwashImage, x: i32, y: i32) {
        let (left, top) = (x + image.placement.left, y - image.placement.top);
        let width = image.placement.width as usize;
        let bytes_per_pixel = if image.content == SwashContent::Mask { 1 } else { 4 };
        for (index, pixel) in image.data.chunks_exact(bytes_per_pixel).enumerate() {
            let (x, y) = (left + (index % width) as i32, top + (index / width) as i32);
            if !(0..self.width).contains(&x) || !(0..self.height).contains(&y) {
                continue;
            }
            let over = self.ink(pixel);
            let at = ((y * self.width + x) * 4) as usize;
            for (under, over_sample) in self.pixels[at..at + 4].iter_mut().zip(over) {
                *under = over_sample + *under * (1.0 - over[3]);
            }
        }
    }

    /// A glyph's pixel, colours multiplied by opacity.
    fn ink(&self, pixel: &[u8]) -> [f32; 4] {
        let part = |sample: u8| f32::from(sample) / 255.0;
        let (colour, alpha) = match *pixel {
            [mask] => (self.colour, part(mask)),
            [red, green, blue, alpha] => ([part(red), part(green), part(blue)], part(alpha)),
            _ => ([0.0; 3], 0.0),
        };
        let [red, green, blue] = colour.map(|sample| sample * alpha);
        [red, green, blue, alpha]
    }

    /// What was drawn, cut to its edges.
    fn into_lettering(self, right_to_left: bool, letter_size: f32, lines: usize) -> Lettering {
        let drawn = |x: i32, y: i32| self.pixels[((y * self.width + x) * 4 + 3) as usize] > 0.0;
        let rows: Vec<i32> =
            (0..self.height).filter(|&y| (0..self.width).any(|x| drawn(x, y))).collect();
        let columns: Vec<i32> =
            (0..self.width).filter(|&x| rows.iter().any(|&y| drawn(x, y))).collect();
        let span = |at: &[i32]| match (at.first(), at.last()) {
            (Some(&first), Some(&last)) => (first, last + 1),
            _ => (0, 1),
        };
        let ((left, right), (top, bottom)) = (span(&columns), span(&rows));

        let mut pixels = Vec::with_capacity(((right - left) * (bottom - top) * 4) as usize);
        for y in top..bottom {
            let row = (y * self.width * 4) as usize;
            pixels.extend_from_slice(
                &self.pixels[row + (left * 4) as usize..row + (right * 4) as usize],
            );
        }
        Lettering {
            width: (right - left) as u32,
            height: (bottom - top) as u32,
            pixels,
            right_to_left,
            letter_size,
            lines,
        }
    }
}

#[cfg(test)]
mod tests;
