//! Content files: the bytes of objects and parts, under random names.
//!
//! A file is written once, closed, then referred to by a row. What no row refers to is removed: at
//! once if the upload failed, at the next start if the process died.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use uuid::Uuid;

/// The folder of content files.
#[derive(Debug)]
pub(crate) struct ContentFolder {
    root: PathBuf,
    /// Begins the names of this run, so that a sweep knows what earlier runs left.
    run: String,
}

impl ContentFolder {
    /// Uses `root`, which is made if it is missing; `run` differs in every run.
    pub(crate) fn open(root: PathBuf, run: i64) -> io::Result<Self> {
        fs::create_dir_all(&root)?;
        Ok(Self { root, run: format!("{run:x}-") })
    }

    /// Begins a new content file.
    pub(crate) fn draft(&self) -> io::Result<(Draft, File)> {
        let draft = self.name();
        let file = match File::create_new(&draft.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                make_parent(&draft.path)?;
                File::create_new(&draft.path)?
            }
            other => other?,
        };
        Ok((draft, file))
    }

    /// A second name for the bytes of `content`, which live on when the first is removed.
    pub(crate) fn link(&self, content: &str) -> io::Result<Draft> {
        let source = self.path(content);
        let draft = self.name();
        make_parent(&draft.path)?;
        if fs::hard_link(&source, &draft.path).is_err() {
            fs::copy(&source, &draft.path)?;
        }
        Ok(draft)
    }

    /// Opens a content file; a reader keeps its bytes even if the file is removed meanwhile.
    pub(crate) fn open_file(&self, content: &str) -> io::Result<File> {
        File::open(self.path(content))
    }

    /// Removes a content file that nothing refers to any more.
    pub(crate) fn remove(&self, content: &str) {
        remove(&self.path(content));
    }

    /// Removes files of earlier runs that are not in `kept`; returns how many.
    pub(crate) fn sweep(&self, kept: &HashSet<String>) -> io::Result<usize> {
        let mut removed = 0;
        for folder in fs::read_dir(&self.root)? {
            for file in fs::read_dir(folder?.path())? {
                let file = file?;
                let name = file.file_name().to_string_lossy().into_owned();
                if !name.starts_with(&self.run) && !kept.contains(&name) {
                    remove(&file.path());
                    removed += 1;
                }
            }
        }
        Ok(removed)
    }

    fn name(&self) -> Draft {
        let name = format!("{}{}", self.run, Uuid::new_v4().simple());
        Draft { path: self.path(&name), name, kept: false }
    }

    fn path(&self, content: &str) -> PathBuf {
        let shard = content.get(content.len().saturating_sub(2)..).unwrap_or_default();
        self.root.join(shard).join(content)
    }
}

fn make_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}

fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(file = %path.display(), %error, "a content file could not be removed");
    }
}

/// A content file that no row refers to yet; it is removed unless it is kept.
#[derive(Debug)]
pub(crate) struct Draft {
    path: PathBuf,
    name: String,
    kept: bool,
}

impl Draft {
    /// The name rows refer to it by.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// A row refers to the file from now on.
    pub(crate) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.kept {
            remove(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_that_is_not_kept_is_gone() {
        let folder = tempfile::tempdir().expect("a folder");
        let content = ContentFolder::open(folder.path().join("content"), 1).expect("opened");

        let (draft, _file) = content.draft().expect("a draft");
        let path = draft.path.clone();
        drop(draft);

        assert!(!path.exists());
    }

    #[test]
    fn a_sweep_takes_what_earlier_runs_left_and_no_row_refers_to() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("content");
        let earlier = ContentFolder::open(root.clone(), 1).expect("opened");
        let later = ContentFolder::open(root, 2).expect("opened");
        let [kept, orphan, new] = [&earlier, &earlier, &later].map(|content| {
            let (draft, _file) = content.draft().expect("a draft");
            let name = draft.name().to_owned();
            draft.keep();
            name
        });

        let removed = later.sweep(&HashSet::from([kept.clone()])).expect("swept");

        assert_eq!(removed, 1);
        assert!(later.open_file(&kept).is_ok());
        assert!(later.open_file(&new).is_ok());
        assert!(later.open_file(&orphan).is_err());
    }
}
