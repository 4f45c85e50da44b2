//! Runway: tasks, which wait where other providers refuse, and tell what they cost.

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

use crate::fault::{Class, Phase, STORAGE, class_of, refused_over};
use crate::http::{Answer, Base, DownloadError, Http, Timeouts, Unanswered};
use crate::key::Key;
use crate::order::{check_photo, words};
use crate::refusal::{
    NotOrdered, Unexpected, cleaned, jittered, not_seen, not_submitted, refusal, submit_unanswered,
    upload_unanswered,
};
use crate::registry::ProviderEntry;
use wire::Task;

/// The name by which it is asked for.
pub(crate) const NAME: &str = "runway";

/// Films photos with Runway.
#[derive(Clone, Debug)]
pub struct Runway {
    http: Http,
    base: Base,
    key: Key,
    version: String,
    entry: Arc<ProviderEntry>,
}

/// What a look shows.
enum Seen {
    Task(Task),
    Other(Look),
}

impl Runway {
    /// Where Runway is.
    pub const BASE_URL: &str = "https://api.dev.runwayml.com";
    /// The version of its API that this is written for.
    pub const VERSION: &str = "2024-11-06";

    /// Orders there, with this key and in this version, what the entry has on offer.
    pub fn new(base: Base, key: Key, version: String, entry: Arc<ProviderEntry>) -> Self {
        let http = Http::new(&[&base], Timeouts::default());
        Self { http, base, key, version, entry }
    }

    async fn asks(&self, request: RequestBuilder) -> Result<Answer, Unanswered> {
        let request = request.header("x-runway-version", &self.version);
        self.http.exchange(request.bearer_auth(self.key.expose())).await
    }

    async fn order(&self, order: &ClipOrder) -> Result<Submitted, NotOrdered> {
        let prompt = words(&self.entry, order)?;
        check_photo(&self.entry, order).await?;
        let image = match &order.photo_url {
            Some(url) => url.clone(),
            None => self.upload(order).await?,
        };
        let makes_sound = self.entry.model(&order.spec.model).is_some_and(|model| model.audio);
        let body = wire::Order::of(&order.spec, &image, &prompt, makes_sound);
        let request = self.http.post(self.base.at(&["v1", "image_to_video"])).json(&body);
        let answer = self.asks(request).await.map_err(submit_unanswered)?;
        if !answer.status.is_success() {
            return Err(not_submitted(NAME, NAME, Phase::Submit, &answer).into());
        }
        // It said yes, and the name of the task is lost.
        let taken: wire::Taken = answer.json().map_err(|error| SubmitError::Lost(error.into()))?;
        Ok(Submitted::Accepted(ProviderJob::named(taken.id)))
    }

    /// Puts the photo where Runway says; tells what Runway calls it.
    async fn upload(&self, order: &ClipOrder) -> Result<String, NotOrdered> {
        let request = self.http.post(self.base.at(&["v1", "uploads"])).json(&wire::PHOTO);
        let answer = self.asks(request).await.map_err(upload_unanswered)?;
        if !answer.status.is_success() {
            return Err(not_submitted(NAME, NAME, Phase::Upload, &answer).into());
        }
        let place: wire::Place =
            answer.json().map_err(|error| SubmitError::NotTaken(error.into()))?;
        let post = self.http.post_form(&place.upload_url, &place.fields, &order.photo);
        let answer = post.await.map_err(upload_unanswered)?;
        if !answer.status.is_success() {
            return Err(not_submitted(NAME, STORAGE, Phase::Upload, &answer).into());
        }
        Ok(place.runway_uri)
    }

    async fn see(&self, job: &ProviderJob) -> Result<Seen, Source> {
        let answer = self.asks(self.http.get(self.base.at(&["v1", "tasks", &job.id]))).await?;
        if answer.status.is_success() {
            return Ok(Seen::Task(answer.json()?));
        }
        Ok(Seen::Other(not_seen(NAME, &answer, self.entry.poll_every)?))
    }

    fn look_of(&self, spec: &ClipSpec, task: &Task) -> Look {
        match task.status.as_str() {
            "SUCCEEDED" if task.address().is_some() => Look::Ready { charged: task.charged() },
            "SUCCEEDED" | "FAILED" | "CANCELLED" => self.failed(spec, task),
            // THROTTLED is not a no: it waits for our other tasks. So may what is new to us.
            _ => Look::Pending { after: jittered(self.entry.poll_every) },
        }
    }

    /// Without a word on the cost, work that was stopped, input that was moderated, which is not
    /// refunded, and a clip that is none are taken for paid.
    fn failed(&self, spec: &ClipSpec, task: &Task) -> Look {
        let code = task.failure_code.as_deref().unwrap_or_default();
        let status = task.status.as_str();
        let over = refused_over(NAME, Phase::Look, &[code, &format!("status: {status}")]);
        let is_paid = self.entry.bills_failures
            || code.starts_with("SAFETY.INPUT")
            || matches!(status, "SUCCEEDED" | "CANCELLED");
        let untold = || self.entry.price_of(spec).filter(|_| is_paid).unwrap_or_default();
        let said = task.failure.as_deref().and_then(cleaned);
        Look::Failed {
            refusal: refusal(NAME, over, said),
            charged: task.charged().unwrap_or_else(untold),
        }
    }

    /// The address of the clip, fresh: every look gives another.
    async fn address(&self, job: &ProviderJob) -> Result<String, Source> {
        match self.see(job).await? {
            Seen::Task(task) => {
                let none = || format!("there is no clip, the task is {}", task.status);
                Ok(task.address().ok_or_else(none)?.to_owned())
            }
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

    /// Deletes the task, unless it has ended: what is deleted then is a clip that was paid for.
    async fn stop(&self, job: &ProviderJob) -> Result<CallOff, Source> {
        match self.see(job).await? {
            Seen::Task(task) if task.status == "CANCELLED" => return Ok(stopped(&task)),
            Seen::Task(task) if task.has_ended() => return Ok(CallOff::TooLate),
            Seen::Other(Look::Gone) => return Ok(CallOff::TooLate),
            Seen::Task(_) | Seen::Other(_) => {}
        }
        let url = self.base.at(&["v1", "tasks", &job.id]);
        let answer = self.asks(self.http.delete(url)).await?;
        if answer.status.is_success() {
            return Ok(self.cost_of_stopping(job).await);
        }
        match class_of(NAME, Phase::CallOff, &answer) {
            Class::Gone => Ok(CallOff::TooLate),
            _ => Err(Unexpected::of(&answer).into()),
        }
    }

    /// What a task that was just deleted costs, if that can be seen.
    async fn cost_of_stopping(&self, job: &ProviderJob) -> CallOff {
        match self.see(job).await {
            Ok(Seen::Task(task)) if task.status == "CANCELLED" => stopped(&task),
            _ => CallOff::Stopped { charged: None },
        }
    }
}

fn stopped(task: &Task) -> CallOff {
    CallOff::Stopped { charged: task.charged() }
}

impl VideoGenerator for Runway {
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
            Seen::Task(task) => self.look_of(&order.spec, &task),
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

    async fn call_off(
        &self,
        _order: &ClipOrder,
        job: &ProviderJob,
    ) -> Result<CallOff, CallOffError> {
        let failed = |source| CallOffError { provider_job: job.id.clone(), source };
        self.stop(job).await.map_err(failed)
    }
}

#[cfg(test)]
mod tests;
