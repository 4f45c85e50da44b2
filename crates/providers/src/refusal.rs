//! Answers that are not yes, in the words of the port.

use std::borrow::Cow;
use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use domain::RefusedOver;
use ports::{GenerationRefusal, Look, Source, SubmitError, Submitted};
use serde_json::Value;

use crate::fault::{Class, Phase, class_of};
use crate::http::{Answer, Unanswered};

/// How long to wait when the provider does not say; up to half of it is added.
const PAUSE: Duration = Duration::from_secs(10);
/// Longest sentence of a provider that is passed on, in characters.
const MAX_SAID: usize = 200;
/// Shortest word that may be a key, in characters.
const KEY_LIKE: usize = 24;

/// An answer that was not to be expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("status {status}{}", said.as_ref().map(|said| format!(": {said}")).unwrap_or_default())]
pub struct Unexpected {
    /// Its status.
    pub status: u16,
    /// What it says.
    pub said: Option<String>,
}

impl Unexpected {
    /// What was not to be expected of this answer.
    pub fn of(answer: &Answer) -> Self {
        Self { status: answer.status.as_u16(), said: said(answer) }
    }
}

/// Why an order did not get as far as a yes.
#[derive(Debug)]
pub enum NotOrdered {
    /// The provider, or what is known of it, has another answer.
    Answer(Submitted),
    /// There is no answer.
    Fault(SubmitError),
}

impl NotOrdered {
    /// The same, as the port has it.
    ///
    /// # Errors
    /// [`SubmitError`] if there is no answer.
    pub fn into_submitted(self) -> Result<Submitted, SubmitError> {
        match self {
            Self::Answer(answer) => Ok(answer),
            Self::Fault(fault) => Err(fault),
        }
    }
}

impl From<GenerationRefusal> for NotOrdered {
    fn from(refusal: GenerationRefusal) -> Self {
        Self::Answer(Submitted::Refused(refusal))
    }
}

impl From<SubmitError> for NotOrdered {
    fn from(fault: SubmitError) -> Self {
        Self::Fault(fault)
    }
}

impl From<Result<Submitted, SubmitError>> for NotOrdered {
    fn from(answer: Result<Submitted, SubmitError>) -> Self {
        answer.map_or_else(Self::Fault, Self::Answer)
    }
}

/// What an answer to an order means, if it is not a yes. For the upload before it (`phase`), and
/// for the storage (`asked`), too: the provider is who it is told to be from.
///
/// # Errors
/// [`SubmitError`].
pub fn not_submitted(
    provider: &str,
    asked: &str,
    phase: Phase,
    answer: &Answer,
) -> Result<Submitted, SubmitError> {
    let unexpected = Unexpected::of(answer);
    match class_of(asked, phase, answer) {
        Class::Refused(over) => Ok(Submitted::Refused(refusal(provider, over, said(answer)))),
        Class::Later => {
            let after = answer.retry_after().unwrap_or_else(|| jittered(PAUSE));
            Ok(Submitted::Later { after, note: unexpected.to_string() })
        }
        Class::Unknown => Err(SubmitError::Lost(unexpected.into())),
        Class::Gone | Class::Broken => Err(SubmitError::NotTaken(unexpected.into())),
    }
}

/// What it means that an order was not answered.
pub fn submit_unanswered(unanswered: Unanswered) -> SubmitError {
    match unanswered {
        Unanswered::NotSent(source) => SubmitError::NotTaken(source),
        Unanswered::Lost(source) => SubmitError::Lost(source),
    }
}

/// What it means that an upload was not answered: nothing has been ordered yet.
pub fn upload_unanswered(unanswered: Unanswered) -> SubmitError {
    SubmitError::NotTaken(unanswered.into_source())
}

/// What an answer to a look means, if it is not a yes; `pause` is the usual one.
///
/// # Errors
/// If it says nothing about the work.
pub fn not_seen(provider: &str, answer: &Answer, pause: Duration) -> Result<Look, Source> {
    match class_of(provider, Phase::Look, answer) {
        Class::Later => {
            let after = answer.retry_after().unwrap_or_else(|| jittered(pause));
            Ok(Look::Busy { after })
        }
        Class::Gone => Ok(Look::Gone),
        Class::Refused(_) | Class::Unknown | Class::Broken => Err(Unexpected::of(answer).into()),
    }
}

/// A refusal over this, in one sentence for the person who asked, with what the provider said.
pub fn refusal(provider: &str, over: RefusedOver, said: Option<String>) -> GenerationRefusal {
    let what = match over {
        RefusedOver::Input => "cannot film this",
        RefusedOver::Content => "does not allow this photo or prompt",
        RefusedOver::Credit => "is out of credit",
        RefusedOver::Key => "does not accept our key",
        RefusedOver::Model => "does not offer this model",
        RefusedOver::Fault => "failed to film this",
        RefusedOver::Stopped => "was told to stop",
        RefusedOver::Gone => "no longer has this",
    };
    let said = said.map(|said| format!(": {said}")).unwrap_or_default();
    GenerationRefusal { over, reason: format!("{provider} {what}{said}") }
}

/// This pause and up to half of it more, so that not all come back at once.
pub fn jittered(pause: Duration) -> Duration {
    // Every state hashes differently: that is chance enough.
    let chance = RandomState::new().hash_one(0_u8) % 1000;
    let half_ms = u64::try_from(pause.as_millis() / 2).unwrap_or(u64::MAX);
    pause + Duration::from_millis(half_ms.saturating_mul(chance) / 1000)
}

/// What an answer says, fit for a person; none, if it says it to a browser or not at all.
pub fn said(answer: &Answer) -> Option<String> {
    if answer.is_page() {
        return None;
    }
    let text = match serde_json::from_slice::<Value>(&answer.body) {
        Ok(value) => sentence(&value)?.into_owned(),
        Err(_) => String::from_utf8_lossy(&answer.body).into_owned(),
    };
    cleaned(&text)
}

/// The sentence in an answer, in any of the shapes that providers use.
fn sentence(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(text.into()),
        Value::Array(all) => {
            let all: Vec<_> = all.iter().filter_map(sentence).collect();
            (!all.is_empty()).then(|| all.join("; ").into())
        }
        Value::Object(fields) => {
            let named = ["issues", "message", "msg", "detail", "error", "failure", "title"];
            named.into_iter().find_map(|name| sentence(fields.get(name)?))
        }
        _ => None,
    }
}

/// A provider's words without what may be a key or an address, at most 200 characters of them.
pub fn cleaned(text: &str) -> Option<String> {
    let shown: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .map(|word| if is_secret(word) { "…" } else { word })
        .collect();
    let text = shown.join(" ");
    let end = text.char_indices().nth(MAX_SAID).map(|(end, _)| end);
    let cut = end.map_or_else(|| text.clone(), |end| format!("{}…", &text[..end]));
    (!cut.is_empty()).then_some(cut)
}

fn is_secret(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let in_key = |c: char| c.is_ascii_alphanumeric() || "-_.+/=:".contains(c);
    let has_digit = word.contains(|c: char| c.is_ascii_digit());
    let is_long = word.len() >= KEY_LIKE && word.chars().all(in_key) && has_digit;
    let begins =
        ["key_", "r8_", "sk-", "sk_", "whsec_"].iter().any(|start| word.starts_with(start));
    is_long || begins || word.contains("://") || word.starts_with("www.")
}

#[cfg(test)]
mod tests;
