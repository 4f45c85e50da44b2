//! The committed list of metrics, and the table of them for people, say what the enum says.
//!
//! `UPDATE_SCHEMAS=1 cargo test -p ports --test metrics` writes them anew.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use ports::Metric;
use serde::Serialize;
use serde_json::Value;

/// What the table stands between.
const MARKS: [&str; 2] = ["<!-- metrics -->\n", "<!-- end of metrics -->\n"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Compares `text` with the committed file, or writes it when asked to.
fn committed(path: &str, text: &str) {
    let file = root().join(path);
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        fs::write(&file, text).expect("write");
    }
    let on_disk = fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(on_disk, text, "{path} is out of date: run `just schemas`");
}

/// The list, in this order whatever maps of the build keep.
#[derive(Serialize)]
struct List {
    metrics: Vec<Entry>,
}

#[derive(Clone, Serialize)]
struct Entry {
    name: &'static str,
    unit: &'static str,
    from: &'static [&'static str],
    meaning: &'static str,
}

impl Entry {
    fn of(metric: Metric) -> Self {
        Self {
            name: metric.name(),
            unit: metric.unit().as_str(),
            from: metric.from(),
            meaning: metric.meaning(),
        }
    }
}

fn table() -> String {
    let rows = Metric::ALL.map(|metric| {
        let (name, unit) = (metric.name(), metric.unit().as_str());
        let (from, meaning) = (metric.from().join(", "), metric.meaning());
        format!("| `{name}` | {unit} | {from} | {meaning} |\n")
    });
    format!("| metric | unit | from | what it tells |\n|---|---|---|---|\n{}", rows.concat())
}

#[test]
fn the_committed_list_says_what_the_enum_says() {
    let list = List { metrics: Metric::ALL.map(Entry::of).to_vec() };

    let text = serde_json::to_string_pretty(&list).expect("JSON");
    committed("schemas/metrics.json", &format!("{text}\n"));
}

#[test]
fn the_table_for_people_says_what_the_enum_says() {
    let page = fs::read_to_string(root().join("docs/LOGGING.md")).expect("the page");
    let (before, rest) = page.split_once(MARKS[0]).expect("where the table begins");
    let (_, after) = rest.split_once(MARKS[1]).expect("where the table ends");
    let [begins, ends] = MARKS;

    committed("docs/LOGGING.md", &format!("{before}{begins}{}{ends}{after}", table()));
}

#[test]
fn every_metric_has_a_name_of_its_own_and_comes_from_functions_that_there_are() {
    let topology = fs::read_to_string(root().join("infra/topology.json")).expect("the topology");
    let topology: Value = serde_json::from_str(&topology).expect("JSON");
    let functions = topology["functions"].as_object().expect("functions");
    let fed = functions.iter().filter(|(_, function)| function["trigger"]["queue"].is_string());
    let fed: BTreeSet<_> = fed.map(|(name, _)| name.as_str()).collect();

    for metric in Metric::ALL {
        let from: BTreeSet<_> = metric.from().iter().copied().collect();
        assert!(from.iter().all(|name| functions.contains_key(*name)), "{metric:?}");
        if metric.name().starts_with("Record") {
            assert_eq!(from, fed, "{metric:?}");
        }
    }
    let names: BTreeSet<_> = Metric::ALL.iter().map(|metric| metric.name()).collect();
    assert_eq!(names.len(), Metric::ALL.len());
}
