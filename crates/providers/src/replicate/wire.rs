//! What is sent to Replicate and what comes back.
//!
//! Source: Replicate docs, "HTTP API" and "Prediction lifecycle"; its JavaScript client.

use std::path::Path;
use std::time::Duration;

use ports::{Look, Source, SubmitError, Submitted};
use reqwest::Body;
use reqwest::multipart::{Form, Part};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_util::io::ReaderStream;
use url::Url;

use crate::http::{Answer, obeyed};

/// An order.
#[derive(Debug, Serialize)]
pub(super) struct Order<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    input: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_events_filter: Option<[&'static str; 1]>,
}

impl<'a> Order<'a> {
    pub(super) fn of(version: Option<&'a str>, input: Value, webhook: Option<Url>) -> Self {
        let webhook_events_filter = webhook.is_some().then_some(["completed"]);
        Self { version, input, webhook: webhook.map(String::from), webhook_events_filter }
    }
}

/// An order that was taken. Nothing else of it has to be understood.
#[derive(Debug, Deserialize)]
pub(super) struct Taken {
    pub(super) id: String,
}

/// A photo that was left there.
#[derive(Debug, Deserialize)]
pub(super) struct File {
    pub(super) urls: FileUrls,
}

#[derive(Debug, Deserialize)]
pub(super) struct FileUrls {
    pub(super) get: String,
}

/// The form in which a photo is left there.
pub(super) async fn form(photo: &Path) -> Result<Form, Source> {
    let file = tokio::fs::File::open(photo).await?;
    let size_bytes = file.metadata().await?.len();
    let part = Part::stream_with_length(Body::wrap_stream(ReaderStream::new(file)), size_bytes);
    Ok(Form::new().part("content", part.file_name("photo.jpg").mime_str("image/jpeg")?))
}

/// How the work stands.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Prediction {
    pub(super) status: Status,
    #[serde(default)]
    output: Value,
    #[serde(default, deserialize_with = "text")]
    pub(super) error: Option<String>,
    #[serde(default)]
    data_removed: Option<bool>,
    #[serde(default)]
    started_at: Option<String>,
}

/// One of the states that are documented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    Starting,
    Processing,
    Succeeded,
    Failed,
    Canceled,
    Aborted,
    /// One that is new to us is one of the ways to be under way: the deadline ends it.
    #[serde(other)]
    New,
}

impl Prediction {
    /// The address of the clip. The output is what the model makes of it: an address, a list of
    /// them, or an object with some.
    pub(super) fn address(&self) -> Option<&str> {
        match self.status {
            Status::Succeeded => address(&self.output),
            _ => None,
        }
    }

    /// Whether what came of it has been deleted. A model that makes nothing at all looks the same.
    pub(super) fn is_removed(&self) -> bool {
        self.data_removed == Some(true) || self.output.is_null()
    }

    pub(super) fn has_begun(&self) -> bool {
        self.started_at.is_some()
    }
}

fn address(output: &Value) -> Option<&str> {
    match output {
        Value::String(text) => is_address(text).then_some(text),
        Value::Array(all) => all.iter().find_map(address),
        Value::Object(fields) => {
            let likely = ["video", "output", "url"].into_iter().filter_map(|name| fields.get(name));
            likely.chain(fields.values()).find_map(address)
        }
        _ => None,
    }
}

fn is_address(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

/// An error is a text; whatever else it is, is told as it is written.
fn text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    })
}

#[derive(Deserialize)]
struct Throttled {
    retry_after: f64,
}

/// The pause that the body asks for, where no header does.
fn pause(answer: &Answer) -> Option<Duration> {
    if answer.retry_after().is_some() {
        return None;
    }
    let told: Throttled = answer.json().ok()?;
    Duration::try_from_secs_f64(told.retry_after).ok().map(obeyed)
}

/// With the pause that the body asks for.
pub(super) fn with_pause(
    submitted: Result<Submitted, SubmitError>,
    answer: &Answer,
) -> Result<Submitted, SubmitError> {
    match (submitted, pause(answer)) {
        (Ok(Submitted::Later { note, .. }), Some(after)) => Ok(Submitted::Later { after, note }),
        (submitted, _) => submitted,
    }
}

/// With the pause that the body asks for.
pub(super) fn with_look_pause(look: Look, answer: &Answer) -> Look {
    match (look, pause(answer)) {
        (Look::Busy { .. }, Some(after)) => Look::Busy { after },
        (look, _) => look,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(output: &Value) -> Option<String> {
        let prediction = json!({"id": "p", "status": "succeeded", "output": output});
        let prediction: Prediction = serde_json::from_value(prediction).expect("a prediction");
        prediction.address().map(ToOwned::to_owned)
    }

    #[test]
    fn the_clip_is_found_in_every_shape() {
        let url = "https://a/out.mp4";

        for output in [
            json!(url),
            json!([url, "https://a/2.mp4"]),
            json!({"video": url}),
            json!({"a_preview": "https://a/p.png", "video": url}),
            json!({"seed": 7, "files": [{"url": url}]}),
        ] {
            assert_eq!(found(&output).as_deref(), Some(url), "{output}");
        }
        for output in [json!("words"), json!([]), json!(7), Value::Null] {
            assert_eq!(found(&output), None, "{output}");
        }
    }

    #[test]
    fn a_state_that_is_new_is_no_end() {
        let prediction = json!({"status": "queued", "error": {"code": 1}});
        let prediction: Prediction = serde_json::from_value(prediction).expect("a prediction");

        assert_eq!(prediction.status, Status::New);
        assert_eq!(prediction.error.as_deref(), Some("{\"code\":1}"));
        assert_eq!(prediction.address(), None);
    }
}
