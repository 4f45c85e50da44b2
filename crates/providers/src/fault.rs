//! What an answer that is not a yes means: one table for all providers, and defaults for the rest.

mod matrix;
mod table;

use domain::RefusedOver;
use serde_json::Value;

use crate::http::Answer;

pub use matrix::matrix;
pub use table::{REPLICATE_ABORTED, REPLICATE_STOPPED, TABLE};

/// The storage that a provider names, for photos and clips. It has rows of its own.
pub const STORAGE: &str = "storage";

/// What an answer means for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// It is a no, about this. Nothing was taken, or what was taken has ended.
    Refused(RefusedOver),
    /// Not now. Nothing was taken; the same may be asked again.
    Later,
    /// Whether the order was taken is not known.
    Unknown,
    /// There is no such work, no such file, or no longer.
    Gone,
    /// The answer makes no sense here. Nothing was taken.
    Broken,
}

/// What was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// To take a photo.
    Upload,
    /// To take an order.
    Submit,
    /// How the work stands.
    Look,
    /// What became of the work, where that is asked apart (fal).
    Result,
    /// To hand over the clip.
    Collect,
    /// To stop.
    CallOff,
}

impl Phase {
    /// The name in tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Upload => "upload",
            Self::Submit => "submit",
            Self::Look => "look",
            Self::Result => "result",
            Self::Collect => "collect",
            Self::CallOff => "call off",
        }
    }
}

/// How it was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// With this status.
    Status(u16),
    /// With a good status, about work that has ended without a clip.
    Ended,
}

/// One line of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Who says it.
    pub provider: &'static str,
    /// When asked one of these.
    pub phases: &'static [Phase],
    /// How.
    pub when: When,
    /// What it also says: part of a type, code, title or sentence, or a header as `name: value`.
    pub sign: Option<&'static str>,
    /// What that means.
    pub class: Class,
    /// What it is, in few words.
    pub note: &'static str,
}

/// What an answer means: the first row that fits, else the default for its status.
pub fn class_of(provider: &str, phase: Phase, answer: &Answer) -> Class {
    let status = answer.status.as_u16();
    let said = signs(&answer.body);
    let shows = |sign: &str| said.iter().any(|said| said.contains(sign)) || header(answer, sign);
    first(provider, phase, When::Status(status), shows)
        .unwrap_or_else(|| undocumented(phase, status))
}

/// What an answer means of which only the status is known.
pub fn class_of_status(provider: &str, phase: Phase, status: u16) -> Class {
    first(provider, phase, When::Status(status), |_| false)
        .unwrap_or_else(|| undocumented(phase, status))
}

/// What work was refused over that has ended without a clip, by the code and the words for it.
/// Without a row: the provider broke.
pub fn refused_over(provider: &str, phase: Phase, said: &[&str]) -> RefusedOver {
    let shows = |sign: &str| said.iter().any(|said| said.contains(sign));
    match first(provider, phase, When::Ended, shows) {
        Some(Class::Refused(over)) => over,
        _ => RefusedOver::Fault,
    }
}

fn first(provider: &str, phase: Phase, when: When, shows: impl Fn(&str) -> bool) -> Option<Class> {
    let fits = |row: &&Row| {
        row.provider == provider
            && row.phases.contains(&phase)
            && row.when == when
            && row.sign.is_none_or(&shows)
    };
    TABLE.iter().find(fits).map(|row| row.class)
}

/// What a status means that its provider does not document.
///
/// At a submit a 4xx is a no, but a 408 and a 5xx may have been a yes: behind a gateway the order may
/// go on.
/// Elsewhere nothing is at stake, and a 5xx is asked again.
const fn undocumented(phase: Phase, status: u16) -> Class {
    use RefusedOver::{Credit, Input, Key};
    match (phase, status) {
        (Phase::Submit | Phase::Upload, 401) => Class::Refused(Key),
        (Phase::Submit | Phase::Upload, 402) => Class::Refused(Credit),
        (Phase::Collect, 401 | 403 | 404 | 410)
        | (Phase::Look | Phase::Result | Phase::CallOff, 404 | 410) => Class::Gone,
        (Phase::Submit, 408) => Class::Unknown,
        (_, 408 | 425 | 429) => Class::Later,
        (Phase::Submit | Phase::Upload, 400..=499) => Class::Refused(Input),
        (Phase::Submit, 300..=399) => Class::Broken,
        (Phase::Submit, _) => Class::Unknown,
        (_, 500..) => Class::Later,
        _ => Class::Broken,
    }
}

/// Where APIs put what the matter is. What they repeat of the request is nowhere among these.
const TELLING: [&str; 7] = ["type", "error_type", "code", "title", "error", "detail", "status"];

/// What an answer says the matter is; all of it, if it is not JSON.
fn signs(body: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    match serde_json::from_slice(body) {
        Ok(value) => gather(&value, &mut found),
        Err(_) => found.push(String::from_utf8_lossy(body).into_owned()),
    }
    found
}

fn gather(value: &Value, found: &mut Vec<String>) {
    let Value::Object(fields) = value else { return };
    for value in TELLING.iter().filter_map(|name| fields.get(*name)) {
        match value {
            Value::String(text) => found.push(text.clone()),
            Value::Array(all) => all.iter().for_each(|value| gather(value, found)),
            other => gather(other, found),
        }
    }
}

fn header(answer: &Answer, sign: &str) -> bool {
    let header = sign.split_once(": ");
    header.is_some_and(|(name, value)| answer.header(name) == Some(value))
}

#[cfg(test)]
mod tests;
