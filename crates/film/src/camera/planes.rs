//! The photo as the encoder will want it: luma and half-size chroma, scaled once for the whole shot.

use image::RgbImage;
use image::imageops::{self, FilterType};

/// One plane of samples. `samples: [height × width]`, row-major, in 8-bit video levels.
pub(super) struct Plane {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) samples: Vec<f32>,
}

/// A photo in BT.709 video levels; chroma at half the size, centred between its four pixels.
pub(super) struct Planes {
    pub(super) luma: Plane,
    pub(super) blue: Plane,
    pub(super) red: Plane,
}

impl Planes {
    /// Scales `photo` so that its tightest view, `scale` pixels of the photo wide per pixel of the frame, is sampled
    /// one to one. Says also by how much it was scaled in each direction.
    pub(super) fn of(photo: &RgbImage, scale: f64) -> (Self, (f64, f64)) {
        let (width, height) = photo.dimensions();
        if scale < 1.1 {
            return (Self::convert(photo), (1.0, 1.0));
        }
        let scaled = |side: u32| ((f64::from(side) / scale).ceil() as u32).max(2);
        let photo = imageops::resize(photo, scaled(width), scaled(height), FilterType::Lanczos3);
        let (to_width, to_height) = photo.dimensions();
        let factors =
            (f64::from(to_width) / f64::from(width), f64::from(to_height) / f64::from(height));
        (Self::convert(&photo), factors)
    }

    /// Source: ITU-R BT.709-6 §3, in the levels of 8-bit video.
    fn convert(photo: &RgbImage) -> Self {
        let (width, height) = (photo.width() as usize, photo.height() as usize);
        let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
        let mut luma = Vec::with_capacity(width * height);
        let mut blue = vec![0.0; half_width * half_height];
        let mut red = vec![0.0; half_width * half_height];
        for (y, row) in photo.as_raw().chunks_exact(width * 3).enumerate() {
            for (x, pixel) in row.chunks_exact(3).enumerate() {
                let [r, g, b] =
                    [pixel[0], pixel[1], pixel[2]].map(|sample| f32::from(sample) / 255.0);
                let light = 0.2126 * r + 0.7152 * g + 0.0722 * b;
                luma.push(16.0 + 219.0 * light);
                // An odd last row or column is the only one in its cell.
                let in_row = if x == width - 1 && width % 2 == 1 { 1.0 } else { 0.5 };
                let in_column = if y == height - 1 && height % 2 == 1 { 1.0 } else { 0.5 };
                let cell = (y / 2) * half_width + x / 2;
                blue[cell] += in_row * in_column * (128.0 + 224.0 * (b - light) / 1.8556);
                red[cell] += in_row * in_column * (128.0 + 224.0 * (r - light) / 1.5748);
            }
        }
        let half = |samples| Plane { width: half_width, height: half_height, samples };
        Self { luma: Plane { width, height, samples: luma }, blue: half(blue), red: half(red) }
    }
}
