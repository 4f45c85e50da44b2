//! The environment of the function.

use ports::{InvalidSetting, Settings, environment};

/// Settings, read once at start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `MEDIA_BUCKET`: name of the bucket that everything is in.
    pub media_bucket: String,
    /// `EVENT_BUS`: name of the bus.
    pub event_bus: String,
    /// `JOBS_TABLE`: name of the table of jobs.
    pub jobs_table: String,
    /// `FETCH_QUEUE_URL`: the queue that triggers the function.
    pub fetch_queue_url: String,
    /// `DEAD_LETTER_QUEUE_URL`: where records go that no delivery can help.
    pub dead_letter_queue_url: String,
    /// `MAX_RECEIVE_COUNT`: deliveries before a record goes to the dead-letter queue.
    pub max_receive_count: u32,
    /// `MAX_PHOTO_BYTES`: largest photo that is fetched, in bytes.
    pub max_photo_bytes: u64,
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
            fetch_queue_url: settings.text("FETCH_QUEUE_URL")?,
            dead_letter_queue_url: settings.text("DEAD_LETTER_QUEUE_URL")?,
            max_receive_count: settings.number("MAX_RECEIVE_COUNT")?,
            max_photo_bytes: settings.number("MAX_PHOTO_BYTES")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_setting_is_named() {
        let error = Config::from_vars(|name| (name != "JOBS_TABLE").then(|| "1".to_owned()));

        assert_eq!(error, Err(InvalidSetting::Missing("JOBS_TABLE")));
    }
}
