//! From a clip to a video.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use domain::{
    ClipMade, Failure, FailureKind, Job, JobId, JobState, ObjectKey, Stage, Step, VideoMade, keys,
};
use events::ObjectCreated;
use ports::{
    Chronicle, Clock, Content, EventPublisher, HandleRecord, Handled, Head, History, JobStore,
    ObjectMeta, ObjectStore, RenderError, RenderOrder, RenderOutput, Renderer, StoreError, about,
};

use crate::RenderFunctionError;

/// Makes videos of clips.
#[derive(Debug)]
pub struct Render<S, J, P, C, R> {
    /// The media bucket.
    pub store: S,
    /// Jobs and what is announced of them.
    pub chronicle: Chronicle<J, P, C>,
    /// Who makes the video.
    pub renderer: R,
    /// Where clips and videos lie on their way.
    pub work: PathBuf,
}

impl<S, J, P, C, R> HandleRecord for Render<S, J, P, C, R>
where
    S: ObjectStore,
    J: JobStore + History,
    P: EventPublisher,
    C: Clock,
    R: Renderer,
{
    type Record = Vec<ObjectCreated>;
    type Error = RenderFunctionError;

    async fn handle(&self, clips: &Self::Record) -> Result<Handled, RenderFunctionError> {
        for clip in clips {
            let Some(job) = job_of(&clip.key) else {
                return Err(RenderFunctionError::NotAClip(clip.key.clone()));
            };
            about(job);
            let job = self.chronicle.read(job).await?;
            if !job.state.is_end() {
                self.take(job).await?;
            }
        }
        Ok(Handled::Done)
    }

    fn is_hopeless(fault: &RenderFunctionError) -> bool {
        matches!(fault, RenderFunctionError::NotAClip(_))
    }

    async fn give_up(&self, clips: &Self::Record, cause: &str) -> Result<(), RenderFunctionError> {
        for job in clips.iter().filter_map(|clip| job_of(&clip.key)) {
            if let Some(job) = self.chronicle.find(job).await? {
                self.fail(&job, FailureKind::Fault, FAULT, Some(cause)).await?;
            }
        }
        Ok(())
    }
}

/// The job of a clip, or of the request to render its clip again.
fn job_of(key: &ObjectKey) -> Option<JobId> {
    let of_request = || keys::job_of_request(key).filter(|_| is_render_request(key));
    keys::job_of_clip(key).or_else(of_request)
}

fn is_render_request(key: &ObjectKey) -> bool {
    key.as_str().starts_with(keys::RENDER_REQUESTS)
}

/// How long to wait for what is still being fetched from elsewhere for the video.
const FETCH_TIME: Duration = Duration::from_mins(3);
/// How often to look whether it is there.
const FETCH_LOOK_EVERY: Duration = Duration::from_secs(2);

const FAULT: &str = "the video could not be made because of a fault on our side";

