//! What LTX takes, and what it does not.

use serde_json::Value;

/// Longest prompt, in characters.
const MAX_PROMPT: usize = 5000;
const MODELS: [&str; 4] = ["ltx-2-3-fast", "ltx-2-3-pro", "ltx-2-5-fast", "ltx-2-5-pro"];
const RETIRED: [&str; 2] = ["ltx-2-fast", "ltx-2-pro"];
/// Width and height; the portrait of each is taken too.
const RESOLUTIONS: [(u64, u64); 4] = [(1280, 720), (1920, 1080), (2560, 1440), (3840, 2160)];
const RATES: [u64; 4] = [24, 25, 48, 50];
const LONGEST_SECS: u64 = 10;
/// Where a fast model is not asked for too many pixels.
const LONGEST_FAST_SECS: u64 = 20;
const MOVES: [&str; 8] = [
    "dolly_in",
    "dolly_out",
    "dolly_left",
    "dolly_right",
    "jib_up",
    "jib_down",
    "static",
    "focus_shift",
];

/// The image that is asked for, if all is well.
///
/// # Errors
/// What is not well.
pub(super) fn check(body: &Value) -> Result<&str, String> {
    if !body.is_object() {
        return Err("the body is not a JSON object".to_owned());
    }
    let image = text(body, "image_uri")?;
    let prompt = text(body, "prompt")?;
    if prompt.is_empty() || prompt.chars().count() > MAX_PROMPT {
        return Err(format!("prompt must have 1 to {MAX_PROMPT} characters"));
    }
    let model = model(body)?;
    let size = resolution(body)?;
    let rate = number(body, "fps")?.unwrap_or(24);
    if !RATES.contains(&rate) {
        return Err(format!("fps must be one of {RATES:?}"));
    }
    duration(body, model, size, rate)?;
    options(body)?;
    Ok(image)
}

fn model(body: &Value) -> Result<&str, String> {
    let model = text(body, "model")?;
    if RETIRED.contains(&model) {
        return Err(format!("model {model} is gone; use ltx-2-3 or ltx-2-5"));
    }
    MODELS.contains(&model).then_some(model).ok_or_else(|| format!("model {model} is not known"))
}

fn resolution(body: &Value) -> Result<(u64, u64), String> {
    let text = text(body, "resolution")?;
    let size = text.split_once('x').and_then(|(width, height)| {
        let (width, height) = (width.parse().ok()?, height.parse().ok()?);
        Some(if width < height { (height, width) } else { (width, height) })
    });
    size.filter(|size| RESOLUTIONS.contains(size))
        .ok_or_else(|| format!("resolution {text} is not supported"))
}

fn duration(body: &Value, model: &str, size: (u64, u64), rate: u64) -> Result<(), String> {
    let given = body.get("duration").ok_or("duration is required")?;
    if given.is_null() {
        let automatic = model.starts_with("ltx-2-5") && body["last_frame_uri"].is_null();
        return automatic.then_some(()).ok_or_else(|| "duration must be a number".to_owned());
    }
    let secs = given.as_u64().ok_or("duration must be a whole number")?;
    let light = model.ends_with("fast") && size.1 <= 1080 && rate <= 25;
    let longest = if light { LONGEST_FAST_SECS } else { LONGEST_SECS };
    let taken = secs.is_multiple_of(2) && (6..=longest).contains(&secs);
    taken.then_some(()).ok_or_else(|| {
        let (width, height) = size;
        format!("duration {secs} is not supported by {model} at {width}x{height}, {rate} fps")
    })
}

fn options(body: &Value) -> Result<(), String> {
    match &body["camera_motion"] {
        Value::Null => {}
        Value::String(name) if MOVES.contains(&name.as_str()) => {}
        other => return Err(format!("camera_motion {other} is not supported")),
    }
    match &body["generate_audio"] {
        Value::Null | Value::Bool(_) => Ok(()),
        other => Err(format!("generate_audio {other} is not a boolean")),
    }
}

fn text<'a>(body: &'a Value, key: &str) -> Result<&'a str, String> {
    match &body[key] {
        Value::Null => Err(format!("{key} is required")),
        Value::String(text) => Ok(text),
        _ => Err(format!("{key} must be a string")),
    }
}

fn number(body: &Value, key: &str) -> Result<Option<u64>, String> {
    match &body[key] {
        Value::Null => Ok(None),
        given => given.as_u64().map(Some).ok_or_else(|| format!("{key} must be a whole number")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Name, contract};

    fn with(changes: &[(&str, Value)]) -> Result<(), String> {
        let mut body = contract(Name::Ltx, "submit.request")["body"].take();
        for (key, value) in changes {
            body[*key] = value.clone();
        }
        check(&body).map(|_| ())
    }

    #[test]
    fn what_is_documented_is_taken() {
        let fast = |secs: u64| [("duration", secs.into()), ("resolution", "1080x1920".into())];
        for secs in [6, 8, 20] {
            assert_eq!(with(&fast(secs)), Ok(()));
        }
        assert_eq!(with(&[("resolution", "3840x2160".into()), ("fps", 50.into())]), Ok(()));
        assert_eq!(with(&[("model", "ltx-2-5-pro".into()), ("duration", Value::Null)]), Ok(()));
    }

    #[test]
    fn what_is_not_documented_is_refused() {
        let wrong: [&[(&str, Value)]; 9] = [
            &[("model", "ltx-2-fast".into())],
            &[("model", "ltx-9".into())],
            &[("duration", 5.into())],
            &[("duration", "6".into())],
            &[("duration", Value::Null)],
            &[("duration", 12.into()), ("fps", 48.into())],
            &[("duration", 12.into()), ("model", "ltx-2-3-pro".into())],
            &[("resolution", "640x480".into())],
            &[("camera_motion", "spin".into())],
        ];
        for changes in wrong {
            assert!(with(changes).is_err(), "{changes:?}");
        }
    }
}
