use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use domain::{ClipOptions, JobId, MicroUsd};
use ports::{
    ClipOrder, CollectError, GenerationRefusal, Look, LookError, ProviderJob, Source, SubmitError,
    Submitted, VideoGenerator,
};

use super::Shared;

/// What happened to an order whose answer did not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The provider never got it.
    BeforeTaking,
    /// The provider took it, and charges for it.
    AfterTaking,
}

/// Everything that the provider does and remembers.
#[derive(Debug)]
struct Provider {
    clip: Vec<u8>,
    resubmits_safely: bool,
    quote: MicroUsd,
    time_limit: Duration,
    busy: (u32, Duration),
    losses: (u32, Loss),
    untaken: u32,
    refusal: Option<String>,
    pending: (u32, Duration),
    failure: Option<String>,
    broken_looks: u32,
    broken_collects: u32,
    submits: u32,
    taken: Vec<Taken>,
    looks: HashMap<String, u32>,
}

#[derive(Clone, Debug)]
struct Taken {
    job: JobId,
    attempt: u32,
    name: String,
}

impl Provider {
    /// Takes the order. The same attempt again is the same order where the provider says so.
    fn take(&mut self, order: &ClipOrder) -> ProviderJob {
        let same = |taken: &&Taken| (taken.job, taken.attempt) == (order.job, order.attempt);
        if self.resubmits_safely
            && let Some(taken) = self.taken.iter().find(same)
        {
            return ProviderJob(taken.name.clone());
        }
        let name = format!("ready-{}", self.taken.len() + 1);
        let taken = Taken { job: order.job, attempt: order.attempt, name: name.clone() };
        self.taken.push(taken);
        ProviderJob(name)
    }

    fn knows(&self, job: &ProviderJob) -> Result<(), Source> {
        let known = self.taken.iter().any(|taken| taken.name == job.0);
        known.then_some(()).ok_or_else(|| "the provider does not know this work".into())
    }
}

/// Whether one of the times that something was to happen is left; takes it.
fn once(times: &mut u32) -> bool {
    let left = *times > 0;
    *times = times.saturating_sub(1);
    left
}

/// A provider that has its clip ready, and misbehaves as told. It charges for every order it takes.
#[derive(Clone, Debug)]
pub struct ReadyClip {
    name: &'static str,
    provider: Shared<Provider>,
}

impl ReadyClip {
    /// A provider, named `ready`, of this clip, to whom no attempt may be submitted twice.
    pub fn new(clip: impl AsRef<[u8]>) -> Self {
        let provider = Provider {
            clip: clip.as_ref().to_vec(),
            resubmits_safely: false,
            quote: MicroUsd(360_000),
            time_limit: Duration::from_mins(15),
            busy: (0, Duration::ZERO),
            losses: (0, Loss::BeforeTaking),
            untaken: 0,
            refusal: None,
            pending: (0, Duration::ZERO),
            failure: None,
            broken_looks: 0,
            broken_collects: 0,
            submits: 0,
            taken: Vec::new(),
            looks: HashMap::new(),
        };
        Self { name: "ready", provider: Shared::of(provider) }
    }

    /// Another name.
    #[must_use]
    pub fn named(self, name: &'static str) -> Self {
        Self { name, ..self }
    }

    /// Submitting the same attempt again is one order.
    #[must_use]
    pub fn safe_to_resubmit(self) -> Self {
        self.told(|provider| provider.resubmits_safely = true)
    }

    /// Another price.
    #[must_use]
    pub fn quoting(self, price: MicroUsd) -> Self {
        self.told(|provider| provider.quote = price)
    }

    /// Another limit on how long the work may take.
    #[must_use]
    pub fn limited_to(self, limit: Duration) -> Self {
        self.told(|provider| provider.time_limit = limit)
    }

    /// Does not take the next `times` orders, and asks to come back after `delay`.
    #[must_use]
    pub fn busy(self, times: u32, delay: Duration) -> Self {
        self.told(|provider| provider.busy = (times, delay))
    }

    /// Loses the answer to the next `times` orders.
    #[must_use]
    pub fn losing_answers(self, times: u32, loss: Loss) -> Self {
        self.told(|provider| provider.losses = (times, loss))
    }

    /// Cannot be reached for the next `times` orders.
    #[must_use]
    pub fn unreachable(self, times: u32) -> Self {
        self.told(|provider| provider.untaken = times)
    }

    /// Refuses every order.
    #[must_use]
    pub fn refusing(self, reason: &str) -> Self {
        self.told(|provider| provider.refusal = Some(reason.to_owned()))
    }

    /// The work is under way for the first `looks` looks at it.
    #[must_use]
    pub fn pending_for(self, looks: u32, delay: Duration) -> Self {
        self.told(|provider| provider.pending = (looks, delay))
    }

    /// Takes orders and then says that there will be no clip.
    #[must_use]
    pub fn failing(self, reason: &str) -> Self {
        self.told(|provider| provider.failure = Some(reason.to_owned()))
    }

    /// The next `times` looks break.
    #[must_use]
    pub fn failing_to_look(self, times: u32) -> Self {
        self.told(|provider| provider.broken_looks = times)
    }

