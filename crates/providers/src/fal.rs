//! fal: a queue of requests to models that the registry tells how to call.
//!
//! Whether a request failed does not show in the queue: only its result tells.

mod wire;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use domain::{ClipOptions, ClipSpec, MicroUsd, RefusedOver};
use ports::{
    CallOff, CallOffError, ClipDelivery, ClipOrder, CollectError, Collected, GenerationRefusal,
    Look, LookError, ProviderJob, Quote, Source, SubmitError, Submitted, VideoGenerator,
};
use reqwest::RequestBuilder;
use url::Url;

use crate::fault::{Class, Phase, STORAGE, class_of};
use crate::http::{Answer, Base, DownloadError, Http, Timeouts, Unanswered};
use crate::key::Key;
use crate::order::{check_photo, words};
use crate::refusal::{
    NotOrdered, Unexpected, jittered, not_seen, not_submitted, refusal, said, submit_unanswered,
    upload_unanswered,
};
use crate::registry::{CallTarget, CallValues, ProviderEntry};
use crate::webhook::FalVerifier;
use wire::Links;

/// The name by which it is asked for.
pub(crate) const NAME: &str = "fal";

/// Films photos with models on fal.
#[derive(Clone, Debug)]
pub struct Fal {
    http: Http,
    queue: Base,
    rest: Base,
    key: Key,
    webhook_base: Option<Base>,
    entry: Arc<ProviderEntry>,
}

impl Fal {
    /// Where fal's queue is.
    pub const QUEUE_URL: &str = "https://queue.fal.run";
    /// Where fal takes photos and shows the keys of its webhooks.
    pub const REST_URL: &str = "https://rest.fal.ai";

    /// Orders in this queue, with this key, what the entry has on offer. The end of the work is to
    /// be told below `webhook_base`, if there is one: at `webhooks/fal/{job}/{attempt}`.
    pub fn new(
        queue: Base,
        rest: Base,
        key: Key,
        webhook_base: Option<Base>,
        entry: Arc<ProviderEntry>,
    ) -> Self {
        let http = Http::new(&[&queue, &rest], Timeouts::default());
        let webhook_base = webhook_base.filter(|_| entry.webhooks);
        Self { http, queue, rest, key, webhook_base, entry }
    }

    /// Verifies the webhooks that are sent for these orders.
    pub fn verifier(&self) -> FalVerifier {
        FalVerifier::new(self.http.clone(), self.rest.clone())
    }

    async fn asks(&self, request: RequestBuilder) -> Result<Answer, Unanswered> {
        let authorization = format!("Key {}", self.key.expose());
        self.http.exchange(request.header("authorization", authorization)).await
    }

    async fn order(&self, order: &ClipOrder) -> Result<Submitted, NotOrdered> {
        let call = self.entry.call_of(&order.spec)?;
        let prompt = words(&self.entry, order)?;
        check_photo(&self.entry, order).await?;
        let photo = match &order.photo_url {
            Some(url) => url.clone(),
            None => self.upload(order).await?,
        };
        let values = CallValues { photo: &photo, prompt: &prompt, spec: &order.spec };
        let request =
            self.http.post(self.called(&call.target, order)).json(&call.input.fill(values));
        let answer = self.asks(self.on_our_terms(request)).await.map_err(submit_unanswered)?;
        if !answer.status.is_success() {
            return Err(not_submitted(NAME, NAME, Phase::Submit, &answer).into());
        }
        // It said yes, and the name of the request is lost.
        let taken: wire::Taken = answer.json().map_err(|error| SubmitError::Lost(error.into()))?;
        Ok(Submitted::Accepted(self.named(taken)))
    }

    /// What has not begun when it is not waited for any more is not to begin, and files are to live
    /// as long as the registry says. fal's own retries are left on: they are part of the one
    /// request, which is charged once, and answers of 5xx are not charged.
    fn on_our_terms(&self, request: RequestBuilder) -> RequestBuilder {
        let ProviderEntry { time_limit, result_life, .. } = &*self.entry;
        let life = format!("{{\"expiration_duration_seconds\":{}}}", result_life.as_secs());
        request
            .header("x-fal-request-timeout", time_limit.as_secs())
            .header("x-fal-object-lifecycle-preference", life)
    }

