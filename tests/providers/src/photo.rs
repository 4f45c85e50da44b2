//! Photos, as orders name them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::{Host, Url};

use crate::books::Books;

/// How one provider takes photos.
#[derive(Clone, Debug)]
pub(crate) struct Photos {
    /// What the names of its own uploads begin with; the id follows.
    pub(crate) own: String,
    /// The largest data URI, in bytes.
    pub(crate) max_data_uri: usize,
}

impl Photos {
    /// The bytes of a photo, where they are known.
    ///
    /// # Errors
    /// What is wrong with how it is named.
    pub(crate) fn size_bytes(&self, uri: &str, books: &Books) -> Result<Option<usize>, String> {
        if let Some(rest) = uri.strip_prefix(&self.own) {
            let id = rest.split('/').next().unwrap_or_default();
            let received = books.uploads.get(id).and_then(|upload| upload.received);
            return received.map(Some).ok_or_else(|| format!("nothing was uploaded as {uri}"));
        }
        if let Some(data) = uri.strip_prefix("data:") {
            return self.decoded(data).map(Some);
        }
        is_reachable(uri).then_some(None).ok_or_else(|| "the image is not at an HTTPS URL".into())
    }

    fn decoded(&self, data: &str) -> Result<usize, String> {
        if data.len() > self.max_data_uri {
            return Err(format!("the data URI is longer than {} bytes", self.max_data_uri));
        }
        let (kind, encoded) =
            data.split_once(";base64,").ok_or("the data URI is not base64 encoded")?;
        if !["image/png", "image/jpeg", "image/webp"].contains(&kind) {
            return Err(format!("images of type {kind} are not supported"));
        }
        let bytes = STANDARD.decode(encoded).map_err(|error| error.to_string())?;
        Ok(bytes.len())
    }
}

/// HTTPS with a domain; or HTTP on loopback, where tests have their photos.
fn is_reachable(uri: &str) -> bool {
    let Ok(url) = Url::parse(uri) else { return false };
    match (url.scheme(), url.host()) {
        ("https", Some(Host::Domain(_))) => true,
        ("http" | "https", Some(Host::Ipv4(ip))) => ip.is_loopback(),
        ("http" | "https", Some(Host::Ipv6(ip))) => ip.is_loopback(),
        ("http", Some(Host::Domain(domain))) => {
            domain == "localhost" || domain.ends_with(".localhost")
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::books::Upload;
    use crate::name::Name;

    #[test]
    fn a_photo_is_a_url_or_data_or_was_uploaded() {
        let mut books = Books::new(Name::Ltx);
        books.uploads.insert("a".into(), Upload { received: Some(7), ..Upload::default() });
        books.uploads.insert("b".into(), Upload::default());
        let photos = Photos { own: "ltx://uploads/".into(), max_data_uri: 40 };
        let size = |uri: &str| photos.size_bytes(uri, &books);

        assert_eq!(size("https://img.example.com/a.jpg"), Ok(None));
        assert_eq!(size("http://127.0.0.1:9000/a.jpg"), Ok(None));
        assert_eq!(size("data:image/png;base64,AAAA"), Ok(Some(3)));
        assert_eq!(size("ltx://uploads/a"), Ok(Some(7)));
        for wrong in [
            "ltx://uploads/b",
            "ltx://uploads/c",
            "http://img.example.com/a.jpg",
            "https://10.0.0.1/a.jpg",
            "data:image/gif;base64,AAAA",
            "a.jpg",
        ] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
        assert!(size(&format!("data:image/png;base64,{}", "A".repeat(40))).is_err());
    }
}
