//! How a model is called, where that differs from model to model.

use domain::{ClipSpec, RefusedOver, Resolution};
use ports::GenerationRefusal;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::ProviderEntry;

/// How a model is called.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "CallTable")]
pub struct Call {
    /// What is called.
    pub target: CallTarget,
    /// What is sent.
    pub input: InputTemplate,
}

/// What is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallTarget {
    /// A path of the provider's: at fal `owner/app/…`, at Replicate `owner/name` of an official model.
    Endpoint(String),
    /// A version of a model at Replicate: 64 hex digits, or `owner/name:` and these.
    Version(String),
}

/// As it is written in the registry.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CallTable {
    endpoint: Option<String>,
    version: Option<String>,
    input: Map<String, Value>,
}

impl TryFrom<CallTable> for Call {
    type Error = String;

    fn try_from(table: CallTable) -> Result<Self, Self::Error> {
        let target = match (table.endpoint, table.version) {
            (Some(endpoint), None) if is_path(&endpoint) => CallTarget::Endpoint(endpoint),
            (Some(_), None) => return Err("an endpoint is of the form owner/name".to_owned()),
            (None, Some(version)) => CallTarget::Version(version),
            _ => return Err("a call has either an endpoint or a version".to_owned()),
        };
        let input = InputTemplate(table.input);
        let gaps = input.gaps();
        if let Some(unknown) = gaps.iter().find(|gap| !GAPS.contains(gap)) {
            return Err(format!("nothing is called {unknown}"));
        }
        if !gaps.contains(&"{photo}") {
            return Err("the input of a call has no {photo}".to_owned());
        }
        Ok(Self { target, input })
    }
}

/// Whether it can be put in a URL as it is.
fn is_path(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let parts = || text.split('/');
    parts().count() >= 2
        && parts().all(|part| !part.is_empty() && part != ".." && part.bytes().all(plain))
}

/// What is sent to a model, with gaps for what differs from order to order.
///
/// A string that is one of these and nothing else is a gap; all else is sent as it is written. A word
/// in braces that is none of these is refused when the registry is read.
///
/// | gap | filled with |
/// |---|---|
/// | `{photo}` | URL of the photo |
/// | `{prompt}` | the prompt; left out when there is none |
/// | `{duration}`, `{duration:text}` | seconds, as a number, as text |
/// | `{fps}` | frames per second, a number |
/// | `{seed}` | a number; left out when there is none |
/// | `{resolution}` | `1920x1080` |
/// | `{resolution:name}` | `1080p`, by the shorter side |
/// | `{resolution:ratio}` | `16:9` |
/// | `{audio}` | true or false |
#[derive(Clone, Debug, PartialEq)]
pub struct InputTemplate(Map<String, Value>);

const GAPS: [&str; 10] = [
    "{photo}",
    "{prompt}",
    "{duration}",
    "{duration:text}",
    "{fps}",
    "{seed}",
    "{resolution}",
    "{resolution:name}",
    "{resolution:ratio}",
    "{audio}",
];

/// What fills the gaps.
#[derive(Clone, Copy, Debug)]
pub struct CallValues<'a> {
    /// URL of the photo.
    pub photo: &'a str,
    /// The words; empty: none.
    pub prompt: &'a str,
    /// All else.
    pub spec: &'a ClipSpec,
}

impl InputTemplate {
    /// The JSON object to send.
    pub fn fill(&self, values: CallValues<'_>) -> Value {
        Value::Object(table(&self.0, values))
    }

    /// All that looks like a gap: a misspelt one would be paid for.
    fn gaps(&self) -> Vec<&str> {
        let mut found = Vec::new();
        self.0.values().for_each(|value| gather_gaps(value, &mut found));
        found
    }
}

fn gather_gaps<'a>(template: &'a Value, found: &mut Vec<&'a str>) {
    match template {
        Value::String(text) if is_gap(text) => found.push(text),
        Value::Array(items) => items.iter().for_each(|item| gather_gaps(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| gather_gaps(field, found)),
        _ => {}
    }
}

fn is_gap(text: &str) -> bool {
    let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
    let plain = |byte: u8| byte.is_ascii_alphabetic() || b":_".contains(&byte);
    inner.is_some_and(|inner| !inner.is_empty() && inner.bytes().all(plain))
}

impl ProviderEntry {
    /// How the model is called of which a clip is ordered.
    ///
    /// # Errors
    /// [`GenerationRefusal`] if the registry does not tell.
    pub fn call_of(&self, spec: &ClipSpec) -> Result<&Call, GenerationRefusal> {
        let call = self.model(&spec.model).and_then(|model| model.call.as_ref());
        call.ok_or_else(|| GenerationRefusal {
            over: RefusedOver::Model,
            reason: format!("how {} calls {} is not known here", self.name, spec.model),
        })
    }
}

