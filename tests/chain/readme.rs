//! What the README shows is what is run.

use std::fs::read_to_string;
use std::path::PathBuf;

fn text(path: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What is between two marks, the first of them with it.
fn part<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let begin = text.find(from).unwrap_or_else(|| panic!("no {from:?}"));
    let length = text[begin..].find(to).unwrap_or(text.len() - begin);
    text[begin..begin + length].trim_end()
}

#[test]
fn the_readme_shows_the_session_that_is_run() {
    let (readme, session) = (text("README.md"), text("examples/session.sh"));

    assert!(readme.contains(part(&session, "ask() {", "\u{0}")), "examples/session.sh has changed");
}

#[test]
fn the_readme_shows_the_upload_that_a_browser_does() {
    let (readme, upload) = (text("README.md"), text("tests/browser/upload.mjs"));
    let shown = part(&upload, "// Announces the photo", "\n\n");

    assert!(readme.contains(shown), "tests/browser/upload.mjs has changed");
}
