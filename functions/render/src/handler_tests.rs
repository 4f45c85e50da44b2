//! What becomes of clips.

use domain::{FailureKind, Job, JobState, ObjectKey, RenderId, Stage, VideoMade, keys};
use events::{JobFailed, ObjectCreated, Rendered};
use ports::{Chronicle, Content, HandleRecord, Handled, ObjectMeta, ObjectStore};
use tempfile::TempDir;
use testkit::{
    Fuse, Fused, InMemoryJobs, InMemoryStore, Moment, ReadyVideo, RecordingBus, TestClock, samples,
};

use crate::{Render, RenderFunctionError};

type Handler = Render<
    Fused<InMemoryStore>,
    Fused<InMemoryJobs>,
    Fused<RecordingBus>,
    TestClock,
    Fused<ReadyVideo>,
>;

/// Everything that outlives a delivery.
struct World {
    store: InMemoryStore,
    jobs: InMemoryJobs,
    bus: RecordingBus,
    clock: TestClock,
    renderer: ReadyVideo,
    work: TempDir,
}

impl World {
    /// The row of [`samples::job`] is in `state`, and its clip is stored.
    async fn in_state(state: JobState) -> Self {
        Self::of(&samples::job_in(state)).await
    }

    async fn of(job: &Job) -> Self {
        let world = Self {
            store: InMemoryStore::default(),
            jobs: InMemoryJobs::default().with(job),
            bus: RecordingBus::default(),
            clock: TestClock::default(),
            renderer: ReadyVideo::default(),
            work: tempfile::tempdir().expect("a folder"),
        };
        world.put(&keys::clip(job.id), "clip", samples::clip_made().to_metadata()).await;
        world
    }

    fn rendered_by(self, renderer: ReadyVideo) -> Self {
        Self { renderer, ..self }
    }

    async fn put(
        &self,
        key: &ObjectKey,
        content: &str,
        user: std::collections::HashMap<String, String>,
    ) {
        let meta = ObjectMeta { content_type: String::new(), user };
        let content = Content::Bytes(content.as_bytes());
        self.store.put(key, content, &meta).await.expect("stored");
    }

    fn render(&self) -> Handler {
        self.render_on(&Fuse::never())
    }

    /// One delivery in a process that may die.
    fn render_on(&self, fuse: &Fuse) -> Handler {
        Render {
            store: Fused::new(self.store.clone(), fuse),
            chronicle: Chronicle {
                jobs: Fused::new(self.jobs.clone(), fuse),
                bus: Fused::new(self.bus.clone(), fuse),
                clock: self.clock.clone(),
            },
            renderer: Fused::new(self.renderer.clone(), fuse),
            work: self.work.path().to_owned(),
        }
    }

    /// Delivers what the bucket says of the clip.
    async fn deliver(&self) -> Result<Handled, RenderFunctionError> {
        self.render().handle(&clips()).await
    }

    fn job(&self) -> Job {
        self.jobs.job(samples::job().id).expect("a job")
    }

    /// Kind and reason of the job's end.
    fn end(&self) -> (FailureKind, String) {
        let failure = self.job().failure.expect("a reason");
        assert_eq!(failure.stage, Stage::Render);
        (failure.kind, failure.reason)
    }

    fn content(&self, key: &ObjectKey) -> Option<String> {
        self.store.content(key).map(|content| String::from_utf8(content).expect("text"))
    }

    fn video(&self) -> Option<String> {
        self.content(&keys::video(samples::job().id))
    }

    async fn render_id(&self) -> RenderId {
        let id = samples::job().id;
        let clip = self.store.head(&keys::clip(id)).await.expect("head").expect("a clip");
        RenderId::of_clip(id, &clip.etag)
    }
}

mod again;

/// What the bucket says of the clip of [`samples::job`].
fn clips() -> Vec<ObjectCreated> {
    vec![created(keys::clip(samples::job().id))]
}