    fn called(&self, target: &CallTarget, order: &ClipOrder) -> Url {
        let (CallTarget::Endpoint(model) | CallTarget::Version(model)) = target;
        let mut url = self.queue.at(&model.split('/').collect::<Vec<_>>());
        if let Some(base) = &self.webhook_base {
            let (job, attempt) = (order.job.to_string(), order.attempt.to_string());
            let webhook = base.at(&["webhooks", NAME, &job, &attempt]);
            url.query_pairs_mut().append_pair("fal_webhook", webhook.as_str());
        }
        url
    }

    /// The request and where it is looked at. Addresses of others are not kept: they would be shown
    /// the key.
    fn named(&self, taken: wire::Taken) -> ProviderJob {
        let links = taken.links.filter(|links| links.all(|url| self.http.owns(url)));
        if links.is_none() {
            tracing::warn!(provider_job = taken.request_id, "fal told no address of its own");
        }
        ProviderJob { id: taken.request_id, links: links.map(|links| links.to_text()) }
    }

    /// Where the work is looked at: where fal told, else where fal would put it.
    fn links(&self, spec: &ClipSpec, job: &ProviderJob) -> Result<Links, Source> {
        if let Some(text) = &job.links {
            return Ok(serde_json::from_str(text)?);
        }
        let (CallTarget::Endpoint(model) | CallTarget::Version(model)) =
            &self.entry.call_of(spec).map_err(|refusal| refusal.reason)?.target;
        let app: Vec<&str> = model.split('/').take(2).collect();
        let at = |end: &[&str]| {
            self.queue.at(&[&app, &["requests", &job.id][..], end].concat()).to_string()
        };
        Ok(Links { status: at(&["status"]), result: at(&[]), cancel: at(&["cancel"]) })
    }

    /// Puts the photo where fal says; tells where it is then.
    async fn upload(&self, order: &ClipOrder) -> Result<String, NotOrdered> {
        let mut url = self.rest.at(&["storage", "upload", "initiate"]);
        url.query_pairs_mut().append_pair("storage_type", "fal-cdn-v3");
        let answer = self.asks(self.http.post(url).json(&wire::PHOTO)).await;
        let answer = answer.map_err(upload_unanswered)?;
        if !answer.status.is_success() {
            return Err(not_submitted(NAME, NAME, Phase::Upload, &answer).into());
        }
        let place: wire::Upload =
            answer.json().map_err(|error| SubmitError::NotTaken(error.into()))?;
        let headers = BTreeMap::new();
        let put = self.http.put_file(&place.upload_url, &headers, &order.photo);
        let answer = put.await.map_err(upload_unanswered)?;
        if !answer.status.is_success() {
            return Err(not_submitted(NAME, STORAGE, Phase::Upload, &answer).into());
        }
        Ok(place.file_url)
    }

    async fn see(&self, spec: &ClipSpec, job: &ProviderJob) -> Result<Look, Source> {
        let links = self.links(spec, job)?;
        let answer = self.asks(self.http.get(Url::parse(&links.status)?)).await?;
        if !answer.status.is_success() {
            return not_seen(NAME, &answer, self.entry.poll_every);
        }
        let told: wire::Told = answer.json()?;
        if told.status != "COMPLETED" {
            // A state that is new to us is one of the ways to be under way: the deadline ends it.
            return Ok(Look::Pending { after: jittered(self.entry.poll_every) });
        }
        let answer = self.asks(self.http.get(Url::parse(&links.result)?)).await?;
        if answer.status.is_success() {
            return Ok(self.look_of(spec, &answer.json()?));
        }
        self.failed(spec, &answer)
    }

