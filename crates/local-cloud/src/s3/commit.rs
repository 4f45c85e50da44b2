//! Committing an object: one transaction for its row, its conditions and its events.

use std::sync::Arc;

use http::Method;
use s3s::dto::{
    DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject,
    PutObjectInput, PutObjectOutput,
};
use s3s::{S3Request, s3_error};

use super::body::{self, Received};
use super::checksum::{Algorithm, Claims, given_checksums, set_checksum};
use super::conditions::WriteConditions;
use super::content::Draft;
use super::error::StoreError;
use super::event::{Creation, Requester};
use super::kept::kept_headers;
use super::objects::{self, Object, length};
use super::store::{Store, blocking, now_ms};
use super::{buckets, outbox};

/// The longest key, in bytes.
const KEY_LIMIT_BYTES: usize = 1024;

/// How an object comes to be.
#[derive(Debug)]
pub(crate) struct Commit {
    pub(crate) conditions: WriteConditions,
    pub(crate) creation: Creation,
    pub(crate) requester: Requester,
}

impl Store {
    /// Stores `object`, whose bytes are in `draft`; or nothing, and `draft` is gone.
    ///
    /// `also` runs in the same transaction, before anything is stored.
    pub(crate) fn commit(
        &self,
        object: &Object,
        draft: Draft,
        commit: &Commit,
        also: impl FnOnce(&rusqlite::Connection) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        if object.key.len() > KEY_LIMIT_BYTES {
            return Err(s3_error!(KeyTooLongError).into());
        }
        let replaced = self.index.write(|transaction| {
            buckets::require(transaction, &object.bucket)?;
            let present = objects::find(transaction, &object.bucket, &object.key)?;
            commit.conditions.check(&object.key, present.as_ref())?;
            also(transaction)?;
            objects::put(transaction, object)?;
            outbox::record(transaction, self, object, commit.creation, &commit.requester)?;
            Ok(present)
        })?;
        draft.keep();
        self.outbox.notify_one();
        if let Some(replaced) = replaced {
            self.content.remove(&replaced.content);
        }
        Ok(())
    }

    /// Forgets an object if it is there; its bytes go after that is committed.
    pub(crate) fn delete_object(
        &self,
        input: &DeleteObjectInput,
    ) -> Result<DeleteObjectOutput, StoreError> {
        let conditions =
            WriteConditions { if_match: input.if_match.clone(), ..WriteConditions::default() };
        let removed = self.index.write(|transaction| {
            buckets::require(transaction, &input.bucket)?;
            let present = objects::find(transaction, &input.bucket, &input.key)?;
            conditions.check(&input.key, present.as_ref())?;
            objects::remove(transaction, &input.bucket, &input.key)
        })?;
        if let Some(content) = removed {
            self.content.remove(&content);
        }
        Ok(DeleteObjectOutput::default())
    }

    /// Forgets many objects in one transaction.
    pub(crate) fn delete_objects(
        &self,
        input: DeleteObjectsInput,
    ) -> Result<DeleteObjectsOutput, StoreError> {
        let keys: Vec<_> = input.delete.objects.into_iter().map(|object| object.key).collect();
        let removed = self.index.write(|transaction| {
            buckets::require(transaction, &input.bucket)?;
            keys.iter()
                .map(|key| objects::remove(transaction, &input.bucket, key))
                .collect::<Result<Vec<_>, _>>()
        })?;
        for content in removed.into_iter().flatten() {
            self.content.remove(&content);
        }
        let deleted = |key| DeletedObject { key: Some(key), ..DeletedObject::default() };
        let loud = !input.delete.quiet.unwrap_or_default();
        let deleted = loud.then(|| keys.into_iter().map(deleted).collect());
        Ok(DeleteObjectsOutput { deleted, ..DeleteObjectsOutput::default() })
    }
}

/// Stores the body of a request at its key.
pub(crate) async fn put_object(
    store: &Arc<Store>,
    request: S3Request<PutObjectInput>,
) -> Result<PutObjectOutput, StoreError> {
    let access_key = request.credentials.as_ref().map(|it| it.access_key.as_str());
    let requester = Requester::of(&request.extensions, access_key);
    let posted = request.method == Method::POST;
    let creation = if posted { Creation::Post } else { Creation::Put };
    let mut input = request.input;
    let headers = kept_headers!(input)?;
    let claims = Claims::new(
        &request.headers,
        input.content_md5.take(),
        input.content_length,
        given_checksums!(input),
        request.trailing_headers,
    )?;
    let algorithm = claims.algorithm(Algorithm::Crc64Nvme);
    let arrived = body::receive(store, input.body.take(), claims, algorithm).await?;

    let conditions =
        WriteConditions { if_match: input.if_match, if_none_match: input.if_none_match };
    let commit = Commit { conditions, creation, requester };
    let store = Arc::clone(store);
    blocking(move || {
        let Received { draft, size, md5, checksum } = arrived.settle(&store)?;
        let object = Object {
            bucket: input.bucket,
            key: input.key,
            content: draft.name().to_owned(),
            size,
            etag: super::checksum::hex(&md5),
            modified_ms: now_ms(),
            headers,
            checksum: Some(checksum),
            part_sizes: None,
        };
        store.commit(&object, draft, &commit, |_| Ok(()))?;
        Ok(stored(&object))
    })
    .await
}

fn stored(object: &Object) -> PutObjectOutput {
    let mut output = PutObjectOutput {
        e_tag: Some(object.e_tag()),
        size: Some(length(object.size)),
        ..PutObjectOutput::default()
    };
    set_checksum!(output, &object.checksum);
    output.checksum_type = object
        .checksum
        .as_ref()
        .map(|checksum| s3s::dto::ChecksumType::from_static(checksum.coverage.name()));
    output
}