fn created(key: ObjectKey) -> ObjectCreated {
    let (bucket, etag) = (samples::BUCKET.to_owned(), "as told".to_owned());
    ObjectCreated { bucket, key, etag, size_bytes: 4 }
}

/// A job whose branding has a logo and music.
fn branded() -> Job {
    let mut job = samples::job();
    job.order.branding.subtitle = Some("Ibiza".to_owned());
    job.order.branding.logo_key = Some(ObjectKey::new("logos/a b?.png").expect("a key"));
    job.order.branding.music_key = Some(ObjectKey::new("music/..").expect("a key"));
    job.order.branding.theme = Some("night".to_owned());
    samples::led_to(job, JobState::LtxDone)
}

#[tokio::test]
async fn a_clip_becomes_a_video_with_a_poster() {
    let world = World::in_state(JobState::LtxDone).await;
    let id = samples::job().id;

    let handled = world.deliver().await.expect("handled");

    assert_eq!((handled, world.job().state), (Handled::Done, JobState::Rendered));
    assert_eq!(world.video().as_deref(), Some("clip"));
    assert!(world.store.content(&keys::poster(id)).is_some());
    assert_eq!(world.bus.detail_types(), ["RenderStarted.v1", "Rendered.v1"]);
    let fact = &world.bus.facts::<Rendered>()[0].fact;
    assert_eq!(fact.final_video_url, format!("s3://{}/renders/{id}/out.mp4", samples::BUCKET));
    assert_eq!((fact.duration_ms, &fact.render_id), (6_000, &world.render_id().await.to_string()));
}

#[tokio::test]
async fn a_video_is_stored_with_what_is_known_of_it() {
    let world = World::in_state(JobState::LtxDone).await;
    let id = samples::job().id;

    world.deliver().await.expect("handled");

    let video = world.store.head(&keys::video(id)).await.expect("head").expect("a video");
    let poster = world.store.head(&keys::poster(id)).await.expect("head").expect("a poster");
    assert_eq!(VideoMade::from_metadata(&video.meta.user), world.job().video);
    assert_eq!(video.meta.user, poster.meta.user);
    assert_eq!([video.meta.content_type, poster.meta.content_type], ["video/mp4", "image/jpeg"]);
}

#[tokio::test]
async fn words_logo_and_music_go_on_the_clip_under_names_that_are_safe_on_any_disk() {
    let world = World::of(&branded()).await;
    let store = world.store.clone().with("logos/a b?.png", "logo").with("music/..", "music");
    let world = World { store, ..world };

    world.deliver().await.expect("handled");

    let order = world.renderer.orders().remove(0);
    assert_eq!(order.title.as_deref(), Some("Villa Azul"));
    assert_eq!(order.subtitle.as_deref(), Some("Ibiza"));
    assert_eq!(order.theme.as_deref(), Some("night"));
    assert!(order.logo.expect("a logo").ends_with("logo/a_b_.png"));
    assert!(order.music.expect("music").ends_with("music/file"));
}

#[tokio::test]
async fn a_logo_or_music_that_is_not_there_is_left_out() {
    let world = World::of(&branded()).await;

    world.deliver().await.expect("handled");

    let order = world.renderer.orders().remove(0);
    assert_eq!((order.logo, order.music), (None, None));
    assert_eq!(world.job().state, JobState::Rendered);
}

#[tokio::test]
async fn nothing_is_left_behind_on_the_disk() {
    let world = World::in_state(JobState::LtxDone).await;

    world.deliver().await.expect("handled");

    assert_eq!(world.work.path().read_dir().expect("a folder").count(), 0);
}

#[tokio::test]
async fn a_clip_whose_news_is_quicker_than_the_row_is_noted_in_the_row() {
    let world = World::in_state(JobState::Generating).await;

    let handled = world.deliver().await.expect("handled");

    assert_eq!((handled, world.job().state), (Handled::Done, JobState::Rendered));
    assert_eq!(world.job().clip, Some(samples::clip_made()));
    assert_eq!(world.bus.detail_types(), ["LtxDone.v1", "RenderStarted.v1", "Rendered.v1"]);
}

