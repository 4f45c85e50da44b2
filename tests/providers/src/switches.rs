//! How a provider is to behave.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::contract;
use crate::name::{Endpoint, Name};

/// How one provider behaves. The default is a good day.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Switches {
    /// From the taking of an order until it is done.
    pub latency_ms: u64,
    /// The wait before every answer, after an order was taken.
    pub answer_ms: u64,
    /// Orders under way, above which the provider does what it does when there are too many.
    pub concurrency: Option<u32>,
    /// Answers that are given first, instead of its own.
    pub answers: Vec<Scripted>,
    /// Connections that are reset. They come before `answers`.
    pub cuts: Vec<Cut>,
    /// Every connection is reset and nothing is read, counted or recorded.
    pub refuse_connections: bool,
    /// What becomes of orders that are taken from now on.
    pub outcome: Outcome,
    /// What a download gets.
    pub download: Download,
    /// Downloads, after which they are whole again.
    pub download_times: Option<u32>,
    /// How webhooks are sent.
    pub webhooks: Webhooks,
    /// How Replicate writes the output.
    pub output: OutputShape,
    /// The keys that it accepts; none: its own.
    pub keys: Vec<String>,
    /// LTX v1 answers `application/octet-stream` instead of `video/mp4`.
    pub legacy_octets: bool,
}

/// An answer that is given instead of the provider's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scripted {
    /// To what.
    pub to: Endpoint,
    /// How often.
    #[serde(default = "one")]
    pub times: u32,
    /// With this status.
    pub status: u16,
    /// With these headers.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// A string is sent as it is, null as nothing, all else as JSON.
    #[serde(default)]
    pub body: Value,
    /// Without one: JSON, or plain text for a string.
    #[serde(default)]
    pub content_type: Option<String>,
    /// Whether an order is taken nevertheless.
    #[serde(default)]
    pub take: bool,
}

impl Scripted {
    /// One answer of this status and body.
    pub fn new(to: Endpoint, status: u16, body: impl Into<Value>) -> Self {
        Self {
            to,
            times: 1,
            status,
            headers: Vec::new(),
            body: body.into(),
            content_type: None,
            take: false,
        }
    }

    /// One answer as the contract of that name has it, if there is one.
    pub fn contract(provider: Name, name: &str, to: Endpoint) -> Option<Self> {
        let answer = contract::answer(provider, name)?;
        let headers = answer.headers.into_iter().collect();
        Some(Self { headers, ..Self::new(to, answer.status, answer.body) })
    }

    /// So often.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times, ..self }
    }

    /// With this header too.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The order is taken all the same.
    #[must_use]
    pub fn taking(self) -> Self {
        Self { take: true, ..self }
    }
}

/// A connection that is reset in the middle of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cut {
    /// To what.
    pub to: Endpoint,
    /// How often.
    #[serde(default = "one")]
    pub times: u32,
    /// Bytes of the answer, its head included, that are written first.
    #[serde(default)]
    pub after_bytes: usize,
    /// Whether an order is taken before.
    #[serde(default)]
    pub take: bool,
}

fn one() -> u32 {
    1
}

/// What becomes of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A clip.
    #[default]
    Succeed,
    /// No clip.
    Fail {
        /// Why.
        kind: Failure,
        /// LTX says so at once and takes no order. The others say it when the work ends.
        #[serde(default)]
        at_submit: bool,
    },
    /// It stays under way.
    Never,
    /// Its deadline passes before it starts: Replicate's `aborted`, elsewhere an internal failure.
    Aborted,
}

impl Outcome {
    /// Fails for this reason when the work ends.
    pub fn failing(kind: Failure) -> Self {
        Self::Fail { kind, at_submit: false }
    }
}

/// Why there is no clip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// The prompt or the photo is not allowed.
    Moderation,
    /// The photo cannot be used.
    Input,
    /// The provider broke.
    Internal,
}

/// What a download gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Download {
    /// The clip.
    #[default]
    Whole,
    /// Half of the clip, under the `Content-Length` of the whole.
    Truncated,
    /// A page, with status 200.
    Html,
    /// The URL has expired, and stays so. A look gives another.
    Expired {
        /// 403 or 404.
        #[serde(default = "forbidden")]
        status: u16,
        /// How many URLs of an order have expired; without it, all.
        #[serde(default)]
        expire_first: Option<u32>,
    },
    /// Half of the clip, under a `Content-Length` of half.
    WrongLength,
    /// So many bytes that are no clip, as [`sized_content`](crate::sized_content) tells.
    Sized(u64),
}

fn forbidden() -> u16 {
    403
}

/// How webhooks are sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Webhooks {
    /// Whether they are.
    pub send: bool,
    /// How often each, all with one id.
    pub copies: u32,
    /// From the end of the work.
    pub delay_ms: u64,
    /// The body is changed after it was signed.
    pub tamper: bool,
    /// The signature is left out.
    pub unsigned: bool,
    /// Signed with a key that nobody knows.
    pub wrong_key: bool,
    /// Signed for ten minutes ago.
    pub stale: bool,
    /// The same bytes and headers come once more, half a second later.
    pub replay: bool,
}

impl Default for Webhooks {
    fn default() -> Self {
        Self {
            send: true,
            copies: 1,
            delay_ms: 0,
            tamper: false,
            unsigned: false,
            wrong_key: false,
            stale: false,
            replay: false,
        }
    }
}

/// How Replicate writes the output; models differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputShape {
    /// A URL.
    #[default]
    Url,
    /// A list with a URL.
    List,
    /// An object, in which `video` is a URL.
    Object,
}
