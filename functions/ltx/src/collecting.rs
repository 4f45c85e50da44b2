//! Looking at work that was ordered, and collecting the clip.
//!
//! What a provider delivers is stored as it comes, before anything else: some delete it after an
//! hour. Then it is judged, and only a clip that can be played becomes the job's.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use domain::{
    Attempt, ClipMade, FailureKind, Job, MicroUsd, ObjectKey, RefusedOver, Resolution, Settlement,
    keys,
};
use ports::{
    ClipDelivery, ClipOrder, Collected, Content, GenerationRefusal, Handled, Look, LookError,
    ObjectMeta, ObjectStore, ProviderJob, Rewrap, RewrapError, VideoGenerator,
};

use crate::handler::Ltx;
use crate::ordering::LATE;
use crate::winding_up::what_is_charged;
use crate::{LtxError, Parts};

/// For so long after it was taken, work that the provider does not find is waited for.
const FRESH: Duration = Duration::from_mins(2);
/// When to look at it again.
const FRESH_WAIT: Duration = Duration::from_secs(5);
/// The shortest pause between two looks, whatever the provider asks for.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);

const GONE: &str = "the provider no longer has the clip";

/// A clip on disk, ready to be stored.
struct OnDisk {
    path: PathBuf,
    duration_secs: u32,
    resolution: Resolution,
}

impl<P: Parts> Ltx<P> {
    /// Looks before it judges: a clip that is ready is collected, however late.
    pub(crate) async fn look(
        &self,
        job: &Job,
        generator: &P::Generator,
        attempt: &Attempt,
    ) -> Result<Handled, LtxError> {
        let work = self.workspace()?;
        let order = self.clip_order(job, attempt, work.path().join("photo.jpg"));
        if self.store.head(&delivered_key(attempt)).await?.is_some() {
            return self.judge(job, attempt, &order, Instant::now()).await;
        }
        let late = attempt.is_late(self.now());

        match generator.look(&order, &provider_job(attempt)).await {
            Ok(Look::Ready { charged }) => {
                let attempt = self.reprice(attempt, charged).await?;
                self.collect(job, generator, &attempt, &order).await
            }
            Ok(Look::Failed { refusal, charged }) => {
                self.refuse(job, attempt, refusal, charged).await
            }
            // What was just taken may not be seen everywhere yet.
            Ok(Look::Gone) if self.is_fresh(attempt) => Ok(Handled::NotYet { after: FRESH_WAIT }),
            Ok(Look::Gone) => {
                let refusal =
                    GenerationRefusal { over: RefusedOver::Gone, reason: GONE.to_owned() };
                self.refuse(job, attempt, refusal, attempt.reserved).await
            }
            Ok(Look::Pending { after } | Look::Busy { after }) if !late => {
                Ok(Handled::NotYet { after: after.max(SHORTEST_PAUSE) })
            }
            Ok(Look::Pending { .. }) => self.give_up_late(job, generator, attempt, &order).await,
            // Free, and no reason to give up what is paid for: until the deadline.
            Err(error) if !late => Err(error.into()),
            Err(error) => self.note_fault(job, attempt, error.into()).await,
            Ok(Look::Busy { .. }) => {
                let provider_job = attempt.provider_job.clone().unwrap_or_default();
                let source = "the provider cannot say how far it is".into();
                self.note_fault(job, attempt, LookError { provider_job, source }.into()).await
            }
        }
    }

    /// Whether the order was taken so recently that the provider may not find it yet.
    fn is_fresh(&self, attempt: &Attempt) -> bool {
        attempt.resumes.is_none() && self.now().since(attempt.intended_at) < FRESH
    }

    /// The provider says what it charges: from here on the ledger holds that.
    async fn reprice(
        &self,
        attempt: &Attempt,
        charged: Option<MicroUsd>,
    ) -> Result<Attempt, LtxError> {
        // What is looked at again was charged with the attempt that ordered it.
        let Some(charged) = charged.filter(|_| attempt.resumes.is_none()) else {
            return Ok(attempt.clone());
        };
        if charged == attempt.reserved {
            return Ok(attempt.clone());
        }
        let repriced = attempt.repriced(charged);
        self.write(attempt, &repriced).await?;
        Ok(repriced)
    }

