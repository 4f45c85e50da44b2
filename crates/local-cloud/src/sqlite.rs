//! How the databases of the cloud are opened.

use std::path::Path;

use rusqlite::Connection;

/// Opens a database that survives the end of the process at any point.
///
/// A write-ahead log with `synchronous = NORMAL`: what was committed survives `kill -9`; only a power
/// cut may take the last commits back, never tear them.
pub(crate) fn open(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}
