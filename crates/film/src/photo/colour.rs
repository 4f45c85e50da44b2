//! Colours of a profile into sRGB.

use image::RgbImage;
use moxcms::{ColorProfile, DataColorSpace, Layout, TransformOptions};

/// Converts `picture` from the colours of `profile` to sRGB. A profile that cannot be read, or is of no use for RGB, is
/// passed over, as viewers do.
pub(super) fn convert_to_srgb(picture: &mut RgbImage, profile: &[u8]) {
    let Ok(profile) = ColorProfile::new_from_slice(profile) else {
        return;
    };
    match profile.color_space {
        DataColorSpace::Rgb => convert(picture, &profile, Layout::Rgb, <[u8]>::to_vec),
        DataColorSpace::Gray => {
            convert(picture, &profile, Layout::Gray, |row| {
                row.iter().step_by(3).copied().collect()
            });
        }
        _ => {}
    }
}

fn convert(
    picture: &mut RgbImage,
    profile: &ColorProfile,
    layout: Layout,
    samples: impl Fn(&[u8]) -> Vec<u8>,
) {
    let srgb = ColorProfile::new_srgb();
    let Ok(transform) =
        profile.create_transform_8bit(layout, &srgb, Layout::Rgb, TransformOptions::default())
    else {
        return;
    };
    let stride = picture.width() as usize * 3;
    for row in picture.chunks_exact_mut(stride) {
        let from = samples(row);
        // Both rows are as long as the layouts say; were they not, the row would keep its samples.
        let _ = transform.transform(&from, row);
    }
}
