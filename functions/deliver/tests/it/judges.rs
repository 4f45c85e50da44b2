//! Programs that judge, and how they are asked.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::receiver::Received;

/// The setting that `./stillmotion test` makes.
///
/// # Panics
/// If it is missing.
pub(crate) fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run ./stillmotion test"))
}

/// A path from the root of the repository.
pub(crate) fn file(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// Runs a program, `question` on its standard input.
pub(crate) fn ask(command: &mut Command, question: &Value) -> Output {
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().expect("the program runs");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(question.to_string().as_bytes()).expect("it listens");
    drop(input);
    child.wait_with_output().expect("it ends")
}

/// What was received, as the programs take it: headers and body.
pub(crate) fn described(received: &Received) -> Value {
    let headers = received.headers.iter();
    let headers: serde_json::Map<_, _> = headers
        .map(|(name, value)| (name.to_string(), json!(value.to_str().expect("text"))))
        .collect();
    json!({ "headers": headers, "body_base64": BASE64_STANDARD.encode(&received.body) })
}
