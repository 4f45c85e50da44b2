use ports::{SecretSource, Secrets};

/// Asserts the promises of [`SecretSource`] on one secret that has no value yet. `put` gives it
/// settings.
///
/// # Panics
/// On the first broken promise.
pub async fn secret_source(source: &impl SecretSource, put: impl AsyncFn(&[(&str, &str)])) {
    let (old, new) = ([("LTX_API_KEY", "old"), ("FAL_KEY", "ü \"{")], [("LTX_API_KEY", "new")]);

    assert_eq!(fetched(source).await, Secrets::default(), "before there is a value");
    put(&old).await;
    assert_eq!(fetched(source).await, holding(&old), "the first value");
    put(&new).await;
    assert_eq!(fetched(source).await, holding(&new), "the newest value, all of it");
    put(&[]).await;
    assert_eq!(fetched(source).await, Secrets::default(), "a value without settings");
}

async fn fetched(source: &impl SecretSource) -> Secrets {
    source.fetch().await.expect("secrets")
}

fn holding(settings: &[(&str, &str)]) -> Secrets {
    settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
