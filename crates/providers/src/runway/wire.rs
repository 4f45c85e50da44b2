//! What is sent to Runway and what comes back.
//!
//! Source: the types of Runway's own SDK, `@runwayml/sdk`.

use std::collections::BTreeMap;

use domain::{ClipSpec, MicroUsd};
use serde::{Deserialize, Serialize};

/// An order.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Order<'a> {
    model: &'a str,
    prompt_image: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    prompt_text: &'a str,
    /// `1280:720`.
    ratio: String,
    /// Seconds.
    duration: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u32>,
    /// Only for models that make sound.
    #[serde(skip_serializing_if = "Option::is_none")]
    audio: Option<bool>,
}

impl<'a> Order<'a> {
    pub(super) fn of(
        spec: &'a ClipSpec,
        prompt_image: &'a str,
        prompt_text: &'a str,
        makes_sound: bool,
    ) -> Self {
        Self {
            model: &spec.model,
            prompt_image,
            prompt_text,
            ratio: format!("{}:{}", spec.resolution.width, spec.resolution.height),
            duration: spec.duration_secs,
            seed: spec.seed,
            audio: makes_sound.then_some(spec.audio),
        }
    }
}

/// An order that was taken.
#[derive(Debug, Deserialize)]
pub(super) struct Taken {
    pub(super) id: String,
}

/// How a task stands.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Task {
    /// `PENDING`, `THROTTLED`, `RUNNING`, `SUCCEEDED`, `FAILED` or `CANCELLED`.
    pub(super) status: String,
    #[serde(default)]
    output: Vec<String>,
    pub(super) failure: Option<String>,
    pub(super) failure_code: Option<String>,
    cost: Option<Cost>,
}

#[derive(Debug, Deserialize)]
struct Cost {
    /// A cent each.
    credits: f64,
}

impl Task {
    /// Where its clip is.
    pub(super) fn address(&self) -> Option<&str> {
        self.output.first().map(String::as_str)
    }

    pub(super) fn has_ended(&self) -> bool {
        matches!(self.status.as_str(), "SUCCEEDED" | "FAILED" | "CANCELLED")
    }

    /// What it costs, once that is told.
    pub(super) fn charged(&self) -> Option<MicroUsd> {
        let dollars = self.cost.as_ref()?.credits / 100.0;
        MicroUsd::from_dollars(&format!("{dollars:.6}")).ok()
    }
}

/// A request for a place for a photo.
#[derive(Debug, Serialize)]
pub(super) struct Wanted {
    filename: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
}

/// A place for our photo.
pub(super) const PHOTO: Wanted = Wanted { filename: "photo.jpg", kind: "ephemeral" };

/// A place for a photo.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Place {
    pub(super) upload_url: String,
    /// Part of what is signed.
    #[serde(default)]
    pub(super) fields: BTreeMap<String, String>,
    pub(super) runway_uri: String,
}

#[cfg(test)]
mod tests {
    use domain::Resolution;
    use fake_providers::{Name, contract};
    use serde_json::json;

    use super::*;

    fn spec() -> ClipSpec {
        ClipSpec {
            model: "gen4_turbo".to_owned(),
            duration_secs: 5,
            resolution: Resolution { width: 1280, height: 720 },
            frame_rate: 24,
            camera_motion: None,
            seed: Some(11),
            audio: false,
        }
    }

    fn task(name: &str) -> Task {
        let body = contract(Name::Runway, name)["body"].clone();
        serde_json::from_value(body).expect("read")
    }

    #[test]
    fn an_order_is_what_the_contract_says() {
        let spec = spec();
        let photo = "https://img.example.com/garden.jpg";

        let order = json!(Order::of(&spec, photo, "a calm walk towards the pond", false));

        assert_eq!(order, contract(Name::Runway, "submit.request")["body"]);
    }

    #[test]
    fn what_there_is_none_of_is_left_out_and_sound_is_declined() {
        let spec = ClipSpec { seed: None, ..spec() };

        let order = json!(Order::of(&spec, "u", "", true));

        assert_eq!((order.get("seed"), order.get("promptText")), (None, None));
        assert_eq!(order["audio"], false);
    }

    #[test]
    fn a_credit_is_a_cent() {
        assert_eq!(task("look.succeeded").charged(), Some(MicroUsd(250_000)));
        assert_eq!(task("look.failed-output").charged(), Some(MicroUsd::ZERO));
        assert_eq!(task("look.running").charged(), None);
    }

    #[test]
    fn every_answer_of_the_contract_is_read() {
        let upload = contract(Name::Runway, "upload.answer")["body"].clone();
        let upload: Place = serde_json::from_value(upload).expect("read");

        assert_eq!((upload.fields.len(), upload.runway_uri.as_str()), (3, "runway://5b8f1a52"));
        assert!(task("look.succeeded").address().is_some_and(|url| url.contains("_jwt=")));
        assert_eq!(task("look.failed").failure_code.as_deref(), Some("SAFETY.INPUT.TEXT"));
        assert!(!task("look.throttled").has_ended());
    }

    #[test]
    fn a_place_is_asked_for_as_the_contract_says() {
        let contract = &contract(Name::Runway, "upload.request")["body"];

        assert_eq!(json!(PHOTO)["type"], contract["type"]);
        assert!(json!(PHOTO)["filename"].is_string());
    }
}