    fn look_of(&self, spec: &ClipSpec, output: &wire::Output) -> Look {
        if output.address().is_some() {
            return Look::Ready { charged: None };
        }
        let said = Some("what came of it is no video".to_owned());
        Look::Failed {
            refusal: refusal(NAME, RefusedOver::Fault, said),
            charged: self.entry.price_of(spec).unwrap_or_default(),
        }
    }

    /// What a result that is none means. Answers of 5xx are never billed.
    ///
    /// Source: fal docs, "Errors".
    fn failed(&self, spec: &ClipSpec, answer: &Answer) -> Result<Look, Source> {
        match class_of(NAME, Phase::Result, answer) {
            Class::Refused(over) => {
                let is_free = answer.status.is_server_error();
                let charged = (!is_free).then(|| self.entry.price_of_failure(spec));
                Ok(Look::Failed {
                    refusal: refusal(NAME, over, said(answer)),
                    charged: charged.unwrap_or_default(),
                })
            }
            Class::Later => {
                let usual = || jittered(self.entry.poll_every);
                Ok(Look::Busy { after: answer.retry_after().unwrap_or_else(usual) })
            }
            Class::Gone => Ok(Look::Gone),
            Class::Unknown | Class::Broken => Err(Unexpected::of(answer).into()),
        }
    }

    /// The address of the clip, as it is now.
    async fn address(&self, spec: &ClipSpec, job: &ProviderJob) -> Result<String, Source> {
        let links = self.links(spec, job)?;
        let answer = self.asks(self.http.get(Url::parse(&links.result)?)).await?;
        if !answer.status.is_success() {
            return Err(Unexpected::of(&answer).into());
        }
        let output: wire::Output = answer.json()?;
        Ok(output.address().ok_or("what came of the work is no video")?.to_owned())
    }

    async fn clip(&self, spec: &ClipSpec, job: &ProviderJob) -> Result<ClipDelivery, Source> {
        match self.http.download(&self.address(spec, job).await?).await {
            Err(DownloadError::Expired) => {
                Ok(self.http.download(&self.address(spec, job).await?).await?)
            }
            clip => Ok(clip?),
        }
    }

    /// What waits is stopped for free; what is worked on is told, and may end all the same.
    async fn stop(&self, spec: &ClipSpec, job: &ProviderJob) -> Result<CallOff, Source> {
        let links = self.links(spec, job)?;
        let answer = self.asks(self.http.put(Url::parse(&links.cancel)?).body("")).await?;
        let told = answer.json::<wire::Told>().map(|told| told.status).unwrap_or_default();
        match told.as_str() {
            "OK" => Ok(CallOff::Stopped { charged: Some(MicroUsd::ZERO) }),
            "CANCELLATION_REQUESTED" => Ok(CallOff::Stopped { charged: None }),
            "ALREADY_COMPLETED" | "NOT_FOUND" => Ok(CallOff::TooLate),
            _ => match class_of(NAME, Phase::CallOff, &answer) {
                Class::Gone => Ok(CallOff::TooLate),
                _ => Err(Unexpected::of(&answer).into()),
            },
        }
    }
}

impl VideoGenerator for Fal {
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
        self.see(&order.spec, job).await.map_err(failed)
    }

    async fn collect(
        &self,
        order: &ClipOrder,
        job: &ProviderJob,
        _to: &Path,
    ) -> Result<Collected, CollectError> {
        let failed = |source| CollectError { provider_job: job.id.clone(), source };
        self.clip(&order.spec, job).await.map(Collected::Delivery).map_err(failed)
    }

    async fn call_off(
        &self,
        order: &ClipOrder,
        job: &ProviderJob,
    ) -> Result<CallOff, CallOffError> {
        if !self.entry.cancels {
            return Ok(CallOff::NotOffered);
        }
        let failed = |source| CallOffError { provider_job: job.id.clone(), source };
        self.stop(&order.spec, job).await.map_err(failed)
    }
}

#[cfg(test)]
mod tests;
