//! The rows of multipart uploads and their parts.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension, Row};
use s3s::dto::ETag;
use s3s::{S3Error, s3_error};

use super::checksum::{Algorithm, Checksum, Coverage};
use super::error::StoreError;
use super::kept::KeptHeaders;

/// A multipart upload that was begun and not ended.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    pub(crate) id: String,
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) started_ms: i64,
    pub(crate) headers: KeptHeaders,
    pub(crate) algorithm: Algorithm,
    pub(crate) coverage: Coverage,
}

/// One part of an upload.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) number: i32,
    /// Name of its content file.
    pub(crate) content: String,
    pub(crate) size: u64,
    pub(crate) etag: String,
    pub(crate) modified_ms: i64,
    pub(crate) checksum: Checksum,
}

impl Part {
    /// The `ETag` as the protocol layer wants it.
    pub(crate) fn e_tag(&self) -> ETag {
        ETag::Strong(self.etag.clone())
    }
}

/// What a client hears about an upload that was ended or never begun.
pub(crate) fn no_such_upload() -> S3Error {
    s3_error!(NoSuchUpload, "the upload was ended or never begun")
}

const UPLOAD_COLUMNS: &str = "id, bucket, key, started_ms, headers, algorithm, coverage";

/// Begins an upload.
pub(crate) fn begin(connection: &Connection, upload: &Upload) -> Result<(), StoreError> {
    let sql = format!("INSERT INTO uploads ({UPLOAD_COLUMNS}) VALUES (?1,?2,?3,?4,?5,?6,?7)");
    connection.prepare_cached(&sql)?.execute((
        &upload.id,
        &upload.bucket,
        &upload.key,
        upload.started_ms,
        serde_json::to_string(&upload.headers)?,
        serde_json::to_string(&upload.algorithm)?,
        serde_json::to_string(&upload.coverage)?,
    ))?;
    Ok(())
}

/// The upload with this id, which must be for this object.
pub(crate) fn upload(
    connection: &Connection,
    id: &str,
    bucket: &str,
    key: &str,
) -> Result<Upload, StoreError> {
    let sql = format!("SELECT {UPLOAD_COLUMNS} FROM uploads WHERE id = ?1");
    let found = connection
        .prepare_cached(&sql)?
        .query_row([id], |row| Ok(upload_from_row(row)))
        .optional()?
        .transpose()?;
    found
        .filter(|upload| (upload.bucket.as_str(), upload.key.as_str()) == (bucket, key))
        .ok_or_else(|| no_such_upload().into())
}

/// Uploads into a bucket under a prefix that sort after a key and an id, at most `limit`.
pub(crate) fn uploads(
    connection: &Connection,
    bucket: &str,
    prefix: &str,
    after: (&str, &str),
    limit: usize,
) -> Result<Vec<Upload>, StoreError> {
    let sql = format!(
        "SELECT {UPLOAD_COLUMNS} FROM uploads
         WHERE bucket = ?1 AND (key, id) > (?2, ?3) AND substr(key, 1, length(?4)) = ?4
         ORDER BY key, id LIMIT ?5"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement
        .query_map((bucket, after.0, after.1, prefix, limit), |row| Ok(upload_from_row(row)))?;
    rows.map(|row| row?).collect()
}

/// Stores a part, in place of the one with its number; returns the content file that is replaced.
pub(crate) fn put(
    connection: &Connection,
    upload: &str,
    part: &Part,
) -> Result<Option<String>, StoreError> {
    let replaced = connection
        .prepare_cached("SELECT content FROM parts WHERE upload = ?1 AND number = ?2")?
        .query_row((upload, part.number), |row| row.get(0))
        .optional()?;
    let sql = format!(
        "INSERT OR REPLACE INTO parts (upload, {PART_COLUMNS}) VALUES (?7,?1,?2,?3,?4,?5,?6)"
    );
    connection.prepare_cached(&sql)?.execute((
        part.number,
        &part.content,
        super::objects::length(part.size),
        &part.etag,
        part.modified_ms,
        serde_json::to_string(&part.checksum)?,
        upload,
    ))?;
    Ok(replaced)
}

const PART_COLUMNS: &str = "number, content, size, etag, modified_ms, checksum";

/// Parts of an upload after part number `after`, in order.
pub(crate) fn parts(
    connection: &Connection,
    upload: &str,
    after: i32,
    limit: usize,
) -> Result<Vec<Part>, StoreError> {
    let sql = format!(
        "SELECT {PART_COLUMNS} FROM parts WHERE upload = ?1 AND number > ?2 ORDER BY number LIMIT ?3"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map((upload, after, limit), |row| Ok(part_from_row(row)))?;
    rows.map(|row| row?).collect()
}

/// Ends an upload; returns the content files of its parts.
pub(crate) fn end(connection: &Connection, upload: &str) -> Result<Vec<String>, StoreError> {
    connection.prepare_cached("DELETE FROM uploads WHERE id = ?1")?.execute([upload])?;
    let mut statement =
        connection.prepare_cached("DELETE FROM parts WHERE upload = ?1 RETURNING content")?;
    let rows = statement.query_map([upload], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Names of all content files that parts refer to.
pub(crate) fn contents(connection: &Connection) -> rusqlite::Result<HashSet<String>> {
    connection.prepare("SELECT content FROM parts")?.query_map([], |row| row.get(0))?.collect()
}

fn upload_from_row(row: &Row<'_>) -> Result<Upload, StoreError> {
    Ok(Upload {
        id: row.get(0)?,
        bucket: row.get(1)?,
        key: row.get(2)?,
        started_ms: row.get(3)?,
        headers: serde_json::from_str(&row.get::<_, String>(4)?)?,
        algorithm: serde_json::from_str(&row.get::<_, String>(5)?)?,
        coverage: serde_json::from_str(&row.get::<_, String>(6)?)?,
    })
}

fn part_from_row(row: &Row<'_>) -> Result<Part, StoreError> {
    Ok(Part {
        number: row.get(0)?,
        content: row.get(1)?,
        size: row.get(2)?,
        etag: row.get(3)?,
        modified_ms: row.get(4)?,
        checksum: serde_json::from_str(&row.get::<_, String>(5)?)?,
    })
}
