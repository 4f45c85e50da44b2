//! Bodies of forms, `multipart/form-data`.

use bytes::Bytes;

/// One field of a form, or its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) name: String,
    /// Files have one.
    pub(crate) file_name: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) data: Bytes,
}

/// The parts of a form in their order; none if it is not one.
/// Source: RFC 7578; RFC 2046 §5.1.1
pub(crate) fn parts(content_type: &str, body: &Bytes) -> Option<Vec<Part>> {
    let boundary = parameter(content_type, "boundary")?;
    let delimiter = format!("\r\n--{boundary}");
    let first = &delimiter[2..];
    let mut at = find(body, first.as_bytes(), 0)? + first.len();
    let mut parts = Vec::new();
    while !body.get(at..)?.starts_with(b"--") {
        let start = at + 2;
        let head_end = find(body, b"\r\n\r\n", start)?;
        let end = find(body, delimiter.as_bytes(), head_end + 2)?;
        let head = std::str::from_utf8(body.get(start..head_end)?).ok()?;
        parts.push(part(head, body.slice((head_end + 4).min(end)..end))?);
        at = end + delimiter.len();
    }
    Some(parts)
}

fn part(head: &str, data: Bytes) -> Option<Part> {
    let header = |wanted: &str| {
        let mut lines = head.split("\r\n").filter_map(|line| line.split_once(':'));
        let line = lines.find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        line.map(|(_, value)| value.trim())
    };
    let disposition = header("content-disposition")?;
    Some(Part {
        name: parameter(disposition, "name")?,
        file_name: parameter(disposition, "filename"),
        content_type: header("content-type").map(str::to_owned),
        data,
    })
}

/// A parameter of a header, without quotes.
fn parameter(header: &str, wanted: &str) -> Option<String> {
    let pairs = header.split(';').skip(1).filter_map(|pair| pair.split_once('='));
    let mut values = pairs.filter(|(name, _)| name.trim().eq_ignore_ascii_case(wanted));
    values.next().map(|(_, value)| value.trim().trim_matches('"').to_owned())
}

fn find(body: &[u8], wanted: &[u8], from: usize) -> Option<usize> {
    let found = body.get(from..)?.windows(wanted.len()).position(|window| window == wanted)?;
    Some(from + found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_in_their_order() {
        let body = "--x\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\na/b\r\n\
            --x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"p.jpg\"\r\n\
            Content-Type: image/jpeg\r\n\r\n\r\n--data\r\n--x--\r\n";
        let parts = parts("multipart/form-data; boundary=x", &Bytes::from(body)).expect("a form");

        let shown: Vec<_> = parts.iter().map(|part| (part.name.as_str(), &part.data[..])).collect();
        assert_eq!(shown, [("key", &b"a/b"[..]), ("file", b"\r\n--data")]);
        assert_eq!(parts[1].file_name.as_deref(), Some("p.jpg"));
        assert_eq!(parts[1].content_type.as_deref(), Some("image/jpeg"));
    }
}
