//! What the models on fal take, and what they do not.

use serde_json::{Value, json};

/// One thing that is wrong.
pub(super) fn fault(field: &str, message: &str, kind: &str, body: &Value) -> Value {
    let input = if kind == "missing" { body.clone() } else { body[field].clone() };
    json!({"loc": ["body", field], "msg": message, "type": kind, "input": input})
}

/// All that is wrong with an order, but for what its image is.
pub(super) fn faults(model: &str, body: &Value) -> Vec<Value> {
    let required: &[&str] =
        if needs_no_prompt(model) { &["image_url"] } else { &["image_url", "prompt"] };
    let missing = required.iter().filter_map(|field| match &body[field] {
        Value::Null => Some(fault(field, "Field required", "missing", body)),
        Value::String(_) => None,
        _ => Some(fault(field, "Input should be a valid string", "string_type", body)),
    });
    let wrong = choices(model).iter().filter_map(|(field, choices)| {
        let given = match &body[field] {
            Value::Null => return None,
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let message = format!("Input should be one of {choices:?}");
        (!choices.contains(&given.as_str())).then(|| fault(field, &message, "literal_error", body))
    });
    missing.chain(wrong).collect()
}

/// Stable Video Diffusion.
fn needs_no_prompt(model: &str) -> bool {
    model.starts_with("fal-ai/stable-video") || model.starts_with("fal-ai/fast-svd")
}

type Choices = &'static [(&'static str, &'static [&'static str])];

/// What may be chosen of some fields.
fn choices(model: &str) -> Choices {
    if model.starts_with("fal-ai/pika/") {
        &[("resolution", &["720p", "1080p"]), ("duration", &["5", "10"])]
    } else if model.starts_with("fal-ai/ltx-2.3/") {
        &[
            ("resolution", &["1080p", "1440p", "2160p"]),
            ("duration", &["6", "8", "10"]),
            ("fps", &["24", "25", "48", "50"]),
            ("aspect_ratio", &["auto", "16:9", "9:16"]),
        ]
    } else {
        &[]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Name, contract};

    #[test]
    fn what_is_documented_is_taken() {
        let body = contract(Name::Fal, "submit.request")["body"].take();
        let svd = json!({"image_url": "https://img.example.com/a.jpg"});

        assert_eq!(faults("fal-ai/pika/v2.2/image-to-video", &body), [""; 0]);
        assert_eq!(faults("fal-ai/stable-video", &svd), [""; 0]);
    }

    #[test]
    fn what_is_missing_or_wrong_is_told() {
        let body = json!({"image_url": 1, "duration": "7"});
        let faults = faults("fal-ai/pika/v2.2/image-to-video", &body);

        let told: Vec<_> = faults.iter().map(|fault| (&fault["loc"][1], &fault["type"])).collect();
        let expected = [
            (&json!("image_url"), &json!("string_type")),
            (&json!("prompt"), &json!("missing")),
            (&json!("duration"), &json!("literal_error")),
        ];
        assert_eq!(told, expected);
    }
}