fn table(template: &Map<String, Value>, values: CallValues<'_>) -> Map<String, Value> {
    let filled = |(key, value): (&String, &Value)| Some((key.clone(), fill(value, values)?));
    template.iter().filter_map(filled).collect()
}

fn fill(template: &Value, values: CallValues<'_>) -> Option<Value> {
    match template {
        Value::String(text) => gap(text, values),
        Value::Array(items) => Some(items.iter().filter_map(|item| fill(item, values)).collect()),
        Value::Object(fields) => Some(Value::Object(table(fields, values))),
        other => Some(other.clone()),
    }
}

fn gap(text: &str, CallValues { photo, prompt, spec }: CallValues<'_>) -> Option<Value> {
    Some(match text {
        "{photo}" => photo.into(),
        "{prompt}" if prompt.is_empty() => return None,
        "{prompt}" => prompt.into(),
        "{duration}" => spec.duration_secs.into(),
        "{duration:text}" => spec.duration_secs.to_string().into(),
        "{fps}" => spec.frame_rate.into(),
        "{seed}" => spec.seed?.into(),
        "{resolution}" => spec.resolution.to_string().into(),
        "{resolution:name}" => short_name(spec.resolution).into(),
        "{resolution:ratio}" => ratio(spec.resolution).into(),
        "{audio}" => spec.audio.into(),
        other => other.into(),
    })
}

fn short_name(Resolution { width, height }: Resolution) -> String {
    format!("{}p", width.min(height))
}

fn ratio(Resolution { width, height }: Resolution) -> String {
    let (mut divisor, mut rest) = (width, height);
    while rest != 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    let divisor = divisor.max(1);
    format!("{}:{}", width / divisor, height / divisor)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn spec(seed: Option<u32>) -> ClipSpec {
        ClipSpec {
            model: "m".to_owned(),
            duration_secs: 5,
            resolution: Resolution { width: 1080, height: 1920 },
            frame_rate: 24,
            camera_motion: None,
            seed,
            audio: false,
        }
    }

    fn filled(template: &str, seed: Option<u32>, prompt: &str) -> Value {
        let call: Call = toml::from_str(template).expect("a call");
        let spec = spec(seed);
        call.input.fill(CallValues { photo: "https://a/p.jpg", prompt, spec: &spec })
    }

    #[test]
    fn gaps_are_filled_and_all_else_is_sent_as_it_is() {
        let template = r#"
            endpoint = "owner/app"
            [input]
            image_url = "{photo}"
            prompt = "{prompt}"
            length = ["{duration}", "{duration:text}", "{seed}"]
            size = { whole = "{resolution}", name = "{resolution:name}", ratio = "{resolution:ratio}" }
            fps = "{fps}"
            seed = "{seed}"
            sound = "{audio}"
            strength = 0.5
            note = "{prompt} and more {fps}"
        "#;

        assert_eq!(
            filled(template, Some(7), "a pool"),
            json!({
                "image_url": "https://a/p.jpg", "prompt": "a pool", "length": [5, "5", 7],
                "size": {"whole": "1080x1920", "name": "1080p", "ratio": "9:16"},
                "fps": 24, "seed": 7, "sound": false, "strength": 0.5,
                "note": "{prompt} and more {fps}",
            })
        );
    }

    #[test]
    fn what_there_is_none_of_is_left_out() {
        let template = r#"
            version = "3f"
            [input]
            photos = ["{photo}", "{prompt}"]
            seed = "{seed}"
            prompt = "{prompt}"
            style = "{}"
        "#;

        assert_eq!(
            filled(template, None, ""),
            json!({"photos": ["https://a/p.jpg"], "style": "{}"})
        );
    }

    #[test]
    fn what_is_called_is_one_thing_that_fits_in_a_url() {
        for head in [
            "",
            "endpoint = \"a/b\"\nversion = \"3f\"",
            "endpoint = \"a/../b\"",
            "endpoint = \"a\"",
        ] {
            let text = format!("{head}\n[input]\nimage = \"{{photo}}\"");
            assert!(toml::from_str::<Call>(&text).is_err(), "{head}");
        }
    }

    #[test]
    fn a_gap_that_nothing_fills_is_refused() {
        let refused = |input: &str| {
            let text = format!("version = \"3f\"\n[input]\n{input}");
            toml::from_str::<Call>(&text).expect_err("refused").to_string()
        };

        let misspelt = refused("image = \"{photo}\"\nmore = { words = [\"{promt}\"] }");
        assert!(misspelt.contains("nothing is called {promt}"), "{misspelt}");
        let blind = refused("prompt = \"{prompt}\"");
        assert!(blind.contains("has no {photo}"), "{blind}");
    }
}
