//! From addresses to objects.

use std::time::Duration;

use domain::{
    Failure, FailureKind, Job, JobId, JobState, ObjectKey, RenderId, Stage, Step, TraceId, keys,
};
use events::{FetchItem, FetchRequest, FetchedAs, ObjectCreated, RenderRequest};
use guard::{FetchError, Fetcher, Refusal, Wanted};
use ports::{
    Chronicle, Clock, Content, EventPublisher, HandleRecord, Handled, History, JobStore,
    ObjectMeta, ObjectStore, StoreError, about, copy_traced,
};

use tokio::time::{Instant, timeout_at};

use crate::FetchFunctionError;

/// How long all of a request may usually take.
pub const MAY_TAKE: Duration = Duration::from_mins(13);
/// Largest request that is read, in bytes.
const MAX_REQUEST_BYTES: u64 = 64 * 1024;
/// Largest logo that is fetched, in bytes.
const MAX_LOGO_BYTES: u64 = 10 << 20;
/// Largest music that is fetched, in bytes.
const MAX_MUSIC_BYTES: u64 = 500 << 20;

/// What servers call pictures. Many name no type; whether it is one is seen when it is opened.
const PICTURES: &[&str] = &["image/jpeg", "image/png", "image/webp", "application/octet-stream"];
/// What servers call music.
const SOUNDS: &[&str] = &[
    "audio/mpeg",
    "audio/mp3",
    "audio/mp4",
    "audio/x-m4a",
    "audio/aac",
    "audio/ogg",
    "audio/flac",
    "audio/x-flac",
    "audio/wav",
    "audio/x-wav",
    "audio/wave",
    "application/ogg",
    "application/octet-stream",
];

/// Fetches what jobs need from elsewhere.
#[derive(Debug)]
pub struct Fetch<S, J, P, C> {
    /// Name of the media bucket.
    pub bucket: String,
    /// The media bucket.
    pub store: S,
    /// Jobs and what is announced of them.
    pub chronicle: Chronicle<J, P, C>,
    /// Who asks strangers.
    pub elsewhere: Fetcher,
    /// Largest photo that is fetched, in bytes.
    pub max_photo_bytes: u64,
    /// How long all of a request may take. Shorter than the function may run, so that what is too slow
    /// is refused by it and not cut off by Lambda.
    pub may_take: Duration,
}

impl<S, J, P, C> HandleRecord for Fetch<S, J, P, C>
where
    S: ObjectStore,
    J: JobStore + History,
    P: EventPublisher,
    C: Clock,
{
    type Record = Vec<ObjectCreated>;
    type Error = FetchFunctionError;

    async fn handle(&self, requests: &Self::Record) -> Result<Handled, FetchFunctionError> {
        for request in requests {
            if let Some(job) = keys::job_of_request(&request.key) {
                about(job);
            }
            self.take(&request.key).await?;
        }
        Ok(Handled::Done)
    }

    fn is_hopeless(fault: &FetchFunctionError) -> bool {
        use FetchFunctionError::{NotARequest, Place, Unreadable};
        matches!(fault, NotARequest(_) | Unreadable { .. } | Place(_))
    }

    async fn give_up(
        &self,
        requests: &Self::Record,
        cause: &str,
    ) -> Result<(), FetchFunctionError> {
        for request in requests {
            let Some(job) = keys::job_of_request(&request.key) else { continue };
            let job = self.chronicle.find(job).await?;
            if let Some(job) = job.filter(|job| awaits(job, &request.key)) {
                self.fail(&job, FailureKind::Fault, GIVEN_UP.to_owned(), Some(cause)).await?;
            }
            self.store.delete(&request.key).await?;
        }
        Ok(())
    }
}

const GIVEN_UP: &str = "the photo, logo or music could not be fetched from its address: its server \
                        did not answer as it should, however often it was asked";

