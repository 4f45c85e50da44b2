//! The environment of the function.

use std::path::PathBuf;

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
    /// `RENDER_QUEUE_URL`: the queue that triggers the function.
    pub render_queue_url: String,
    /// `DEAD_LETTER_QUEUE_URL`: where records go that no delivery can help.
    pub dead_letter_queue_url: String,
    /// `MAX_RECEIVE_COUNT`: deliveries before a record goes to the dead-letter queue.
    pub max_receive_count: u32,
    /// `FONTS_FOLDER`: folder with fonts for letters that few have; none: only those that are built in
    /// and the system's.
    pub fonts_folder: Option<PathBuf>,
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
            render_queue_url: settings.text("RENDER_QUEUE_URL")?,
            dead_letter_queue_url: settings.text("DEAD_LETTER_QUEUE_URL")?,
            max_receive_count: settings.number("MAX_RECEIVE_COUNT")?,
            fonts_folder: settings.maybe("FONTS_FOLDER", "a folder", |path| Some(path.into()))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_setting_is_named() {
        let error = Config::from_vars(|name| (name != "EVENT_BUS").then(|| "1".to_owned()));

        assert_eq!(error, Err(InvalidSetting::Missing("EVENT_BUS")));
    }

    #[test]
    fn a_folder_of_fonts_may_be_named() {
        let named = Config::from_vars(|_| Some("5".to_owned())).expect("read");
        let not = Config::from_vars(|name| (name != "FONTS_FOLDER").then(|| "5".to_owned()));

        assert_eq!(named.fonts_folder, Some(PathBuf::from("5")));
        assert_eq!(not.expect("read").fonts_folder, None);
    }
}
