//! Recorded requests and answers of the providers. What is answered is made from them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::name::{Endpoint, Name};
use crate::switches::Scripted;

/// An answer that is documented, and not a yes.
#[derive(Clone, Debug, PartialEq)]
pub struct Documented {
    /// Of its contract.
    pub name: &'static str,
    /// What is answered so.
    pub endpoint: Endpoint,
    /// Its status, 400 or above.
    pub status: u16,
    /// Its headers.
    pub headers: Vec<(String, String)>,
    /// Its body; a string is not JSON.
    pub body: Value,
}

impl Documented {
    /// Gives this answer so often.
    pub fn scripted(&self, times: u32) -> Scripted {
        let headers = self.headers.clone();
        Scripted { times, headers, ..Scripted::new(self.endpoint, self.status, self.body.clone()) }
    }
}

/// A recorded answer.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Answer {
    /// What may be answered so.
    #[serde(default)]
    pub(crate) to: Vec<Endpoint>,
    pub(crate) status: u16,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) body: Value,
}

/// The contract of that name, such as `look.completed`; null if there is none.
pub fn contract(provider: Name, name: &str) -> Value {
    text(provider, name).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// All contracts of a provider.
pub fn contracts(provider: Name) -> Vec<(&'static str, Value)> {
    let named = texts(provider).iter();
    named.map(|(name, text)| (*name, serde_json::from_str(text).unwrap_or_default())).collect()
}

/// The answer in the contract of that name.
pub(crate) fn answer(provider: Name, name: &str) -> Option<Answer> {
    serde_json::from_str(text(provider, name)?).ok()
}

/// Every answer of a provider that is not a yes, once for each endpoint that gives it.
pub(crate) fn documented(provider: Name) -> Vec<Documented> {
    let answers = texts(provider).iter().filter_map(|(name, text)| {
        let answer: Answer = serde_json::from_str(text).ok()?;
        Some((*name, answer))
    });
    answers
        .flat_map(|(name, answer)| {
            answer.to.clone().into_iter().map(move |endpoint| Documented {
                name,
                endpoint,
                status: answer.status,
                headers: answer.headers.clone().into_iter().collect(),
                body: answer.body.clone(),
            })
        })
        .collect()
}

fn text(provider: Name, name: &str) -> Option<&'static str> {
    texts(provider).iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

type Texts = &'static [(&'static str, &'static str)];

fn texts(provider: Name) -> Texts {
    match provider {
        Name::Ltx => LTX,
        Name::Runway => RUNWAY,
        Name::Replicate => REPLICATE,
        Name::Fal => FAL,
    }
}

macro_rules! texts {
    ($folder:literal: $($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../contracts/", $folder, "/", $name, ".json")))),*]
    };
}

const LTX: Texts = texts![
    "ltx":
        "error.400",
        "error.401",
        "error.402",
        "error.403",
        "error.404",
        "error.413",
        "error.422",
        "error.429-concurrency",
        "error.429-rate",
        "error.500",
        "error.503",
        "error.503-variant",
        "error.504",
        "error.529",
        "look.completed",
        "look.failed",
        "look.failed-input",
        "look.failed-internal",
        "look.pending",
        "look.processing",
        "submit-legacy.request",
        "submit.answer",
        "submit.request",
        "upload.answer",
        "upload.request",
];

const RUNWAY: Texts = texts![
    "runway":
        "account.answer",
        "cancel.answer",
        "error.400-credits",
        "error.400-validation",
        "error.400-version",
        "error.401",
        "error.403",
        "error.404",
        "error.405",
        "error.429",
        "error.502",
        "error.503",
        "error.504",
        "look.cancelled",
        "look.failed",
        "look.failed-bad-output",
        "look.failed-input",
        "look.failed-input-image",
        "look.failed-internal",
        "look.failed-no-code",
        "look.failed-output",
        "look.failed-preprocessing",
        "look.pending",
        "look.running",
        "look.succeeded",
        "look.throttled",
        "submit.answer",
        "submit.request",
        "upload.answer",
        "upload.request",
];

const REPLICATE: Texts = texts![
    "replicate":
        "account.answer",
        "error.401",
        "error.402",
        "error.404",
        "error.422-input",
        "error.422-version",
        "error.429",
        "error.500",
        "error.502",
        "error.503",
        "look.aborted",
        "look.canceled",
        "look.failed",
        "look.failed-input",
        "look.failed-internal",
        "look.processing",
        "look.starting",
        "look.succeeded",
        "look.succeeded-list",
        "look.succeeded-object",
        "look.succeeded-removed",
        "secret.answer",
        "submit-model.request",
        "submit.answer",
        "submit.answer-held",
        "submit.request",
        "upload.answer",
        "webhook.completed",
];

const FAL: Texts = texts![
    "fal":
        "cancel.answer",
        "cancel.requested",
        "cancel.too-late",
        "cancel.unknown",
        "error.400-bad-request",
        "error.401",
        "error.403",
        "error.403-balance",
        "error.404",
        "error.422-image",
        "error.422-input",
        "error.422-moderation",
        "error.422-retryable",
        "error.429",
        "error.499-client-cancelled",
        "error.499-client-disconnected",
        "error.500-internal-error",
        "error.500-runner-server-error",
        "error.502-runner-incomplete-response",
        "error.503-runner-connection-error",
        "error.503-runner-connection-refused",
        "error.503-runner-connection-timeout",
        "error.503-runner-disconnected",
        "error.503-runner-scheduling-failure",
        "error.504-request-timeout",
        "error.504-startup-timeout",
        "error.504-user-timeout",
        "jwks.answer",
        "look.completed",
        "look.in-progress",
        "look.in-queue",
        "result.answer",
        "result.answer-bare",
        "submit.answer",
        "submit.request",
        "upload.answer",
        "upload.request",
        "webhook.error",
        "webhook.ok",
        "webhook.payload-error",
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_file_is_a_contract() {
        for provider in Name::ALL {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("contracts");
            let files = std::fs::read_dir(folder.join(provider.as_str())).expect("a folder");
            let stems = files.map(|file| {
                let name = file.expect("a file").file_name().into_string().expect("text");
                name.strip_suffix(".json").expect("JSON").to_owned()
            });

            let known = texts(provider).iter().map(|(name, _)| (*name).to_owned());
            assert_eq!(stems.collect::<BTreeSet<_>>(), known.collect());
        }
    }

    #[test]
    fn every_contract_is_a_request_or_an_answer() {
        for (name, contract) in Name::ALL.into_iter().flat_map(contracts) {
            let request = contract["method"].is_string();
            let answer: Result<Answer, _> = serde_json::from_value(contract);
            assert_ne!(request, answer.is_ok(), "{name}");
            let wrong = name.starts_with("error.");
            assert_eq!(answer.is_ok_and(|answer| !answer.to.is_empty()), wrong, "{name}");
        }
    }
}
