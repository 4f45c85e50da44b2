//! What a file is, by its first bytes.

use super::PhotoRefusal;
use std::fmt;

/// The kinds of photo that are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PhotoFormat {
    /// JPEG, baseline or progressive.
    Jpeg,
    /// PNG.
    Png,
    /// WebP, lossy or lossless.
    WebP,
}

impl fmt::Display for PhotoFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::WebP => "WebP",
        })
    }
}

impl PhotoFormat {
    /// Recognises a photo by its first bytes; names and declared types are not asked.
    ///
    /// # Errors
    /// The refusal that names what it is instead.
    pub fn of(bytes: &[u8]) -> Result<Self, PhotoRefusal> {
        match bytes {
            [] => Err(PhotoRefusal::Empty),
            [0xFF, 0xD8, 0xFF, ..] => Ok(Self::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => Ok(Self::Png),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Ok(Self::WebP),
            [_, _, _, _, b'f', b't', b'y', b'p', ..] => Err(refuse_iso_media(bytes)),
            _ => Err(refuse_other(bytes)),
        }
    }
}

/// Tells HEIC, AVIF and video apart by the brands of the file type box.
///
/// Source: ISO/IEC 14496-12 §4.3, ISO/IEC 23008-12 §10.
fn refuse_iso_media(bytes: &[u8]) -> PhotoRefusal {
    let length = bytes[..4].iter().fold(0, |length, &byte| length << 8 | usize::from(byte));
    let brands = &bytes[8..length.clamp(8, bytes.len().min(256))];
    let has = |wanted: &[&[u8; 4]]| {
        brands.chunks_exact(4).any(|brand| wanted.iter().any(|w| brand == *w))
    };

    if has(&[b"avif", b"avis"]) {
        PhotoRefusal::Unsupported { kind: "AVIF" }
    } else if has(&[b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"]) {
        PhotoRefusal::Heic
    } else if has(&[b"crx "]) {
        PhotoRefusal::Unsupported { kind: "camera raw" }
    } else {
        PhotoRefusal::Unsupported { kind: "video" }
    }
}

fn refuse_other(bytes: &[u8]) -> PhotoRefusal {
    const KNOWN: [(&[u8], &str); 12] = [
        (b"GIF8", "GIF"),
        (b"II*\0", "TIFF or camera raw"),
        (b"MM\0*", "TIFF or camera raw"),
        (b"%PDF", "PDF"),
        (b"BM", "BMP"),
        (b"8BPS", "Photoshop"),
        (b"\xFF\x0A", "JPEG XL"),
        (b"\0\0\0\x0CJXL ", "JPEG XL"),
        (b"\0\0\0\x0CjP  ", "JPEG 2000"),
        (b"PK\x03\x04", "ZIP"),
        (b"<svg", "SVG"),
        (b"\x1A\x45\xDF\xA3", "video"),
    ];
    KNOWN
        .iter()
        .find(|(magic, _)| bytes.starts_with(magic))
        .map_or(PhotoRefusal::NotAPhoto, |(_, kind)| PhotoRefusal::Unsupported { kind })
}