#[tokio::test]
async fn a_repeat_changes_nothing() {
    let world = World::in_state(JobState::LtxDone).await;

    world.deliver().await.expect("handled");
    let before = (world.job(), world.bus.published());
    let handled = world.deliver().await.expect("handled again");

    assert_eq!((world.job(), world.bus.published()), before);
    assert_eq!((handled, world.renderer.orders().len()), (Handled::Done, 1));
}

#[tokio::test]
async fn a_video_that_only_reached_the_bucket_is_announced_and_not_made_again() {
    let world = World::in_state(JobState::LtxDone).await;
    let fuse = Fuse::new(6, Moment::After);

    world.render_on(&fuse).handle(&clips()).await.expect_err("died after storing the video");
    let state = world.job().state;
    world.deliver().await.expect("handled");

    assert_eq!((state, world.job().state), (JobState::Rendering, JobState::Rendered));
    assert_eq!(world.bus.detail_types(), ["RenderStarted.v1", "Rendered.v1"]);
    assert_eq!(world.renderer.orders().len(), 1);
}

#[tokio::test]
async fn a_poster_without_its_video_is_not_the_whole_work() {
    let world = World::in_state(JobState::LtxDone).await;
    let fuse = Fuse::new(6, Moment::Before);

    let fault = world.render_on(&fuse).handle(&clips()).await.expect_err("the bucket is down");
    let (video, poster) = (world.video(), world.store.content(&keys::poster(samples::job().id)));
    world.deliver().await.expect("handled");

    assert!(matches!(fault, RenderFunctionError::Store(_)), "{fault:?}");
    assert!(video.is_none() && poster.is_some());
    assert_eq!((world.video().as_deref(), world.job().state), (Some("clip"), JobState::Rendered));
}

#[tokio::test]
async fn an_earlier_video_is_kept_under_its_own_name_when_a_new_clip_comes() {
    let world = World::in_state(JobState::Rendering).await;
    let id = samples::job().id;
    let render_id = RenderId::of_clip(id, "an earlier clip");
    let earlier = VideoMade { render_id, duration_ms: 1, worked_ms: 1 };
    world.put(&keys::video(id), "earlier", earlier.to_metadata()).await;

    world.deliver().await.expect("handled");

    let kept = world.content(&keys::earlier_video(id, render_id));
    assert_eq!((kept.as_deref(), world.video().as_deref()), (Some("earlier"), Some("clip")));
    assert_eq!(world.job().video.map(|video| video.render_id), Some(world.render_id().await));
}

#[tokio::test]
async fn branding_that_cannot_be_used_is_a_refusal_and_not_a_fault() {
    let world = World::in_state(JobState::LtxDone).await;
    let world = world.rendered_by(ReadyVideo::default().refusing("the logo is no picture"));

    let handled = world.deliver().await.expect("handled");

    assert_eq!(handled, Handled::Done);
    assert_eq!(world.end(), (FailureKind::Refused, "the logo is no picture".to_owned()));
    assert_eq!(world.bus.facts::<JobFailed>()[0].fact.reason, "the logo is no picture");
    assert_eq!(world.video(), None);
}

#[tokio::test]
async fn a_renderer_that_breaks_is_a_fault_and_the_next_delivery_does_the_work() {
    let world = World::in_state(JobState::LtxDone).await;
    let world = world.rendered_by(ReadyVideo::default().failing(1));

    let fault = world.deliver().await.expect_err("the renderer breaks");
    let state = world.job().state;
    world.deliver().await.expect("handled");

    assert!(matches!(fault, RenderFunctionError::Renderer(_)), "{fault:?}");
    assert!(!Handler::is_hopeless(&fault));
    assert_eq!((state, world.job().state), (JobState::Rendering, JobState::Rendered));
    assert_eq!(world.bus.detail_types(), ["RenderStarted.v1", "Rendered.v1"]);
}

