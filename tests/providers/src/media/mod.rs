//! Where clips are fetched and photos put: signed URLs, as cloud storage has them.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::AUTHORIZATION;
use sha2::{Digest as _, Sha256};

use crate::asked::Asked;
use crate::clock::since_epoch;
use crate::name::Name;
use crate::reply::Reply;

pub(crate) mod download;
pub(crate) mod file;
pub(crate) mod multipart;
pub(crate) mod upload;

/// How long a URL is good for.
pub(crate) const LIFE: Duration = Duration::from_hours(1);

/// Makes signed URLs, and knows them again.
#[derive(Debug)]
pub(crate) struct Links {
    root: String,
    secret: [u8; 32],
}

impl Links {
    pub(crate) fn new(root: &str, secret: [u8; 32]) -> Self {
        Self { root: root.to_owned(), secret }
    }

    /// The URL of a clip. `number` tells it from others of the same.
    pub(crate) fn result(&self, name: Name, id: &str, number: u32) -> String {
        self.signed(&format!("/media/results/{}/{id}.mp4", name.as_str()), number)
    }

    /// The URL where a photo may be put.
    pub(crate) fn upload(&self, name: Name, id: &str) -> String {
        self.signed(&format!("/media/uploads/{}/{id}", name.as_str()), 1)
    }

    fn signed(&self, path: &str, number: u32) -> String {
        let expires = since_epoch(SystemTime::now() + LIFE).as_secs().to_string();
        let number = number.to_string();
        let signature = self.signature(path, &expires, &number);
        format!("{}{path}?expires={expires}&n={number}&sig={signature}", self.root)
    }

    fn signature(&self, path: &str, expires: &str, number: &str) -> String {
        let mut hash = Sha256::new();
        hash.update(self.secret);
        hash.update(format!("{path}\n{expires}\n{number}"));
        hex(&hash.finalize())
    }

    /// What is answered to a URL that is not good, or not alone.
    pub(crate) fn refusal(&self, asked: &Asked) -> Option<Reply> {
        if has_authorization(&asked.headers) {
            return Some(denied(400, "Only one way to authorize is allowed"));
        }
        let [expires, number, signature] = ["expires", "n", "sig"].map(|key| asked.query(key));
        let (expires, number) = (expires.unwrap_or_default(), number.unwrap_or_default());
        let expected = self.signature(&asked.path, &expires, &number);
        if signature != Some(expected) {
            return Some(denied(403, "The signature does not match"));
        }
        let end = expires.parse().unwrap_or(0);
        (since_epoch(SystemTime::now()).as_secs() >= end).then(|| denied(403, "The URL expired"))
    }
}

pub(crate) fn has_authorization(headers: &HeaderMap) -> bool {
    headers.contains_key(AUTHORIZATION)
}

/// An answer as cloud storage writes it.
pub(crate) fn denied(status: u16, message: &str) -> Reply {
    let body = format!("<?xml version='1.0'?><Error><Message>{message}</Message></Error>");
    Reply::text(status, body).header("content-type", "application/xml")
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