    /// The next `times` downloads break halfway.
    #[must_use]
    pub fn failing_to_collect(self, times: u32) -> Self {
        self.told(|provider| provider.broken_collects = times)
    }

    /// How many orders for `job` are charged.
    pub fn billed(&self, job: JobId) -> usize {
        self.provider.lock().taken.iter().filter(|taken| taken.job == job).count()
    }

    /// How many orders are charged in all.
    pub fn billed_in_all(&self) -> usize {
        self.provider.lock().taken.len()
    }

    /// How often an order was submitted, whatever came of it.
    pub fn submits(&self) -> u32 {
        self.provider.lock().submits
    }

    fn told(self, change: impl FnOnce(&mut Provider)) -> Self {
        change(&mut self.provider.lock());
        self
    }
}

impl VideoGenerator for ReadyClip {
    fn name(&self) -> &'static str {
        self.name
    }

    fn resubmits_safely(&self) -> bool {
        self.provider.lock().resubmits_safely
    }

    fn time_limit(&self) -> Duration {
        self.provider.lock().time_limit
    }

    fn quote(&self, _options: &ClipOptions) -> MicroUsd {
        self.provider.lock().quote
    }

    async fn submit(&self, order: &ClipOrder) -> Result<Submitted, SubmitError> {
        let mut provider = self.provider.lock();
        provider.submits += 1;
        if once(&mut provider.untaken) {
            return Err(SubmitError::NotTaken("connection refused".into()));
        }
        if let Some(reason) = &provider.refusal {
            return Ok(Submitted::Refused(GenerationRefusal(reason.clone())));
        }
        if once(&mut provider.busy.0) {
            return Ok(Submitted::Later(provider.busy.1));
        }
        if once(&mut provider.losses.0) {
            if provider.losses.1 == Loss::AfterTaking {
                provider.take(order);
            }
            return Err(SubmitError::Lost("connection reset".into()));
        }
        Ok(Submitted::Accepted(provider.take(order)))
    }

    async fn look(&self, _order: &ClipOrder, job: &ProviderJob) -> Result<Look, LookError> {
        let failed = |source| LookError { provider_job: job.0.clone(), source };
        let mut provider = self.provider.lock();
        provider.knows(job).map_err(failed)?;
        if once(&mut provider.broken_looks) {
            return Err(failed("connection reset".into()));
        }
        let (pending, delay) = provider.pending;
        let looks = provider.looks.entry(job.0.clone()).or_default();
        *looks += 1;
        if *looks <= pending {
            return Ok(Look::Pending(delay));
        }
        let failure = provider.failure.clone();
        Ok(failure.map_or(Look::Ready, |reason| Look::Failed(GenerationRefusal(reason))))
    }

    async fn collect(
        &self,
        _order: &ClipOrder,
        job: &ProviderJob,
        to: &Path,
    ) -> Result<(), CollectError> {
        let failed = |source| CollectError { provider_job: job.0.clone(), source };
        let (clip, broken) = {
            let mut provider = self.provider.lock();
            provider.knows(job).map_err(failed)?;
            (provider.clip.clone(), once(&mut provider.broken_collects))
        };
        let sent = if broken { &clip[..clip.len() / 2] } else { &clip[..] };
        tokio::fs::write(to, sent).await.map_err(|error| failed(error.into()))?;
        if broken { Err(failed("connection reset".into())) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[tokio::test]
    async fn where_resubmitting_is_safe_an_attempt_is_charged_once() {
        let order = samples::clip_order();
        let safe = ReadyClip::new(b"clip").safe_to_resubmit().losing_answers(1, Loss::AfterTaking);
        let unsafe_ = ReadyClip::new(b"clip").losing_answers(1, Loss::AfterTaking);

        for provider in [&safe, &unsafe_] {
            assert!(matches!(provider.submit(&order).await, Err(SubmitError::Lost(_))));
            assert!(matches!(provider.submit(&order).await, Ok(Submitted::Accepted(_))));
        }

        assert_eq!((safe.billed(order.job), unsafe_.billed(order.job)), (1, 2));
    }

    #[tokio::test]
    async fn a_clip_is_collected_once_it_is_ready() {
        let work = tempfile::tempdir().expect("a folder");
        let to = work.path().join("clip.mp4");
        let (order, delay) = (samples::clip_order(), Duration::from_secs(5));
        let provider = ReadyClip::new(b"clip").pending_for(1, delay).failing_to_collect(1);

        let Ok(Submitted::Accepted(job)) = provider.submit(&order).await else {
            panic!("accepted")
        };
        assert_eq!(provider.look(&order, &job).await.ok(), Some(Look::Pending(delay)));
        assert_eq!(provider.look(&order, &job).await.ok(), Some(Look::Ready));
        assert!(provider.collect(&order, &job, &to).await.is_err());
        provider.collect(&order, &job, &to).await.expect("collected");

        assert_eq!(std::fs::read(&to).expect("a file"), b"clip");
    }

    #[tokio::test]
    async fn work_that_was_not_ordered_is_not_known() {
        let provider = ReadyClip::new(b"clip");
        let job = ProviderJob("ready-1".into());

        assert!(provider.look(&samples::clip_order(), &job).await.is_err());
    }
}
