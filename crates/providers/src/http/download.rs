//! Downloads of clips, which are whole or broken.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use guard::{GuardRefusal, Nowhere, media_type, redirect};
use md5::{Digest as _, Md5};
use ports::{ByteStream, ClipDelivery, Source};
use reqwest::header::{CONTENT_LENGTH, HeaderMap};
use reqwest::{Response, StatusCode};
use url::Url;

use super::Http;
use crate::fault::{self, Class, Phase};

/// Largest clip that is fetched, in bytes.
const MAX_CLIP_BYTES: u64 = 8 * 1024 * 1024 * 1024;
/// How often a download may be sent elsewhere.
const MAX_REDIRECTS: usize = 3;

/// The clip could not be fetched. No address is told.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// The address is no longer good: the provider may have a fresh one.
    #[error("the address has expired")]
    Expired,
    /// Anything else.
    #[error("the download broke")]
    Broken(#[source] Source),
}

/// Why a download is not a clip.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotWhole {
    #[error("status {0} instead of a video")]
    Status(u16),
    #[error("an answer of type {0} instead of a video")]
    Type(String),
    #[error("more than {MAX_REDIRECTS} redirects")]
    Redirects,
    #[error("nothing came for {0:?}")]
    Idle(Duration),
    #[error("{came} of {announced} bytes came")]
    Length { came: u64, announced: u64 },
    #[error("more than {0} bytes")]
    TooLarge(u64),
    #[error("the bytes are not those of the checksum")]
    Checksum,
}

impl From<NotWhole> for DownloadError {
    fn from(why: NotWhole) -> Self {
        Self::Broken(why.into())
    }
}

impl Http {
    /// Fetches a clip from an address that a provider named. The key is not shown there.
    ///
    /// # Errors
    /// [`DownloadError`]. What comes is a stream, which breaks unless it is whole.
    pub async fn download(&self, address: &str) -> Result<ClipDelivery, DownloadError> {
        let broken = |source: Source| DownloadError::Broken(source);
        let nowhere = |nowhere: Nowhere| broken(nowhere.into());
        let refused = |refusal: GuardRefusal| broken(refusal.into());
        let mut url = self.guard.check_any_length(address).map_err(refused)?;
        for _ in 0..=MAX_REDIRECTS {
            let response = self.fetch(url).await?;
            let next = redirect(&response).map_err(nowhere)?;
            let Some(next) = next else { return accepted(response, self) };
            url = self.guard.check_any_length(next.as_str()).map_err(refused)?;
        }
        Err(NotWhole::Redirects.into())
    }

    async fn fetch(&self, url: Url) -> Result<Response, DownloadError> {
        let sent = self.open.get(url).timeout(self.timeouts.download).send().await;
        sent.map_err(|error| DownloadError::Broken(error.without_url().into()))
    }
}

fn accepted(response: Response, http: &Http) -> Result<ClipDelivery, DownloadError> {
    let status = response.status();
    if status != StatusCode::OK {
        return Err(
            match fault::class_of_status(fault::STORAGE, Phase::Collect, status.as_u16()) {
                Class::Gone => DownloadError::Expired,
                _ => NotWhole::Status(status.as_u16()).into(),
            },
        );
    }
    match media_type(response.headers()) {
        Some(media_type) if is_text(&media_type) => Err(NotWhole::Type(media_type).into()),
        _ => Ok(delivery(response, http.timeouts.idle)?),
    }
}

/// Whether an answer is a clip rather than a message.
pub(super) fn is_clip(headers: &HeaderMap) -> bool {
    let is_video = |text: &str| text.starts_with("video/") || text == "application/octet-stream";
    media_type(headers).is_some_and(|media_type| is_video(&media_type))
}

fn is_text(media_type: &str) -> bool {
    let known = ["text/html", "text/plain", "text/xml", "application/json", "application/xml"];
    known.contains(&media_type) || media_type.ends_with("+xml") || media_type.ends_with("+json")
}

