//! The tables behind the queues.

use std::path::Path;

use rusqlite::Connection;

/// `visible_ms` is when a message may be received next; `receipt` is that of the last receive, none
/// until there was one; `receives` counts them all, `receives_here` those since the message came into
/// this queue; `source` is the queue that gave a dead letter up. Ids are never used again, so an old
/// receipt handle can never mean another message.
const TABLES: &str = "
CREATE TABLE IF NOT EXISTS queue (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    settings TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    modified_ms INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS message (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    queue INTEGER NOT NULL,
    visible_ms INTEGER NOT NULL,
    sent_ms INTEGER NOT NULL,
    receives INTEGER NOT NULL DEFAULT 0,
    receives_here INTEGER NOT NULL DEFAULT 0,
    receipt INTEGER,
    first_receive_ms INTEGER,
    source TEXT,
    message_id TEXT NOT NULL,
    md5 TEXT NOT NULL,
    attributes TEXT,
    trace_header TEXT,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS message_due ON message (queue, visible_ms);
CREATE TABLE IF NOT EXISTS move_task (
    handle TEXT PRIMARY KEY,
    source_arn TEXT NOT NULL,
    destination_arn TEXT,
    status TEXT NOT NULL,
    failure TEXT,
    to_move INTEGER NOT NULL,
    moved INTEGER NOT NULL,
    started_ms INTEGER NOT NULL
);
";

/// Opens the database of the queues, which is created if it is missing.
pub(crate) fn open(path: &Path) -> rusqlite::Result<Connection> {
    let connection = crate::sqlite::open(path)?;
    connection.execute_batch(TABLES)?;
    Ok(connection)
}