#[tokio::test]
async fn a_foreign_key_is_hopeless() {
    let world = World::in_state(JobState::LtxDone).await;
    let notes = created(ObjectKey::new("ltx-videos/notes.txt").expect("a key"));

    let fault = world.render().handle(&vec![notes]).await.expect_err("no clip");

    assert!(matches!(&fault, RenderFunctionError::NotAClip(_)), "{fault:?}");
    assert!(Handler::is_hopeless(&fault));
}

#[tokio::test]
async fn a_clip_of_no_job_of_ours_is_a_fault() {
    let world = World::in_state(JobState::LtxDone).await;
    let foreign = created(keys::clip(samples::job_named("foreign").id));

    let fault = world.render().handle(&vec![foreign]).await.expect_err("no job");

    assert!(matches!(fault, RenderFunctionError::Chronicle(_)), "{fault:?}");
    assert_eq!(world.jobs.all().len(), 1);
}

#[tokio::test]
async fn a_clip_that_is_gone_is_a_fault_that_names_it() {
    let world = World::in_state(JobState::LtxDone).await;
    let key = keys::clip(samples::job().id);
    world.store.remove(&key);

    let fault = world.deliver().await.expect_err("no clip");

    assert_eq!(fault.to_string(), format!("there is no clip of ours at {key}"));
    assert_eq!(world.job().state, JobState::LtxDone);
}

#[tokio::test]
async fn an_object_of_a_strangers_in_the_place_of_an_awaited_clip_is_none() {
    let world = World::in_state(JobState::Generating).await;
    let key = keys::clip(samples::job().id);
    world.put(&key, "strangers", std::collections::HashMap::new()).await;

    let fault = world.deliver().await.expect_err("no clip of ours");

    assert!(matches!(fault, RenderFunctionError::NoClip(_)), "{fault:?}");
    assert_eq!((world.job().state, world.video()), (JobState::Generating, None));
}

#[tokio::test]
async fn a_job_that_was_called_off_stays_called_off() {
    let world = World::in_state(JobState::Cancelled).await;

    let handled = world.deliver().await.expect("handled");

    assert_eq!((handled, world.job()), (Handled::Done, samples::job_in(JobState::Cancelled)));
    assert_eq!((world.video(), world.renderer.orders().len()), (None, 0));
}

#[tokio::test]
async fn every_clip_of_a_record_is_taken() {
    let world = World::in_state(JobState::LtxDone).await;
    let other = samples::led_to(samples::job_named("other"), JobState::LtxDone);
    let world = World { jobs: world.jobs.clone().with(&other), ..world };
    world.put(&keys::clip(other.id), "other", samples::clip_made().to_metadata()).await;
    let both = [clips(), vec![created(keys::clip(other.id))]].concat();

    world.render().handle(&both).await.expect("handled");

    assert_eq!(world.video().as_deref(), Some("clip"));
    assert_eq!(world.content(&keys::video(other.id)).as_deref(), Some("other"));
}

#[tokio::test]
async fn giving_up_ends_the_job_and_keeps_the_cause_to_ourselves() {
    let world = World::in_state(JobState::Rendering).await;

    world.render().give_up(&clips(), "disk full").await.expect("given up");

    assert_eq!(world.end().0, FailureKind::Fault);
    let cause = world.job().failure.and_then(|failure| failure.cause);
    assert_eq!(cause.as_deref(), Some("disk full"));
    assert_eq!(world.bus.detail_types(), ["JobFailed.v1"]);
    assert!(!world.bus.published()[0].detail.contains("disk full"));
}

#[tokio::test]
async fn giving_up_leaves_a_job_alone_that_has_its_video() {
    let world = World::in_state(JobState::Rendered).await;

    world.render().give_up(&clips(), "the bus is down").await.expect("given up");

    assert_eq!(world.job(), samples::job_in(JobState::Rendered));
    assert_eq!(world.bus.published(), []);
}
