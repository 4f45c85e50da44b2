//! One process for each data folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// Holds a data folder until it is dropped, or until the process ends in any way.
#[derive(Debug)]
pub(crate) struct FolderLock {
    _file: File,
}

/// A data folder could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process works in it.
    #[error("the data folder {} is in use by process {pid}", folder.display())]
    InUse {
        /// The data folder.
        folder: PathBuf,
        /// The process that holds it, as it wrote itself down.
        pid: String,
    },
    /// The lock file could not be written.
    #[error("cannot lock the data folder {}", folder.display())]
    Unavailable {
        /// The data folder.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl FolderLock {
    /// Takes `folder`, which is created if it is missing.
    pub(crate) fn take(folder: &Path) -> Result<Self, LockError> {
        let unavailable = |source| LockError::Unavailable { folder: folder.to_owned(), source };

        std::fs::create_dir_all(folder).map_err(unavailable)?;
        let mut file = open(&folder.join("lock")).map_err(unavailable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(in_use(folder, &mut file)),
            Err(TryLockError::Error(source)) => return Err(unavailable(source)),
        }
        write_pid(&mut file).map_err(unavailable)?;
        Ok(Self { _file: file })
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

fn write_pid(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    write!(file, "{}", std::process::id())
}

fn in_use(folder: &Path, file: &mut File) -> LockError {
    let mut pid = String::new();
    if file.read_to_string(&mut pid).is_err() || pid.is_empty() {
        "of unknown id".clone_into(&mut pid);
    }
    LockError::InUse { folder: folder.to_owned(), pid }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_in_use_is_refused_with_its_name_and_the_process() {
        let folder = tempfile::tempdir().expect("a folder");
        let _held = FolderLock::take(folder.path()).expect("taken");

        let error = FolderLock::take(folder.path()).expect_err("refused").to_string();

        assert!(error.contains(&folder.path().display().to_string()), "{error}");
        assert!(error.contains(&std::process::id().to_string()), "{error}");
    }

    #[test]
    fn a_folder_is_free_again_when_the_lock_is_dropped() {
        let folder = tempfile::tempdir().expect("a folder");
        drop(FolderLock::take(folder.path()).expect("taken"));

        FolderLock::take(folder.path()).expect("taken again");
    }
}
