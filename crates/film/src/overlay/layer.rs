//! A picture that comes, stays and goes, as the frames that the compositor lays over the video.

use super::Picture;
use std::io::{self, Write};

/// How far a vanishing picture goes on rising, in parts of its rise.
const VANISHING_RISE: f32 = 0.35;

/// A picture in the frame, and when it is seen. Counts and positions are in frames and pixels of the video.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// What it is, for the name of its file.
    pub name: &'static str,
    /// Left edge; even.
    pub x: u32,
    /// Upper edge; even.
    pub y: u32,
    /// Width; even.
    pub width: u32,
    /// Height; even.
    pub height: u32,
    /// First frame in which it is seen.
    pub start: u64,
    /// Frames in which it appears, the last one in full.
    pub appear: u64,
    /// Frames that it stays after that; the video's end if `vanish` is 0.
    pub hold: u64,
    /// Frames in which it vanishes.
    pub vanish: u64,
    picture: Picture,
    offset: (u32, f32),
    rise: f32,
}

/// When a layer is seen; see the fields of [`Layer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Appearance {
    pub(super) start: u64,
    pub(super) appear: u64,
    pub(super) hold: u64,
    pub(super) vanish: u64,
}

impl Layer {
    /// Puts `picture` at rest at (`x`, `y`), to rise by `rise` pixels while it appears.
    pub(super) fn new(
        name: &'static str,
        picture: Picture,
        (x, y): (u32, u32),
        rise: f32,
        when: Appearance,
    ) -> Self {
        let above = ((rise * VANISHING_RISE).ceil() as u32).min(y);
        let below = rise.ceil() as u32 + 1;
        let (left, top) = (x & !1, (y - above) & !1);
        let offset = (x - left, (y - top) as f32);
        let Appearance { start, appear, hold, vanish } = when;
        Self {
            name,
            x: left,
            y: top,
            width: (offset.0 + picture.width).next_multiple_of(2),
            height: (y - top + picture.height + below).next_multiple_of(2),
            start,
            appear,
            hold,
            vanish,
            picture,
            offset,
            rise,
        }
    }

    /// Frames that [`Self::write`] writes; the compositor repeats the last one that appears.
    #[must_use]
    pub fn drawn_frames(&self) -> u64 {
        self.appear + self.vanish
    }

    /// Writes the frames, raw `yuva420p` in BT.709 video levels.
    ///
    /// # Errors
    /// What the writer says.
    pub fn write(&self, to: &mut impl Write) -> io::Result<()> {
        let mut frame = Vec::new();
        for index in 0..self.appear {
            let part = (index + 1) as f32 / self.appear as f32;
            let eased = 1.0 - (1.0 - part).powi(3);
            self.draw(self.rise * (1.0 - eased), eased, &mut frame);
            to.write_all(&frame)?;
        }
        for index in 0..self.vanish {
            let part = (index + 1) as f32 / self.vanish as f32;
            let eased = part * part * (3.0 - 2.0 * part);
            self.draw(-self.rise * VANISHING_RISE * part * part, 1.0 - eased, &mut frame);
            to.write_all(&frame)?;
        }
        Ok(())
    }

    /// Lets go of the picture once it is written: the compositor needs its place and times alone.
    pub(crate) fn forget_picture(&mut self) {
        self.picture = Picture { width: 0, height: 0, pixels: Vec::new() };
    }

    /// Draws the picture `down` pixels below its place, at `opacity`.
    fn draw(&self, down: f32, opacity: f32, frame: &mut Vec<u8>) {
        let (width, height) = (self.width as usize, self.height as usize);
        let canvas = self.canvas(down);
        frame.clear();
        frame.resize(width * height * 5 / 2, 128);
        let (luma, rest) = frame.split_at_mut(width * height);
        let (blue, rest) = rest.split_at_mut(width * height / 4);
        let (red, alpha) = rest.split_at_mut(width * height / 4);

        for (index, pixel) in canvas.chunks_exact(4).enumerate() {
            luma[index] = (16.0 + 219.0 * light(pixel) + 0.5) as u8;
            alpha[index] = (pixel[3] * opacity * 255.0 + 0.5) as u8;
        }
        for (index, (blue, red)) in blue.iter_mut().zip(red).enumerate() {
            let at = (index / (width / 2)) * 2 * width + index % (width / 2) * 2;
            let mut cell = [0.0; 4];
            for corner in [at, at + 1, at + width, at + width + 1] {
                cell.iter_mut()
                    .zip(&canvas[corner * 4..])
                    .for_each(|(sum, sample)| *sum += sample / 4.0);
            }
            let light = light(&cell);
            let [r, _, b, _] = straight(&cell);
            *blue = (128.0 + 224.0 * (b - light) / 1.8556 + 0.5) as u8;
            *red = (128.0 + 224.0 * (r - light) / 1.5748 + 0.5) as u8;
        }
    }

    /// The picture on the layer's area, between two rows if `down` is no whole number.
    fn canvas(&self, down: f32) -> Vec<f32> {
        let (width, rows) = (self.picture.width as usize * 4, self.picture.height as usize);
        let stride = self.width as usize * 4;
        let mut canvas = vec![0.0; stride * self.height as usize];
        let top = self.offset.1 + down;
        let (whole, part) = (top.floor() as i64, top.fract());
        for (line, share) in [(0, 1.0 - part), (1, part)] {
            if share == 0.0 {
                continue;
            }
            for row in 0..rows {
                let Ok(y) = usize::try_from(row as i64 + whole + line) else {
                    continue;
                };
                let Some(to) =
                    canvas.get_mut(y * stride + self.offset.0 as usize * 4..(y + 1) * stride)
                else {
                    continue;
                };
                let from = &self.picture.pixels[row * width..][..width];
                to.iter_mut().zip(from).for_each(|(sum, sample)| *sum += sample * share);
            }
        }
        canvas
    }
}

/// Colours as they are where the pixel is opaque.
fn straight(pixel: &[f32]) -> [f32; 4] {
    let alpha = pixel[3];
    let part = |sample: f32| {
        if alpha > 0.0 { (sample / alpha).min(1.0) } else { 0.0 }
    };
    [part(pixel[0]), part(pixel[1]), part(pixel[2]), alpha]
}

/// Source: ITU-R BT.709-6 §3.
fn light(pixel: &[f32]) -> f32 {
    let [red, green, blue, _] = straight(pixel);
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}
