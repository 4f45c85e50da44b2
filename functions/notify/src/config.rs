//! The environment of the function.

use ports::{InvalidSetting, Settings, environment};

/// Settings, read once at start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `DELIVERIES_TABLE`: name of the table of deliveries.
    pub deliveries_table: String,
    /// `ENDPOINTS_TABLE`: name of the table of endpoints.
    pub endpoints_table: String,
    /// `NOTIFY_QUEUE_URL`: the queue that triggers the function.
    pub notify_queue_url: String,
    /// `DELIVER_QUEUE_URL`: where deliveries are asked for.
    pub deliver_queue_url: String,
    /// `DEAD_LETTER_QUEUE_URL`: where records go that no delivery can help.
    pub dead_letter_queue_url: String,
    /// `MAX_RECEIVE_COUNT`: deliveries before a record goes to the dead-letter queue.
    pub max_receive_count: u32,
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
            deliveries_table: settings.text("DELIVERIES_TABLE")?,
            endpoints_table: settings.text("ENDPOINTS_TABLE")?,
            notify_queue_url: settings.text("NOTIFY_QUEUE_URL")?,
            deliver_queue_url: settings.text("DELIVER_QUEUE_URL")?,
            dead_letter_queue_url: settings.text("DEAD_LETTER_QUEUE_URL")?,
            max_receive_count: settings.number("MAX_RECEIVE_COUNT")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_setting_is_named() {
        let all = Config::from_vars(|_| Some("1".to_owned()));
        let without = Config::from_vars(|name| (name != "ENDPOINTS_TABLE").then(|| "1".to_owned()));

        assert_eq!(all.map(|config| config.max_receive_count), Ok(1));
        assert_eq!(without, Err(InvalidSetting::Missing("ENDPOINTS_TABLE")));
    }
}
