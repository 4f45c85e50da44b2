//! One provider, its models, and what they film for how much.

use std::time::Duration;

use domain::{MicroUsd, Resolution};
use ports::{ClipOrder, GenerationRefusal};
use serde::{Deserialize, Deserializer, de};

use super::Call;

/// What one provider has on offer.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderEntry {
    /// By which it is asked for.
    pub name: String,
    /// Name of the model that is taken where none is wished for.
    pub default_model: String,
    /// How long the work may take before it is given up. Whole seconds, more than none.
    #[serde(rename = "time_limit_secs", deserialize_with = "seconds")]
    pub time_limit: Duration,
    /// How many orders it works on at once; none: as many as there are.
    pub concurrency: Option<u32>,
    /// How long to wait between two looks. Whole seconds, more than none.
    #[serde(rename = "poll_every_secs", deserialize_with = "seconds")]
    pub poll_every: Duration,
    /// How long a clip can be collected, from the end of the work. Whole seconds, more than none.
    #[serde(rename = "result_life_secs", deserialize_with = "seconds")]
    pub result_life: Duration,
    /// Whether it tells when work has ended.
    pub webhooks: bool,
    /// Whether work can be called off.
    pub cancels: bool,
    /// Whether work that failed is charged, where the provider does not say what it costs.
    #[serde(default)]
    pub bills_failures: bool,
    /// Size of the largest photo that it takes, in bytes.
    pub photo_max_bytes: u64,
    /// Length of the longest prompt that it takes, in UTF-16 units.
    pub prompt_max_chars: usize,
    /// Names of its camera motions. None: a motion is asked for in the prompt's words.
    #[serde(default)]
    pub camera_motions: Vec<String>,
    /// What it films with.
    pub models: Vec<Model>,
}

/// One model of a provider.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// By which it is asked for.
    pub name: String,
    /// Whether it can be ordered.
    #[serde(default)]
    pub state: ModelState,
    /// Whether it reads a prompt.
    #[serde(default)]
    pub prompt: PromptUse,
    /// Whether it lets chance begin where it is told to.
    #[serde(default)]
    pub seed: bool,
    /// Whether it makes sound.
    #[serde(default)]
    pub audio: bool,
    /// What it films; the first that fits is taken.
    #[serde(default)]
    pub offers: Vec<Offer>,
    /// How it is called, at providers where that differs from model to model.
    pub call: Option<Call>,
}

/// Whether a model can be ordered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ModelState {
    /// It can.
    #[default]
    Current,
    /// It can until a day.
    Retiring {
        /// The day: `2026-11-20`.
        on: String,
        /// Name of the model to order then.
        successor: String,
    },
    /// It cannot any more.
    Retired {
        /// Name of the model to order instead.
        successor: String,
    },
}

/// Whether a model reads a prompt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PromptUse {
    /// It takes none: what is written is not sent.
    None,
    /// It does without one.
    #[default]
    Optional,
    /// It needs one.
    Required,
}

/// Clips that cost the same. Any of its values goes with any other.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    /// Sizes of the picture.
    pub resolutions: Vec<Resolution>,
    /// Frames per second.
    pub frame_rates: Vec<u32>,
    /// Lengths, in seconds.
    pub durations_secs: Vec<u32>,
    /// What a clip costs.
    pub price: Price,
    /// What a clip with sound costs; none: the same.
    pub price_with_audio: Option<Price>,
}

impl Offer {
    /// What such a clip costs.
    pub fn price_of(&self, duration_secs: u32, audio: bool) -> MicroUsd {
        let dearer = self.price_with_audio.as_ref().filter(|_| audio);
        dearer.unwrap_or(&self.price).of(duration_secs)
    }
}

/// What a clip costs: the sum of what is there.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// For every second of it.
    #[serde(default, deserialize_with = "dollars")]
    pub per_second: Option<MicroUsd>,
    /// For the clip.
    #[serde(default, deserialize_with = "dollars")]
    pub per_clip: Option<MicroUsd>,
}

impl Price {
    fn of(&self, duration_secs: u32) -> MicroUsd {
        let seconds = self.per_second.unwrap_or_default().times(duration_secs);
        self.per_clip.unwrap_or_default().plus(seconds)
    }
}

impl ProviderEntry {
    /// The model of this name, whatever its state.
    pub fn model(&self, name: &str) -> Option<&Model> {
        self.models.iter().find(|model| model.name == name)
    }

