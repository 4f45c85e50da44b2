use super::layer::Appearance;
use super::*;
use crate::ffmpeg::FrameRate;
use crate::theme::Theme;
use image::{DynamicImage, ImageFormat};
use std::io::Cursor;

fn square(side: u32) -> Picture {
    Picture {
        width: side,
        height: side,
        pixels: [1.0, 1.0, 1.0, 1.0].repeat((side * side) as usize),
    }
}

fn written(layer: &Layer) -> Vec<Vec<u8>> {
    let mut bytes = Vec::new();
    layer.write(&mut bytes).expect("memory takes every byte");
    bytes.chunks(bytes.len() / layer.drawn_frames() as usize).map(<[u8]>::to_vec).collect()
}

fn alpha_of<'a>(layer: &Layer, frame: &'a [u8]) -> &'a [u8] {
    &frame[(layer.width * layer.height * 3 / 2) as usize..]
}

#[test]
fn a_layer_comes_rising_to_its_place_and_goes() {
    let when = Appearance { start: 3, appear: 6, hold: 10, vanish: 4 };
    let layer = Layer::new("title", square(8), (11, 21), 6.0, when);

    let frames = written(&layer);

    assert_eq!(
        (frames.len(), layer.x % 2, layer.y % 2, layer.width % 2, layer.height % 2),
        (10, 0, 0, 0, 0)
    );
    let light =
        |frame: usize| alpha_of(&layer, &frames[frame]).iter().map(|&a| u64::from(a)).sum::<u64>();
    assert!((0..5).all(|frame| light(frame) < light(frame + 1)), "appears");
    assert!((5..9).all(|frame| light(frame) > light(frame + 1)), "vanishes");
    assert_eq!(light(9), 0);
    let at_rest = alpha_of(&layer, &frames[5]);
    let opaque =
        |x: u32, y: u32| at_rest[((y - layer.y) * layer.width + x - layer.x) as usize] == 255;
    assert!(
        opaque(11, 21) && opaque(18, 28) && !opaque(10, 21) && !opaque(11, 20) && !opaque(11, 29)
    );
}

#[test]
fn colours_are_those_of_bt709_video() {
    let when = Appearance { start: 0, appear: 1, hold: 0, vanish: 0 };
    let layer = Layer::new("logo", square(4), (0, 0), 0.0, when);

    let frame = written(&layer).remove(0);

    assert_eq!(frame[0], 235);
    assert_eq!(frame[(layer.width * layer.height) as usize], 128);
}

#[test]
fn a_logo_loses_its_border_and_fits_its_box() {
    let mut logo = RgbaImage::new(400, 300);
    for (x, y) in (100..300).flat_map(|x| (140..160).map(move |y| (x, y))) {
        logo.put_pixel(x, y, Rgba([255, 0, 0, 255]));
    }
    let mut png = Cursor::new(Vec::new());
    DynamicImage::ImageRgba8(logo).write_to(&mut png, ImageFormat::Png).expect("encoded");
    let room = LogoBox { width: 0.1, ..Theme::default().logo };

    let picture = draw_logo(png.get_ref(), &room, 1000.0).expect("a logo");

    assert_eq!((picture.width, picture.height), (100, 10));
    assert!(picture.pixels.chunks(4).all(|pixel| pixel[0] > 0.95 && pixel[3] > 0.95));
}

#[test]
fn a_logo_that_is_no_picture_is_refused() {
    let refused = draw_logo(b"not a logo", &Theme::default().logo, 1080.0);

    assert_eq!(refused, Err(PhotoRefusal::NotAPhoto));
}

#[test]
fn a_shade_is_clear_above_and_as_strong_as_the_theme_says_below() {
    let scrim = Theme::default().scrim;

    let picture = draw_scrim(&scrim, 16, 400);

    let alpha = |row: usize| picture.pixels[row * 16 * 4 + 3];
    assert!(alpha(0) < 0.01 && (alpha(399) - scrim.strength).abs() < 0.01);
    assert!((0..39).all(|step| alpha(step * 10) <= alpha(step * 10 + 10) + 0.01));
}

#[test]
fn the_poster_shows_the_words() {
    let stage =
        Stage { width: 320, height: 180, rate: FrameRate { frames: 25, seconds: 1 }, frames: 150 };
    let word = |start| Appearance { start, appear: 20, hold: 60, vanish: 15 };
    let layers = [5, 15].map(|start| Layer::new("title", square(8), (10, 10), 4.0, word(start)));

    let frame = stage.poster_frame(&layers);

    assert!((35..85).contains(&frame), "{frame}");
    assert_eq!(stage.poster_frame(&[]), 75);
}

#[test]
fn in_a_short_video_everything_is_quicker() {
    let times = Theme::default().motion;
    let rate = FrameRate { frames: 24, seconds: 1 };
    let stage = |frames| Stage { width: 320, height: 180, rate, frames };

    assert!((stage(24 * 8).haste(&times) - 1.0).abs() < 1e-9);
    assert!(stage(24).haste(&times) < 0.3);
}
