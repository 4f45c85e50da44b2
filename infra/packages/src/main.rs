//! Looks at packages: `packages FOLDER FUNCTION…` prints a table of their sizes and of how soon they are ready, and
//! fails if one is too large. Run it at the root of the repository.
//!
//! The folder is one of `target/lambda`: it holds `{function}.zip` and `{function}/bootstrap`.

mod environment;
mod start;

use environment::Environments;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

/// Most that the zip of a function may have, in bytes.
const LARGEST_ZIP_BYTES: u64 = 6_000_000;
/// How often each is started.
const STARTS: usize = 15;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((folder, functions)) = arguments.split_first() else {
        eprintln!("packages: say which: packages FOLDER FUNCTION…");
        return ExitCode::FAILURE;
    };
    match look_at(Path::new(folder), functions) {
        Ok(too_large) if too_large.is_empty() => ExitCode::SUCCESS,
        Ok(too_large) => {
            let most = kilobytes(LARGEST_ZIP_BYTES);
            eprintln!("packages: larger than {most}: {}", too_large.join(", "));
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("packages: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Prints the table; the functions whose packages are too large.
fn look_at(folder: &Path, functions: &[String]) -> Result<Vec<String>, Box<dyn Error>> {
    let environments = Environments::read(Path::new("schemas/environment.json"))?;
    let mut too_large = Vec::new();
    println!("| function | zip | binary | ready after, median of {STARTS} | least | most |");
    println!("|---|---|---|---|---|---|");
    for function in functions {
        let binary = folder.join(function).join("bootstrap");
        let zip_bytes = size_bytes(&folder.join(format!("{function}.zip")))?;
        let binary_bytes = size_bytes(&binary)?;
        let ready = if start::runs_here(&binary)? {
            ready_after(&binary, function, &environments)?
        } else {
            "not for this machine | |".to_owned()
        };
        let (zip, whole) = (kilobytes(zip_bytes), kilobytes(binary_bytes));
        println!("| {function} | {zip} | {whole} | {ready} |");
        if zip_bytes > LARGEST_ZIP_BYTES {
            too_large.push(format!("{function} ({zip})"));
        }
    }
    Ok(too_large)
}

fn ready_after(
    binary: &Path,
    function: &str,
    environments: &Environments,
) -> Result<String, Box<dyn Error>> {
    let mut took = (0..STARTS)
        .map(|_| start::until_ready(binary, |port| environments.of(function, port)))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| format!("{function} does not start: {error}"))?;
    took.sort_unstable();
    let [median, least, most] =
        [took[STARTS / 2], took[0], took[STARTS - 1]].map(|took| took.as_secs_f64() * 1000.0);
    Ok(format!("{median:.1} ms | {least:.1} ms | {most:.1} ms"))
}

fn size_bytes(path: &Path) -> Result<u64, Box<dyn Error>> {
    let found = fs::metadata(path);
    let found = found.map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(found.len())
}

fn kilobytes(bytes: u64) -> String {
    format!("{} kB", bytes.div_ceil(1000))
}
