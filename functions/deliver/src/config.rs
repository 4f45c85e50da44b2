//! The environment of the function.

use std::time::Duration;

use guard::Guard;
use ports::{InvalidSetting, Settings, environment};

use crate::STANDARD_SCHEDULE;

/// Settings, read once at start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `DELIVERIES_TABLE`: name of the table of deliveries.
    pub deliveries_table: String,
    /// `ENDPOINTS_TABLE`: name of the table of endpoints.
    pub endpoints_table: String,
    /// `REGISTERS_TABLE`: name of the table of registers, which breakers are in.
    pub registers_table: String,
    /// `EVENT_BUS`: name of the bus.
    pub event_bus: String,
    /// `DELIVER_QUEUE_URL`: the queue that triggers the function.
    pub deliver_queue_url: String,
    /// `DEAD_LETTER_QUEUE_URL`: where records go that no delivery can help.
    pub dead_letter_queue_url: String,
    /// `MAX_RECEIVE_COUNT`: deliveries before a record goes to the dead-letter queue. High: a record
    /// that waits for its next attempt is delivered for each, and for looks in between.
    pub max_receive_count: u32,
    /// `WEBHOOK_SCHEDULE_SECS`: pauses between attempts, in seconds, separated by commas; absent:
    /// [`STANDARD_SCHEDULE`].
    pub schedule: Vec<Duration>,
    /// `WEBHOOK_ALLOW_LOOPBACK`: `true` lets http, and receivers on this machine, be posted to: for
    /// development. Absent: `false`.
    pub guard: Guard,
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
        let expected = "whole seconds separated by commas";
        let schedule = settings.maybe("WEBHOOK_SCHEDULE_SECS", expected, pauses)?;
        let loopback = settings.maybe("WEBHOOK_ALLOW_LOOPBACK", "true or false", flag)?;
        Ok(Self {
            deliveries_table: settings.text("DELIVERIES_TABLE")?,
            endpoints_table: settings.text("ENDPOINTS_TABLE")?,
            registers_table: settings.text("REGISTERS_TABLE")?,
            event_bus: settings.text("EVENT_BUS")?,
            deliver_queue_url: settings.text("DELIVER_QUEUE_URL")?,
            dead_letter_queue_url: settings.text("DEAD_LETTER_QUEUE_URL")?,
            max_receive_count: settings.number("MAX_RECEIVE_COUNT")?,
            schedule: schedule.unwrap_or_else(|| STANDARD_SCHEDULE.to_vec()),
            guard: if loopback == Some(true) { Guard::with_loopback() } else { Guard::STRICT },
        })
    }
}

fn pauses(text: &str) -> Option<Vec<Duration>> {
    let pauses = text.split(',').map(|pause| pause.trim().parse().map(Duration::from_secs));
    pauses.collect::<Result<_, _>>().ok()
}

fn flag(text: &str) -> Option<bool> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(name: &str, value: &str) -> Result<Config, InvalidSetting> {
        Config::from_vars(|asked| match asked {
            asked if asked == name => Some(value.to_owned()),
            "WEBHOOK_SCHEDULE_SECS" | "WEBHOOK_ALLOW_LOOPBACK" => None,
            _ => Some("1".to_owned()),
        })
    }

    #[test]
    fn the_schedule_is_the_standard_one_unless_it_is_given() {
        let schedule = |value| config("WEBHOOK_SCHEDULE_SECS", value).map(|config| config.schedule);

        assert_eq!(schedule("1, 60"), Ok(vec![Duration::from_secs(1), Duration::from_mins(1)]));
        assert_eq!(schedule(""), Ok(STANDARD_SCHEDULE.to_vec()));
        assert!(schedule("1, soon").is_err());
    }

    #[test]
    fn nothing_on_this_machine_is_posted_to_unless_it_is_said_so() {
        let guard = |value| config("WEBHOOK_ALLOW_LOOPBACK", value).map(|config| config.guard);

        assert_eq!(
            [guard("true"), guard("false")],
            [Ok(Guard::with_loopback()), Ok(Guard::STRICT)]
        );
        assert_eq!(guard(""), Ok(Guard::STRICT));
        assert!(guard("yes").is_err());
    }
}
