//! The environment of the function.

use domain::Caps;
use ports::{InvalidSetting, Settings, caps, environment};

use crate::Patience;

/// Settings, read once at start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `MEDIA_BUCKET`: name of the bucket that everything is in.
    pub media_bucket: String,
    /// `EVENT_BUS`: name of the bus.
    pub event_bus: String,
    /// `JOBS_TABLE`: name of the table of jobs.
    pub jobs_table: String,
    /// `METERS_TABLE`: name of the table of what is used.
    pub meters_table: String,
    /// `LEDGER_TABLE`: name of the ledger.
    pub ledger_table: String,
    /// `ACCOUNTS_TABLE`: name of the table of what may be spent.
    pub accounts_table: String,
    /// `FETCH_QUEUE_URL`: where lost notifications of requests to fetch are sent again.
    pub fetch_queue_url: String,
    /// `INGEST_QUEUE_URL`: where lost notifications of uploads are sent again.
    pub ingest_queue_url: String,
    /// `LTX_QUEUE_URL`: where lost orders are sent again.
    pub ltx_queue_url: String,
    /// `RENDER_QUEUE_URL`: where lost notifications of clips are sent again.
    pub render_queue_url: String,
    /// `NUDGE_AFTER_SECS`, `EXPIRE_AFTER_SECS`, `GIVE_UP_AFTER_SECS`: see [`Patience`], in seconds.
    pub patience: Patience,
    /// What may be spent, as `ltx` is told; see [`caps`].
    pub caps: Caps,
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
            meters_table: settings.text("METERS_TABLE")?,
            ledger_table: settings.text("LEDGER_TABLE")?,
            accounts_table: settings.text("ACCOUNTS_TABLE")?,
            fetch_queue_url: settings.text("FETCH_QUEUE_URL")?,
            ingest_queue_url: settings.text("INGEST_QUEUE_URL")?,
            ltx_queue_url: settings.text("LTX_QUEUE_URL")?,
            render_queue_url: settings.text("RENDER_QUEUE_URL")?,
            patience: Patience {
                nudge_after: settings.secs("NUDGE_AFTER_SECS")?,
                expire_after: settings.secs("EXPIRE_AFTER_SECS")?,
                give_up_after: settings.secs("GIVE_UP_AFTER_SECS")?,
            },
            caps: caps(&settings)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_setting_is_named() {
        let error = Config::from_vars(|name| (name != "NUDGE_AFTER_SECS").then(|| "1".to_owned()));

        assert_eq!(error, Err(InvalidSetting::Missing("NUDGE_AFTER_SECS")));
    }
}
