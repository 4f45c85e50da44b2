//! The outline of a JPEG: its frame header and whether it comes to its end.

/// What the markers of a JPEG say about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outline {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) components: u8,
    pub(super) progressive: bool,
    /// The end-of-image marker was reached.
    pub(super) complete: bool,
}

/// Reads the markers of a JPEG, or nothing if there is no frame header.
///
/// Source: ITU-T T.81 §B.1 and §B.2.
pub(super) fn outline(bytes: &[u8]) -> Option<Outline> {
    let mut outline = None;
    let mut rest = bytes.get(2..)?;
    while let Some((marker, after)) = next_marker(rest) {
        rest = after;
        match marker {
            0xD9 => {
                return outline.map(|found| Outline { complete: true, ..found });
            }
            0x01 | 0xD0..=0xD8 => continue,
            _ => {}
        }
        let Some((segment, after)) = segment(rest) else {
            break;
        };
        if is_frame_header(marker) && outline.is_none() {
            outline = frame_header(marker, segment);
        }
        rest = after;
    }
    outline
}

/// The next marker and what follows it; entropy-coded data and fill bytes are passed over.
fn next_marker(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let mut at = 0;
    loop {
        at += bytes.get(at..)?.iter().position(|&byte| byte == 0xFF)?;
        match bytes.get(at + 1)? {
            0x00 => at += 2,
            0xFF => at += 1,
            &marker => return Some((marker, &bytes[at + 2..])),
        }
    }
}

fn segment(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = usize::from(u16::from_be_bytes([*bytes.first()?, *bytes.get(1)?]));
    (length >= 2 && length <= bytes.len()).then(|| (&bytes[2..length], &bytes[length..]))
}

fn is_frame_header(marker: u8) -> bool {
    matches!(marker, 0xC0..=0xCF) && !matches!(marker, 0xC4 | 0xC8 | 0xCC)
}

fn frame_header(marker: u8, segment: &[u8]) -> Option<Outline> {
    let &[_, h1, h0, w1, w0, components, ..] = segment else {
        return None;
    };
    Some(Outline {
        width: u32::from(u16::from_be_bytes([w1, w0])),
        height: u32::from(u16::from_be_bytes([h1, h0])),
        components,
        progressive: marker == 0xC2,
        complete: false,
    })
}
