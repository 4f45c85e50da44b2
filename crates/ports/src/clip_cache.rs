//! Clips that are stored already, by what was ordered.

use domain::{ClipMade, JobId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{RegisterError, Registers};

/// What makes two orders the same: a digest of owner, photo, provider, prompt and clip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderDigest(pub String);

/// A stored clip.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CachedClip {
    /// The job whose clip it is.
    pub job: JobId,
    /// What it is.
    pub made: ClipMade,
}

/// Stored clips, kept in registers. It is never wrong to find nothing.
#[derive(Clone, Debug)]
pub struct ClipCache<'a, R>(pub &'a R);

impl<R: Registers> ClipCache<'_, R> {
    /// The clip that was ordered so, if one is stored and has not expired.
    ///
    /// # Errors
    /// [`RegisterError`].
    pub async fn find(
        &self,
        order: &OrderDigest,
        now: Timestamp,
    ) -> Result<Option<CachedClip>, RegisterError> {
        let registered = self.0.read(&name(order), now).await?;
        // One that cannot be read was written by another version: it is not taken.
        Ok(registered.and_then(|registered| serde_json::from_str(&registered.text).ok()))
    }

    /// Keeps a clip until `expires`. If there is one already, whichever stays is as good.
    ///
    /// # Errors
    /// [`RegisterError`].
    pub async fn keep(
        &self,
        order: &OrderDigest,
        clip: &CachedClip,
        now: Timestamp,
        expires: Timestamp,
    ) -> Result<(), RegisterError> {
        let name = name(order);
        let before = self.0.read(&name, now).await?.map(|registered| registered.revision);
        let text = serde_json::to_string(clip).map_err(|source| RegisterError {
            action: "write",
            name: name.clone(),
            source: source.into(),
        })?;
        self.0.write(&name, before, &text, Some(expires)).await.map(drop)
    }
}

fn name(order: &OrderDigest) -> String {
    format!("clip#{}", order.0)
}
