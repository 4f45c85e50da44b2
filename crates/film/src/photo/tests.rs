use super::*;
use image::codecs::png::PngEncoder;
use image::codecs::webp::WebPEncoder;
use image::{DynamicImage, ImageBuffer, ImageFormat, Luma, Rgb, Rgba, RgbaImage};
use moxcms::ColorProfile;
use std::io::Cursor;

const RED: [u8; 3] = [220, 30, 30];
const GREEN: [u8; 3] = [30, 200, 40];
const BLUE: [u8; 3] = [30, 40, 220];
const WHITE: [u8; 3] = [250, 250, 250];

/// Red and green above, blue and white below.
fn four_colours(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        Rgb(match (x < width / 2, y < height / 2) {
            (true, true) => RED,
            (false, true) => GREEN,
            (true, false) => BLUE,
            (false, false) => WHITE,
        })
    })
}

fn file(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.into().write_to(&mut bytes, format).expect("encoded");
    bytes.into_inner()
}

fn jpeg(width: u32, height: u32) -> Vec<u8> {
    file(four_colours(width, height), ImageFormat::Jpeg)
}

/// A TIFF structure with an orientation and a place.
fn exif(orientation: u8) -> Vec<u8> {
    let mut tiff = b"II*\0\x08\0\0\0\x02\0".to_vec();
    tiff.extend([0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0]);
    tiff.extend([0x25, 0x88, 4, 0, 1, 0, 0, 0, 38, 0, 0, 0]);
    tiff.extend([0, 0, 0, 0]);
    tiff.extend(b"\x01\0\x12\0\x02\0\x0C\0\0\0\x38\0\0\0\0\0\0\0SECRETPLACE\0");
    tiff
}

fn with_segment(jpeg: &[u8], marker: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len() + 2).expect("short").to_be_bytes();
    [&jpeg[..2], &[0xFF, marker], &length, content, &jpeg[2..]].concat()
}

fn with_exif(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    with_segment(jpeg, 0xE1, &[b"Exif\0\0", &exif(orientation)[..]].concat())
}

fn png_chunk(kind: [u8; 4], content: &[u8]) -> Vec<u8> {
    let mut chunk = u32::try_from(content.len()).expect("short").to_be_bytes().to_vec();
    chunk.extend(kind);
    chunk.extend(content);
    let crc = chunk[4..].iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 }
        })
    });
    chunk.extend((!crc).to_be_bytes());
    chunk
}

/// A PNG of this size whose picture data is nonsense.
fn png_header(width: u32, height: u32) -> Vec<u8> {
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    [
        b"\x89PNG\r\n\x1A\n".to_vec(),
        png_chunk(*b"IHDR", &header),
        png_chunk(*b"IDAT", b"nonsense"),
        png_chunk(*b"IEND", b""),
    ]
    .concat()
}

fn refusal(bytes: &[u8]) -> PhotoRefusal {
    normalise(bytes, &PhotoLimits::default()).expect_err("refused")
}

fn normalised(bytes: &[u8]) -> NormalisedPhoto {
    normalise(bytes, &PhotoLimits::default()).expect("accepted")
}

fn pixels(photo: &NormalisedPhoto) -> RgbImage {
    image::load_from_memory_with_format(&photo.jpeg, ImageFormat::Jpeg).expect("a JPEG").into_rgb8()
}

/// The colours in the middles of the four quarters, by name.
fn quarters(picture: &RgbImage) -> String {
    let (width, height) = picture.dimensions();
    let middles = [(1, 1), (3, 1), (1, 3), (3, 3)];
    let named = middles.map(|(x, y)| match picture.get_pixel(width * x / 4, height * y / 4).0 {
        [r, g, b] if r > 200 && g > 200 && b > 200 => 'W',
        [r, g, b] if r > g && r > b => 'R',
        [_, g, b] if g > b => 'G',
        _ => 'B',
    });
    named.iter().collect()
}

#[test]
fn every_orientation_comes_out_upright() {
    let upright = ["RGBW", "GRWB", "WBGR", "BWRG", "RBGW", "BRWG", "WGBR", "GWRB"];

    for (orientation, expected) in (1..=8).zip(upright) {
        let photo = normalised(&with_exif(&jpeg(96, 64), orientation));

        assert_eq!(quarters(&pixels(&photo)), expected, "orientation {orientation}");
        let size = if orientation < 5 { (96, 64) } else { (64, 96) };
        assert_eq!((photo.width, photo.height), size, "orientation {orientation}");
    }
}

