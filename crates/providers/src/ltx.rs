//! LTX: an order is named at once and looked at until it is done. It cannot be called off.
//!
//! Over v1, which is reported to be shut, the clip comes with the answer to the order.

mod sync;
mod wire;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use domain::{ClipOptions, ClipSpec};
use ports::{
    CallOff, CallOffError, ClipDelivery, ClipOrder, CollectError, Collected, GenerationRefusal,
    Look, LookError, ProviderJob, Quote, Source, SubmitError, Submitted, VideoGenerator,
};
use reqwest::RequestBuilder;

use crate::fault::{Phase, STORAGE, refused_over};
use crate::http::{Answer, Base, DownloadError, Http, Timeouts, Unanswered};
use crate::key::Key;
use crate::order::{check_photo, words};
use crate::refusal::{
    NotOrdered, cleaned, jittered, not_seen, not_submitted, refusal, submit_unanswered,
    upload_unanswered,
};
use crate::registry::ProviderEntry;
use sync::{is_synchronous, submit_and_wait};

/// The name by which it is asked for.
pub(crate) const NAME: &str = "ltx";

/// How LTX takes orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LtxVersion {
    /// It names the order at once.
    #[default]
    V2,
    /// It answers with the clip.
    V1 {
        /// How long the whole answer may take.
        answer_within: Duration,
    },
}

/// Films photos with LTX.
#[derive(Clone, Debug)]
pub struct Ltx {
    http: Http,
    /// For orders over v1, whose answers take minutes.
    patient: Option<Http>,
    base: Base,
    key: Key,
    entry: Arc<ProviderEntry>,
}

/// What a look shows.
enum Seen {
    Job(wire::Job),
    Other(Look),
}

impl Ltx {
    /// Where LTX is.
    pub const BASE_URL: &str = "https://api.ltx.io";

    /// Orders there, with this key and in this way, what the entry has on offer.
    pub fn new(base: Base, key: Key, version: LtxVersion, entry: Arc<ProviderEntry>) -> Self {
        let http = Http::new(&[&base], Timeouts::default());
        let patient = match version {
            LtxVersion::V2 => None,
            LtxVersion::V1 { answer_within: read } => {
                Some(Http::new(&[&base], Timeouts { read, call: read, ..Timeouts::default() }))
            }
        };
        Self { http, patient, base, key, entry }
    }

    async fn order(&self, order: &ClipOrder) -> Result<Submitted, NotOrdered> {
        let prompt = words(&self.entry, order)?;
        check_photo(&self.entry, order).await?;
        let image_uri = match &order.photo_url {
            Some(url) => url.clone(),
            None => self.upload(order).await?,
        };
        let body = wire::Order::of(&order.spec, &image_uri, &prompt);
        match &self.patient {
            None => self.submit_and_leave(&body).await,
            Some(http) => {
                let url = self.base.at(&["v1", "image-to-video"]);
                let request = http.post(url).bearer_auth(self.key.expose()).json(&body);
                Ok(submit_and_wait(http, request, order).await?)
            }
        }
    }

    async fn submit_and_leave(&self, body: &wire::Order<'_>) -> Result<Submitted, NotOrdered> {
        let url = self.base.at(&["v2", "image-to-video"]);
        let answer = self.asks(self.http.post(url).json(body)).await;
        let answer = answer.map_err(submit_unanswered)?;
        if !answer.status.is_success() {
            return Err(not_submitted(NAME, NAME, Phase::Submit, &answer).into());
        }
        // It said yes, and the name of the order is lost.
        let taken: wire::Taken = answer.json().map_err(|error| SubmitError::Lost(error.into()))?;
        Ok(Submitted::Accepted(ProviderJob::named(taken.id)))
    }

    /// Puts the photo where LTX says; tells what LTX calls it.
    async fn upload(&self, order: &ClipOrder) -> Result<String, NotOrdered> {
        let request = self.http.post(self.base.at(&["v1", "upload"])).body("");
        let answer = self.asks(request).await.map_err(upload_unanswered)?;
        if !answer.status.is_success() {
            return Err(not_submitted(NAME, NAME, Phase::Upload, &answer).into());
        }
        let place: wire::Place =
            answer.json().map_err(|error| SubmitError::NotTaken(error.into()))?;
        let put = self.http.put_file(&place.upload_url, &place.required_headers, &order.photo);
        let answer = put.await.map_err(upload_unanswered)?;
        if !answer.status.is_success() {
            return Err(not_submitted(NAME, STORAGE, Phase::Upload, &answer).into());
        }
        Ok(place.storage_uri)
    }

