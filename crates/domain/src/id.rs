//! Identities. All of them can be derived again from what they identify, so a repeat of the same
//! cause names the same thing.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Name space of every identity derived here (a random UUID, fixed for ever).
const NAMESPACE: Uuid = Uuid::from_u128(0x6f1d_9a54_27c3_4e0e_9f43_5b1c_08d2_7e61);

/// The text is not an identity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a UUID")]
pub struct InvalidId {
    /// What was given.
    pub text: String,
    /// Why it is none.
    pub source: uuid::Error,
}

/// Identity of a job; also `videos.id` in the user's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(Uuid);

impl JobId {
    /// The job whose id the API made.
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// Reads the hyphenated form.
    ///
    /// # Errors
    /// [`InvalidId`] if `text` is not a hyphenated UUID.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let invalid = |source| InvalidId { text: text.to_owned(), source };
        let hyphenated = text.parse::<uuid::fmt::Hyphenated>().map_err(invalid)?;
        Ok(Self(hyphenated.into_uuid()))
    }

    /// The job that a caller asked for under a key of its own: the same request is the same job.
    pub fn of_request(caller: &str, request: &str) -> Self {
        let name = format!("request\n{caller}\n{request}");
        Self(Uuid::new_v5(&NAMESPACE, name.as_bytes()))
    }

    /// The job of an object dropped in without the API: the same object is the same job.
    pub fn of_object(bucket: &str, key: &str, etag: &str) -> Self {
        let name = format!("upload\n{bucket}\n{key}\n{}", etag.trim_matches('"'));
        Self(Uuid::new_v5(&NAMESPACE, name.as_bytes()))
    }

    fn derive(self, what: &str) -> Uuid {
        Uuid::new_v5(&NAMESPACE, format!("{}\n{what}", self.0).as_bytes())
    }
}

impl std::fmt::Display for JobId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

/// Identity of one rendering of a job's clip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RenderId(Uuid);

impl RenderId {
    /// The rendering that follows from a clip: the same clip is rendered once.
    pub fn of_clip(job: JobId, clip_etag: &str) -> Self {
        Self(job.derive(&format!("render\n{}", clip_etag.trim_matches('"'))))
    }

    /// The rendering that somebody asked for: the same request is rendered once.
    pub fn of_request(job: JobId, request: &str) -> Self {
        Self(job.derive(&format!("render request\n{request}")))
    }

    /// Reads the hyphenated form.
    ///
    /// # Errors
    /// [`InvalidId`] if `text` is not a UUID.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        JobId::parse(text).map(|id| Self(id.0))
    }
}

impl std::fmt::Display for RenderId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

/// Identity of a fact; what consumers de-duplicate by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(Uuid);

impl EventId {
    /// The fact that an endpoint was disabled, which happens once until it is enabled again.
    pub fn of_endpoint(endpoint: &str, disabled_at_ms: u64) -> Self {
        let name = format!("endpoint disabled\n{endpoint}\n{disabled_at_ms}");
        Self(Uuid::new_v5(&NAMESPACE, name.as_bytes()))
    }

    /// The fact that stands at `seq` in the history of `job`.
    pub fn of_fact(job: JobId, seq: u64, detail_type: &str) -> Self {
        Self(job.derive(&format!("fact\n{seq}\n{detail_type}")))
    }

    /// Reads the hyphenated form.
    ///
    /// # Errors
    /// [`InvalidId`] if `text` is not a UUID.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        JobId::parse(text).map(|id| Self(id.0))
    }
}

impl std::fmt::Display for EventId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

/// Ties together what different functions log about one job: 32 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TraceId(String);

impl TraceId {
    /// The trace of a job.
    pub fn of_job(job: JobId) -> Self {
        Self(job.derive("trace").simple().to_string())
    }

    /// Reads the hexadecimal digits; none if that is not what they are.
    pub fn parse(text: &str) -> Option<Self> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        (text.len() == 32 && text.bytes().all(is_digit)).then(|| Self(text.to_owned()))
    }

    /// The hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_object_is_the_same_job_however_its_etag_is_quoted() {
        let bare = JobId::of_object("media", "uploads/a.jpg", "abc");

        assert_eq!(JobId::of_object("media", "uploads/a.jpg", "\"abc\""), bare);
        assert_ne!(JobId::of_object("media", "uploads/a.jpg", "abd"), bare);
        assert_ne!(JobId::of_object("media", "uploads/b.jpg", "abc"), bare);
    }

    #[test]
    fn a_trace_is_read_back_and_nothing_else_is_one() {
        let trace = TraceId::of_job(JobId::of_object("media", "uploads/a.jpg", "abc"));

        assert_eq!(TraceId::parse(trace.as_str()), Some(trace.clone()));
        for other in ["", &trace.as_str()[1..], &"A".repeat(32), &"g".repeat(32)] {
            assert_eq!(TraceId::parse(other), None, "{other}");
        }
    }

    #[test]
    fn only_the_hyphenated_form_is_a_job_id() {
        let id = "0192f0c1-7e57-7abc-8def-001122334455";

        assert_eq!(JobId::parse(id).map(|id| id.to_string()).as_deref(), Ok(id));
        assert!(JobId::parse("0192f0c17e577abc8def001122334455").is_err());
        assert!(JobId::parse("holiday").is_err());
    }
}
