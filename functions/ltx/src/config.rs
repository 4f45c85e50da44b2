//! The environment of the function.

use std::time::Duration;

use ports::{InvalidSetting, Settings, environment};

use crate::Limits;

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
    /// `MAX_FAULTS`: broken looks and collections before an attempt is given up.
    pub max_faults: u32,
    /// `SUBMIT_GRACE_SECS`: how long an order may be on its way before its answer counts as lost,
    /// in seconds.
    pub submit_grace: Duration,
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
            max_faults: settings.number("MAX_FAULTS")?,
            submit_grace: settings.secs("SUBMIT_GRACE_SECS")?,
        })
    }

    /// When to stop trying.
    pub fn limits(&self) -> Limits {
        Limits { max_faults: self.max_faults, submit_grace: self.submit_grace }
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
