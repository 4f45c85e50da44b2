//! What a program writes.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// What a program writes to its two outputs, in files: nothing of it is late or lost.
#[derive(Debug)]
pub(crate) struct Log {
    out: PathBuf,
    err: PathBuf,
}

impl Log {
    /// In this folder.
    pub(crate) fn new(folder: &Path) -> Self {
        Self { out: folder.join("stdout"), err: folder.join("stderr") }
    }

    /// What a program is started with.
    pub(crate) fn outputs(&self) -> (Stdio, Stdio) {
        let create = |path| Stdio::from(File::create(path).expect("a file for what is written"));
        (create(&self.out), create(&self.err))
    }

    /// Everything that was written so far.
    pub(crate) fn text(&self) -> String {
        let read = |path| String::from_utf8_lossy(&std::fs::read(path).expect("read")).into_owned();
        read(&self.out) + &read(&self.err)
    }
}
