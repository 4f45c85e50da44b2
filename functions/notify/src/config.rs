//! The environment of the function.

use std::time::Duration;

use ports::{InvalidSetting, Settings, environment};
use serde::Deserialize;

use crate::STANDARD_SCHEDULE;

/// What webhooks are signed with: `whsec_` and base64. Its `Debug` prints nothing of it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct WebhookSecret(String);

impl WebhookSecret {
    /// Takes the secret as it is shown to its owner.
    pub const fn new(secret: String) -> Self {
        Self(secret)
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookSecret")
    }
}

/// Somebody who asked to be told.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Endpoint {
    /// Name, unique among the endpoints; what deliveries are recorded under.
    pub name: String,
    /// Where to post to.
    pub url: String,
    /// What to sign with.
    pub secret: WebhookSecret,
}

/// Settings, read once at start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `DELIVERIES_TABLE`: name of the table of deliveries.
    pub deliveries_table: String,
    /// `NOTIFY_QUEUE_URL`: the queue that triggers the function.
    pub notify_queue_url: String,
    /// `DEAD_LETTER_QUEUE_URL`: where records go that no delivery can help.
    pub dead_letter_queue_url: String,
    /// `MAX_RECEIVE_COUNT`: deliveries before a record goes to the dead-letter queue. High: a record
    /// that waits for its next attempt is delivered for each.
    pub max_receive_count: u32,
    /// `WEBHOOK_ENDPOINTS`: JSON array of endpoints, each `{"name", "url", "secret"}`.
    pub endpoints: Vec<Endpoint>,
    /// `WEBHOOK_SCHEDULE_SECS`: pauses between attempts, in seconds, separated by commas; absent:
    /// [`STANDARD_SCHEDULE`].
    pub schedule: Vec<Duration>,
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
        let schedule = schedule(lookup("WEBHOOK_SCHEDULE_SECS"))?;
        let settings = Settings(lookup);
        let endpoints = settings.text("WEBHOOK_ENDPOINTS")?;
        Ok(Self {
            deliveries_table: settings.text("DELIVERIES_TABLE")?,
            notify_queue_url: settings.text("NOTIFY_QUEUE_URL")?,
            dead_letter_queue_url: settings.text("DEAD_LETTER_QUEUE_URL")?,
            max_receive_count: settings.number("MAX_RECEIVE_COUNT")?,
            endpoints: serde_json::from_str(&endpoints).map_err(|_| {
                let expected = r#"a JSON array of {"name", "url", "secret"}"#;
                InvalidSetting::Unreadable { name: "WEBHOOK_ENDPOINTS", expected }
            })?,
            schedule,
        })
    }
}

fn schedule(text: Option<String>) -> Result<Vec<Duration>, InvalidSetting> {
    let Some(text) = text else { return Ok(STANDARD_SCHEDULE.to_vec()) };
    let pauses = text.split(',').map(|pause| pause.trim().parse().map(Duration::from_secs));
    pauses.collect::<Result<_, _>>().map_err(|_| InvalidSetting::Unreadable {
        name: "WEBHOOK_SCHEDULE_SECS",
        expected: "whole seconds separated by commas",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(name: &str, value: &str) -> Result<Config, InvalidSetting> {
        Config::from_vars(|asked| match asked {
            asked if asked == name => Some(value.to_owned()),
            "WEBHOOK_ENDPOINTS" => Some("[]".to_owned()),
            "WEBHOOK_SCHEDULE_SECS" => None,
            _ => Some("1".to_owned()),
        })
    }

    #[test]
    fn the_schedule_is_the_standard_one_unless_it_is_given() {
        let given = config("WEBHOOK_SCHEDULE_SECS", "1, 60").map(|config| config.schedule);
        let standard = config("", "").map(|config| config.schedule);

        assert_eq!(given, Ok(vec![Duration::from_secs(1), Duration::from_mins(1)]));
        assert_eq!(standard, Ok(STANDARD_SCHEDULE.to_vec()));
    }

    #[test]
    fn a_secret_is_told_neither_by_debug_nor_by_an_error() {
        let endpoints = r#"[{"name":"n8n","url":"https://n8n.test/","secret":"whsec_abc"}]"#;

        let read = config("WEBHOOK_ENDPOINTS", endpoints);
        let unreadable = config("WEBHOOK_ENDPOINTS", &endpoints[1..]);

        assert_eq!(read.as_ref().map(|config| config.endpoints.len()), Ok(1));
        assert!(!format!("{read:?}{unreadable:?}").contains("whsec_abc"));
        assert!(unreadable.is_err());
    }
}
