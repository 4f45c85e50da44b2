//! `make` on the sample, watched from outside.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::Value;

use crate::Error;
use crate::process::{Peak, cpu_secs};

/// Runs the program beside this one on the sample and prints what each stage took.
pub(crate) fn stages() -> Result<(), Error> {
    let program = std::env::current_exe()?.with_file_name("stillmotion");
    let folder = tempfile::tempdir()?;
    let mut child = Command::new(&program)
        .args(["make", "samples/villa.jpg", "--json", "--title", "NISMARA UMA VILLA"])
        .args(["--subtitle", "Discover Your Balinese Sanctuary"])
        .args(["--music", "samples/music.mp3", "--logo", "samples/logo.png", "-o"])
        .arg(folder.path().join("villa.mp4"))
        .stdout(Stdio::piped())
        .stdin(Stdio::null())
        .spawn()
        .map_err(|error| format!("{}: {error}: build it first", program.display()))?;
    let began = Instant::now();
    let peak = Peak::of(child.id());
    let output = child.stdout.take().ok_or("no output")?;
    let mut cpu = 0.0;

    println!("| stage | waited | worked | CPU | peak memory |\n|---|---|---|---|---|");
    for line in BufReader::new(output).lines() {
        let line: Value = serde_json::from_str(&line?)?;
        let by_then = cpu_secs(child.id());
        if line["state"] == "done" {
            println!(
                "| {} | {} ms | {} ms | {:.1} s | {} MiB |",
                line["stage"].as_str().unwrap_or_default(),
                line["waitedMs"],
                line["workedMs"],
                by_then - cpu,
                peak.take_mib(),
            );
            cpu = by_then;
        }
    }
    if !child.wait()?.success() {
        return Err("make failed".into());
    }
    println!("| all | | {:.1} s | {cpu:.1} s | |", began.elapsed().as_secs_f64());
    Ok(())
}
