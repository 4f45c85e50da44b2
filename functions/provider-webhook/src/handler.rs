//! From a post to a look.

use std::time::Duration;

use domain::{AttemptState, Job, JobId, JobState};
use events::{Heard, LtxRequest};
use ports::{
    Chain, Clock, JobStore, Ledger, MessageSender, NotGenuine, Notice, ProviderPost, Registers,
    VerifyPost,
};

use crate::ProviderWebhookError;

/// Largest body that is read, in bytes. Providers post descriptions of work, not media.
pub const MAX_BODY_BYTES: usize = 256 * 1024;

/// How long a post is remembered, so that a repeat is known for one. Longer than any provider's
/// signature is good for.
const REMEMBERED: Duration = Duration::from_hours(24);

/// What the poster is told. Never why, and never anything about a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A look is taken.
    Accepted,
    /// It was heard before, or nobody waits for it any more.
    Ignored,
    /// It is not believed.
    NotGenuine,
    /// It is about nothing that is known here.
    NotFound,
    /// Something broke here: post again later.
    Unavailable,
}

impl Answer {
    /// The HTTP status. A repeat is a success: an error would have it repeated again.
    pub const fn status(self) -> u16 {
        match self {
            Self::Accepted => 202,
            Self::Ignored => 200,
            Self::NotGenuine => 401,
            Self::NotFound => 404,
            Self::Unavailable => 503,
        }
    }
}

/// Hears from providers.
#[derive(Debug)]
pub struct ProviderWebhook<J, L, R, Q, C, V> {
    /// Rows of jobs.
    pub jobs: J,
    /// What was ordered.
    pub ledger: L,
    /// Posts that were heard.
    pub registers: R,
    /// Where looks are wished for.
    pub ltx_queue: Q,
    /// What time it is.
    pub clock: C,
    /// Who can tell genuine posts, one for each provider that posts.
    pub verifiers: Vec<V>,
}

/// `/webhooks/{provider}/{job}/{attempt}`.
struct About<'a> {
    provider: &'a str,
    job: JobId,
    attempt: u32,
}

impl<'a> About<'a> {
    fn of_path(path: &'a str) -> Option<Self> {
        let mut parts = path.strip_prefix("/webhooks/")?.split('/');
        let (provider, job, attempt) = (parts.next()?, parts.next()?, parts.next()?);
        parts.next().is_none().then_some(())?;
        Some(Self { provider, job: JobId::parse(job).ok()?, attempt: attempt.parse().ok()? })
    }
}

impl<J, L, R, Q, C, V> ProviderWebhook<J, L, R, Q, C, V>
where
    J: JobStore,
    L: Ledger,
    R: Registers,
    Q: MessageSender,
    C: Clock,
    V: VerifyPost,
{
    /// Deals with a post to `path`.
    pub async fn hear(&self, path: &str, post: &ProviderPost) -> Answer {
        let Some(about) = About::of_path(path) else { return Answer::NotFound };
        let verifier = self.verifiers.iter().find(|one| one.provider() == about.provider);
        let Some(verifier) = verifier else { return Answer::NotFound };

        let notice = match verifier.verify(post, self.clock.now()).await {
            Ok(notice) => notice,
            Err(error) => {
                tracing::warn!(provider = about.provider, error = %Chain(&error), "a post is not believed");
                let later = matches!(error, NotGenuine::NoKeys(_));
                return if later { Answer::Unavailable } else { Answer::NotGenuine };
            }
        };
        self.believe(&about, &notice).await.unwrap_or_else(|error| {
            tracing::error!(job.id = %about.job, error = %Chain(&error), "a post was not dealt with");
            Answer::Unavailable
        })
    }

    async fn believe(
        &self,
        about: &About<'_>,
        notice: &Notice,
    ) -> Result<Answer, ProviderWebhookError> {
        let Some(job) = self.jobs.get(about.job).await? else { return Ok(Answer::NotFound) };
        if !self.is_about_an_order(about, notice).await? {
            return Ok(Answer::NotFound);
        }
        let name = format!("heard#{}#{}", about.provider, notice.id);
        let now = self.clock.now();
        if self.registers.read(&name, now).await?.is_some() {
            return Ok(Answer::Ignored);
        }
        let waits = matches!(job.state, JobState::Queued | JobState::Generating);
        if waits {
            self.wish_for_a_look(&job, about.attempt, notice).await?;
        }
        // Only now: whoever died before it hears the repeat.
        self.registers.write(&name, None, "", Some(now.plus(REMEMBERED))).await?;
        Ok(if waits { Answer::Accepted } else { Answer::Ignored })
    }

    /// Whether the post names work that was ordered there, or that may have been.
    async fn is_about_an_order(
        &self,
        about: &About<'_>,
        notice: &Notice,
    ) -> Result<bool, ProviderWebhookError> {
        let attempts = self.ledger.attempts(about.job).await?;
        Ok(attempts.iter().any(|attempt| {
            let its = attempt.number == about.attempt && attempt.provider == about.provider;
            let lost = matches!(attempt.state, AttemptState::Intended | AttemptState::Unknown);
            let named = attempt.provider_job.as_deref() == Some(notice.provider_job.as_str());
            its && (named || lost)
        }))
    }

    async fn wish_for_a_look(
        &self,
        job: &Job,
        attempt: u32,
        notice: &Notice,
    ) -> Result<(), ProviderWebhookError> {
        let heard = Heard { attempt, provider_job: notice.provider_job.clone() };
        let request = serde_json::to_string(&LtxRequest::look_now(job, Some(heard)))?;
        Ok(self.ltx_queue.send(&request, Some(&job.trace_id)).await?)
    }
}
