//! The MD5 digests that clients compare with their own.

use md5::{Digest, Md5};

use super::message::{Attribute, Attributes};
use crate::sigv4::hex;

/// `MD5OfMessageBody`.
pub(crate) fn of_body(body: &str) -> String {
    hex(&Md5::digest(body.as_bytes()))
}

/// `MD5OfMessageAttributes`: names in order; each name, type and value behind its length.
pub(crate) fn of_attributes(attributes: &Attributes) -> Option<String> {
    if attributes.is_empty() {
        return None;
    }
    let mut digest = Md5::new();
    for (name, attribute) in attributes {
        part(&mut digest, name.as_bytes());
        part(&mut digest, attribute.data_type.as_bytes());
        value(&mut digest, attribute);
    }
    Some(hex(&digest.finalize()))
}

fn value(digest: &mut Md5, attribute: &Attribute) {
    const STRING: [u8; 1] = [1];
    const BINARY: [u8; 1] = [2];
    if let Some(text) = &attribute.string_value {
        digest.update(STRING);
        part(digest, text.as_bytes());
    } else {
        digest.update(BINARY);
        part(digest, &attribute.bytes().unwrap_or_default());
    }
}

fn part(digest: &mut Md5, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    digest.update(length.to_be_bytes());
    digest.update(bytes);
}
