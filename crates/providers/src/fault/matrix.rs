//! The table, for people.

use std::fmt::Write as _;

use super::{Class, Phase, REPLICATE_ABORTED, REPLICATE_STOPPED, Row, TABLE, When};

/// Whether work that failed is charged where its provider tells no cost: a flag of the registry.
const UNLESS_BILLED: &str = "no, unless `bills_failures`";

/// The table in Markdown: who says what to what, what it means, whether the same is asked again,
/// and whether it is charged.
pub fn matrix() -> String {
    let mut text = String::from(
        "| provider | asked for | status | sign | class | asked again | charged | what it is |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for row in TABLE {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", line(row));
    }
    text
}

fn line(row: &Row) -> String {
    let phases: Vec<&str> = row.phases.iter().map(|phase| phase.as_str()).collect();
    let status = match row.when {
        When::Status(status) => status.to_string(),
        When::Ended => "no clip".to_owned(),
    };
    let sign = row.sign.map_or_else(String::new, |sign| format!("`{sign}`"));
    format!(
        "| {} | {} | {status} | {sign} | {} | {} | {} | {} |",
        row.provider,
        phases.join(", "),
        class(row.class),
        asked_again(row),
        charged(row),
        row.note
    )
}

fn class(class: Class) -> String {
    match class {
        Class::Refused(over) => format!("refused over {}", over.as_str()),
        Class::Later => "later".to_owned(),
        Class::Unknown => "unknown".to_owned(),
        Class::Gone => "gone".to_owned(),
        Class::Broken => "broken".to_owned(),
    }
}

fn asked_again(row: &Row) -> &'static str {
    match row.class {
        Class::Refused(over) if over.is_about_provider() => "no, another provider may be",
        Class::Gone if row.phases == [Phase::Collect] => "after a fresh look",
        Class::Refused(_) | Class::Gone => "no",
        Class::Unknown => "never by a retry",
        Class::Later => "yes, after a pause",
        Class::Broken => "yes, as a fault",
    }
}

/// Asking for anything but an order is free. An order that says no is, too; of work that ended
/// without a clip the provider tells the cost, or else the registry whether there is one.
fn charged(row: &Row) -> &'static str {
    match (row.class, row.when, row.provider) {
        (_, When::Ended, "runway") => "as it says",
        (_, When::Ended, _) if row.sign == Some(REPLICATE_STOPPED) => "if it had begun",
        (_, When::Ended, _) if row.sign == Some(REPLICATE_ABORTED) => "no",
        (_, When::Ended, _) => UNLESS_BILLED,
        (Class::Refused(_), When::Status(..500), _) if row.phases.contains(&Phase::Result) => {
            UNLESS_BILLED
        }
        (Class::Unknown, ..) => "perhaps",
        (Class::Gone, ..) if row.phases != [Phase::Collect] => "perhaps",
        _ => "no",
    }
}
