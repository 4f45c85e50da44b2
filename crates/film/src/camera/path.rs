//! Where the camera looks, frame by frame.

use super::{CameraMove, Motion};
use image::{RgbImage, imageops};

/// How much closer a dolly ends than it began.
const DOLLY_ZOOM: f64 = 1.22;
/// How much of the full view a travelling camera sees, as a zoom; the rest is where it travels.
const TRAVEL_ZOOM: f64 = 1.18;
/// How much a jib closes in on its way.
const JIB_ZOOM: f64 = 1.05;
/// Longest way of a travelling camera, in widths or heights of its view.
const LONGEST_TRAVEL: f64 = 0.4;
/// Part of the shot in which the camera starts, and in which it stops.
const RAMP: f64 = 0.3;

/// The part of the photo that fills a frame. Edges lie between pixels: the first pixel covers 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Viewport {
    /// Left edge, in pixels of the photo.
    pub x: f64,
    /// Upper edge, in pixels of the photo.
    pub y: f64,
    /// Width, in pixels of the photo.
    pub width: f64,
    /// Height, in pixels of the photo.
    pub height: f64,
}

impl Viewport {
    fn centre(&self) -> (f64, f64) {
        (self.x + self.width / 2.0, self.y + self.height / 2.0)
    }
}

/// The way of the camera over a photo.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CameraPath {
    first: Viewport,
    last: Viewport,
    frames: u32,
}

impl CameraPath {
    /// Plans `shot` over a photo of `size`, with what is of interest at `interest`, in parts of width and height.
    #[must_use]
    pub fn new(shot: &CameraMove, size: (u32, u32), interest: (f64, f64)) -> Self {
        let room = Room::new(size, f64::from(shot.width) / f64::from(shot.height));
        let (first, last) = room.ends_of(shot.motion, interest);
        Self { first, last, frames: shot.frames() }
    }

    /// What the camera sees at `frame`, 0 to the last one.
    #[must_use]
    pub fn viewport(&self, frame: u32) -> Viewport {
        let last = f64::from(self.frames.saturating_sub(1).max(1));
        self.at(eased(f64::from(frame) / last))
    }

    /// The narrowest view of the shot.
    #[must_use]
    pub fn tightest(&self) -> Viewport {
        if self.first.width < self.last.width { self.first } else { self.last }
    }

    /// Frames of the shot.
    #[must_use]
    pub fn frames(&self) -> u32 {
        self.frames
    }

    /// The view after `part` of the way. Zooms are exponential, so that they look equally fast all along, and the
    /// centre moves with them, so that the point that is approached stays where it is.
    fn at(&self, part: f64) -> Viewport {
        let ratio = self.last.width / self.first.width;
        let width = self.first.width * ratio.powf(part);
        let height = width * self.first.height / self.first.width;
        let along = if (ratio - 1.0).abs() < 1e-9 {
            part
        } else {
            (width - self.first.width) / (self.last.width - self.first.width)
        };
        let ((x0, y0), (x1, y1)) = (self.first.centre(), self.last.centre());
        Viewport {
            x: x0 + (x1 - x0) * along - width / 2.0,
            y: y0 + (y1 - y0) * along - height / 2.0,
            width,
            height,
        }
    }
}

/// The way gone after `time` of the shot, both 0 to 1: speed rises smoothly, stays, and falls smoothly.
fn eased(time: f64) -> f64 {
    let time = time.clamp(0.0, 1.0);
    let starting = |t: f64| {
        let u = t / RAMP;
        RAMP * (u.powi(3) - u.powi(4) / 2.0)
    };
    let way = match time {
        t if t < RAMP => starting(t),
        t if t > 1.0 - RAMP => 1.0 - RAMP - starting(1.0 - t),
        t => t - RAMP / 2.0,
    };
    way / (1.0 - RAMP)
}

/// A photo with the widest view of the wanted aspect in it.
struct Room {
    width: f64,
    height: f64,
    view: (f64, f64),
}

