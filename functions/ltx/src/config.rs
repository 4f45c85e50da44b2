//! The environment of the function.

use domain::ObjectKey;
use ports::{InvalidSetting, Settings, environment};

use crate::Policy;

/// Settings, read once at start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `MEDIA_BUCKET`: name of the bucket that everything is in.
    pub media_bucket: String,
    /// `EVENT_BUS`: name of the bus.
    pub event_bus: String,
    /// `JOBS_TABLE`: name of the table of jobs.
    pub jobs_table: String,
    /// `LEDGER_TABLE`: name of the ledger.
    pub ledger_table: String,
    /// `LTX_QUEUE_URL`: the queue that triggers the function.
    pub ltx_queue_url: String,
    /// `DEAD_LETTER_QUEUE_URL`: where records go that no delivery can help.
    pub dead_letter_queue_url: String,
    /// `MAX_RECEIVE_COUNT`: deliveries before a record goes to the dead-letter queue. High: a
    /// record that waits for a provider is delivered for every look.
    pub max_receive_count: u32,
    /// `ACCOUNTS_TABLE`: name of the table of what may be spent.
    pub accounts_table: String,
    /// `REGISTERS_TABLE`: name of the table of shared documents.
    pub registers_table: String,
    /// `PROVIDER_REGISTRY_KEY`: key, in the media bucket, of the capabilities and prices of
    /// providers; none: those that were built in.
    pub registry_key: Option<ObjectKey>,
    /// What may be spent, and when to stop trying; see [`Policy::from_vars`].
    pub policy: Policy,
}

impl Config {
    /// Reads the process environment.
    ///
    /// # Errors
    /// [`InvalidSetting`] names the first setting that is missing or unreadable.
    pub fn from_env() -> Result<Self, InvalidSetting> {
        Self::from_vars(environment)
    }

    /// Reads settings from `lookup`.
    ///
    /// # Errors
    /// As [`Config::from_env`].
    pub fn from_vars(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, InvalidSetting> {
        let settings = Settings(lookup);
        Ok(Self {
            media_bucket: settings.text("MEDIA_BUCKET")?,
            event_bus: settings.text("EVENT_BUS")?,
            jobs_table: settings.text("JOBS_TABLE")?,
            ledger_table: settings.text("LEDGER_TABLE")?,
            ltx_queue_url: settings.text("LTX_QUEUE_URL")?,
            dead_letter_queue_url: settings.text("DEAD_LETTER_QUEUE_URL")?,
            max_receive_count: settings.number("MAX_RECEIVE_COUNT")?,
            accounts_table: settings.text("ACCOUNTS_TABLE")?,
            registers_table: settings.text("REGISTERS_TABLE")?,
            registry_key: settings
                .maybe("PROVIDER_REGISTRY_KEY", "a key", |key| ObjectKey::new(key).ok())?,
            policy: Policy::from_vars(settings.0)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_setting_is_named() {
        let error = Config::from_vars(|name| (name != "LEDGER_TABLE").then(|| "1".to_owned()));

        assert_eq!(error, Err(InvalidSetting::Missing("LEDGER_TABLE")));
    }
}
