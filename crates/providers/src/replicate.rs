//! Replicate: predictions of models that the registry tells how to call.

mod wire;

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

use crate::fault::{Class, Phase, REPLICATE_ABORTED, REPLICATE_STOPPED, class_of, refused_over};
use crate::http::{Answer, Base, DownloadError, Http, Timeouts, Unanswered};
use crate::key::Key;
use crate::order::{check_photo, words};
use crate::refusal::{
    NotOrdered, Unexpected, cleaned, jittered, not_seen, not_submitted, refusal, submit_unanswered,
    upload_unanswered,
};
use crate::registry::{CallTarget, CallValues, ProviderEntry};
use crate::webhook::{SecretUnavailable, fetch_replicate_secret};
use wire::{Prediction, Status};

/// The name by which it is asked for.
pub(crate) const NAME: &str = "replicate";

/// Films photos with models on Replicate.
#[derive(Clone, Debug)]
pub struct Replicate {
    http: Http,
    base: Base,
    key: Key,
    webhook_base: Option<Base>,
    entry: Arc<ProviderEntry>,
}

/// What a look shows.
enum Seen {
    Prediction(Prediction),
    Other(Look),
}

impl Replicate {
    /// Where Replicate is.
    pub const BASE_URL: &str = "https://api.replicate.com/v1";

    /// Orders there, with this key, what the entry has on offer. The end of the work is to be told
    /// below `webhook_base`, if there is one: at `webhooks/replicate/{job}/{attempt}`.
    pub fn new(
        base: Base,
        key: Key,
        webhook_base: Option<Base>,
        entry: Arc<ProviderEntry>,
    ) -> Self {
        let http = Http::new(&[&base], Timeouts::default());
        let webhook_base = webhook_base.filter(|_| entry.webhooks);
        Self { http, base, key, webhook_base, entry }
    }

    /// The secret with which the account's webhooks are signed.
    ///
    /// # Errors
    /// [`SecretUnavailable`].
    pub async fn webhook_secret(&self) -> Result<Key, SecretUnavailable> {
        fetch_replicate_secret(&self.http, &self.base, &self.key).await
    }

    async fn asks(&self, request: RequestBuilder) -> Result<Answer, Unanswered> {
        self.http.exchange(request.bearer_auth(self.key.expose())).await
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
        let (url, version) = self.called(&call.target);
        let body = wire::Order::of(version, call.input.fill(values), self.webhook(order));
        let request = self.http.post(url).json(&body);
        // What has not ended by then is not waited for any more: it is not to be paid for either.
        let deadline = format!("{}s", self.entry.time_limit.as_secs());
        let answer = self.asks(request.header("cancel-after", deadline)).await;
        let answer = answer.map_err(submit_unanswered)?;
        if !answer.status.is_success() {
            return Err(wire::with_pause(
                not_submitted(NAME, NAME, Phase::Submit, &answer),
                &answer,
            )
            .into());
        }
        // It said yes, and the name of the prediction is lost.
        let taken: wire::Taken = answer.json().map_err(|error| SubmitError::Lost(error.into()))?;
        Ok(Submitted::Accepted(ProviderJob::named(taken.id)))
    }

