//! What a person or a script is told about jobs.

use std::time::Duration;

use domain::{Stage, Timestamp};
use events::Event;
use serde::Serialize;
use serde_json::Value;

/// How long a job was in a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StageTime {
    /// The stage.
    pub stage: Stage,
    /// Time before it worked on the job and between its looks, in milliseconds.
    pub waited_ms: u64,
    /// Time it worked on the job, in milliseconds.
    pub worked_ms: u64,
}

impl StageTime {
    /// A stage that took `took` in all, `worked` of it at work.
    pub fn new(stage: Stage, took: Duration, worked: Duration) -> Self {
        let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self { stage, waited_ms: ms(took.saturating_sub(worked)), worked_ms: ms(worked) }
    }
}

/// The times of the stages that have ended, told from the history of a job that arrived at
/// `arrived`.
pub fn stage_times(history: &[Event], arrived: Timestamp) -> Vec<StageTime> {
    let mut times = Vec::new();
    let mut before = arrived;
    for event in history {
        let stage = match event.detail_type.as_str() {
            "PhotoAccepted.v1" => Stage::Ingest,
            "LtxDone.v1" => Stage::Ltx,
            "Rendered.v1" => Stage::Render,
            _ => continue,
        };
        let worked = Duration::from_millis(worked_ms(event));
        times.push(StageTime::new(stage, event.occurred_at.since(before), worked));
        before = event.occurred_at;
    }
    times
}

fn worked_ms(event: &Event) -> u64 {
    let detail: Value = serde_json::from_str(&event.detail).unwrap_or_default();
    detail["workedMs"].as_u64().unwrap_or_default()
}

/// A duration for people: `7.3 s`, `2 min 5 s`, `3 h 4 min`, `2 d 1 h`.
pub fn humane(duration: Duration) -> String {
    let secs = duration.as_secs();
    match secs {
        0 if duration.as_millis() < 1000 => format!("{} ms", duration.as_millis()),
        0..60 => format!("{:.1} s", duration.as_secs_f64()),
        60..3600 => format!("{} min {} s", secs / 60, secs % 60),
        3600..86_400 => format!("{} h {} min", secs / 3600, secs % 3600 / 60),
        _ => format!("{} d {} h", secs / 86_400, secs % 86_400 / 3600),
    }
}

/// Rows in columns as wide as their widest cell.
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or_default()).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_told_in_two_parts_at_most() {
        let humane = |secs| humane(Duration::from_secs(secs));

        assert_eq!(super::humane(Duration::from_millis(41)), "41 ms");
        assert_eq!(humane(7), "7.0 s");
        assert_eq!(humane(125), "2 min 5 s");
        assert_eq!(humane(2 * 86_400 + 3_700), "2 d 1 h");
    }

    #[test]
    fn columns_line_up() {
        let rows = [vec!["a".to_owned(), "b".to_owned()], vec!["long".to_owned(), "c".to_owned()]];

        assert_eq!(table(&rows), "a     b\nlong  c");
    }
}
