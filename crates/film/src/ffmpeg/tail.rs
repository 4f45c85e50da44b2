//! The last lines that a program said.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt};

const LINES: usize = 8;
const LINE_BYTES: usize = 240;

/// The last few lines of a stream, each cut to a bounded length.
#[derive(Debug, Default)]
pub(super) struct Tail {
    lines: VecDeque<String>,
    current: Vec<u8>,
    disk_full: bool,
}

impl Tail {
    /// Reads `stream` to its end.
    pub(super) async fn read(&mut self, mut stream: impl AsyncRead + Unpin) -> io::Result<()> {
        let mut chunk = [0; 4096];
        loop {
            let count = stream.read(&mut chunk).await?;
            if count == 0 {
                self.end_line();
                return Ok(());
            }
            self.take(&chunk[..count]);
        }
    }

    /// Some line said that there is no room, whether or not it is still kept.
    pub(super) fn disk_full(&self) -> bool {
        self.disk_full
    }

    fn take(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            match byte {
                b'\n' | b'\r' => self.end_line(),
                _ if self.current.len() < LINE_BYTES => self.current.push(byte),
                _ => {}
            }
        }
    }

    fn end_line(&mut self) {
        let line = String::from_utf8_lossy(&self.current).trim().to_owned();
        self.current.clear();
        if line.is_empty() {
            return;
        }
        self.disk_full |= line.contains("No space left on device");
        if self.lines.len() == LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }
}

impl fmt::Display for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.lines.is_empty() {
            return f.write_str("it said nothing");
        }
        for (index, line) in self.lines.iter().enumerate() {
            let separator = if index == 0 { "" } else { " | " };
            write!(f, "{separator}{line}")?;
        }
        Ok(())
    }
}
