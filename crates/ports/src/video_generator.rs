//! Image-to-video providers: quote, submit, look, collect, cancel.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use domain::{ClipOptions, ClipSpec, JobId, MicroUsd, RefusedOver};

use crate::{ByteStream, Source};

/// The clip that is wanted.
#[derive(Clone, Debug)]
pub struct ClipOrder {
    /// The job it is for.
    pub job: JobId,
    /// Which attempt of the job, from 1.
    pub attempt: u32,
    /// What it is to show, in words.
    pub prompt: String,
    /// What it is to look like.
    pub spec: ClipSpec,
    /// The accepted photo: JPEG, upright, sRGB. There when the order is submitted and collected.
    pub photo: PathBuf,
    /// Where anybody can fetch the photo, if there is such a place.
    pub photo_url: Option<String>,
}

/// What a clip would be, and cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Every wish fitted to what the model has on offer.
    pub spec: ClipSpec,
    /// What the provider is expected to charge.
    pub price: MicroUsd,
    /// What the operator ought to know: the model is about to be retired.
    pub warning: Option<String>,
}

/// The provider's name for the work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderJob {
    /// The name.
    pub id: String,
    /// What else is needed to look at it, in a form that only the provider's adapter reads.
    pub links: Option<String>,
}

impl ProviderJob {
    /// Work that is looked at by its name alone.
    pub fn named(id: impl Into<String>) -> Self {
        Self { id: id.into(), links: None }
    }
}

/// Why the provider will not do it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenerationRefusal {
    /// What it is about.
    pub over: RefusedOver,
    /// One sentence for the person who asked.
    pub reason: String,
}

impl GenerationRefusal {
    /// A refusal of what was asked for.
    pub fn of_input(reason: impl Into<String>) -> Self {
        Self { over: RefusedOver::Input, reason: reason.into() }
    }
}

/// A clip on its way from its provider.
pub struct ClipDelivery {
    /// `content-type`, if the provider says one.
    pub content_type: Option<String>,
    /// Its bytes; the stream breaks when fewer arrive than were announced.
    pub bytes: ByteStream,
}

impl std::fmt::Debug for ClipDelivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClipDelivery")
            .field("content_type", &self.content_type)
            .finish_non_exhaustive()
    }
}

/// The provider's answer to an order.
#[derive(Debug)]
pub enum Submitted {
    /// It took the order.
    Accepted(ProviderJob),
    /// It took the order and the clip is coming with the answer: it cannot be looked at later.
    Delivered(ProviderJob, ClipDelivery),
    /// It will not do it, and charges nothing.
    Refused(GenerationRefusal),
    /// It did not take the order now, and charges nothing: order again after this time.
    Later {
        /// How long to wait.
        after: Duration,
        /// What it said, for the engineer.
        note: String,
    },
}

/// There is no answer to an order.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// The order is proven not to have been taken: ordering again is safe.
    #[error("the order was not taken")]
    NotTaken(#[source] Source),
    /// The order may have been taken, and may be charged.
    #[error("the answer to the order was lost")]
    Lost(#[source] Source),
}

/// What a look at the work shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// It is under way, says the provider: look again after this time.
    Pending {
        /// How long to wait.
        after: Duration,
    },
    /// The provider cannot say now: look again after this time.
    Busy {
        /// How long to wait.
        after: Duration,
    },
    /// The clip can be collected.
    Ready {
        /// What the provider charges, if it says so.
        charged: Option<MicroUsd>,
    },
    /// There will be no clip.
    Failed {
        /// Why not.
        refusal: GenerationRefusal,
        /// What the provider charges nevertheless.
        charged: MicroUsd,
    },
    /// The provider does not know the work, or no longer has what came of it.
    Gone,
}

/// The work could not be looked at. Looking again is free.
#[derive(Debug, thiserror::Error)]
#[error("cannot look at {provider_job}")]
pub struct LookError {
    /// The provider's name for the work.
    pub provider_job: String,
    /// What went wrong.
    pub source: Source,
}

/// Where a collected clip is.
#[derive(Debug)]
pub enum Collected {
    /// In the file that was named, whole and ready to be played.
    Filmed,
    /// On its way, to be judged when it is here.
    Delivery(ClipDelivery),
}

/// The clip could not be collected. Collecting again is free.
#[derive(Debug, thiserror::Error)]
#[error("cannot collect {provider_job}")]
pub struct CollectError {
    /// The provider's name for the work.
    pub provider_job: String,
    /// What went wrong.
    pub source: Source,
}

/// What became of the wish to call work off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallOff {
    /// It has stopped.
    Stopped {
        /// What is charged nevertheless; none: the provider does not say, it may be all of it.
        charged: Option<MicroUsd>,
    },
    /// It goes on, or has ended already, and is charged.
    TooLate,
    /// The provider has no way to call work off.
    NotOffered,
}

/// It could not be found out whether work was called off. Trying again is free.
#[derive(Debug, thiserror::Error)]
#[error("cannot call off {provider_job}")]
pub struct CallOffError {
    /// The provider's name for the work.
    pub provider_job: String,
    /// What went wrong.
    pub source: Source,
}

/// Films photos, for money or for free.
pub trait VideoGenerator: Send + Sync {
    /// The name by which it is asked for.
    fn name(&self) -> &'static str;

    /// Whether submitting the same attempt again is one order, and charged once. Where it is not,
    /// an order whose answer is lost is never submitted again by a retry.
    fn resubmits_safely(&self) -> bool;

    /// How long the work may take before it is given up.
    fn time_limit(&self) -> Duration;

    /// The usual pause between looks, and before the first; zero: work is done when it is taken.
    fn poll_every(&self) -> Duration;

    /// How many orders it works on at once; none: as many as there are.
    fn concurrency(&self) -> Option<u32>;

    /// What such a clip would be, and cost. Asks nobody.
    ///
    /// # Errors
    /// [`GenerationRefusal`] if no such clip is on offer; says what is.
    fn quote(&self, wanted: &ClipOptions) -> Result<Quote, GenerationRefusal>;

    /// Orders the clip.
    ///
    /// # Errors
    /// [`SubmitError`].
    fn submit(
        &self,
        order: &ClipOrder,
    ) -> impl Future<Output = Result<Submitted, SubmitError>> + Send;

    /// Looks how far the work is.
    ///
    /// # Errors
    /// [`LookError`].
    fn look(
        &self,
        order: &ClipOrder,
        job: &ProviderJob,
    ) -> impl Future<Output = Result<Look, LookError>> + Send;

    /// Collects the clip: in the file `to`, or as a stream.
    ///
    /// # Errors
    /// [`CollectError`]; `to` may then hold a part.
    fn collect(
        &self,
        order: &ClipOrder,
        job: &ProviderJob,
        to: &Path,
    ) -> impl Future<Output = Result<Collected, CollectError>> + Send;

    /// Calls the work off, where that can be done.
    ///
    /// # Errors
    /// [`CallOffError`].
    fn call_off(
        &self,
        order: &ClipOrder,
        job: &ProviderJob,
    ) -> impl Future<Output = Result<CallOff, CallOffError>> + Send;
}
