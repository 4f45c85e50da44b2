//! What Replicate takes, and what it does not.

use serde_json::Value;

/// Stable Video Diffusion.
const SVD: &str = "stability-ai/stable-video-diffusion";
const SVD_VERSION: &str = "3f0457e4619daac51203dedb472816fd4af51f3149fa7a9e0b5ffcf1b8172438";
/// What other models call the photo.
const IMAGES: [&str; 5] = ["image", "input_image", "start_image", "first_frame_image", "image_url"];
/// What may be chosen for Stable Video Diffusion.
const CHOICES: [(&str, &[&str]); 2] = [
    ("video_length", &["14_frames_with_svd", "25_frames_with_svd_xt"]),
    ("sizing_strategy", &["maintain_aspect_ratio", "crop_to_16_9", "use_image_dimensions"]),
];
/// The numbers of Stable Video Diffusion, and where they end.
const NUMBERS: [(&str, f64, f64); 4] = [
    ("frames_per_second", 5.0, 30.0),
    ("motion_bucket_id", 1.0, 255.0),
    ("cond_aug", 0.0, 1.0),
    ("decoding_t", 1.0, 25.0),
];

/// The version that is asked for, if it is written as one: an id, `owner/name:id` or `owner/name`.
pub(super) fn version(body: &Value) -> Option<String> {
    let version = body["version"].as_str()?;
    let (model, id) = match version.split_once(':') {
        Some((model, id)) => (Some(model), Some(id)),
        None if version.contains('/') => (Some(version), None),
        None => (None, Some(version)),
    };
    let is_id = |id: &str| id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_model = |model: &str| {
        model.split_once('/').is_some_and(|(owner, name)| {
            !owner.is_empty() && !name.is_empty() && !name.contains('/')
        })
    };
    (model.is_none_or(is_model) && id.is_none_or(is_id)).then(|| version.to_owned())
}

/// `owner/name` of what was asked for.
pub(super) fn model(asked: &str) -> &str {
    match asked.split_once(':') {
        Some((model, _)) => model,
        None if asked == SVD_VERSION => SVD,
        None if asked.contains('/') => asked,
        None => "example/model",
    }
}

/// The id of the version that was asked for; official models hide it.
pub(super) fn version_id(asked: &str) -> &str {
    match asked.split_once(':') {
        Some((_, id)) => id,
        None if asked.contains('/') => "hidden",
        None => asked,
    }
}

/// The photo that is asked for, if all is well.
///
/// # Errors
/// What is not well.
pub(super) fn image<'a>(asked: &str, input: &'a Value) -> Result<&'a str, String> {
    if model(asked) != SVD {
        let mut images = IMAGES.iter().filter_map(|key| input[key].as_str());
        return images.next().ok_or_else(|| "image is required".to_owned());
    }
    let image = input["input_image"].as_str().ok_or("input_image is required")?;
    for (key, choices) in CHOICES {
        if !input[key].is_null() && !choices.iter().any(|choice| input[key] == *choice) {
            return Err(format!("{key} must be one of the following: {choices:?}"));
        }
    }
    for (key, least, most) in NUMBERS {
        let given = &input[key];
        if !given.is_null()
            && !given.as_f64().is_some_and(|number| (least..=most).contains(&number))
        {
            return Err(format!("{key} must be a number from {least} to {most}"));
        }
    }
    Ok(image)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn versions_are_written_in_three_ways() {
        let version = |text: &str| version(&json!({"version": text}));

        assert!(version(SVD_VERSION).is_some());
        assert!(version(&format!("{SVD}:{SVD_VERSION}")).is_some());
        assert!(version(SVD).is_some());
        for wrong in ["", "3f04", "a/b/c", "a/b:c"] {
            assert_eq!(version(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn models_need_a_photo() {
        let photo = "https://img.example.com/a.jpg";

        assert_eq!(image(SVD_VERSION, &json!({"input_image": photo})), Ok(photo));
        assert_eq!(image("a/b", &json!({"image": photo})), Ok(photo));
        assert!(image(SVD_VERSION, &json!({"image": photo})).is_err());
        let fast = json!({"input_image": photo, "frames_per_second": 60});
        assert!(image(SVD_VERSION, &fast).is_err());
        let long = json!({"input_image": photo, "video_length": "long"});
        assert!(image(SVD_VERSION, &long).is_err());
    }
}