/// The body of an answer, as a stream that breaks unless all of it comes.
///
/// # Errors
/// If more is announced than is taken.
pub(super) fn delivery(response: Response, idle: Duration) -> Result<ClipDelivery, NotWhole> {
    let headers = response.headers();
    let check = Check::of(headers, MAX_CLIP_BYTES)?;
    let content_type = media_type(headers);
    Ok(ClipDelivery { content_type, bytes: whole(response.bytes_stream().boxed(), check, idle) })
}

/// What is known of the bytes before they come, and what has come.
struct Check {
    announced: Option<u64>,
    md5: Option<(Md5, Vec<u8>)>,
    most: u64,
    came: u64,
}

impl Check {
    /// Of what these headers announce; `most` bytes are taken at most.
    fn of(headers: &HeaderMap, most: u64) -> Result<Self, NotWhole> {
        let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        let announced = length.and_then(|length| length.parse().ok());
        if announced.is_some_and(|announced: u64| announced > most) {
            return Err(NotWhole::TooLarge(most));
        }
        let md5 = md5_of(headers).map(|md5| (Md5::new(), md5));
        Ok(Self { announced, md5, most, came: 0 })
    }

    fn take(&mut self, chunk: &Bytes) -> Result<(), NotWhole> {
        self.came += chunk.len() as u64;
        if self.came > self.most {
            return Err(NotWhole::TooLarge(self.most));
        }
        if let Some((md5, _)) = &mut self.md5 {
            md5.update(chunk);
        }
        match self.announced {
            Some(announced) if self.came > announced => {
                Err(NotWhole::Length { came: self.came, announced })
            }
            _ => Ok(()),
        }
    }

    fn end(self) -> Result<(), NotWhole> {
        if let Some(announced) = self.announced.filter(|announced| *announced != self.came) {
            return Err(NotWhole::Length { came: self.came, announced });
        }
        let is_same = |(md5, expected): (Md5, Vec<u8>)| md5.finalize().as_slice() == expected;
        if self.md5.is_none_or(is_same) { Ok(()) } else { Err(NotWhole::Checksum) }
    }
}

type Incoming = BoxStream<'static, reqwest::Result<Bytes>>;

fn whole(bytes: Incoming, check: Check, idle: Duration) -> ByteStream {
    stream::try_unfold(Some((bytes, check)), move |state| async move {
        let Some((mut bytes, mut check)) = state else { return Ok(None) };
        let next = tokio::time::timeout(idle, bytes.next()).await;
        match next.map_err(|_| Source::from(NotWhole::Idle(idle)))? {
            Some(Ok(chunk)) => {
                check.take(&chunk)?;
                Ok(Some((chunk, Some((bytes, check)))))
            }
            Some(Err(error)) => Err(Source::from(error.without_url())),
            None => {
                check.end()?;
                Ok(None)
            }
        }
    })
    .boxed()
}

/// The MD5 that the storage tells of the bytes as they are sent.
///
/// Source: RFC 1864 (`content-md5`); Cloud Storage XML API, "x-goog-hash", which is of the stored
/// bytes: of others where they are stored compressed.
fn md5_of(headers: &HeaderMap) -> Option<Vec<u8>> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(md5) = text("content-md5") {
        return STANDARD.decode(md5.trim()).ok().filter(|md5| md5.len() == 16);
    }
    if text("x-goog-stored-content-encoding").is_some_and(|encoding| encoding != "identity") {
        return None;
    }
    let hashes = headers.get_all("x-goog-hash").iter().filter_map(|value| value.to_str().ok());
    let md5 = hashes.flat_map(|value| value.split(',')).find_map(|hash| {
        let hash = hash.trim().strip_prefix("md5=")?;
        STANDARD.decode(hash).ok()
    });
    md5.filter(|md5| md5.len() == 16)
}

#[cfg(test)]
mod tests;