impl Room {
    fn new((width, height): (u32, u32), aspect: f64) -> Self {
        let (width, height) = (f64::from(width), f64::from(height));
        let view = if width / height > aspect {
            (height * aspect, height)
        } else {
            (width, width / aspect)
        };
        Self { width, height, view }
    }

    fn ends_of(&self, motion: Motion, interest: (f64, f64)) -> (Viewport, Viewport) {
        let (ix, iy) = interest;
        let travel = |zoom: f64, from: (f64, f64), to: (f64, f64)| {
            (self.view_at(zoom, from), self.view_at(zoom, to))
        };
        match motion {
            Motion::Static => travel(1.0, interest, interest),
            Motion::DollyIn => (self.view_at(1.0, interest), self.view_at(DOLLY_ZOOM, interest)),
            Motion::DollyOut => (self.view_at(DOLLY_ZOOM, interest), self.view_at(1.0, interest)),
            Motion::DollyRight | Motion::DollyLeft => {
                let reach = self.reach(self.view.0 / TRAVEL_ZOOM, self.width);
                let (left, right) = ends(ix, reach, self.view.0 / TRAVEL_ZOOM / self.width);
                let (left, right) = travel(TRAVEL_ZOOM, (left, iy), (right, iy));
                if motion == Motion::DollyRight { (left, right) } else { (right, left) }
            }
            Motion::JibUp | Motion::JibDown => {
                let reach = self.reach(self.view.1 / TRAVEL_ZOOM, self.height);
                let (upper, lower) = ends(iy, reach, self.view.1 / TRAVEL_ZOOM / self.height);
                let (from, to) =
                    if motion == Motion::JibUp { (lower, upper) } else { (upper, lower) };
                (
                    self.view_at(TRAVEL_ZOOM, (ix, from)),
                    self.view_at(TRAVEL_ZOOM * JIB_ZOOM, (ix, to)),
                )
            }
        }
    }

    /// How far a view of `view` may travel in a photo of `side`, in parts of the photo.
    fn reach(&self, view: f64, side: f64) -> f64 {
        (side - view).min(LONGEST_TRAVEL * self.view.0.min(self.view.1).max(view)) / side
    }

    /// The view at `zoom` that is as near to `centre`, in parts of the photo, as the photo's edges let it.
    fn view_at(&self, zoom: f64, centre: (f64, f64)) -> Viewport {
        let (width, height) = (self.view.0 / zoom, self.view.1 / zoom);
        Viewport {
            x: (centre.0 * self.width - width / 2.0).clamp(0.0, self.width - width),
            y: (centre.1 * self.height - height / 2.0).clamp(0.0, self.height - height),
            width,
            height,
        }
    }
}

/// The centres between which a view of size `view` travels `reach` around `middle`, inside 0 to 1.
fn ends(middle: f64, reach: f64, view: f64) -> (f64, f64) {
    let first =
        (middle - reach / 2.0).clamp(view / 2.0, (1.0 - view / 2.0 - reach).max(view / 2.0));
    (first, first + reach)
}

/// Where a photo holds most detail, in parts of width and height, drawn halfway towards the middle.
pub(super) fn interest(photo: &RgbImage) -> (f64, f64) {
    const SIDE: u32 = 64;
    let small = imageops::grayscale(&imageops::thumbnail(photo, SIDE, SIDE));
    let at = |x: u32, y: u32| f64::from(small.get_pixel(x, y).0[0]);
    let (mut x_sum, mut y_sum, mut sum) = (0.0, 0.0, 1e-9);
    for (x, y) in (1..SIDE - 1).flat_map(|y| (1..SIDE - 1).map(move |x| (x, y))) {
        let detail = (at(x + 1, y) - at(x - 1, y)).hypot(at(x, y + 1) - at(x, y - 1));
        let weight = detail * detail;
        x_sum += weight * (f64::from(x) + 0.5);
        y_sum += weight * (f64::from(y) + 0.5);
        sum += weight;
    }
    let side = f64::from(SIDE);
    let towards_middle = |part: f64| {
        if sum < 1.0 { 0.5 } else { f64::midpoint(part, 0.5) }
    };
    (towards_middle(x_sum / sum / side), towards_middle(y_sum / sum / side))
}
