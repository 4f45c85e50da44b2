//! Putting photos where a provider said.

use std::sync::Arc;

use http::Method;
use http::header::{CONTENT_TYPE, HeaderName};

use super::{denied, multipart};
use crate::asked::Asked;
use crate::books::Upload;
use crate::name::Name;
use crate::providers::Providers;
use crate::reply::Reply;

/// The headers that LTX wants to come with a photo.
pub(crate) const REQUIRED: [(&str, &str); 2] =
    [("x-goog-content-length-range", "0,104857600"), ("x-goog-if-generation-match", "0")];
/// The most that LTX takes, in bytes.
const MAX_LTX_BYTES: usize = 104_857_600;

/// Takes a photo, of which nothing but its size is kept.
pub(crate) fn answer(providers: &Arc<Providers>, asked: &Asked) -> Reply {
    if let Some(refusal) = providers.links.refusal(asked) {
        return refusal;
    }
    let mut books = providers.books(asked.provider);
    let Some(upload) = books.uploads.get_mut(asked.segment(2)) else {
        return denied(404, "There is no such place");
    };
    match (asked.provider, &asked.method) {
        (Name::Ltx, &Method::PUT) => put_signed(asked, upload),
        (Name::Fal, &Method::PUT) => put(asked, upload),
        (Name::Runway, &Method::POST) => post(asked, upload),
        _ => denied(405, "The method is not allowed"),
    }
}

fn put_signed(asked: &Asked, upload: &mut Upload) -> Reply {
    let missing = REQUIRED
        .iter()
        .find(|(name, value)| asked.header(HeaderName::from_static(name)) != Some(*value));
    if let Some((name, _)) = missing {
        return denied(403, &format!("The signed header {name} is missing or differs"));
    }
    if upload.received.is_some() {
        return denied(412, "The object exists already");
    }
    if asked.body.len() > MAX_LTX_BYTES {
        return denied(400, "The object is too large");
    }
    put(asked, upload)
}

fn put(asked: &Asked, upload: &mut Upload) -> Reply {
    if asked.header(CONTENT_TYPE).is_none() {
        return denied(403, "The header content-type is missing");
    }
    upload.received = Some(asked.body.len());
    Reply::empty(200)
}

/// Takes a form in which all fields stand before the file.
fn post(asked: &Asked, upload: &mut Upload) -> Reply {
    let content_type = asked.header(CONTENT_TYPE).unwrap_or_default();
    let Some(parts) = multipart::parts(content_type, &asked.body) else {
        return denied(400, "The body is not a form");
    };
    let Some((file, fields)) = parts.split_last().filter(|(last, _)| last.name == "file") else {
        return denied(400, "The file has to come last");
    };
    let missing = upload.fields.iter().find(|(name, value)| {
        !fields.iter().any(|field| field.name == *name && field.data == value.as_bytes())
    });
    if let Some((name, _)) = missing {
        return denied(403, &format!("The field {name} is missing or differs"));
    }
    upload.received = Some(file.data.len());
    Reply::empty(204)
}