#[test]
fn a_png_is_turned_upright_too() {
    let png = file(four_colours(96, 64), ImageFormat::Png);
    let after_header = 8 + 25;
    let turned =
        [&png[..after_header], &png_chunk(*b"eXIf", &exif(6)), &png[after_header..]].concat();

    let photo = normalised(&turned);

    assert_eq!((photo.width, photo.height, photo.source_format), (64, 96, PhotoFormat::Png));
    assert_eq!(quarters(&pixels(&photo)), "BRWG");
}

#[test]
fn nothing_is_left_of_the_metadata() {
    let mut bytes = with_exif(&jpeg(96, 64), 1);
    bytes = with_segment(&bytes, 0xE1, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta/>");
    bytes = with_segment(&bytes, 0xFE, b"made by SECRETPERSON");

    let photo = normalised(&bytes);

    let holds = |needle: &[u8]| photo.jpeg.windows(needle.len()).any(|window| window == needle);
    for needle in ["Exif", "SECRET", "http://ns.adobe.com", "ICC_PROFILE", "made by"] {
        assert!(!holds(needle.as_bytes()), "{needle} is still there");
    }
}

#[test]
fn a_webp_is_accepted_and_its_transparency_becomes_white() {
    let mut picture = RgbaImage::from_pixel(96, 64, Rgba([10, 20, 200, 255]));
    picture.put_pixel(0, 0, Rgba([0, 0, 0, 0]));
    for x in 0..48 {
        for y in 0..64 {
            picture.put_pixel(x, y, Rgba([0, 0, 0, 0]));
        }
    }
    let mut bytes = Vec::new();
    WebPEncoder::new_lossless(&mut bytes)
        .write_image(picture.as_raw(), 96, 64, ExtendedColorType::Rgba8)
        .expect("encoded");

    let photo = normalised(&bytes);

    assert_eq!(photo.source_format, PhotoFormat::WebP);
    assert!(pixels(&photo).get_pixel(10, 30).0.iter().all(|&sample| sample > 250));
    assert!(pixels(&photo).get_pixel(80, 30).0[2] > 180);
}

#[test]
fn sixteen_bits_and_grey_become_eight_bit_colour() {
    let deep: ImageBuffer<Luma<u16>, Vec<u16>> = ImageBuffer::from_pixel(96, 64, Luma([0x8080]));

    let photo = normalised(&file(deep, ImageFormat::Png));

    assert!(pixels(&photo).get_pixel(40, 30).0.iter().all(|sample| sample.abs_diff(0x80) <= 1));
}

#[test]
fn display_p3_becomes_srgb() {
    let picture = RgbImage::from_pixel(96, 64, Rgb([180, 110, 90]));
    let profile = ColorProfile::new_display_p3().encode().expect("a profile");
    let mut bytes = Vec::new();
    let mut encoder = PngEncoder::new(&mut bytes);
    encoder.set_icc_profile(profile).expect("PNG holds profiles");
    encoder.write_image(picture.as_raw(), 96, 64, ExtendedColorType::Rgb8).expect("encoded");

    let [red, green, blue] = pixels(&normalised(&bytes)).get_pixel(40, 30).0;

    // The same light takes more of sRGB's paler red, and less of the others.
    assert!(red > 184 && green < 110 && blue < 90, "{red} {green} {blue}");
}

#[test]
fn a_photo_cut_off_anywhere_is_refused() {
    let whole = jpeg(400, 300);

    for kept in [whole.len() / 10, whole.len() / 2, whole.len() * 9 / 10, whole.len() - 2] {
        let refused = refusal(&whole[..kept]);
        assert_eq!(refused, PhotoRefusal::Truncated { format: PhotoFormat::Jpeg }, "{kept} bytes");
    }
}

#[test]
fn a_damaged_photo_is_refused() {
    let whole = jpeg(400, 300);
    let middle = whole.len() / 2;
    let overwritten = [&whole[..middle], &[0xFF, 0xC5, 0, 2], &whole[middle..]].concat();

    assert_eq!(refusal(&overwritten), PhotoRefusal::Damaged { format: PhotoFormat::Jpeg });
    assert_eq!(refusal(&png_header(100, 100)), PhotoRefusal::Damaged { format: PhotoFormat::Png });
}

#[test]
fn a_png_or_webp_cut_off_is_refused() {
    let noise = RgbImage::from_fn(200, 150, |x, y| {
        Rgb([((x * 7) ^ (y * 13)) as u8, (x * y) as u8, (x ^ y) as u8])
    });

    for format in [ImageFormat::Png, ImageFormat::WebP] {
        let whole = file(noise.clone(), format);
        let refused = refusal(&whole[..whole.len() / 2]);
        assert!(
            matches!(refused, PhotoRefusal::Truncated { .. } | PhotoRefusal::Damaged { .. }),
            "{format:?}: {refused:?}"
        );
    }
}

#[test]
fn a_photo_in_print_colours_is_refused() {
    let frame = [8, 1, 0, 1, 0, 4, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0, 4, 0x11, 0];
    let print = with_segment(&[0xFF, 0xD8, 0xFF, 0xD9], 0xC0, &frame);

    assert_eq!(refusal(&print), PhotoRefusal::Cmyk);
}

#[test]
fn a_bomb_is_refused_by_its_header() {
    let refused = refusal(&png_header(30_000, 30_000));

    assert!(
        matches!(refused, PhotoRefusal::TooManyPixels { width: 30_000, height: 30_000, .. }),
        "{refused:?}"
    );
    assert_eq!(
        refusal(&png_header(21_000, 100)),
        PhotoRefusal::TooLong { width: 21_000, height: 100, limit_side: 20_000 }
    );
    assert_eq!(
        refusal(&png_header(3, 900)),
        PhotoRefusal::TooSmall { width: 3, height: 900, limit_side: 64 }
    );
}

#[test]
fn decoding_stays_within_its_memory() {
    let limits = PhotoLimits { max_alloc_bytes: 50_000, ..PhotoLimits::default() };

    let refused = normalise(&jpeg(400, 300), &limits).expect_err("refused");

    assert!(
        matches!(refused, PhotoRefusal::TooManyPixels { limit_pixels: 16_666, .. }),
        "{refused:?}"
    );
}

#[test]
fn what_is_no_photo_is_refused_by_its_name() {
    let of_kind = |kind| PhotoRefusal::Unsupported { kind };

    assert_eq!(refusal(b""), PhotoRefusal::Empty);
    assert_eq!(refusal(b"dear sir or madam"), PhotoRefusal::NotAPhoto);
    assert_eq!(refusal(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"), PhotoRefusal::Heic);
    assert_eq!(refusal(b"\0\0\0\x18ftypmif1\0\0\0\0avifmif1"), of_kind("AVIF"));
    assert_eq!(refusal(b"\0\0\0\x18ftypisom\0\0\0\0isommp42"), of_kind("video"));
    assert_eq!(refusal(b"\0\0\0\0ftyp"), of_kind("video"));
    assert_eq!(refusal(b"GIF89a..."), of_kind("GIF"));
    assert_eq!(refusal(b"II*\0...."), of_kind("TIFF or camera raw"));
    assert_eq!(refusal(b"%PDF-1.7"), of_kind("PDF"));
    assert_eq!(refusal(b"\xFF\xD8\xFF"), PhotoRefusal::Truncated { format: PhotoFormat::Jpeg });
}

#[test]
fn a_refusal_names_the_limit_and_what_to_do() {
    let refused = PhotoRefusal::TooLarge { size_bytes: 52 << 20, limit_bytes: 40 << 20 };

    assert_eq!(
        refused.to_string(),
        "the photo is 52.0 MB and at most 40.0 MB are accepted: please export it smaller"
    );
}

#[test]
fn a_large_file_is_refused_before_it_is_looked_at() {
    let limits = PhotoLimits { max_bytes: 100, ..PhotoLimits::default() };

    let refused = normalise(&[0; 101], &limits).expect_err("refused");

    assert_eq!(refused, PhotoRefusal::TooLarge { size_bytes: 101, limit_bytes: 100 });
}

#[test]
fn the_long_side_is_bounded_and_sides_are_even() {
    let limits = PhotoLimits { long_side: 200, ..PhotoLimits::default() };

    for (size, expected) in
        [((401, 299), (200, 148)), ((150, 999), (30, 200)), ((101, 99), (100, 98))]
    {
        let photo = normalise(&jpeg(size.0, size.1), &limits).expect("accepted");
        assert_eq!((photo.width, photo.height), expected, "{size:?}");
        assert_eq!(quarters(&pixels(&photo)), "RGBW");
    }
}
