//! Taking a stored clip for an equal order, at no cost.

use std::path::Path;

use domain::{Attempt, ClipMade, Intent, Job, MicroUsd, keys};
use ports::{
    CachedClip, Chain, ClipCache, Handled, Ledger, ObjectStore, Opened, OrderDigest, StoreError,
    copy_traced,
};
use sha2::{Digest, Sha256};

use crate::handler::Ltx;
use crate::{LtxError, Parts};

impl<P: Parts> Ltx<P> {
    /// Takes the stored clip of an equal order of the same owner, if there is one. None: film it.
    pub(crate) async fn take_stored(
        &self,
        job: &Job,
        intent: &Intent,
        photo: &Path,
    ) -> Result<Option<Handled>, LtxError> {
        if !self.reuses(job, intent.quoted) {
            return Ok(None);
        }
        let photo = tokio::fs::read(photo).await?;
        let digest = digest(job, &intent.provider, &intent.spec, &photo);
        let found = ClipCache(&self.registers).find(&digest, self.now()).await?;
        let Some(CachedClip { job: other, made }) = found else { return Ok(None) };

        let (from, to) = (keys::clip(other), keys::clip(job.id));
        match copy_traced(&self.store, &from, &to, &job.trace_id).await {
            Ok(()) => {}
            // It was removed before its time.
            Err(StoreError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        let attempt = Attempt::reuse(intent.clone(), other, self.now());
        let opened = self.ledger.open(&attempt, &self.policy.caps).await?;
        debug_assert!(!matches!(opened, Opened::Over(_)), "it costs nothing");
        tracing::info!(job.id = %job.id, saved = %intent.quoted, "the clip of job {other} is taken");
        self.finish(job, made).await.map(Some)
    }

    /// Keeps in mind that the clip is stored. That it could not be kept in mind costs money at worst.
    pub(crate) async fn remember(
        &self,
        job: &Job,
        attempt: &Attempt,
        photo: &Path,
        made: &ClipMade,
    ) {
        let Some(reuse_for) = self.policy.reuse_for else { return };
        if !self.reuses(job, attempt.quoted) {
            return;
        }
        let kept = async {
            if !photo.exists() {
                self.store.fetch(&keys::photo(job.id), photo).await?;
            }
            let photo = tokio::fs::read(photo).await?;
            let digest = digest(job, &attempt.provider, &attempt.spec, &photo);
            let clip = CachedClip { job: job.id, made: made.clone() };
            let now = self.now();
            let cache = ClipCache(&self.registers);
            cache.keep(&digest, &clip, now, now.plus(reuse_for)).await?;
            Ok::<_, LtxError>(())
        };
        if let Err(error) = kept.await {
            tracing::warn!(job.id = %job.id, error = %Chain(&error), "the clip will not be reused");
        }
    }

    fn reuses(&self, job: &Job, quoted: MicroUsd) -> bool {
        let wanted = job.order.clip.reuse.unwrap_or(true);
        self.policy.reuse_for.is_some() && wanted && quoted > MicroUsd::ZERO
    }
}

/// What makes two orders the same. Parts are separated by their lengths, so that none can pass for
/// two.
fn digest(job: &Job, provider: &str, spec: &domain::ClipSpec, photo: &[u8]) -> OrderDigest {
    let spec = format!("{spec:?}");
    let owner = job.order.user_id.as_deref().unwrap_or_default();
    let parts = [owner, provider, &spec, &job.order.prompt].map(str::as_bytes);

    let mut digest = Sha256::new();
    for part in parts.into_iter().chain([photo]) {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    OrderDigest(format!("{:x}", digest.finalize()))
}
