//! Starts a program as Lambda does and waits until it asks for its first invocation.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long Lambda lets a function take for it.
///
/// Source: AWS Lambda Developer Guide, "Understanding the Lambda execution environment lifecycle".
const INIT_LIMIT: Duration = Duration::from_secs(10);
/// How long to wait for a connection before the program is looked at.
const LOOK_EVERY: Duration = Duration::from_micros(100);

/// Whether this machine can run `binary`, by the machine that its ELF header names.
pub(crate) fn runs_here(binary: &Path) -> io::Result<bool> {
    let mut header = [0; 20];
    File::open(binary)?.read_exact(&mut header)?;
    let machine = u16::from_le_bytes([header[18], header[19]]);
    Ok(match machine {
        62 => cfg!(target_arch = "x86_64"),
        183 => cfg!(target_arch = "aarch64"),
        _ => false,
    })
}

/// How long `binary` takes from its start until it asks for its first invocation.
pub(crate) fn until_ready(
    binary: &Path,
    variables: impl FnOnce(u16) -> BTreeMap<String, String>,
) -> io::Result<Duration> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let mut command = Command::new(binary);
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.env_clear().env("PATH", path).envs(variables(listener.local_addr()?.port()));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());

    let started = Instant::now();
    let mut child = command.spawn()?;
    let ready = first_invocation(&listener, &mut child, started);
    let _ = child.kill();
    child.wait()?;
    ready
}

/// When the child asked for its first invocation. Whatever else it asks for is not there.
fn first_invocation(
    listener: &TcpListener,
    child: &mut Child,
    started: Instant,
) -> io::Result<Duration> {
    while started.elapsed() < INIT_LIMIT {
        match listener.accept() {
            Ok((connection, _)) => {
                let arrived = started.elapsed();
                if asks_for_an_invocation(&connection)? {
                    return Ok(arrived);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                if child.try_wait()?.is_some() {
                    return Err(io::Error::other(last_words(child)?));
                }
                std::thread::sleep(LOOK_EVERY);
            }
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::new(io::ErrorKind::TimedOut, "it asked for no invocation within 10 s"))
}

fn asks_for_an_invocation(mut connection: &TcpStream) -> io::Result<bool> {
    connection.set_nonblocking(false)?;
    connection.set_read_timeout(Some(INIT_LIMIT))?;
    let mut line = String::new();
    BufReader::new(connection).read_line(&mut line)?;
    if line.starts_with("GET /2018-06-01/runtime/invocation/next ") {
        return Ok(true);
    }
    connection
        .write_all(b"HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")?;
    Ok(false)
}

fn last_words(child: &mut Child) -> io::Result<String> {
    let mut said = String::new();
    if let Some(stderr) = child.stderr.as_mut() {
        stderr.read_to_string(&mut said)?;
    }
    let last = said.lines().rfind(|line| !line.trim().is_empty());
    Ok(last.unwrap_or("it ended without a word").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str, variables: &[(&str, &str)]) -> io::Result<Duration> {
        let folder = tempfile::tempdir()?;
        let program = folder.path().join("bootstrap");
        std::fs::write(&program, format!("#!/usr/bin/env bash\n{script}\n"))?;
        Command::new("chmod").arg("+x").arg(&program).status()?;
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let own: BTreeMap<_, _> = variables.iter().map(own).collect();
        until_ready(&program, |port| {
            let mut all = own;
            all.insert("PORT".to_owned(), port.to_string());
            all
        })
    }

    #[test]
    fn a_program_is_ready_when_it_asks_for_an_invocation_and_not_before() {
        let asks = r#"ask() { exec 3<>/dev/tcp/127.0.0.1/$PORT; printf 'GET %s HTTP/1.1\r\n\r\n' "$1" >&3; }
            ask /table; head -n 1 <&3 | grep -q 404 || exit 1
            sleep 0.3; ask /2018-06-01/runtime/invocation/next; sleep 5"#;

        let took = sh(asks, &[]).expect("ready");

        assert!((300..5000).contains(&took.as_millis()), "{took:?}");
    }

    #[test]
    fn a_program_that_ends_is_quoted() {
        let error =
            sh("echo \"Error: $WANTED is not set\" >&2; exit 1", &[("WANTED", "EVENT_BUS")]);

        assert_eq!(error.expect_err("not ready").to_string(), "Error: EVENT_BUS is not set");
    }

    #[test]
    fn programs_for_another_machine_are_told_by_their_header() {
        let own = std::env::current_exe().expect("a program");

        assert!(runs_here(&own).expect("read"));
    }
}
