//! The environment of the function.

use ports::{InvalidSetting, Settings, environment};

/// Settings, read once at start. What posts are verified with is read by `providers`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `JOBS_TABLE`: name of the table of jobs.
    pub jobs_table: String,
    /// `LEDGER_TABLE`: name of the ledger.
    pub ledger_table: String,
    /// `ACCOUNTS_TABLE`: name of the table of what may be spent.
    pub accounts_table: String,
    /// `REGISTERS_TABLE`: name of the table of shared documents.
    pub registers_table: String,
    /// `LTX_QUEUE_URL`: where looks are wished for.
    pub ltx_queue_url: String,
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
            jobs_table: settings.text("JOBS_TABLE")?,
            ledger_table: settings.text("LEDGER_TABLE")?,
            accounts_table: settings.text("ACCOUNTS_TABLE")?,
            registers_table: settings.text("REGISTERS_TABLE")?,
            ltx_queue_url: settings.text("LTX_QUEUE_URL")?,
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
