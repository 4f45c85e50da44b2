//! What the outermost boxes of a clip promise. `ffmpeg` does not tell: where its index is in front, it takes a clip that
//! was cut off for a shorter one.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// Most characters of a clip's beginning that are told.
const HINT_CHARACTERS: usize = 16;
/// Boxes that are looked at. A clip in fragments has two for each second or frame.
const MOST_BOXES: usize = 1 << 16;
/// Boxes of an MP4 without which there is no picture; of others, the end may be missing.
const NEEDED_BOXES: [&[u8; 4]; 3] = [b"moov", b"moof", b"mdat"];
/// How a `WebM` begins, and its one segment.
const EBML: u32 = 0x1A45_DFA3;
const SEGMENT: u32 = 0x1853_8067;

/// What a file looks like from outside.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Look {
    /// Bytes that there are.
    pub(super) size_bytes: u64,
    /// Bytes that there should be; no more than there are if nothing is known to be missing.
    pub(super) promised_bytes: u64,
    /// How it begins, as the end of a sentence.
    pub(super) beginning: String,
}

/// Looks at a file from outside; reads a few bytes for each outermost box.
pub(super) fn look(path: &Path) -> io::Result<Look> {
    let mut file = File::open(path)?;
    let size_bytes = file.metadata()?.len();
    let beginning = beginning(&mut file)?;
    let mut clip = Clip { file, size_bytes };
    let promised_bytes = match clip.bytes_at(0)?.map(u32::from_be_bytes) {
        Some(EBML) => clip.end_of_segment()?,
        _ => clip.end_of_boxes()?,
    };
    Ok(Look { size_bytes, promised_bytes: promised_bytes.unwrap_or_default(), beginning })
}

fn beginning(file: &mut File) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.take(64).read_to_end(&mut bytes)?;
    let printable = bytes.iter().copied().map(char::from).filter(|c| matches!(c, ' '..='~'));
    let hint: String = printable.take(HINT_CHARACTERS).collect();
    Ok(match (bytes.is_empty(), hint.is_empty()) {
        (true, _) => "it is empty".to_owned(),
        (_, true) => "it begins with nothing that could be read".to_owned(),
        _ => format!("it begins with {hint:?}"),
    })
}

struct Clip {
    file: File,
    size_bytes: u64,
}

impl Clip {
    /// Where the first needed box of an MP4 ends that reaches beyond the file.
    fn end_of_boxes(&mut self) -> io::Result<Option<u64>> {
        let mut start = 0;
        for _ in 0..MOST_BOXES {
            let Some([a, b, c, d, kind @ ..]) = self.bytes_at::<8>(start)? else { break };
            let size = match u32::from_be_bytes([a, b, c, d]) {
                1 => self.bytes_at(start + 8)?.map_or(0, u64::from_be_bytes),
                size => u64::from(size),
            };
            // Without a size, it goes to the end of the file, wherever that should be.
            if size < 8 {
                break;
            }
            let end = start.saturating_add(size);
            if end > self.size_bytes {
                return Ok(NEEDED_BOXES.contains(&&kind).then_some(end));
            }
            start = end;
        }
        Ok(None)
    }

    /// Where the segment of a `WebM` ends, if it says so.
    fn end_of_segment(&mut self) -> io::Result<Option<u64>> {
        // Its header is an element too, after four bytes of name.
        let Some(segment) = self.end_of_element(4)? else { return Ok(None) };
        match self.bytes_at(segment)?.map(u32::from_be_bytes) {
            Some(SEGMENT) => self.end_of_element(segment + 4),
            _ => Ok(None),
        }
    }

    /// Where an element of EBML ends whose size is written at `start`; `None` if that is not known.
    fn end_of_element(&mut self, start: u64) -> io::Result<Option<u64>> {
        let Some([first]) = self.bytes_at(start)? else { return Ok(None) };
        // As many zero bits as bytes follow, then a one, then the number.
        let more = first.leading_zeros();
        let Some(mask) = 0x7F_u8.checked_shr(more) else { return Ok(None) };
        let mut size = u64::from(first & mask);
        for index in 1..=u64::from(more) {
            let Some([byte]) = self.bytes_at(start + index)? else { return Ok(None) };
            size = size << 8 | u64::from(byte);
        }
        let unknown = (1 << (7 * (more + 1))) - 1;
        let end = (start + 1 + u64::from(more)).saturating_add(size);
        Ok((size != unknown).then_some(end))
    }

    /// The `N` bytes from `start` on, if there are so many.
    fn bytes_at<const N: usize>(&mut self, start: u64) -> io::Result<Option<[u8; N]>> {
        // A stranger may send us farther than a system can count.
        if start >= self.size_bytes {
            return Ok(None);
        }
        let mut bytes = [0; N];
        self.file.seek(SeekFrom::Start(start))?;
        match self.file.read_exact(&mut bytes) {
            Ok(()) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }
}
