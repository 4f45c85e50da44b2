//! The rules in docs/EVENTS.md.

use std::collections::BTreeMap;
use std::path::PathBuf;

use rustack_events_core::pattern::{matches, parse_event_pattern};
use serde_json::Value;

use crate::judges::file;

/// One real event of each fact, by `detail-type`.
fn examples() -> BTreeMap<String, Value> {
    let files = std::fs::read_dir(file("schemas/examples")).expect("examples");
    let paths = files.map(|entry| entry.expect("a file").path());
    let event = |path: PathBuf| -> Value {
        serde_json::from_slice(&std::fs::read(path).expect("readable")).expect("JSON")
    };
    let named = |event: Value| Some((event["detail-type"].as_str()?.to_owned(), event));
    paths.map(event).filter_map(named).collect()
}

#[test]
fn there_is_a_rule_for_every_fact_which_hears_of_it_and_of_nothing_else() {
    let text = std::fs::read_to_string(file("docs/EVENTS.md")).expect("the page");
    let (_, rules) = text.split_once("\n## Rules\n").expect("the section");
    let (rules, _) = rules.split_once("\n## ").expect("the next section");
    let patterns: Vec<_> = rules.lines().filter(|line| line.starts_with('{')).collect();

    let mut heard = Vec::new();
    for pattern in patterns {
        let parsed = parse_event_pattern(pattern).expect("a pattern");
        let all = examples();
        let matched: Vec<_> =
            all.iter().filter(|(_, event)| matches(&parsed, event)).map(|(name, _)| name).collect();
        assert_eq!(matched.len(), 1, "{pattern} hears of {matched:?}");
        heard.push(matched[0].clone());
    }

    heard.sort();
    assert_eq!(heard, examples().into_keys().collect::<Vec<_>>());
}
