//! Settings that are secret: a function's variables name where they are, and never hold them.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::time::Duration;

use crate::{InvalidSetting, Settings, Source, environment};

/// How long what was read of secrets is good unless it is said.
const REFRESH_EVERY: Duration = Duration::from_mins(5);

/// What secrets hold: settings by name. Its `Debug` prints nothing of it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secrets(BTreeMap<String, String>);

impl Secrets {
    /// Looks settings up here first, then in `others`.
    pub fn over(&self, others: impl Fn(&str) -> Option<String>) -> impl Fn(&str) -> Option<String> {
        move |name| self.0.get(name).cloned().or_else(|| others(name))
    }

    /// The names of the settings that are other than in `earlier`, separated by spaces.
    pub(crate) fn changes_since(&self, earlier: &Self) -> String {
        let names: std::collections::BTreeSet<_> = self.0.keys().chain(earlier.0.keys()).collect();
        let changed = |name: &&&String| self.0.get(**name) != earlier.0.get(**name);
        names.iter().filter(changed).map(|name| name.as_str()).collect::<Vec<_>>().join(" ")
    }
}

impl FromIterator<(String, String)> for Secrets {
    /// Of two settings of the same name the later is taken.
    fn from_iter<I: IntoIterator<Item = (String, String)>>(settings: I) -> Self {
        Self(settings.into_iter().collect())
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets")
    }
}

/// A secret could not be read. Nothing of what it holds is told.
#[derive(Debug, thiserror::Error)]
#[error("cannot read secret {secret}")]
pub struct SecretError {
    /// Its id.
    pub secret: String,
    /// Why not.
    #[source]
    pub source: Source,
}

/// Reads secrets.
pub trait SecretSource: Send + Sync {
    /// What they hold now, all of them together. One that has no value yet holds nothing.
    ///
    /// # Errors
    /// [`SecretError`] names one that is not there, may not be read, or holds no settings.
    fn fetch(&self) -> impl Future<Output = Result<Secrets, SecretError>> + Send;
}

/// Which secrets hold settings, and how often they are read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretsConfig {
    /// `SECRETS`: ids of secrets, separated by commas; absent: none, all settings are variables.
    pub ids: Vec<String>,
    /// `SECRETS_REFRESH_SECS`: how long what was read is good, in seconds; absent: 300.
    pub refresh_every: Duration,
}

impl SecretsConfig {
    /// Reads the process environment.
    ///
    /// # Errors
    /// [`InvalidSetting`] names the first setting that is unreadable.
    pub fn from_env() -> Result<Self, InvalidSetting> {
        Self::from_vars(environment)
    }

    /// Reads settings from `lookup`.
    ///
    /// # Errors
    /// As [`SecretsConfig::from_env`].
    pub fn from_vars(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, InvalidSetting> {
        let settings = Settings(lookup);
        let ids = settings.maybe("SECRETS", "ids of secrets, separated by commas", ids)?;
        let refresh_every = settings.maybe_secs("SECRETS_REFRESH_SECS")?;
        Ok(Self {
            ids: ids.unwrap_or_default(),
            refresh_every: refresh_every.unwrap_or(REFRESH_EVERY),
        })
    }
}

fn ids(text: &str) -> Option<Vec<String>> {
    let id = |text: &str| Some(text.trim().to_owned()).filter(|id| !id.is_empty());
    text.split(',').map(id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(settings: &[(&str, &str)]) -> Secrets {
        settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_secret_wins_over_a_variable_of_the_same_name() {
        let secrets = secrets(&[("LTX_API_KEY", "secret")]);
        let variable = |name: &str| (name != "FAL_KEY").then(|| "variable".to_owned());
        let lookup = secrets.over(variable);

        assert_eq!(lookup("LTX_API_KEY").as_deref(), Some("secret"));
        assert_eq!(lookup("LTX_BASE_URL").as_deref(), Some("variable"));
        assert_eq!(lookup("FAL_KEY"), None);
    }

    #[test]
    fn changes_are_told_by_name() {
        let earlier = secrets(&[("A", "1"), ("B", "1"), ("C", "1")]);
        let later = secrets(&[("B", "2"), ("C", "1"), ("D", "1")]);

        assert_eq!(later.changes_since(&earlier), "A B D");
        assert_eq!(later.changes_since(&later), "");
    }

    #[test]
    fn secrets_are_not_printed() {
        assert_eq!(format!("{:?}", secrets(&[("LTX_API_KEY", "k")])), "Secrets");
    }

    #[test]
    fn ids_are_separated_by_commas() {
        let read = |ids: &str, secs: &str| {
            SecretsConfig::from_vars(|name| match name {
                "SECRETS" => Some(ids.to_owned()),
                _ => Some(secs.to_owned()),
            })
        };
        let config = |ids: &[&str], secs| SecretsConfig {
            ids: ids.iter().map(|id| (*id).to_owned()).collect(),
            refresh_every: Duration::from_secs(secs),
        };

        assert_eq!(read("", ""), Ok(config(&[], 300)));
        assert_eq!(
            read("stillmotion/dev/providers, arn:aws:1", "60"),
            Ok(config(&["stillmotion/dev/providers", "arn:aws:1"], 60))
        );
        assert!(read("a,,b", "").is_err());
        assert!(read("a", "soon").is_err());
    }
}
