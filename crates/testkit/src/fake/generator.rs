mod provider;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::time::Duration;

use domain::{ClipOptions, JobId, MicroUsd, RefusedOver};
use ports::{
    CallOff, CallOffError, ClipOrder, CollectError, Collected, GenerationRefusal, Look, LookError,
    ProviderJob, Quote, SubmitError, Submitted, VideoGenerator,
};

use super::Shared;
use provider::{Download, HandsOver, Provider};

/// What happened to an order whose answer did not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The provider never got it.
    BeforeTaking,
    /// The provider took it, and charges for it.
    AfterTaking,
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
        Self { name: "ready", provider: Shared::of(Provider::of(clip.as_ref())) }
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

    /// Says that it works on so many orders at once.
    #[must_use]
    pub fn serving(self, orders: u32) -> Self {
        self.told(|provider| provider.concurrency = Some(orders))
    }

    /// Another price.
    #[must_use]
    pub fn quoting(self, price: MicroUsd) -> Self {
        self.told(|provider| provider.price = price)
    }

    /// Goes with every quote.
    #[must_use]
    pub fn warning(self, text: &str) -> Self {
        self.told(|provider| provider.warning = Some(text.to_owned()))
    }

    /// Has no such clip on offer, whatever is wanted.
    #[must_use]
    pub fn offering_nothing(self, reason: &str) -> Self {
        self.told(|provider| provider.no_offer = Some(GenerationRefusal::of_input(reason)))
    }

    /// Has its model no longer on offer.
    #[must_use]
    pub fn retired(self, reason: &str) -> Self {
        let gone = GenerationRefusal { over: RefusedOver::Model, reason: reason.to_owned() };
        self.told(|provider| provider.no_offer = Some(gone))
    }

    /// Another limit on how long the work may take.
    #[must_use]
    pub fn limited_to(self, limit: Duration) -> Self {
        self.told(|provider| provider.time_limit = limit)
    }

    /// Another usual pause between looks, and before the first.
    #[must_use]
    pub fn polled_every(self, pause: Duration) -> Self {
        self.told(|provider| provider.poll_every = pause)
    }

    /// Takes no order for the next `times`, and says when to come again.
    #[must_use]
    pub fn busy(self, times: u32, after: Duration) -> Self {
        self.told(|provider| provider.busy = (times, after))
    }

    /// The answers get lost to the next `times` orders.
    #[must_use]
    pub fn losing_answers(self, times: u32, loss: Loss) -> Self {
        self.told(|provider| provider.losses = (times, loss))
    }

    /// Cannot be reached for the next `times` orders.
    #[must_use]
    pub fn unreachable(self, times: u32) -> Self {
        self.told(|provider| provider.untaken = times)
    }

    /// Refuses every order: what was asked for cannot be done.
    #[must_use]
    pub fn refusing(self, reason: &str) -> Self {
        self.refusing_over(RefusedOver::Input, reason)
    }

    /// Refuses every order, over something else.
    #[must_use]
    pub fn refusing_over(self, over: RefusedOver, reason: &str) -> Self {
        let refusal = GenerationRefusal { over, reason: reason.to_owned() };
        self.told(|provider| provider.refusal = Some(refusal))
    }

    /// What is needed to look at its work is more than the name.
    #[must_use]
    pub fn linking(self) -> Self {
        self.told(|provider| provider.linking = true)
    }

    /// The clip comes with the answer to the order.
    #[must_use]
    pub fn delivering_at_once(self) -> Self {
        self.told(|provider| provider.hands_over = HandsOver::AtOnce)
    }

    /// The work is under way for the first `looks` looks at it.
    #[must_use]
    pub fn pending_for(self, looks: u32, delay: Duration) -> Self {
        self.told(|provider| provider.pending = (looks, delay))
    }

    /// Says what it charges once the clip is ready.
    #[must_use]
    pub fn charging(self, charge: MicroUsd) -> Self {
        self.told(|provider| provider.charge = Some(charge))
    }

    /// Takes orders and then says that there will be no clip, because of what it would show.
    #[must_use]
    pub fn failing(self, reason: &str) -> Self {
        self.failing_at_cost(reason, MicroUsd::ZERO)
    }

    /// As [`Self::failing`], and charges this nevertheless.
    #[must_use]
    pub fn failing_at_cost(self, reason: &str, charge: MicroUsd) -> Self {
        self.told(|provider| provider.failure = Some((reason.to_owned(), charge)))
    }

    /// Takes orders and then knows nothing of them.
    #[must_use]
    pub fn forgetting(self) -> Self {
        self.told(|provider| provider.forgets = true)
    }

    /// The next `times` looks break.
    #[must_use]
    pub fn failing_to_look(self, times: u32) -> Self {
        self.told(|provider| provider.broken_looks = times)
    }

    /// Cannot say how the work stands for the next `times` looks, and says when to look again.
    #[must_use]
    pub fn unable_to_say(self, times: u32, after: Duration) -> Self {
        self.told(|provider| provider.unsaid = (times, after))
    }

    /// Clips are collected as streams.
    #[must_use]
    pub fn streaming(self) -> Self {
        self.told(|provider| provider.hands_over = HandsOver::AsStream)
    }

    /// The next `times` downloads break halfway.
    #[must_use]
    pub fn failing_to_collect(self, times: u32) -> Self {
        self.told(|provider| provider.broken_collects = times)
    }

    /// Answers like this when work is called off.
    #[must_use]
    pub fn cancellable(self, answer: CallOff) -> Self {
        self.told(|provider| provider.call_off = answer)
    }

    /// How many orders for `job` are charged.
    pub fn billed(&self, job: JobId) -> usize {
        self.provider.lock().billed(job)
    }

    /// How many orders are charged in all.
    pub fn billed_in_all(&self) -> usize {
        self.provider.lock().billed_in_all()
    }

    /// How often an order was submitted, whatever came of it.
    pub fn submits(&self) -> u32 {
        self.provider.lock().submits
    }

    /// How many orders were under way at the same time, at most. One is under way from being taken
    /// until a look has shown that it is ready or has failed, or until it was stopped.
    pub fn most_at_once(&self) -> usize {
        self.provider.lock().most_at_once
    }

    /// The names of the work that was called off, in order, whatever came of it.
    pub fn called_off(&self) -> Vec<String> {
        self.provider.lock().called_off.clone()
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

    fn poll_every(&self) -> Duration {
        self.provider.lock().poll_every
    }

    fn concurrency(&self) -> Option<u32> {
        self.provider.lock().concurrency
    }

    fn quote(&self, wanted: &ClipOptions) -> Result<Quote, GenerationRefusal> {
        self.provider.lock().quote(wanted)
    }

    async fn submit(&self, order: &ClipOrder) -> Result<Submitted, SubmitError> {
        self.provider.lock().submit(order)
    }

    async fn look(&self, _order: &ClipOrder, job: &ProviderJob) -> Result<Look, LookError> {
        let failed = |source| LookError { provider_job: job.id.clone(), source };
        self.provider.lock().look(job).map_err(failed)
    }

    async fn collect(
        &self,
        _order: &ClipOrder,
        job: &ProviderJob,
        to: &Path,
    ) -> Result<Collected, CollectError> {
        let failed = |source| CollectError { provider_job: job.id.clone(), source };
        let (download, streams) = {
            let mut provider = self.provider.lock();
            (provider.download(job).map_err(failed)?, provider.hands_over == HandsOver::AsStream)
        };
        if streams {
            return Ok(Collected::Delivery(download.into_delivery()));
        }
        let Download { clip, broken } = download;
        let sent = if broken { &clip[..clip.len() / 2] } else { &clip[..] };
        tokio::fs::write(to, sent).await.map_err(|error| failed(error.into()))?;
        if broken { Err(failed("connection reset".into())) } else { Ok(Collected::Filmed) }
    }

    async fn call_off(
        &self,
        _order: &ClipOrder,
        job: &ProviderJob,
    ) -> Result<CallOff, CallOffError> {
        let failed = |source| CallOffError { provider_job: job.id.clone(), source };
        self.provider.lock().call_off(job).map_err(failed)
    }
}
