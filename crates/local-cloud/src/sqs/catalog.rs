//! Which queues there are.

use rusqlite::{Row, params};

use super::engine::Engine;
use super::settings::Settings;

/// One queue as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct StoredQueue {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) settings: Settings,
    pub(crate) created_ms: i64,
    pub(crate) modified_ms: i64,
}

impl Engine {
    /// All queues.
    pub(crate) fn queues(&self) -> rusqlite::Result<Vec<StoredQueue>> {
        let connection = self.connection();
        let mut statement = connection.prepare(
            "SELECT id, name, settings, created_ms, modified_ms FROM queue ORDER BY name",
        )?;
        statement.query_map([], stored)?.collect()
    }

    /// Stores a new queue.
    pub(crate) fn create_queue(
        &self,
        name: &str,
        settings: Settings,
        now_ms: i64,
    ) -> rusqlite::Result<StoredQueue> {
        let connection = self.connection();
        connection.execute(
            "INSERT INTO queue (name, settings, created_ms, modified_ms) VALUES (?1, ?2, ?3, ?3)",
            params![name, to_json(&settings)?, now_ms],
        )?;
        Ok(StoredQueue {
            id: connection.last_insert_rowid(),
            name: name.to_owned(),
            settings,
            created_ms: now_ms,
            modified_ms: now_ms,
        })
    }

    /// Stores new settings of the queue `id`.
    pub(crate) fn save_settings(
        &self,
        id: i64,
        settings: &Settings,
        now_ms: i64,
    ) -> rusqlite::Result<()> {
        self.connection().execute(
            "UPDATE queue SET settings = ?2, modified_ms = ?3 WHERE id = ?1",
            params![id, to_json(settings)?, now_ms],
        )?;
        Ok(())
    }

    /// Deletes the queue `id` and its messages.
    pub(crate) fn delete_queue(&self, id: i64) -> rusqlite::Result<()> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        transaction.execute("DELETE FROM message WHERE queue = ?1", [id])?;
        transaction.execute("DELETE FROM queue WHERE id = ?1", [id])?;
        transaction.commit()
    }

    /// Deletes all messages of the queue `id`.
    pub(crate) fn purge(&self, id: i64) -> rusqlite::Result<()> {
        self.connection().execute("DELETE FROM message WHERE queue = ?1", [id])?;
        Ok(())
    }
}

fn stored(row: &Row<'_>) -> rusqlite::Result<StoredQueue> {
    let settings: String = row.get(2)?;
    let settings = serde_json::from_str(&settings).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(2, rusqlite::types::Type::Text, error.into())
    })?;
    Ok(StoredQueue {
        id: row.get(0)?,
        name: row.get(1)?,
        settings,
        created_ms: row.get(3)?,
        modified_ms: row.get(4)?,
    })
}

fn to_json(settings: &Settings) -> rusqlite::Result<String> {
    serde_json::to_string(settings)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}
