//! What is checked of an order before anything is sent.

use ports::{ClipOrder, GenerationRefusal, Source, SubmitError};

use crate::refusal::NotOrdered;
use crate::registry::{PromptUse, ProviderEntry};

/// What is sent to a model that needs words, for whoever has none. It says nothing of the camera,
/// which may have been told otherwise.
const NEUTRAL_PROMPT: &str = "calm, natural motion";

/// The words to send; empty: none.
pub(crate) fn words(entry: &ProviderEntry, order: &ClipOrder) -> Result<String, GenerationRefusal> {
    let usage = entry.model(&order.spec.model).map_or(PromptUse::Optional, |model| model.prompt);
    if usage == PromptUse::Required && order.prompt.trim().is_empty() {
        let prompt = NEUTRAL_PROMPT.to_owned();
        return entry.prompt_of(&ClipOrder { prompt, ..order.clone() });
    }
    entry.prompt_of(order)
}

/// Refuses a photo that is too large for the provider, however it would get there.
pub(crate) async fn check_photo(
    entry: &ProviderEntry,
    order: &ClipOrder,
) -> Result<(), NotOrdered> {
    let photo = tokio::fs::metadata(&order.photo).await;
    let photo = photo.map_err(|error| SubmitError::NotTaken(Source::from(error)))?;
    Ok(entry.check_photo(photo.len())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::order;
    use crate::registry::Registry;

    #[test]
    fn whoever_has_no_words_is_given_neutral_ones_where_words_are_needed() {
        let registry = Registry::built_in();
        let of = |provider: &str, prompt: &str| {
            let entry = registry.entry(provider).expect("an entry");
            words(&entry, &ClipOrder { prompt: prompt.to_owned(), ..order(&entry) })
        };

        assert_eq!(of("ltx", " "), Ok(NEUTRAL_PROMPT.to_owned()));
        assert_eq!(of("ltx", "a pool"), Ok("a pool".to_owned()));
        assert_eq!(of("runway", ""), Ok(String::new()));
        assert!(of("ltx", &"x".repeat(5001)).is_err());
    }

    #[tokio::test]
    async fn a_photo_that_is_gone_means_that_nothing_was_ordered() {
        let entry = Registry::built_in().entry("ltx").expect("an entry");

        let fault = check_photo(&entry, &order(&entry)).await.expect_err("no photo");

        assert!(matches!(fault, NotOrdered::Fault(SubmitError::NotTaken(_))));
    }
}
