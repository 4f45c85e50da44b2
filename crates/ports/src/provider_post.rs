//! What providers post by themselves, and whether it is from them.

use std::future::Future;

use domain::Timestamp;

use crate::Source;

/// A request of somebody who says to be a provider.
#[derive(Clone, PartialEq, Eq)]
pub struct ProviderPost {
    /// Headers; names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, byte for byte.
    pub body: Vec<u8>,
}

impl ProviderPost {
    /// The first header of that name, which is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// Without its content, which may be media of users.
impl std::fmt::Debug for ProviderPost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProviderPost").field("bytes", &self.body.len()).finish_non_exhaustive()
    }
}

/// What a genuine post is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Identity of the post, the same in every repeat.
    pub id: String,
    /// The provider's name for the work.
    pub provider_job: String,
}

/// The post is not believed.
#[derive(Debug, thiserror::Error)]
pub enum NotGenuine {
    /// A header of the signature is missing or unreadable.
    #[error("the post is not signed")]
    Unsigned,
    /// It was signed too long ago, or in the future.
    #[error("the post is stale")]
    Stale,
    /// The signature does not fit.
    #[error("the signature does not fit")]
    Forged,
    /// It is signed and says nothing that can be understood.
    #[error("the post is signed and cannot be read")]
    Unreadable(#[source] serde_json::Error),
    /// What it is verified with could not be fetched: post again later.
    #[error("the keys of the provider could not be fetched")]
    NoKeys(#[source] Source),
}

/// Verifies what one provider posts.
pub trait VerifyPost: Send + Sync {
    /// Name of the provider.
    fn provider(&self) -> &'static str;

    /// What `post` is about, if it is genuine. `now` bounds how old it may be.
    ///
    /// # Errors
    /// [`NotGenuine`].
    fn verify(
        &self,
        post: &ProviderPost,
        now: Timestamp,
    ) -> impl Future<Output = Result<Notice, NotGenuine>> + Send;
}