    async fn asks(&self, request: RequestBuilder) -> Result<Answer, Unanswered> {
        self.http.exchange(request.bearer_auth(self.key.expose())).await
    }

    async fn see(&self, job: &ProviderJob) -> Result<Seen, Source> {
        if is_synchronous(job) {
            return Ok(Seen::Other(Look::Gone));
        }
        let url = self.base.at(&["v2", "image-to-video", &job.id]);
        let answer = self.asks(self.http.get(url)).await?;
        if answer.status.is_success() {
            return Ok(Seen::Job(answer.json()?));
        }
        Ok(Seen::Other(not_seen(NAME, &answer, self.entry.poll_every)?))
    }

    fn look_of(&self, spec: &ClipSpec, job: &wire::Job) -> Look {
        match job.status.as_str() {
            "completed" if job.result.is_some() => Look::Ready { charged: None },
            "completed" | "failed" => self.failed(spec, job.error.as_ref()),
            // A state that is new to us is one of the ways to be under way: the deadline ends it.
            _ => Look::Pending { after: jittered(self.entry.poll_every) },
        }
    }

    fn failed(&self, spec: &ClipSpec, error: Option<&wire::JobError>) -> Look {
        let kind = error.map_or("", |error| &error.kind);
        let over = refused_over(NAME, Phase::Look, &[kind]);
        let said = error.and_then(|error| cleaned(&error.message));
        Look::Failed {
            refusal: refusal(NAME, over, said),
            charged: self.entry.price_of_failure(spec),
        }
    }

    /// The address of the clip, fresh: it expires before the work is forgotten.
    async fn address(&self, job: &ProviderJob) -> Result<String, Source> {
        match self.see(job).await? {
            Seen::Job(wire::Job { result: Some(result), .. }) => Ok(result.video_url),
            Seen::Job(job) => Err(format!("there is no clip, the work is {}", job.status).into()),
            Seen::Other(look) => Err(format!("there is no clip to be seen: {look:?}").into()),
        }
    }

    async fn clip(&self, job: &ProviderJob) -> Result<ClipDelivery, Source> {
        match self.http.download(&self.address(job).await?).await {
            Err(DownloadError::Expired) => {
                Ok(self.http.download(&self.address(job).await?).await?)
            }
            clip => Ok(clip?),
        }
    }
}

impl VideoGenerator for Ltx {
    fn name(&self) -> &'static str {
        NAME
    }

    fn resubmits_safely(&self) -> bool {
        false
    }

    fn time_limit(&self) -> Duration {
        self.entry.time_limit
    }

    fn poll_every(&self) -> Duration {
        self.entry.poll_every
    }

    fn concurrency(&self) -> Option<u32> {
        self.entry.concurrency
    }

    fn quote(&self, wanted: &ClipOptions) -> Result<Quote, GenerationRefusal> {
        self.entry.quote(wanted)
    }

    async fn submit(&self, order: &ClipOrder) -> Result<Submitted, SubmitError> {
        self.order(order).await.or_else(NotOrdered::into_submitted)
    }

    async fn look(&self, order: &ClipOrder, job: &ProviderJob) -> Result<Look, LookError> {
        let failed = |source| LookError { provider_job: job.id.clone(), source };
        Ok(match self.see(job).await.map_err(failed)? {
            Seen::Job(job) => self.look_of(&order.spec, &job),
            Seen::Other(look) => look,
        })
    }

    async fn collect(
        &self,
        _order: &ClipOrder,
        job: &ProviderJob,
        _to: &Path,
    ) -> Result<Collected, CollectError> {
        let failed = |source| CollectError { provider_job: job.id.clone(), source };
        self.clip(job).await.map(Collected::Delivery).map_err(failed)
    }

    async fn call_off(&self, _: &ClipOrder, _: &ProviderJob) -> Result<CallOff, CallOffError> {
        Ok(CallOff::NotOffered)
    }
}

#[cfg(test)]
mod tests;