    /// Where a model is called, and which version is named in the call.
    fn called<'a>(&self, target: &'a CallTarget) -> (Url, Option<&'a str>) {
        match target {
            CallTarget::Version(version) => (self.base.at(&["predictions"]), Some(version)),
            CallTarget::Endpoint(model) => {
                let parts = ["models"].into_iter().chain(model.split('/')).chain(["predictions"]);
                (self.base.at(&parts.collect::<Vec<_>>()), None)
            }
        }
    }

    fn webhook(&self, order: &ClipOrder) -> Option<Url> {
        let base = self.webhook_base.as_ref()?;
        let (job, attempt) = (order.job.to_string(), order.attempt.to_string());
        Some(base.at(&["webhooks", NAME, &job, &attempt]))
    }

    /// Leaves the photo with Replicate; tells where it is there.
    async fn upload(&self, order: &ClipOrder) -> Result<String, NotOrdered> {
        let form = wire::form(&order.photo).await.map_err(SubmitError::NotTaken)?;
        let request = self.http.post(self.base.at(&["files"])).multipart(form);
        let answer = self.asks(request).await.map_err(upload_unanswered)?;
        if !answer.status.is_success() {
            return Err(not_submitted(NAME, NAME, Phase::Upload, &answer).into());
        }
        let file: wire::File =
            answer.json().map_err(|error| SubmitError::NotTaken(error.into()))?;
        Ok(file.urls.get)
    }

    async fn see(&self, job: &ProviderJob) -> Result<Seen, Source> {
        let answer = self.asks(self.http.get(self.base.at(&["predictions", &job.id]))).await?;
        if answer.status.is_success() {
            return Ok(Seen::Prediction(answer.json()?));
        }
        let look = not_seen(NAME, &answer, self.entry.poll_every)?;
        Ok(Seen::Other(wire::with_look_pause(look, &answer)))
    }

    fn look_of(&self, spec: &ClipSpec, prediction: &Prediction) -> Look {
        match prediction.status {
            Status::Starting | Status::Processing | Status::New => {
                Look::Pending { after: jittered(self.entry.poll_every) }
            }
            Status::Succeeded if prediction.is_removed() => Look::Gone,
            Status::Succeeded if prediction.address().is_some() => Look::Ready { charged: None },
            _ => self.failed(spec, prediction),
        }
    }

    /// What was stopped when it had begun is charged, at most for the whole; what did not begin
    /// before its deadline is free.
    ///
    /// Source: Replicate changelog, "Set deadlines for predictions".
    fn failed(&self, spec: &ClipSpec, prediction: &Prediction) -> Look {
        let error = prediction.error.as_deref().unwrap_or_default();
        let over = |sign| refused_over(NAME, Phase::Look, &[sign]);
        let (over, said, is_paid) = match prediction.status {
            Status::Canceled => (over(REPLICATE_STOPPED), None, prediction.has_begun()),
            Status::Aborted => {
                (over(REPLICATE_ABORTED), Some("its deadline passed before it began"), false)
            }
            Status::Succeeded => (RefusedOver::Fault, Some("what came of it is no video"), true),
            _ => (over(error), None, self.entry.bills_failures),
        };
        let said = said.map(ToOwned::to_owned).or_else(|| cleaned(error));
        let price = self.entry.price_of(spec).filter(|_| is_paid);
        Look::Failed { refusal: refusal(NAME, over, said), charged: price.unwrap_or_default() }
    }

    /// The address of the clip, as it is now.
    async fn address(&self, job: &ProviderJob) -> Result<String, Source> {
        match self.see(job).await? {
            Seen::Prediction(prediction) => {
                let none = || format!("there is no clip, the work is {:?}", prediction.status);
                Ok(prediction.address().ok_or_else(none)?.to_owned())
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

    async fn stop(&self, job: &ProviderJob) -> Result<CallOff, Source> {
        let url = self.base.at(&["predictions", &job.id, "cancel"]);
        let answer = self.asks(self.http.post(url).body("")).await?;
        if answer.status.is_success() {
            let prediction: Prediction = answer.json()?;
            return match prediction.status {
                Status::Canceled => Ok(CallOff::Stopped { charged: None }),
                Status::Aborted => Ok(CallOff::Stopped { charged: Some(MicroUsd::ZERO) }),
                Status::Succeeded | Status::Failed => Ok(CallOff::TooLate),
                going_on => Err(format!("it was told to stop and is {going_on:?}").into()),
            };
        }
        match class_of(NAME, Phase::CallOff, &answer) {
            Class::Gone => Ok(CallOff::TooLate),
            _ => Err(Unexpected::of(&answer).into()),
        }
    }
}

impl VideoGenerator for Replicate {
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
            Seen::Prediction(prediction) => self.look_of(&order.spec, &prediction),
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
        if !self.entry.cancels {
            return Ok(CallOff::NotOffered);
        }
        let failed = |source| CallOffError { provider_job: job.id.clone(), source };
        self.stop(job).await.map_err(failed)
    }
}

#[cfg(test)]
mod tests;
