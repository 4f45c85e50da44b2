//! The index: what exists, in `SQLite`. One connection writes, a few read.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::error::StoreError;
use crate::sqlite;

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT OR IGNORE INTO counters VALUES ('run', 0), ('sequencer', 0);

CREATE TABLE IF NOT EXISTS buckets (
    name TEXT PRIMARY KEY,
    created_ms INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS objects (
    bucket TEXT NOT NULL,
    key TEXT NOT NULL,
    content TEXT NOT NULL,
    size INTEGER NOT NULL,
    etag TEXT NOT NULL,
    modified_ms INTEGER NOT NULL,
    headers TEXT NOT NULL,
    checksum TEXT,
    part_sizes TEXT,
    PRIMARY KEY (bucket, key)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS uploads (
    id TEXT PRIMARY KEY,
    bucket TEXT NOT NULL,
    key TEXT NOT NULL,
    started_ms INTEGER NOT NULL,
    headers TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    coverage TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS uploads_by_key ON uploads (bucket, key, id);

CREATE TABLE IF NOT EXISTS parts (
    upload TEXT NOT NULL,
    number INTEGER NOT NULL,
    content TEXT NOT NULL,
    size INTEGER NOT NULL,
    etag TEXT NOT NULL,
    modified_ms INTEGER NOT NULL,
    checksum TEXT NOT NULL,
    PRIMARY KEY (upload, number)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    queue TEXT NOT NULL,
    body TEXT NOT NULL
);
";

/// Readers that are kept open.
const IDLE_READERS: usize = 8;

/// The database of buckets, objects, uploads and undelivered events.
#[derive(Debug)]
pub(crate) struct Index {
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
    file: PathBuf,
}

impl Index {
    /// Opens the database, which is made if it is missing.
    pub(crate) fn open(file: &Path) -> rusqlite::Result<Self> {
        let writer = sqlite::open(file)?;
        writer.execute_batch(SCHEMA)?;
        Ok(Self { writer: Mutex::new(writer), readers: Mutex::default(), file: file.to_owned() })
    }

    /// Does `work` in one transaction, committed if it succeeds and undone if not.
    ///
    /// Writers wait for each other, so what `work` reads stays true until it is committed.
    pub(crate) fn write<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let outcome = work(&transaction)?;
        transaction.commit()?;
        Ok(outcome)
    }

    /// Does `work` in one transaction while nothing else uses the index.
    pub(crate) fn setup(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = writer.transaction()?;
        work(&transaction)?;
        transaction.commit()
    }

    /// Does `work` on what is committed, beside other readers and the writer.
    pub(crate) fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let reader = match idle {
            Some(reader) => reader,
            None => sqlite::open(&self.file)?,
        };
        let outcome = work(&reader);
        let mut idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_READERS {
            idle.push(reader);
        }
        outcome
    }

    /// A number that differs in every run.
    pub(crate) fn next_run(&self) -> rusqlite::Result<i64> {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        next(&writer, "run")
    }
}

/// Counts `counter` up and returns the new value.
pub(crate) fn next(connection: &Connection, counter: &str) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("UPDATE counters SET value = value + 1 WHERE name = ?1 RETURNING value")?
        .query_row([counter], |row| row.get(0))
}
