//! What Runway takes, and what it does not.

use serde_json::{Value, json};

/// Longest prompt, in UTF-16 units.
const MAX_PROMPT: usize = 1000;
const MAX_SEED: u64 = 4_294_967_295;
const GEN_RATIOS: [&str; 6] =
    ["1280:720", "720:1280", "1104:832", "832:1104", "960:960", "1584:672"];
const VEO_RATIOS: [&str; 4] = ["1280:720", "720:1280", "1920:1080", "1080:1920"];
/// Models that are taken without a closer look.
const OTHERS: [&str; 12] = [
    "hailuo3",
    "happyhorse_1_0",
    "seedance2",
    "seedance2_fast",
    "seedance2_mini",
    "seedance2_5",
    "gemini_omni_flash",
    "gemini_omni_flash_1.1",
    "grok_imagine_1_5",
    "wan3",
    "wan3_prime",
    "h3_max",
];

/// One thing that is wrong.
pub(super) fn issue(code: &str, message: &str, path: &str) -> Value {
    json!({"code": code, "message": message, "path": [path]})
}

/// The image that is asked for.
pub(super) fn image(body: &Value) -> Option<&str> {
    match &body["promptImage"] {
        Value::String(uri) => Some(uri),
        Value::Array(images) => images.first()?["uri"].as_str(),
        _ => None,
    }
}

/// All that is wrong with an order, but for what its image is.
pub(super) fn issues(body: &Value) -> Vec<Value> {
    let model = body["model"].as_str().unwrap_or_default();
    let ratios: &[&str] = match model {
        "gen4.5" | "gen4_turbo" => &GEN_RATIOS,
        "veo3.1" | "veo3.1_fast" => &VEO_RATIOS,
        other if OTHERS.contains(&other) => &[],
        _ => return vec![issue("invalid_union_discriminator", "Invalid model", "model")],
    };
    [image_issue(body), ratio_issue(body, ratios), prompt_issue(body, model)]
        .into_iter()
        .chain([duration_issue(body, model), seed_issue(body)])
        .flatten()
        .collect()
}

fn image_issue(body: &Value) -> Option<Value> {
    let positions = body["promptImage"].as_array().into_iter().flatten();
    let misplaced = positions.into_iter().any(|image| image["position"] != "first");
    if image(body).is_none() {
        return Some(issue("invalid_type", "Required", "promptImage"));
    }
    misplaced.then(|| issue("invalid_value", "position must be first", "promptImage"))
}

fn ratio_issue(body: &Value, ratios: &[&str]) -> Option<Value> {
    let Some(ratio) = body["ratio"].as_str() else {
        return Some(issue("invalid_type", "Required", "ratio"));
    };
    let wrong = !ratios.is_empty() && !ratios.contains(&ratio);
    wrong.then(|| issue("invalid_value", "Invalid ratio", "ratio"))
}

fn prompt_issue(body: &Value, model: &str) -> Option<Value> {
    match &body["promptText"] {
        Value::Null if model != "gen4.5" => None,
        Value::String(text) => {
            let units = text.encode_utf16().count();
            (units == 0 || units > MAX_PROMPT)
                .then(|| issue("too_big", "Must have 1 to 1000 characters", "promptText"))
        }
        _ => Some(issue("invalid_type", "Required", "promptText")),
    }
}

fn duration_issue(body: &Value, model: &str) -> Option<Value> {
    let duration = &body["duration"];
    let taken = match (model, duration.as_u64()) {
        ("gen4.5", Some(secs)) => (2..=10).contains(&secs),
        ("gen4.5", None) => false,
        ("veo3.1" | "veo3.1_fast", Some(secs)) => [4, 6, 8].contains(&secs),
        _ => duration.is_null() || duration.as_f64().is_some_and(|secs| secs > 0.0),
    } || duration.is_null() && model.starts_with("veo");
    (!taken).then(|| issue("invalid_value", "Invalid duration", "duration"))
}

fn seed_issue(body: &Value) -> Option<Value> {
    let seed = &body["seed"];
    let taken = seed.is_null() || seed.as_u64().is_some_and(|seed| seed <= MAX_SEED);
    (!taken).then(|| issue("invalid_value", "Invalid seed", "seed"))
}

/// What an order costs.
pub(super) fn credits(body: &Value) -> u64 {
    let model = body["model"].as_str().unwrap_or_default();
    let (per_sec, usual_secs) = match model {
        "gen4_turbo" => (5, 5),
        "gen4.5" => (12, 5),
        "veo3.1" => (40, 8),
        "veo3.1_fast" => (15, 8),
        "seedance2" => (36, 5),
        _ => (10, 5),
    };
    per_sec * body["duration"].as_u64().unwrap_or(usual_secs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Name, contract};

    fn paths(changes: &[(&str, Value)]) -> Vec<Value> {
        let mut body = contract(Name::Runway, "submit.request")["body"].take();
        for (key, value) in changes {
            body[*key] = value.clone();
        }
        issues(&body).into_iter().map(|mut issue| issue["path"][0].take()).collect()
    }

    #[test]
    fn what_is_documented_is_taken() {
        let placed = json!([{"uri": "https://img.example.com/a.jpg", "position": "first"}]);
        let veo = [("model", "veo3.1".into()), ("ratio", "1920:1080".into())];

        assert_eq!(paths(&[]), Vec::<Value>::new());
        assert_eq!(paths(&[("promptImage", placed), ("promptText", Value::Null)]), [""; 0]);
        assert_eq!(paths(&[&veo[..], &[("duration", Value::Null)]].concat()), [""; 0]);
        assert_eq!(paths(&[("model", "gen4.5".into()), ("duration", 10.into())]), [""; 0]);
    }

    #[test]
    fn what_is_not_documented_is_an_issue() {
        assert_eq!(paths(&[("model", "gen3a_turbo".into())]), ["model"]);
        assert_eq!(paths(&[("ratio", "16:9".into())]), ["ratio"]);
        assert_eq!(paths(&[("promptImage", Value::Null)]), ["promptImage"]);
        assert_eq!(paths(&[("promptText", "é".repeat(1001).into())]), ["promptText"]);
        let short = [("model", "gen4.5".into()), ("duration", 1.into())];
        assert_eq!(paths(&short), ["duration"]);
        assert_eq!(paths(&[("seed", (-1).into())]), ["seed"]);
    }
}
