//! Reading a function's settings.

use std::str::FromStr;
use std::time::Duration;

/// A setting is missing or cannot be read; the function does not start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSetting {
    /// It is not there.
    #[error("{0} is not set")]
    Missing(&'static str),
    /// It is not what it should be.
    #[error("{name} should be {expected}")]
    Unreadable {
        /// Its name. The value is not told, it may be a secret.
        name: &'static str,
        /// What it should be.
        expected: &'static str,
    },
}

/// Looks settings up by name.
#[derive(Debug)]
pub struct Settings<F>(pub F);

impl<F: Fn(&str) -> Option<String>> Settings<F> {
    /// The text of a setting that has to be there.
    ///
    /// # Errors
    /// [`InvalidSetting::Missing`].
    pub fn text(&self, name: &'static str) -> Result<String, InvalidSetting> {
        (self.0)(name).filter(|text| !text.is_empty()).ok_or(InvalidSetting::Missing(name))
    }

    /// A whole number that has to be there.
    ///
    /// # Errors
    /// [`InvalidSetting`] names it.
    pub fn number<T: FromStr>(&self, name: &'static str) -> Result<T, InvalidSetting> {
        let expected = "a whole number";
        self.text(name)?.parse().map_err(|_| InvalidSetting::Unreadable { name, expected })
    }

    /// A setting that may be missing.
    ///
    /// # Errors
    /// [`InvalidSetting::Unreadable`] if it is there and `read` makes nothing of it; `expected` is
    /// what it should be.
    pub fn maybe<T>(
        &self,
        name: &'static str,
        expected: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, InvalidSetting> {
        let Some(text) = (self.0)(name).filter(|text| !text.is_empty()) else { return Ok(None) };
        read(&text).map(Some).ok_or(InvalidSetting::Unreadable { name, expected })
    }

    /// A secret that may be missing, as [`Settings::maybe`]. On AWS it comes from a secret by reference,
    /// never from a variable. Its name is traced, never its value: a test learns from it which settings
    /// are secret.
    ///
    /// # Errors
    /// As [`Settings::maybe`].
    pub fn secret<T>(
        &self,
        name: &'static str,
        expected: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, InvalidSetting> {
        tracing::trace!(secret = name, "a secret is looked up");
        self.maybe(name, expected, read)
    }

    /// A duration in whole seconds that may be missing.
    ///
    /// # Errors
    /// As [`Settings::maybe`].
    pub fn maybe_secs(&self, name: &'static str) -> Result<Option<Duration>, InvalidSetting> {
        self.maybe(name, "a whole number of seconds", |text| {
            text.parse().ok().map(Duration::from_secs)
        })
    }

    /// A duration in whole seconds that has to be there.
    ///
    /// # Errors
    /// [`InvalidSetting`] names it.
    pub fn secs(&self, name: &'static str) -> Result<Duration, InvalidSetting> {
        self.number(name).map(Duration::from_secs)
    }
}

/// The process environment.
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
