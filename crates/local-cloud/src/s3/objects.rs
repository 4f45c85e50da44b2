//! The rows of objects.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension, Row};
use s3s::dto::ETag;

use super::checksum::Checksum;
use super::error::StoreError;
use super::kept::KeptHeaders;

/// One stored object.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) bucket: String,
    pub(crate) key: String,
    /// Name of its content file.
    pub(crate) content: String,
    pub(crate) size: u64,
    /// Without quotes.
    pub(crate) etag: String,
    pub(crate) modified_ms: i64,
    pub(crate) headers: KeptHeaders,
    pub(crate) checksum: Option<Checksum>,
    /// Sizes of its parts in order, if it was uploaded in parts.
    pub(crate) part_sizes: Option<Vec<u64>>,
}

impl Object {
    /// The `ETag` as the protocol layer wants it.
    pub(crate) fn e_tag(&self) -> ETag {
        ETag::Strong(self.etag.clone())
    }

    /// The size as the protocol layer wants it.
    pub(crate) fn length(&self) -> i64 {
        length(self.size)
    }
}

/// A size as the wire counts it.
pub(crate) fn length(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

const COLUMNS: &str =
    "bucket, key, content, size, etag, modified_ms, headers, checksum, part_sizes";

/// The object at `key`, if there is one.
pub(crate) fn find(
    connection: &Connection,
    bucket: &str,
    key: &str,
) -> Result<Option<Object>, StoreError> {
    let sql = select();
    let mut statement = connection.prepare_cached(&sql)?;
    statement.query_row((bucket, key), |row| Ok(from_row(row))).optional()?.transpose()
}

fn select() -> String {
    format!("SELECT {COLUMNS} FROM objects WHERE bucket = ?1 AND key = ?2")
}

/// Stores an object, in place of the one at its key.
pub(crate) fn put(connection: &Connection, object: &Object) -> Result<(), StoreError> {
    let sql =
        format!("INSERT OR REPLACE INTO objects ({COLUMNS}) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9)");
    connection.prepare_cached(&sql)?.execute((
        &object.bucket,
        &object.key,
        &object.content,
        object.length(),
        &object.etag,
        object.modified_ms,
        serde_json::to_string(&object.headers)?,
        object.checksum.as_ref().map(serde_json::to_string).transpose()?,
        object.part_sizes.as_ref().map(serde_json::to_string).transpose()?,
    ))?;
    Ok(())
}

/// Forgets the object at `key`; returns the name of its content file.
pub(crate) fn remove(
    connection: &Connection,
    bucket: &str,
    key: &str,
) -> Result<Option<String>, StoreError> {
    let sql = "DELETE FROM objects WHERE bucket = ?1 AND key = ?2 RETURNING content";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row((bucket, key), |row| row.get(0)).optional()?)
}

/// Names of all content files that objects refer to.
pub(crate) fn contents(connection: &Connection) -> rusqlite::Result<HashSet<String>> {
    connection.prepare("SELECT content FROM objects")?.query_map([], |row| row.get(0))?.collect()
}

/// Calls `visit` for the objects from key `from` on, in order, until it answers `false`.
///
/// `beyond` is the first key that is not wanted any more.
pub(crate) fn scan(
    connection: &Connection,
    bucket: &str,
    from: &str,
    beyond: Option<&str>,
    mut visit: impl FnMut(Object) -> bool,
) -> Result<(), StoreError> {
    let bounded = if beyond.is_some() { "AND key < ?3" } else { "AND ?3 IS NULL" };
    let sql = format!(
        "SELECT {COLUMNS} FROM objects WHERE bucket = ?1 AND key >= ?2 {bounded} ORDER BY key"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query((bucket, from, beyond))?;
    while let Some(row) = rows.next()? {
        if !visit(from_row(row)?) {
            break;
        }
    }
    Ok(())
}

fn from_row(row: &Row<'_>) -> Result<Object, StoreError> {
    let json = |column: usize| row.get::<_, Option<String>>(column);
    let headers = row.get_ref(6)?.as_str().map_err(rusqlite::Error::from)?;
    Ok(Object {
        bucket: row.get(0)?,
        key: row.get(1)?,
        content: row.get(2)?,
        size: row.get(3)?,
        etag: row.get(4)?,
        modified_ms: row.get(5)?,
        headers: serde_json::from_str(headers)?,
        checksum: json(7)?.map(|text| serde_json::from_str(&text)).transpose()?,
        part_sizes: json(8)?.map(|text| serde_json::from_str(&text)).transpose()?,
    })
}
