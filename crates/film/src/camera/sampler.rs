//! Views of the photo resampled into frames, with sub-pixel accuracy.

use super::path::{CameraPath, Viewport};
use super::planes::{Plane, Planes};
use std::num::NonZero;
use std::thread;

/// Draws the frames of one shot.
pub(super) struct Sampler {
    planes: Planes,
    scale: (f64, f64),
    path: CameraPath,
    size: (usize, usize),
    threads: usize,
}

/// Which samples of one line make the samples of another.
struct Taps {
    /// Per sample out: the first sample in.
    starts: Vec<usize>,
    /// Per sample out: `count` weights that sum to 1.
    weights: Vec<f32>,
    count: usize,
}

/// A span of the line that is sampled: where it begins and how far it goes, in samples.
#[derive(Clone, Copy)]
struct Span {
    start: f64,
    length: f64,
    /// Where in its cell a sample out lies: 0.5 is the middle.
    phase: f64,
}

impl Sampler {
    pub(super) fn new(
        planes: Planes,
        scale: (f64, f64),
        path: CameraPath,
        (width, height): (u32, u32),
    ) -> Self {
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        Self { planes, scale, path, size: (width as usize, height as usize), threads }
    }

    pub(super) fn frames(&self) -> u32 {
        self.path.frames()
    }

    /// Draws `frame` as `yuv420p` into `buffer`, whose memory is used again.
    pub(super) fn draw(&mut self, frame: u32, buffer: &mut Vec<u8>) {
        let (width, height) = self.size;
        buffer.resize(width * height * 3 / 2, 0);
        let (luma, chroma) = buffer.split_at_mut(width * height);
        let (blue, red) = chroma.split_at_mut(width * height / 4);

        let view = self.path.viewport(frame);
        let (x, y) = self.spans(view, 1.0, 0.5);
        self.resample(&self.planes.luma, (x, y), width, luma);
        // Chroma lies on the left luma sample of its pair and between the two rows.
        // Source: ITU-T H.264 Annex E, chroma_sample_loc_type 0.
        let (x, y) = self.spans(view, 0.5, 0.25);
        self.resample(&self.planes.blue, (x, y), width / 2, blue);
        self.resample(&self.planes.red, (x, y), width / 2, red);
    }

    fn spans(&self, view: Viewport, plane_scale: f64, x_phase: f64) -> (Span, Span) {
        let (x, y) = (self.scale.0 * plane_scale, self.scale.1 * plane_scale);
        (
            Span { start: view.x * x, length: view.width * x, phase: x_phase },
            Span { start: view.y * y, length: view.height * y, phase: 0.5 },
        )
    }

    /// Resamples a view of `plane` into `to`, whose rows are `width` long, some rows on each core.
    fn resample(&self, plane: &Plane, (x, y): (Span, Span), width: usize, to: &mut [u8]) {
        let height = to.len() / width;
        let columns = Taps::new(x, width, plane.width);
        let rows = Taps::new(y, height, plane.height);
        let band = height.div_ceil(self.threads);
        thread::scope(|scope| {
            for (index, band_rows) in to.chunks_mut(band * width).enumerate() {
                let (columns, rows) = (&columns, &rows);
                scope.spawn(move || {
                    resample_band(plane, columns, rows, index * band, band_rows, width);
                });
            }
        });
    }
}

fn resample_band(
    plane: &Plane,
    columns: &Taps,
    rows: &Taps,
    first_row: usize,
    to: &mut [u8],
    width: usize,
) {
    let (left, right) = columns.reach();
    let mut mixed = vec![0.0; right - left];
    for (index, row) in to.chunks_exact_mut(width).enumerate() {
        let (top, weights) = rows.of(first_row + index);
        mixed.fill(0.0);
        for (line, weight) in weights.iter().enumerate() {
            let samples = &plane.samples[(top + line) * plane.width..][left..right];
            for (sum, sample) in mixed.iter_mut().zip(samples) {
                *sum += sample * weight;
            }
        }
        for (sample, (start, weights)) in row.iter_mut().zip(columns.iter()) {
            let around = &mixed[start - left..][..weights.len()];
            let sum: f32 = around.iter().zip(weights).map(|(sample, weight)| sample * weight).sum();
            *sample = (sum + 0.5) as u8;
        }
    }
}

impl Taps {
    /// Taps for `count` samples out of `span` of a line of `length` samples.
    ///
    /// The Catmull-Rom kernel, widened where the line shrinks so that nothing finer than the frame's own pixels is
    /// left to flicker.
    fn new(span: Span, count: usize, length: usize) -> Self {
        let step = span.length / count as f64;
        let stretch = step.max(1.0);
        let taps = ((4.0 * stretch).ceil() as usize).min(length).max(1);
        let mut starts = Vec::with_capacity(count);
        let mut weights = Vec::with_capacity(count * taps);
        for index in 0..count {
            let centre = span.start + (index as f64 + span.phase) * step - 0.5;
            let ideal = (centre - 2.0 * stretch).floor() + 1.0;
            let start = ideal.clamp(0.0, (length - taps) as f64);
            let from = weights.len();
            weights.resize(from + taps, 0.0);
            // What lies beyond the edge is the edge.
            for tap in 0..taps {
                let at = ideal + tap as f64;
                let inside = at.clamp(0.0, (length - 1) as f64) - start;
                weights[from + (inside as usize).min(taps - 1)] +=
                    catmull_rom((at - centre) / stretch) as f32;
            }
            let sum: f32 = weights[from..].iter().sum();
            weights[from..].iter_mut().for_each(|weight| *weight /= sum);
            starts.push(start as usize);
        }
        Self { starts, weights, count: taps }
    }

    fn of(&self, index: usize) -> (usize, &[f32]) {
        (self.starts[index], &self.weights[index * self.count..][..self.count])
    }

    fn iter(&self) -> impl Iterator<Item = (usize, &[f32])> {
        self.starts.iter().copied().zip(self.weights.chunks_exact(self.count))
    }

    /// The first sample that is needed, and the first after it that is not.
    fn reach(&self) -> (usize, usize) {
        let first = self.starts.iter().min().copied().unwrap_or_default();
        let last = self.starts.iter().max().copied().unwrap_or_default();
        (first, last + self.count)
    }
}

fn catmull_rom(distance: f64) -> f64 {
    match distance.abs() {
        d if d < 1.0 => 1.5 * d.powi(3) - 2.5 * d.powi(2) + 1.0,
        d if d < 2.0 => -0.5 * d.powi(3) + 2.5 * d.powi(2) - 4.0 * d + 2.0,
        _ => 0.0,
    }
}
