//! What `make` shows while it watches: a line per stage for people, JSON lines for scripts.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use domain::Stage;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use crate::report::{StageTime, humane};

/// The stages that are shown, in the order of the chain.
pub(super) const STAGES: [Stage; 4] = [Stage::Ingest, Stage::Ltx, Stage::Render, Stage::Notify];

/// How far a stage is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// It has not begun.
    Waiting,
    /// It is at work.
    Working,
    /// It is done.
    Done(StageTime),
    /// It has failed.
    Failed,
}

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// Lines that move, on a terminal.
    Lines,
    /// A line per change, where there is no terminal.
    Plain,
    /// A JSON object per change.
    Json,
}

impl Manner {
    pub(super) fn of(json: bool) -> Self {
        match (json, std::io::stderr().is_terminal()) {
            (true, _) => Self::Json,
            (false, true) => Self::Lines,
            (false, false) => Self::Plain,
        }
    }
}

/// Shows progress.
#[derive(Debug)]
pub(super) struct Board {
    manner: Manner,
    began: Instant,
    lines: BTreeMap<Stage, ProgressBar>,
    shown: BTreeMap<Stage, Progress>,
}

impl Board {
    pub(super) fn new(manner: Manner) -> Self {
        let target = match manner {
            Manner::Lines => ProgressDrawTarget::stderr(),
            Manner::Plain | Manner::Json => ProgressDrawTarget::hidden(),
        };
        let lines = MultiProgress::with_draw_target(target);
        let line = |stage: &Stage| {
            let bar = lines.add(ProgressBar::new_spinner());
            bar.set_style(style("{spinner:.dim} {prefix:<7.dim} {msg:.dim}"));
            bar.set_prefix(stage.as_str());
            bar.set_message("waiting");
            (*stage, bar)
        };
        Self {
            manner,
            began: Instant::now(),
            lines: STAGES.iter().map(line).collect(),
            shown: STAGES.iter().map(|stage| (*stage, Progress::Waiting)).collect(),
        }
    }

    /// Shows that `stage` is this far; says nothing twice.
    pub(super) fn show(&mut self, stage: Stage, progress: Progress) {
        if self.shown.insert(stage, progress) == Some(progress) {
            return;
        }
        match self.manner {
            Manner::Lines => self.draw(stage, progress),
            Manner::Plain => eprintln!("{stage:<7} {}", words(progress)),
            Manner::Json => println!("{}", self.json(stage, progress)),
        }
    }

    fn draw(&self, stage: Stage, progress: Progress) {
        let Some(line) = self.lines.get(&stage) else { return };
        match progress {
            Progress::Waiting => {}
            Progress::Working => {
                line.set_style(style("{spinner:.cyan} {prefix:<7.bold} {msg} {elapsed:.dim}"));
                line.reset_elapsed();
                line.enable_steady_tick(Duration::from_millis(100));
                line.set_message(words(progress));
            }
            Progress::Done(_) => {
                line.set_style(style("{prefix:.green} {msg}"));
                line.set_prefix(format!("✓ {stage:<7}"));
                line.finish_with_message(words(progress));
            }
            Progress::Failed => {
                line.set_style(style("{prefix:.red} {msg}"));
                line.set_prefix(format!("✗ {stage:<7}"));
                line.finish_with_message(words(progress));
            }
        }
    }

    fn json(&self, stage: Stage, progress: Progress) -> serde_json::Value {
        let elapsed_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let mut line = json!({ "event": "stage", "stage": stage, "elapsedMs": elapsed_ms });
        match progress {
            Progress::Waiting => line["state"] = json!("waiting"),
            Progress::Working => line["state"] = json!("working"),
            Progress::Failed => line["state"] = json!("failed"),
            Progress::Done(time) => {
                line["state"] = json!("done");
                line["waitedMs"] = json!(time.waited_ms);
                line["workedMs"] = json!(time.worked_ms);
            }
        }
        line
    }

    /// Leaves the lines as they are.
    pub(super) fn leave(&self) {
        for line in self.lines.values().filter(|line| !line.is_finished()) {
            line.abandon();
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("a template written here")
}

fn words(progress: Progress) -> String {
    match progress {
        Progress::Waiting => "waiting".to_owned(),
        Progress::Working => "working".to_owned(),
        Progress::Failed => "failed".to_owned(),
        Progress::Done(time) => {
            format!("done in {}", humane(Duration::from_millis(time.worked_ms)))
        }
    }
}
