//! Uploads of strangers to a store in memory.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use domain::{ObjectKey, Timestamp};
use ports::{Bound, Clock, ObjectMeta, Presigned, StoreError, StoredPart, UploadName, Uploads};

use super::InMemoryStore;
use crate::samples;

/// What was signed, and the uploads in parts.
#[derive(Debug, Default)]
pub(super) struct Promised {
    signed: HashMap<String, Signed>,
    begun: HashMap<String, Begun>,
    /// How many names were given out.
    names: u64,
}

#[derive(Clone, Debug)]
struct Signed {
    what: What,
    key: ObjectKey,
    headers: Vec<(String, String)>,
    until: Timestamp,
}

impl Signed {
    /// Whether a request, with a body of so many bytes, has the headers that were signed, and none of
    /// those that have to be.
    fn fits(&self, request: &Presigned, length: usize) -> bool {
        let as_signed = |(name, value): &(String, String)| match name.as_str() {
            "content-length" => *value == length.to_string(),
            _ => request.headers.iter().any(|given| given == &(name.clone(), value.clone())),
        };
        let was_signed = |(name, _): &(String, String)| {
            !name.starts_with("x-amz-") || self.headers.iter().any(|(signed, _)| signed == name)
        };
        self.headers.iter().all(as_signed) && request.headers.iter().all(was_signed)
    }
}

#[derive(Clone, Debug)]
enum What {
    Get,
    Put(Bound),
    Part(UploadName, u32, Bound),
}

impl What {
    const fn method(&self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Put(_) | Self::Part(..) => "PUT",
        }
    }

    const fn bound(&self) -> Option<&Bound> {
        match self {
            Self::Get => None,
            Self::Put(bound) | Self::Part(_, _, bound) => Some(bound),
        }
    }
}

#[derive(Debug)]
struct Begun {
    key: ObjectKey,
    content_type: String,
    parts: BTreeMap<u32, Vec<u8>>,
}

impl Promised {
    fn name(&mut self, of: &str) -> String {
        self.names += 1;
        format!("{of}-{}", self.names)
    }
}

impl InMemoryStore {
    /// Answers a request that was signed in advance, with a status and a body, as S3 does. The length
    /// of `content` is its `content-length`.
    pub fn answer(&self, method: &str, request: &Presigned, content: &[u8]) -> (u16, Vec<u8>) {
        let Some(signed) = self.promised.lock().signed.get(&request.url).cloned() else {
            return (403, Vec::new());
        };
        let as_signed = signed.what.method() == method && signed.fits(request, content.len());
        if !as_signed || self.clock.now() >= signed.until {
            return (403, Vec::new());
        }
        if signed.what.bound().is_some_and(|bound| bound.sha256 != sha256(content)) {
            return (400, Vec::new());
        }
        match signed.what {
            What::Get => {
                self.content(&signed.key).map_or((404, Vec::new()), |content| (200, content))
            }
            What::Put(bound) => {
                let content_type = bound.content_type.unwrap_or_default();
                let meta = ObjectMeta { content_type, ..ObjectMeta::default() };
                self.store(&signed.key, content.to_vec(), meta);
                (200, Vec::new())
            }
            What::Part(upload, number, _) => self.take_part(&upload, number, content),
        }
    }

    fn take_part(&self, upload: &UploadName, number: u32, content: &[u8]) -> (u16, Vec<u8>) {
        match self.promised.lock().begun.get_mut(&upload.0) {
            Some(begun) => {
                begun.parts.insert(number, content.to_vec());
                (200, Vec::new())
            }
            None => (404, Vec::new()),
        }
    }

    fn sign(&self, what: What, key: &ObjectKey, expires: Duration) -> Presigned {
        let headers = what.bound().map(headers).unwrap_or_default();
        let until = self.clock.now().plus(expires);
        let mut promised = self.promised.lock();
        let url = format!("https://memory.example/{}", promised.name(key.as_str()));
        let signed = Signed { what, key: key.clone(), headers: headers.clone(), until };
        promised.signed.insert(url.clone(), signed);
        Presigned { url, headers }
    }
}