impl<S, J, P, C, R> Render<S, J, P, C, R>
where
    S: ObjectStore,
    J: JobStore + History,
    P: EventPublisher,
    C: Clock,
    R: Renderer,
{
    async fn take(&self, job: Job) -> Result<(), RenderFunctionError> {
        let clip_key = keys::clip(job.id);
        let clip = self.store.head(&clip_key).await?;
        let clip = clip.ok_or_else(|| RenderFunctionError::NoClip(clip_key.clone()))?;
        let Some(job) = self.catch_up(job, &clip, &clip_key).await? else { return Ok(()) };
        let Some(job) = self.wait_for_fetched(job).await? else { return Ok(()) };
        let render_id = job.wanted_render(&clip.etag);

        let stored = self.store.head(&keys::video(job.id)).await?;
        let stored = stored.and_then(|head| VideoMade::from_metadata(&head.meta.user));
        match stored {
            Some(video) if video.render_id == render_id => self.finish(&job, video).await,
            earlier => self.make(&job, &clip, earlier).await,
        }
    }

    /// The clip is there, so the job is at least that far: its notification may be quicker than the
    /// function that stored it. None if the job has ended meanwhile.
    async fn catch_up(
        &self,
        job: Job,
        clip: &Head,
        key: &ObjectKey,
    ) -> Result<Option<Job>, RenderFunctionError> {
        if matches!(job.state, JobState::LtxDone | JobState::Rendering) {
            return Ok(Some(job));
        }
        let clip = ClipMade::from_metadata(&clip.meta.user)
            .ok_or_else(|| RenderFunctionError::NoClip(key.clone()))?;
        let job = self.chronicle.step(&job, &Step::StoreClip(clip)).await?.job();
        Ok(matches!(job.state, JobState::LtxDone | JobState::Rendering).then_some(job))
    }

    /// The job, once nothing is being fetched for its video any more; none if it has ended by then.
    async fn wait_for_fetched(&self, job: Job) -> Result<Option<Job>, RenderFunctionError> {
        let rerender = job.rerender.as_ref().map(|rerender| rerender.render_id.to_string());
        let what = rerender.unwrap_or_else(|| "photo".to_owned());
        let request = keys::fetch_request(job.id, &what);
        let began = tokio::time::Instant::now();
        let mut has_waited = false;
        while self.store.head(&request).await?.is_some() {
            if began.elapsed() >= FETCH_TIME {
                return Err(RenderFunctionError::StillFetched);
            }
            has_waited = true;
            tokio::time::sleep(FETCH_LOOK_EVERY).await;
        }
        let job = if has_waited { self.chronicle.read(job.id).await? } else { job };
        Ok(Some(job).filter(|job| !job.state.is_end()))
    }

    async fn make(
        &self,
        job: &Job,
        clip: &Head,
        earlier: Option<VideoMade>,
    ) -> Result<(), RenderFunctionError> {
        let began = Instant::now();
        let render_id = job.wanted_render(&clip.etag);
        let job = self.chronicle.step(job, &Step::StartRendering { render_id }).await?.job();
        let work = tempfile::tempdir_in(&self.work)?;
        let order = match self.gather(&job, work.path()).await? {
            Ok(order) => order,
            Err(reason) => return self.fail(&job, FailureKind::Refused, &reason, None).await,
        };

        let output = match self.renderer.render(&order, work.path()).await {
            Ok(output) => output,
            Err(RenderError::Refused(reason)) => {
                return self.fail(&job, FailureKind::Refused, &reason, None).await;
            }
            Err(RenderError::Fault(source)) => return Err(RenderFunctionError::Renderer(source)),
        };
        let video = VideoMade {
            render_id,
            duration_ms: output.duration_ms,
            worked_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        };
        // It took a while: a job that was called off meanwhile is to have no video, and one whose
        // video was ordered anew meanwhile is to have that.
        let now = self.chronicle.read(job.id).await?;
        if now.state.is_end() || now.wanted_render(&clip.etag) != render_id {
            return Ok(());
        }
        self.store_video(&job, &video, &output, earlier).await?;
        self.finish(&job, video).await
    }

    /// Fetches what the video is made of. The inner error is a refusal.
    async fn gather(
        &self,
        job: &Job,
        work: &Path,
    ) -> Result<Result<RenderOrder, String>, RenderFunctionError> {
        let branding = job.wanted_branding();
        let clip = work.join("clip.mp4");
        self.store.fetch(&keys::clip(job.id), &clip).await?;
        let logo = self.fetch(branding.logo_key.as_ref(), work, "logo").await?;
        let music = self.fetch(branding.music_key.as_ref(), work, "music").await?;
        let (logo, music) = match (logo, music) {
            (Ok(logo), Ok(music)) => (logo, music),
            (Err(missing), _) | (_, Err(missing)) => return Ok(Err(missing)),
        };
        let (title, subtitle) = (branding.title.clone(), branding.subtitle.clone());
        let theme = branding.theme.clone();
        Ok(Ok(RenderOrder { clip, title, subtitle, logo, music, theme }))
    }

    /// What is directly under its prefix is a house's, and left out if it is not there. What is in a
    /// folder was uploaded or fetched for this owner: without it the video is not what was asked for.
    async fn fetch(
        &self,
        key: Option<&ObjectKey>,
        work: &Path,
        what: &str,
    ) -> Result<Result<Option<PathBuf>, String>, RenderFunctionError> {
        let Some(key) = key else { return Ok(Ok(None)) };
        // A refusal names the file as its owner knows it; a folder keeps names from colliding.
        let folder = work.join(what);
        tokio::fs::create_dir_all(&folder).await?;
        let to = folder.join(local_name(key));
        match self.store.fetch(key, &to).await {
            Ok(()) => Ok(Ok(Some(to))),
            Err(StoreError::NotFound { .. }) if key.as_str().matches('/').count() > 1 => {
                Ok(Err(format!("the {what} is not there: render again with another, or none")))
            }
            Err(StoreError::NotFound { .. }) => Ok(Ok(None)),
            Err(error) => Err(error.into()),
        }
    }

    /// The poster first: where the video is, everything is.
    async fn store_video(
        &self,
        job: &Job,
        video: &VideoMade,
        output: &RenderOutput,
        earlier: Option<VideoMade>,
    ) -> Result<(), RenderFunctionError> {
        let meta = |content_type: &str| {
            let (content_type, user) = (content_type.to_owned(), video.to_metadata());
            ObjectMeta { content_type, user }.traced(&job.trace_id)
        };
        if let Some(earlier) = earlier {
            let kept = keys::earlier_video(job.id, earlier.render_id);
            self.store.copy(&keys::video(job.id), &kept, None).await?;
        }
        let poster = Content::File(&output.poster);
        self.store.put(&keys::poster(job.id), poster, &meta("image/jpeg")).await?;
        let out = Content::File(&output.video);
        self.store.put(&keys::video(job.id), out, &meta("video/mp4")).await?;
        Ok(())
    }

    async fn finish(&self, job: &Job, video: VideoMade) -> Result<(), RenderFunctionError> {
        self.chronicle.step(job, &Step::StoreVideo(video)).await?;
        Ok(())
    }

    async fn fail(
        &self,
        job: &Job,
        kind: FailureKind,
        reason: &str,
        cause: Option<&str>,
    ) -> Result<(), RenderFunctionError> {
        let failure = Failure {
            stage: Stage::Render,
            kind,
            reason: reason.to_owned(),
            cause: cause.map(ToOwned::to_owned),
        };
        self.chronicle.step(job, &Step::Fail(failure)).await?;
        Ok(())
    }
}

/// A file name for `key` that is safe on any disk: keys are strangers' text.
fn local_name(key: &ObjectKey) -> String {
    let safe = |c: char| if c.is_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' };
    let name: String = key.file_name().chars().map(safe).take(60).collect();
    if name.trim_matches('.').is_empty() { "file".to_owned() } else { name }
}
