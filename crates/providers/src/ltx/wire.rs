//! What is sent to LTX and what comes back.
//!
//! Source: the LTX API's `OpenAPI` description.

use std::collections::BTreeMap;

use domain::{ClipSpec, Resolution};
use serde::{Deserialize, Serialize};

/// An order.
#[derive(Debug, Serialize)]
pub(super) struct Order<'a> {
    image_uri: &'a str,
    prompt: &'a str,
    model: &'a str,
    /// Seconds.
    duration: u32,
    resolution: Resolution,
    fps: u32,
    /// Sound is made, and charged, unless it is declined.
    generate_audio: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    camera_motion: Option<&'a str>,
}

impl<'a> Order<'a> {
    pub(super) fn of(spec: &'a ClipSpec, image_uri: &'a str, prompt: &'a str) -> Self {
        Self {
            image_uri,
            prompt,
            model: &spec.model,
            duration: spec.duration_secs,
            resolution: spec.resolution,
            fps: spec.frame_rate,
            generate_audio: spec.audio,
            camera_motion: spec.camera_motion.as_deref(),
        }
    }
}

/// An order that was taken.
#[derive(Debug, Deserialize)]
pub(super) struct Taken {
    pub(super) id: String,
}

/// How the work stands.
#[derive(Debug, Deserialize)]
pub(super) struct Job {
    /// `pending`, `processing`, `completed` or `failed`.
    pub(super) status: String,
    pub(super) result: Option<JobResult>,
    pub(super) error: Option<JobError>,
}

#[derive(Debug, Deserialize)]
pub(super) struct JobResult {
    pub(super) video_url: String,
}

/// Why there is no clip.
#[derive(Debug, Deserialize)]
pub(super) struct JobError {
    #[serde(rename = "type", default)]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) message: String,
}

/// A place for a photo.
#[derive(Debug, Deserialize)]
pub(super) struct Place {
    pub(super) upload_url: String,
    pub(super) storage_uri: String,
    /// Part of what is signed.
    #[serde(default)]
    pub(super) required_headers: BTreeMap<String, String>,
}

#[cfg(test)]
mod tests {
    use fake_providers::{Name, contract};
    use serde_json::json;

    use super::*;
    use crate::fixtures;
    use crate::registry::Registry;

    fn spec() -> ClipSpec {
        let entry = Registry::built_in().entry("ltx").expect("an entry");
        fixtures::order(&entry).spec
    }

    #[test]
    fn an_order_is_what_the_contract_says() {
        let spec = ClipSpec { camera_motion: Some("dolly_in".to_owned()), ..spec() };
        let photo = "https://img.example.com/garden.jpg";

        let order = json!(Order::of(&spec, photo, "a calm walk towards the pond"));

        assert_eq!(order, contract(Name::Ltx, "submit.request")["body"]);
    }

    #[test]
    fn sound_is_declined_and_an_unnamed_motion_is_left_out() {
        let order = json!(Order::of(&spec(), "u", "p"));

        assert_eq!(order["generate_audio"], false);
        assert!(order.get("camera_motion").is_none());
    }

    #[test]
    fn every_answer_of_the_contract_is_read() {
        let body = |name| contract(Name::Ltx, name)["body"].clone();

        let taken: Taken = serde_json::from_value(body("submit.answer")).expect("read");
        let upload: Place = serde_json::from_value(body("upload.answer")).expect("read");
        let done: Job = serde_json::from_value(body("look.completed")).expect("read");
        let failed: Job = serde_json::from_value(body("look.failed")).expect("read");

        assert_eq!(taken.id, "job_7d0c");
        assert_eq!(upload.required_headers["x-goog-if-generation-match"], "0");
        assert!(done.result.is_some_and(|result| result.video_url.contains("sig=")));
        assert_eq!(failed.error.map(|error| error.kind).as_deref(), Some("content_filtered_error"));
    }
}