    /// The words to send with an order: its prompt and, where motions have no names here, its camera
    /// motion in words. Empty for a model that takes no prompt.
    ///
    /// # Errors
    /// [`GenerationRefusal`] if there are too many words, or none where the model needs some.
    pub fn prompt_of(&self, order: &ClipOrder) -> Result<String, GenerationRefusal> {
        let usage = self.model(&order.spec.model).map_or(PromptUse::Optional, |model| model.prompt);
        if usage == PromptUse::None {
            return Ok(String::new());
        }
        let prompt = order.prompt.trim();
        let motion = order.spec.camera_motion.as_deref().filter(|_| self.camera_motions.is_empty());
        let words = match motion {
            Some(motion) => format!("{prompt} Camera: {}.", motion.replace('_', " ")),
            None => prompt.to_owned(),
        };
        self.check_prompt(words.trim_start(), usage, &order.spec.model)
    }

    fn check_prompt(
        &self,
        words: &str,
        usage: PromptUse,
        model: &str,
    ) -> Result<String, GenerationRefusal> {
        let (length, most) = (words.encode_utf16().count(), self.prompt_max_chars);
        if length > most {
            let reason = format!("{model} reads at most {most} characters of prompt, not {length}");
            return Err(GenerationRefusal::of_input(reason));
        }
        if words.is_empty() && usage == PromptUse::Required {
            let reason = format!("{model} needs a prompt: say what the clip is to show");
            return Err(GenerationRefusal::of_input(reason));
        }
        Ok(words.to_owned())
    }

    /// Whether a photo of this size is taken.
    ///
    /// # Errors
    /// [`GenerationRefusal`] if it is too large.
    pub fn check_photo(&self, size_bytes: u64) -> Result<(), GenerationRefusal> {
        let most = self.photo_max_bytes;
        if size_bytes > most {
            let reason =
                format!("{} takes photos of at most {most} bytes, not {size_bytes}", self.name);
            return Err(GenerationRefusal::of_input(reason));
        }
        Ok(())
    }
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_secs)
}

fn dollars<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<MicroUsd>, D::Error> {
    let text = String::deserialize(deserializer)?;
    MicroUsd::from_dollars(&text).map(Some).map_err(de::Error::custom)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use domain::{ClipOptions, JobId};

    use super::*;
    use crate::registry::Registry;

    fn order(provider: &str, model: &str, prompt: &str, motion: Option<&str>) -> ClipOrder {
        let entry = Registry::built_in().entry(provider).expect("an entry");
        let wanted = ClipOptions { model: Some(model.to_owned()), ..ClipOptions::default() };
        let mut spec = entry.quote(&wanted).expect("on offer").spec;
        spec.camera_motion = motion.map(ToOwned::to_owned);
        ClipOrder {
            job: JobId::of_object("media", "uploads/a.jpg", "e"),
            attempt: 1,
            prompt: prompt.to_owned(),
            spec,
            photo: PathBuf::new(),
            photo_url: None,
        }
    }

    fn words(provider: &str, model: &str, prompt: &str, motion: Option<&str>) -> String {
        let entry = Registry::built_in().entry(provider).expect("an entry");
        let words = entry.prompt_of(&order(provider, model, prompt, motion));
        words.unwrap_or_else(|refusal| refusal.reason)
    }

    #[test]
    fn a_motion_is_put_in_words_where_it_has_no_name() {
        let motion = Some("dolly_in");

        assert_eq!(words("runway", "gen4_turbo", "a pool", motion), "a pool Camera: dolly in.");
        assert_eq!(words("runway", "gen4_turbo", " ", motion), "Camera: dolly in.");
        assert_eq!(words("ltx", "ltx-2-3-fast", "a pool", motion), "a pool");
        assert_eq!(words("replicate", "stable-video-diffusion", "a pool", None), "");
    }

    #[test]
    fn a_prompt_that_cannot_be_sent_is_refused() {
        let long = "😀".repeat(501);

        assert_eq!(
            words("runway", "gen4_turbo", &long, None),
            "gen4_turbo reads at most 1000 characters of prompt, not 1002"
        );
        assert_eq!(
            words("fal", "pika-2.2", "", None),
            "pika-2.2 needs a prompt: say what the clip is to show"
        );
        assert_eq!(words("runway", "gen4_turbo", "", None), "");
    }

    #[test]
    fn a_photo_that_is_too_large_is_refused() {
        let ltx = Registry::built_in().entry("ltx").expect("ltx");

        assert_eq!(ltx.check_photo(15_000_000), Ok(()));
        assert!(ltx.check_photo(15_000_001).is_err());
    }
}
