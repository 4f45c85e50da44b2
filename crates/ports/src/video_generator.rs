//! Image-to-video providers: submit, look, collect.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use domain::{ClipOptions, JobId, MicroUsd};

use crate::Source;

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
    pub options: ClipOptions,
    /// The accepted photo: JPEG, upright, sRGB.
    pub photo: PathBuf,
}

/// The provider's name for the work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderJob(pub String);

/// Why the provider will not do it; the text is for the person who asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenerationRefusal(pub String);

/// The provider's answer to an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Submitted {
    /// It took the order.
    Accepted(ProviderJob),
    /// It will not do it, and charges nothing.
    Refused(GenerationRefusal),
    /// It did not take the order now, and charges nothing: order again after this time.
    Later(Duration),
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
    /// It is under way: look again after this time.
    Pending(Duration),
    /// The clip can be collected.
    Ready,
    /// There will be no clip.
    Failed(GenerationRefusal),
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

/// The clip could not be collected. Collecting again is free.
#[derive(Debug, thiserror::Error)]
#[error("cannot collect {provider_job}")]
pub struct CollectError {
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

    /// What the order is expected to cost.
    fn quote(&self, options: &ClipOptions) -> MicroUsd;

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

    /// Writes the clip to the file `to`.
    ///
    /// # Errors
    /// [`CollectError`]; `to` may then hold a part.
    fn collect(
        &self,
        order: &ClipOrder,
        job: &ProviderJob,
        to: &Path,
    ) -> impl Future<Output = Result<(), CollectError>> + Send;
}
