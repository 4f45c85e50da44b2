use std::io;

use ports::{SecretError, SecretSource, Secrets};

use super::Shared;

#[derive(Debug, Default)]
struct Held {
    secrets: Secrets,
    fetches: u32,
    fails: bool,
}

/// Secrets in memory, which a test rotates.
#[derive(Clone, Debug, Default)]
pub struct InMemorySecrets(Shared<Held>);

impl InMemorySecrets {
    /// Secrets that hold `settings`.
    pub fn of(settings: &[(&str, &str)]) -> Self {
        let secrets = Self::default();
        secrets.put(settings);
        secrets
    }

    /// From now on they hold `settings` and nothing else.
    pub fn put(&self, settings: &[(&str, &str)]) {
        let setting = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        self.0.lock().secrets = settings.iter().map(setting).collect();
    }

    /// Whether nobody can read them from now on.
    pub fn fail(&self, fails: bool) {
        self.0.lock().fails = fails;
    }

    /// How often they were asked for.
    pub fn fetches(&self) -> u32 {
        self.0.lock().fetches
    }
}

impl SecretSource for InMemorySecrets {
    async fn fetch(&self) -> Result<Secrets, SecretError> {
        self.0.lock().fetches += 1;
        // An answer takes a while: others get their turn.
        tokio::task::yield_now().await;
        let held = self.0.lock();
        if held.fails {
            let source = io::Error::other("connection refused").into();
            return Err(SecretError { secret: "providers".to_owned(), source });
        }
        Ok(held.secrets.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_fake_keeps_the_promises() {
        let secrets = InMemorySecrets::default();

        crate::conformance::secret_source(&secrets, async |settings| secrets.put(settings)).await;
    }
}
