//! From `up` to ready.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::Error;

/// Starts `up` again and again, on a new folder and then on the same, and prints how long it took
/// until it said that it is up.
pub(crate) fn up(times: usize) -> Result<(), Error> {
    let program = std::env::current_exe()?.with_file_name("stillmotion");
    let folder = tempfile::tempdir()?;
    println!("| start | ready after |\n|---|---|");
    for n in 0..times {
        let began = Instant::now();
        let mut child = Command::new(&program)
            .args(["up", "--port", "0", "--api-port", "0", "--data"])
            .arg(folder.path().join("data"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("{}: {error}: build it first", program.display()))?;
        let output = child.stdout.take().ok_or("no output")?;
        BufReader::new(output).lines().next().ok_or("it said nothing")??;
        let took = began.elapsed();
        child.kill()?;
        child.wait()?;
        let start = if n == 0 { "new folder" } else { "after kill -9" };
        println!("| {start} | {} ms |", took.as_millis());
    }
    Ok(())
}