    /// The provider is still at it after the deadline: it is called off, if that can be done.
    async fn give_up_late(
        &self,
        job: &Job,
        generator: &P::Generator,
        attempt: &Attempt,
        order: &ClipOrder,
    ) -> Result<Handled, LtxError> {
        let called_off = generator.call_off(order, &provider_job(attempt)).await;
        let charged = match &called_off {
            Ok(outcome) => what_is_charged(generator.name(), outcome, attempt.reserved).0,
            Err(_) => attempt.reserved,
        };
        let kind = FailureKind::Late;
        self.settle(attempt, Settlement::given_up(kind, LATE.to_owned(), charged)).await?;
        self.end(job, kind, LATE, attempt.note.as_deref()).await
    }

    async fn collect(
        &self,
        job: &Job,
        generator: &P::Generator,
        attempt: &Attempt,
        order: &ClipOrder,
    ) -> Result<Handled, LtxError> {
        let began = Instant::now();
        let to = order.photo.with_file_name("clip.mp4");

        self.store.fetch(&keys::photo(job.id), &order.photo).await?;
        match Box::pin(generator.collect(order, &provider_job(attempt), &to)).await {
            Ok(Collected::Filmed) => {
                let (duration_secs, resolution) = (order.spec.duration_secs, order.spec.resolution);
                let clip = OnDisk { path: to, duration_secs, resolution };
                self.keep(job, attempt, order, clip, began).await
            }
            Ok(Collected::Delivery(delivery)) => self.receive(job, attempt, order, delivery).await,
            Err(error) => self.note_fault(job, attempt, error.into()).await,
        }
    }

    /// Stores what a provider delivers, as it comes.
    pub(crate) async fn receive(
        &self,
        job: &Job,
        attempt: &Attempt,
        order: &ClipOrder,
        delivery: ClipDelivery,
    ) -> Result<Handled, LtxError> {
        let began = Instant::now();
        let ClipDelivery { content_type, bytes } = delivery;
        let content_type = content_type.unwrap_or_else(|| "video/mp4".to_owned());
        let meta = ObjectMeta { content_type, ..ObjectMeta::default() }.traced(&job.trace_id);
        let key = delivered_key(attempt);
        if let Err(error) = self.store.put_stream(&key, bytes, &meta).await {
            return self.note_fault(job, attempt, error.into()).await;
        }
        self.judge(job, attempt, order, began).await
    }

    /// Judges what was delivered. What cannot be played is thrown away, and fetched again while the
    /// provider has it.
    async fn judge(
        &self,
        job: &Job,
        attempt: &Attempt,
        order: &ClipOrder,
        began: Instant,
    ) -> Result<Handled, LtxError> {
        let key = delivered_key(attempt);
        let (from, to) =
            (order.photo.with_file_name("delivered"), order.photo.with_file_name("clip.mp4"));
        self.store.fetch(&key, &from).await?;
        let expected = Duration::from_secs(order.spec.duration_secs.into());

        match self.rewrap.rewrap(&from, expected, order.spec.audio, &to).await {
            Ok(judged) => {
                let secs = judged.duration_ms.div_ceil(1000);
                let duration_secs = u32::try_from(secs).unwrap_or(u32::MAX);
                let clip = OnDisk { path: to, duration_secs, resolution: judged.resolution };
                let handled = self.keep(job, attempt, order, clip, began).await?;
                self.store.delete(&key).await?;
                Ok(handled)
            }
            Err(error @ RewrapError::Unplayable(_)) => {
                self.store.delete(&key).await?;
                self.note_fault(job, attempt, error.into()).await
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn keep(
        &self,
        job: &Job,
        attempt: &Attempt,
        order: &ClipOrder,
        on_disk: OnDisk,
        began: Instant,
    ) -> Result<Handled, LtxError> {
        let clip = ClipMade {
            provider: attempt.provider.clone(),
            provider_job: attempt.provider_job.clone().unwrap_or_default(),
            duration_secs: on_disk.duration_secs,
            resolution: on_disk.resolution,
            worked_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        };
        let meta = ObjectMeta { content_type: "video/mp4".to_owned(), user: clip.to_metadata() };
        let meta = meta.traced(&job.trace_id);
        self.store.put(&keys::clip(job.id), Content::File(&on_disk.path), &meta).await?;
        self.remember(job, attempt, &order.photo, &clip).await;
        self.finish(job, clip).await
    }
}

/// Where what was delivered for an attempt is: an attempt that looks again at the work of another
/// goes on with what that has.
fn delivered_key(attempt: &Attempt) -> ObjectKey {
    keys::delivered(attempt.job, attempt.resumes.unwrap_or(attempt.number))
}

/// The provider's name for the work of an attempt.
pub(crate) fn provider_job(attempt: &Attempt) -> ProviderJob {
    let id = attempt.provider_job.clone().unwrap_or_default();
    ProviderJob { id, links: attempt.links.clone() }
}