fn headers(bound: &Bound) -> Vec<(String, String)> {
    let content_type = bound.content_type.iter();
    let content_type = content_type.map(|it| ("content-type".to_owned(), it.clone()));
    let length = ("content-length".to_owned(), bound.size_bytes.to_string());
    let checksum = ("x-amz-checksum-sha256".to_owned(), bound.sha256.clone());
    content_type.chain([length, checksum]).collect()
}

fn sha256(content: &[u8]) -> String {
    samples::bound_to(content, None).sha256
}

fn stored(number: u32, content: &[u8]) -> StoredPart {
    let sha256 = sha256(content);
    let size_bytes = content.len() as u64;
    StoredPart { number, size_bytes, etag: format!("\"{sha256}\""), sha256: Some(sha256) }
}

impl Uploads for InMemoryStore {
    async fn sign_put(
        &self,
        key: &ObjectKey,
        bound: &Bound,
        expires: Duration,
    ) -> Result<Presigned, StoreError> {
        Ok(self.sign(What::Put(bound.clone()), key, expires))
    }

    async fn sign_get(&self, key: &ObjectKey, expires: Duration) -> Result<Presigned, StoreError> {
        Ok(self.sign(What::Get, key, expires))
    }

    async fn begin(&self, key: &ObjectKey, content_type: &str) -> Result<UploadName, StoreError> {
        let mut promised = self.promised.lock();
        let name = promised.name("upload");
        let (key, content_type) = (key.clone(), content_type.to_owned());
        promised.begun.insert(name.clone(), Begun { key, content_type, parts: BTreeMap::new() });
        Ok(UploadName(name))
    }

    async fn sign_part(
        &self,
        key: &ObjectKey,
        upload: &UploadName,
        number: u32,
        bound: &Bound,
        expires: Duration,
    ) -> Result<Presigned, StoreError> {
        Ok(self.sign(What::Part(upload.clone(), number, bound.clone()), key, expires))
    }

    async fn parts(
        &self,
        key: &ObjectKey,
        upload: &UploadName,
    ) -> Result<Option<Vec<StoredPart>>, StoreError> {
        let promised = self.promised.lock();
        let begun = promised.begun.get(&upload.0).filter(|begun| begun.key == *key);
        Ok(begun.map(|begun| {
            begun.parts.iter().map(|(number, content)| stored(*number, content)).collect()
        }))
    }

    async fn complete(
        &self,
        key: &ObjectKey,
        upload: &UploadName,
        parts: &[StoredPart],
    ) -> Result<(), StoreError> {
        let unavailable = || StoreError::Unavailable {
            key: key.to_string(),
            source: "the parts are not as they are named".into(),
        };
        let mut promised = self.promised.lock();
        let Some(begun) = promised.begun.get(&upload.0).filter(|begun| begun.key == *key) else {
            drop(promised);
            return self.find(key).map(drop);
        };
        let mut content = Vec::new();
        for part in parts {
            let there = begun.parts.get(&part.number).ok_or_else(unavailable)?;
            if stored(part.number, there) != *part {
                return Err(unavailable());
            }
            content.extend_from_slice(there);
        }
        if parts.is_empty() {
            return Err(unavailable());
        }
        let content_type = begun.content_type.clone();
        promised.begun.remove(&upload.0);
        drop(promised);
        self.store(key, content, ObjectMeta { content_type, ..ObjectMeta::default() });
        Ok(())
    }

    async fn abort(&self, key: &ObjectKey, upload: &UploadName) -> Result<(), StoreError> {
        self.promised.lock().begun.retain(|name, begun| *name != upload.0 || begun.key != *key);
        Ok(())
    }
}
