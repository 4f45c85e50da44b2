//! Events that are on their way to a target, and those that were given up.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, params};

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS delivery (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    target TEXT NOT NULL,
    next_ms INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    accepted_ms INTEGER NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS delivery_due ON delivery (target, next_ms);
CREATE TABLE IF NOT EXISTS dropped (
    id INTEGER PRIMARY KEY,
    target TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    accepted_ms INTEGER NOT NULL,
    dropped_ms INTEGER NOT NULL,
    reason TEXT NOT NULL,
    body TEXT NOT NULL
);
";

/// Deliveries that are still to be made.
#[derive(Debug)]
pub(crate) struct Store {
    connection: Mutex<Connection>,
}

/// One event on its way to one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub(crate) id: i64,
    pub(crate) attempts: u32,
    pub(crate) accepted_ms: i64,
    pub(crate) body: String,
}

impl Store {
    /// Opens the database at `path`.
    pub(crate) fn open(path: &Path) -> rusqlite::Result<Self> {
        let connection = crate::sqlite::open(path)?;
        connection.execute_batch(TABLES)?;
        Ok(Self { connection: Mutex::new(connection) })
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic rolls its transaction back, so the connection stays good.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores all of `deliveries`, pairs of target and body, or none.
    pub(crate) fn accept(
        &self,
        deliveries: &[(String, String)],
        now_ms: i64,
    ) -> rusqlite::Result<()> {
        if deliveries.is_empty() {
            return Ok(());
        }
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        for (target, body) in deliveries {
            transaction
                .prepare_cached(
                    "INSERT INTO delivery (target, next_ms, accepted_ms, body)
                     VALUES (?1, ?2, ?2, ?3)",
                )?
                .execute(params![target, now_ms, body])?;
        }
        transaction.commit()
    }

    /// The oldest deliveries to `target` that are due.
    pub(crate) fn due(
        &self,
        target: &str,
        limit: u32,
        now_ms: i64,
    ) -> rusqlite::Result<Vec<Delivery>> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(
            "SELECT id, attempts, accepted_ms, body FROM delivery
             WHERE target = ?1 AND next_ms <= ?2 ORDER BY next_ms, id LIMIT ?3",
        )?;
        let rows = statement.query_map(params![target, now_ms, limit], |row| {
            Ok(Delivery {
                id: row.get(0)?,
                attempts: row.get(1)?,
                accepted_ms: row.get(2)?,
                body: row.get(3)?,
            })
        })?;
        rows.collect()
    }

    /// When the next delivery to `target` is due.
    pub(crate) fn next_ms(&self, target: &str) -> rusqlite::Result<Option<i64>> {
        self.connection()
            .prepare_cached("SELECT MIN(next_ms) FROM delivery WHERE target = ?1")?
            .query_row([target], |row| row.get(0))
    }

    /// Forgets deliveries that were made.
    pub(crate) fn delivered(&self, deliveries: &[Delivery]) -> rusqlite::Result<()> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        for delivery in deliveries {
            transaction
                .prepare_cached("DELETE FROM delivery WHERE id = ?1")?
                .execute([delivery.id])?;
        }
        transaction.commit()
    }

    /// Counts a failed attempt; the next one is at `next_ms`.
    pub(crate) fn postpone(&self, delivery: &Delivery, next_ms: i64) -> rusqlite::Result<()> {
        self.connection()
            .prepare_cached(
                "UPDATE delivery SET attempts = attempts + 1, next_ms = ?2 WHERE id = ?1",
            )?
            .execute([delivery.id, next_ms])?;
        Ok(())
    }

    /// Gives a delivery up and records why.
    pub(crate) fn drop_delivery(&self, id: i64, reason: &str, now_ms: i64) -> rusqlite::Result<()> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        transaction.execute(
            "INSERT INTO dropped SELECT id, target, attempts + 1, accepted_ms, ?2, ?3, body
             FROM delivery WHERE id = ?1",
            params![id, now_ms, reason],
        )?;
        transaction.execute("DELETE FROM delivery WHERE id = ?1", [id])?;
        transaction.commit()
    }

    /// Deliveries to targets that are not among `targets`.
    pub(crate) fn strays(&self, targets: &[String]) -> rusqlite::Result<Vec<(i64, String)>> {
        let connection = self.connection();
        let mut statement = connection.prepare("SELECT id, target FROM delivery")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let mut strays: Vec<(i64, String)> = rows.collect::<rusqlite::Result<_>>()?;
        strays.retain(|(_, target)| !targets.contains(target));
        Ok(strays)
    }
}
