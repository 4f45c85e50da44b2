//! Buckets: the rows and the operations on them.

use std::time::{Duration, UNIX_EPOCH};

use rusqlite::{Connection, OptionalExtension};
use s3s::dto::{
    Bucket, BucketLocationConstraint, CreateBucketOutput, DeleteBucketOutput,
    GetBucketLocationOutput, HeadBucketOutput, ListBucketsOutput, Timestamp,
};
use s3s::s3_error;

use super::error::StoreError;
use super::store::{Store, now_ms};

/// Makes a bucket unless it exists.
pub(crate) fn ensure(connection: &Connection, name: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR IGNORE INTO buckets (name, created_ms) VALUES (?1, ?2)")?
        .execute((name, now_ms()))?;
    Ok(())
}

/// Refuses if the bucket does not exist.
pub(crate) fn require(connection: &Connection, name: &str) -> Result<(), StoreError> {
    let found: Option<i64> = connection
        .prepare_cached("SELECT 1 FROM buckets WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()?;
    match found {
        Some(_) => Ok(()),
        None => Err(s3_error!(NoSuchBucket, "there is no bucket {name}").into()),
    }
}

/// Seconds or milliseconds of the index as a time of the wire.
pub(crate) fn timestamp(ms: i64) -> Timestamp {
    Timestamp::from(UNIX_EPOCH + Duration::from_millis(u64::try_from(ms).unwrap_or_default()))
}

impl Store {
    pub(crate) fn create_bucket(&self, name: &str) -> Result<CreateBucketOutput, StoreError> {
        self.index.write(|transaction| {
            if require(transaction, name).is_ok() {
                return Err(s3_error!(BucketAlreadyOwnedByYou, "bucket {name} exists").into());
            }
            Ok(ensure(transaction, name)?)
        })?;
        Ok(CreateBucketOutput { location: Some(format!("/{name}")) })
    }

    pub(crate) fn delete_bucket(&self, name: &str) -> Result<DeleteBucketOutput, StoreError> {
        self.index.write(|transaction| {
            require(transaction, name)?;
            let used: bool = transaction.query_row(
                "SELECT EXISTS (SELECT 1 FROM objects WHERE bucket = ?1)
                     OR EXISTS (SELECT 1 FROM uploads WHERE bucket = ?1)",
                [name],
                |row| row.get(0),
            )?;
            if used {
                return Err(s3_error!(BucketNotEmpty, "bucket {name} is not empty").into());
            }
            transaction.execute("DELETE FROM buckets WHERE name = ?1", [name])?;
            Ok(DeleteBucketOutput::default())
        })
    }

    pub(crate) fn head_bucket(&self, name: &str) -> Result<HeadBucketOutput, StoreError> {
        self.index.read(|connection| require(connection, name))?;
        Ok(HeadBucketOutput {
            bucket_region: Some(self.region.clone()),
            ..HeadBucketOutput::default()
        })
    }

    pub(crate) fn bucket_location(
        &self,
        name: &str,
    ) -> Result<GetBucketLocationOutput, StoreError> {
        self.index.read(|connection| require(connection, name))?;
        // The oldest region is written as no constraint at all.
        let elsewhere = self.region != "us-east-1";
        let location_constraint =
            elsewhere.then(|| BucketLocationConstraint::from(self.region.clone()));
        Ok(GetBucketLocationOutput { location_constraint })
    }

    pub(crate) fn list_buckets(&self) -> Result<ListBucketsOutput, StoreError> {
        let buckets = self.index.read(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT name, created_ms FROM buckets ORDER BY name")?;
            let rows = statement.query_map([], |row| {
                Ok(Bucket {
                    name: Some(row.get(0)?),
                    creation_date: Some(timestamp(row.get(1)?)),
                    bucket_region: Some(self.region.clone()),
                })
            })?;
            Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?)
        })?;
        Ok(ListBucketsOutput { buckets: Some(buckets), ..ListBucketsOutput::default() })
    }
}