impl<S, J, P, C> Fetch<S, J, P, C>
where
    S: ObjectStore,
    J: JobStore + History,
    P: EventPublisher,
    C: Clock,
{
    async fn take(&self, key: &ObjectKey) -> Result<(), FetchFunctionError> {
        let job = keys::job_of_request(key).filter(|_| is_fetch_request(key));
        let job = job.ok_or_else(|| FetchFunctionError::NotARequest(key.clone()))?;
        let Some(request) = self.read(key).await? else { return Ok(()) };
        let job = self.chronicle.find(job).await?;
        if let Some(job) = job.filter(|job| awaits(job, key)) {
            if let Err(refusal) = self.fetch_all(&job, &request).await? {
                self.fail(&job, FailureKind::Refused, refusal, None).await?;
            } else if let Some(render) = render_of(key) {
                self.request_render(job.id, render).await?;
            }
        }
        // Only now: whoever died before it is delivered the notification again.
        Ok(self.store.delete(key).await?)
    }

    /// The request; none if it was dealt with.
    async fn read(&self, key: &ObjectKey) -> Result<Option<FetchRequest>, FetchFunctionError> {
        let json = match self.store.get(key, MAX_REQUEST_BYTES).await {
            Ok(json) => json,
            Err(StoreError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let unreadable = |source| FetchFunctionError::Unreadable { key: key.clone(), source };
        serde_json::from_slice(&json).map(Some).map_err(unreadable)
    }

    /// The photo last: where it arrives, the chain begins. The inner error is a refusal.
    async fn fetch_all(
        &self,
        job: &Job,
        request: &FetchRequest,
    ) -> Result<Result<(), String>, FetchFunctionError> {
        let mut items: Vec<_> = request.items.iter().collect();
        items.sort_by_key(|item| item.used_as);
        let end = Instant::now() + self.may_take;
        for item in items {
            // A photo that arrived is on its way; another event of it would be a repeat.
            if item.used_as == FetchedAs::Photo && job.state != JobState::Pending {
                continue;
            }
            let fetched = timeout_at(end, self.fetch(item, &job.trace_id)).await;
            let too_slow = |_| Ok(Err(self.too_slow(item.used_as)));
            if let Err(refusal) = fetched.unwrap_or_else(too_slow)? {
                return Ok(Err(refusal));
            }
        }
        Ok(Ok(()))
    }

    async fn fetch(
        &self,
        item: &FetchItem,
        trace: &TraceId,
    ) -> Result<Result<(), String>, FetchFunctionError> {
        let to = ObjectKey::new(item.to.clone())?;
        if self.store.head(&to).await?.is_some() {
            return Ok(Ok(()));
        }
        let what = name_of(item.used_as);
        let own = item.from.strip_prefix("s3://").and_then(|place| place.split_once('/'));
        if let Some((bucket, key)) = own {
            if bucket != self.bucket {
                return Ok(Err(format!("the {what} is in a bucket that is not ours")));
            }
            return match copy_traced(&self.store, &ObjectKey::new(key)?, &to, trace).await {
                Ok(()) => Ok(Ok(())),
                Err(StoreError::NotFound { .. }) => Ok(Err(format!("the {what} is not there"))),
                Err(error) => Err(error.into()),
            };
        }
        let refused = |refusal: &Refusal| Ok(Err(format!("the {what} cannot be used: {refusal}")));
        let fetched = match self.elsewhere.fetch(&item.from, &self.wanted(item.used_as)).await {
            Ok(fetched) => fetched,
            Err(FetchError::Refused(refusal)) => return refused(&refusal),
            Err(later) => return Err(later.into()),
        };
        let meta = ObjectMeta { content_type: fetched.content_type, ..ObjectMeta::default() };
        let meta = meta.traced(trace);
        match self.store.put_stream(&to, fetched.bytes, &meta).await {
            Ok(_) => Ok(Ok(())),
            Err(error) => match FetchError::within(&error) {
                Some(FetchError::Refused(refusal)) => refused(refusal),
                _ => Err(error.into()),
            },
        }
    }

    fn too_slow(&self, used_as: FetchedAs) -> String {
        let (what, secs) = (name_of(used_as), self.may_take.as_secs());
        format!("the {what} took more than {secs} s to come from its address: upload it instead")
    }

    const fn wanted(&self, used_as: FetchedAs) -> Wanted {
        match used_as {
            FetchedAs::Photo => Wanted { max_bytes: self.max_photo_bytes, types: PICTURES },
            FetchedAs::Logo => Wanted { max_bytes: MAX_LOGO_BYTES, types: PICTURES },
            FetchedAs::Music => Wanted { max_bytes: MAX_MUSIC_BYTES, types: SOUNDS },
        }
    }

    async fn request_render(&self, job: JobId, render: RenderId) -> Result<(), FetchFunctionError> {
        let request = serde_json::to_vec(&RenderRequest::of(job, render))?;
        let meta =
            ObjectMeta { content_type: "application/json".to_owned(), ..ObjectMeta::default() };
        let meta = meta.traced(&TraceId::of_job(job));
        let key = RenderRequest::key(job, render);
        self.store.put(&key, Content::Bytes(&request), &meta).await?;
        Ok(())
    }

    async fn fail(
        &self,
        job: &Job,
        kind: FailureKind,
        reason: String,
        cause: Option<&str>,
    ) -> Result<(), FetchFunctionError> {
        let cause = cause.map(ToOwned::to_owned);
        let failure = Failure { stage: Stage::Fetch, kind, reason, cause };
        self.chronicle.step(job, &Step::Fail(failure)).await?;
        Ok(())
    }
}

fn is_fetch_request(key: &ObjectKey) -> bool {
    key.as_str().starts_with(keys::FETCH_REQUESTS)
}

/// The rendering that waits for what is fetched, if one does.
fn render_of(key: &ObjectKey) -> Option<RenderId> {
    RenderId::parse(key.file_name().strip_suffix(".json")?).ok()
}

/// Whether the job still waits for what the request at `key` is about.
fn awaits(job: &Job, key: &ObjectKey) -> bool {
    let wanted = job.rerender.as_ref().map(|rerender| rerender.render_id);
    !job.state.is_end() && wanted == render_of(key)
}

const fn name_of(used_as: FetchedAs) -> &'static str {
    match used_as {
        FetchedAs::Photo => "photo",
        FetchedAs::Logo => "logo",
        FetchedAs::Music => "music",
    }
}
