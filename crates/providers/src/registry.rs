//! What each provider has on offer and what it costs, as data.
//!
//! The registry that is built in is `registry.toml` beside this crate's `Cargo.toml`. A provider's
//! prices and models change more often than this program, so an operator may replace it whole.

mod call;
mod check;
mod entry;
mod quote;

use std::sync::Arc;

use serde::Deserialize;

pub use call::{Call, CallTarget, CallValues, InputTemplate};
pub use entry::{Model, ModelState, Offer, Price, PromptUse, ProviderEntry};

const BUILT_IN: &str = include_str!("../registry.toml");

/// What the providers have on offer.
#[derive(Clone, Debug)]
pub struct Registry {
    dated: String,
    entries: Vec<Arc<ProviderEntry>>,
}

/// The text is no registry.
#[derive(Debug, thiserror::Error)]
pub enum InvalidRegistry {
    /// It is not of the form that is read.
    #[error("cannot read the registry of providers")]
    Unreadable(#[source] Box<toml::de::Error>),
    /// It contradicts itself.
    #[error("registry of providers, {place}: {fault}")]
    Inconsistent {
        /// Where: the provider, the model, the number of the offer from 1.
        place: String,
        /// What is wrong there.
        fault: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    dated: String,
    providers: Vec<ProviderEntry>,
}

impl Registry {
    /// What was known when this program was built.
    ///
    /// # Panics
    /// Never: a test reads it.
    pub fn built_in() -> Self {
        Self::parse(BUILT_IN).expect("the registry that is built in is read by a test")
    }

    /// Reads a registry, in TOML.
    ///
    /// # Errors
    /// [`InvalidRegistry`] names the first place that is wrong.
    pub fn parse(text: &str) -> Result<Self, InvalidRegistry> {
        let unreadable = |error| InvalidRegistry::Unreadable(Box::new(error));
        let File { dated, providers } = toml::from_str(text).map_err(unreadable)?;
        check::date("dated", &dated)?;
        check::providers(&providers)?;
        Ok(Self { dated, entries: providers.into_iter().map(Arc::new).collect() })
    }

    /// The entry of a provider, by its name.
    pub fn entry(&self, provider: &str) -> Option<Arc<ProviderEntry>> {
        self.entries.iter().find(|entry| entry.name == provider).cloned()
    }

    /// The day from which its prices are: `2026-11-20`.
    pub fn dated(&self) -> &str {
        &self.dated
    }

    /// Every provider, as the file has them.
    pub fn entries(&self) -> impl Iterator<Item = &Arc<ProviderEntry>> {
        self.entries.iter()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SMALL: &str = r#"
        dated = "2026-11-20"
        [[providers]]
        name = "p"
        default_model = "m"
        time_limit_secs = 60
        poll_every_secs = 5
        result_life_secs = 3600
        webhooks = false
        cancels = false
        photo_max_bytes = 1000
        prompt_max_chars = 10
        [[providers.models]]
        name = "m"
        offers = [{ resolutions = ["64x64"], frame_rates = [24], durations_secs = [5], price = { per_clip = "1" } }]
        [[providers.models]]
        name = "old"
        state = { retired = { successor = "m" } }
    "#;

    fn fault(change: (&str, &str)) -> String {
        assert!(SMALL.contains(change.0), "{} is there to be changed", change.0);
        match Registry::parse(&SMALL.replace(change.0, change.1)) {
            Ok(_) => panic!("{} was accepted", change.1),
            Err(InvalidRegistry::Unreadable(error)) => error.to_string(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn the_registry_that_is_built_in_is_read() {
        let registry = Registry::built_in();

        let names: Vec<_> = registry.entries().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, ["ltx", "runway", "replicate", "fal"]);
        assert_eq!(registry.dated(), "2026-11-20");
        assert!(registry.entry("stability").is_none());
        let ltx = registry.entry("ltx").expect("ltx");
        assert_eq!((ltx.concurrency, ltx.poll_every), (Some(2), Duration::from_secs(5)));
    }

    #[test]
    fn whoever_is_called_over_templates_has_them_for_every_model() {
        for provider in ["replicate", "fal"] {
            let entry = Registry::built_in().entry(provider).expect("an entry");
            for model in &entry.models {
                assert!(model.call.is_some(), "{provider}: {}", model.name);
            }
        }
    }

    #[test]
    fn what_contradicts_itself_is_named_with_its_place() {
        let second = SMALL.split_once("[[providers]]").expect("a provider").1;
        let twice = format!("[[providers]]{second}\n[[providers]]{second}");
        let cases = [
            (("default_model = \"m\"", "default_model = \"x\""), "p: there is no model x"),
            (("default_model = \"m\"", "default_model = \"old\""), "p: the default model old is"),
            (("successor = \"m\"", "successor = \"x\""), "p, model old: there is no model x"),
            (("successor = \"m\"", "successor = \"old\""), "p, model old: its successor old is"),
            (("name = \"old\"", "name = \"m\""), "p, model m: is there twice"),
            (("durations_secs = [5]", "durations_secs = []"), "p, model m, offer 1: no durations"),
            (("resolutions = [\"64x64\"]", "resolutions = []"), "p, model m, offer 1: no resol"),
            (("frame_rates = [24]", "frame_rates = []"), "p, model m, offer 1: no frame rates"),
            (("per_clip = \"1\"", ""), "p, model m, offer 1: no price"),
            (("per_clip = \"1\"", "per_clip = \"1e3\""), "1e3"),
            (("per_clip = \"1\"", "per_frame = \"1\""), "per_frame"),
            (("2026-11-20", "20.11.2026"), "dated: \"20.11.2026\" is no date"),
            (("poll_every_secs = 5", "poll_every_secs = 0"), "p: poll_every_secs is 0"),
            (("[[providers]]", &format!("{twice}\n[[providers]]")), "p: is there twice"),
        ];

        for (change, named) in cases {
            let fault = fault(change);
            assert!(fault.contains(named), "{named:?} in {fault:?}");
        }
    }
}
