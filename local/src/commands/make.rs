//! `make`: one photo through the whole chain, in an embedded cloud of its own.

mod check;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use domain::{Job, JobId, JobState, MicroUsd, ObjectKey, Stage, Timestamp, keys};
use events::{LtxOptions, UploadOptions};
use film::Ffmpeg;
use ports::{
    Chain, Clock, DeliveryLog, History, JobStore, ObjectStore, SystemClock, WebhookSecret,
};
use serde_json::json;
use tempfile::TempPath;

use super::progress::{Board, Manner, Progress};
use super::{CommandError, DATA, interrupted};
use crate::chain::{self, Settings};
use crate::report::{StageTime, humane, stage_times, table};
use crate::{Filming, Home, Receiver, Told};
use check::{check_provider, check_wishes};

/// The endpoint at which this command hears of its job.
pub(super) const ENDPOINT: &str = "make";
/// How long a presigned URL is good for.
const UPLOAD_TIME: Duration = Duration::from_mins(15);
/// How often the row is looked at while the chain works.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long the signed message may take after the job has ended.
const MESSAGE_TIME: Duration = Duration::from_secs(20);
/// How long an order whose answer was lost is waited for: nobody can decide it, as nobody else can get
/// at this cloud.
const UNKNOWN_TIME: Duration = Duration::from_mins(1);

/// Options of `make`.
#[derive(Debug, Args)]
pub struct MakeArgs {
    /// The photo: JPEG, PNG or WebP.
    photo: PathBuf,
    /// The large words.
    #[arg(long)]
    title: Option<String>,
    /// The smaller words.
    #[arg(long)]
    subtitle: Option<String>,
    /// A picture to put on the video.
    #[arg(long)]
    logo: Option<PathBuf>,
    /// Music to put under it.
    #[arg(long)]
    music: Option<PathBuf>,
    /// Name of the theme.
    #[arg(long)]
    theme: Option<String>,
    /// What the clip is to show, in words.
    #[arg(long)]
    prompt: Option<String>,
    /// How the camera moves: `dolly_in`, `dolly_out`, `dolly_left`, `dolly_right`, `jib_up`,
    /// `jib_down` or `static`.
    #[arg(long)]
    motion: Option<String>,
    /// Length, in seconds.
    #[arg(long)]
    duration: Option<u32>,
    /// Size of the picture, in pixels: `1920x1080`.
    #[arg(long)]
    resolution: Option<String>,
    /// Frames per second.
    #[arg(long)]
    fps: Option<u32>,
    /// Who is to film it: `ltx`, `runway`, `replicate`, `fal` or `camera-move`.
    #[arg(long)]
    provider: Option<String>,
    /// Name of the provider's model.
    #[arg(long)]
    model: Option<String>,
    /// Where chance begins, for models that let it be chosen.
    #[arg(long)]
    seed: Option<u32>,
    /// Let the clip have sound of its own.
    #[arg(long)]
    audio: bool,
    /// Where the video goes; the poster goes beside it.
    #[arg(short, long, default_value = "out.mp4")]
    output: PathBuf,
    /// Film it even if an equal clip is stored.
    #[arg(long)]
    no_reuse: bool,
    /// Folder that keeps what is paid for, and what was spent; a clip that costs nothing leaves
    /// nothing behind.
    #[arg(long, default_value = DATA)]
    data: PathBuf,
    /// JSON lines for scripts.
    #[arg(long)]
    json: bool,
}

/// Makes a video of a photo: puts it in the bucket through a presigned URL and then only watches.
///
/// # Errors
/// One line that says what is missing, or why there is no video.
pub async fn make(args: MakeArgs) -> Result<(), CommandError> {
    let ffmpeg = Ffmpeg::find()?;
    let order = check_wishes(&args)?;
    let filming = Filming::from_env(&ffmpeg)?;
    let price = check_provider(&args, &order, &filming)?;
    if price > MicroUsd::ZERO {
        // What is paid stays written down: limits and stored clips of other runs count.
        return tokio::select! {
            outcome = run(&args, filming, &args.data) => outcome,
            () = interrupted() => Err(
                "interrupted: what is ordered goes on with `stillmotion up`; `stillmotion jobs` \
                 names it, and `stillmotion cancel` calls it off".into()
            ),
        };
    }
    // Dropped on every way out, Ctrl-C included: nothing stays behind.
    let data = tempfile::Builder::new().prefix("stillmotion-").tempdir()?;

    let outcome = tokio::select! {
        outcome = run(&args, filming, data.path()) => outcome,
        () = interrupted() => Err("interrupted: no video was written".into()),
    };
    data.close()?;
    outcome
}

fn folder_of(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

fn options(args: &MakeArgs, logo: Option<ObjectKey>, music: Option<ObjectKey>) -> UploadOptions {
    UploadOptions {
        user_id: None,
        property_id: None,
        prompt: args.prompt.clone(),
        title: args.title.clone(),
        subtitle: args.subtitle.clone(),
        logo: logo.map(|key| key.to_string()),
        music: music.map(|key| key.to_string()),
        theme: args.theme.clone(),
        options: LtxOptions {
            duration: args.duration,
            resolution: args.resolution.clone(),
            fps: args.fps,
            camera_motion: args.motion.clone(),
            provider: args.provider.clone(),
            model: args.model.clone(),
            seed: args.seed,
            audio: args.audio.then_some(true),
            reuse: args.no_reuse.then_some(false),
        },
    }
}

async fn run(args: &MakeArgs, filming: Filming, data: &Path) -> Result<(), CommandError> {
    let secret = fresh_secret();
    let mut receiver = Receiver::start(&secret).await?;
    let home = Home::start(data, None, &[]).await?;
    let work = super::work_folder(data)?;

    let mut settings = Settings::new(work);
    chain::register(&home, ENDPOINT, receiver.url(), &WebhookSecret::new(secret)).await?;
    settings.policy = filming.policy;
    settings.policy.hold_for = settings.policy.hold_for.min(UNKNOWN_TIME);
    let _door = super::door(&home, filming.verifiers).await?;
    let pollers = chain::start(&home, &settings, filming.crew)?;

    let mut board = Board::new(Manner::of(args.json));
    let (job, arrived) = upload(&home, args).await?;
    let watched = watch(&home, job, arrived, &mut receiver, &mut board).await;
    board.leave();
    let (job, told) = watched?;
    let outcome = conclude(&home, args, &job, arrived, told).await;
    pollers.stop().await;
    chain::unregister(&home, ENDPOINT).await?;
    home.stop().await;
    outcome
}

/// A secret for this run alone.
fn fresh_secret() -> String {
    let halves = [uuid::Uuid::new_v4().into_bytes(), uuid::Uuid::new_v4().into_bytes()];
    format!("whsec_{}", STANDARD.encode(halves.concat()))
}

/// Puts everything in the bucket, as a browser would. The photo comes last: it sets things going.
async fn upload(home: &Home, args: &MakeArgs) -> Result<(JobId, Timestamp), CommandError> {
    let job = JobId::from_uuid(uuid::Uuid::new_v4());
    let named = |prefix: &str, file: &Path| -> Result<ObjectKey, CommandError> {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        Ok(ObjectKey::new(format!("{prefix}{job}/{name}"))?)
    };
    let client = reqwest::Client::new();
    let logo = args.logo.as_deref().map(|file| named(keys::LOGOS, file)).transpose()?;
    let music = args.music.as_deref().map(|file| named(keys::MUSIC, file)).transpose()?;
    for (key, file) in [(&logo, &args.logo), (&music, &args.music)] {
        if let (Some(key), Some(file)) = (key, file) {
            put(home, &client, key, std::fs::read(file)?, content_type(file)).await?;
        }
    }
    let photo = named(keys::UPLOADS, &args.photo)?;
    let options = serde_json::to_vec(&options(args, logo, music))?;
    put(home, &client, &keys::sidecar(&photo)?, options, "application/json").await?;
    let bytes = std::fs::read(&args.photo)?;
    put(home, &client, &photo, bytes, content_type(&args.photo)).await?;
    Ok((job, SystemClock.now()))
}

async fn put(
    home: &Home,
    client: &reqwest::Client,
    key: &ObjectKey,
    bytes: Vec<u8>,
    content_type: &str,
) -> Result<(), CommandError> {
    let length = Some(bytes.len() as u64);
    let bucket = home.bucket();
    let signed =
        bucket.presign_put(key, content_type, length, &HashMap::new(), UPLOAD_TIME).await?;
    let mut request = client.put(&signed.url).body(bytes);
    for (name, value) in &signed.headers {
        request = request.header(name, value);
    }
    let answer = request.send().await.map_err(reqwest::Error::without_url)?;
    answer.error_for_status().map_err(reqwest::Error::without_url)?;
    Ok(())
}

fn content_type(file: &Path) -> &'static str {
    let ending = file.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    match ending.as_str() {
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "webp" => "image/webp",
        "mp3" => "audio/mpeg",
        "wav" => "audio/wav",
        "m4a" => "audio/mp4",
        _ => "application/octet-stream",
    }
}

/// Watches the row and waits for the signed message that says how it ended.
async fn watch(
    home: &Home,
    id: JobId,
    arrived: Timestamp,
    receiver: &mut Receiver,
    board: &mut Board,
) -> Result<(Job, Told), CommandError> {
    let store = home.jobs();
    let mut ended: Option<(Job, Instant)> = None;
    loop {
        if ended.is_none()
            && let Some(job) = store.get(id).await?
        {
            show(board, &job, &stage_times(&store.events(id).await?, arrived));
            ended = job.state.is_end().then(|| (job, Instant::now()));
        }
        let told = tokio::time::timeout(LOOK_EVERY, receiver.next()).await;
        match (told, &ended) {
            (Ok(Some(told)), Some((job, _))) if ends(&told, id) => return Ok((job.clone(), told)),
            (Ok(Some(told)), None) if ends(&told, id) => {
                let job = store.get(id).await?.ok_or("the row of the job is gone")?;
                show(board, &job, &stage_times(&store.events(id).await?, arrived));
                return Ok((job, told));
            }
            (Ok(None), _) => return Err("the receiver of webhooks has stopped".into()),
            (_, Some((_, since))) if since.elapsed() > MESSAGE_TIME => {
                return Err("the job has ended, but the signed message did not arrive".into());
            }
            _ => {}
        }
    }
}

/// Whether it is the last that is told of the job. Others may be under way in the same folder.
fn ends(told: &Told, id: JobId) -> bool {
    let its = told.body.data["jobId"].as_str() == Some(&*id.to_string());
    its && matches!(
        told.body.kind.as_str(),
        "Rendered.v1" | "JobFailed.v1" | "JobCancelled.v1" | "JobExpired.v1"
    )
}

fn show(board: &mut Board, job: &Job, times: &[StageTime]) {
    let working = match job.state {
        JobState::Pending => Some(Stage::Ingest),
        JobState::Queued | JobState::Generating => Some(Stage::Ltx),
        JobState::LtxDone | JobState::Rendering => Some(Stage::Render),
        JobState::Rendered => Some(Stage::Notify),
        JobState::Failed | JobState::Cancelled | JobState::Expired | JobState::Deleted => None,
    };
    for time in times {
        board.show(time.stage, Progress::Done(*time));
    }
    if let Some(stage) = working {
        board.show(stage, Progress::Working);
    }
    if let Some(failure) = &job.failure {
        board.show(failure.stage, Progress::Failed);
    }
}

/// Fetches what was made and says where it is, or why it is not.
async fn conclude(
    home: &Home,
    args: &MakeArgs,
    job: &Job,
    arrived: Timestamp,
    told: Told,
) -> Result<(), CommandError> {
    let store = home.jobs();
    let mut times = stage_times(&store.events(job.id).await?, arrived);
    if let Some(failure) = &job.failure {
        let cause = failure.cause.as_ref().map(|cause| format!(": {cause}")).unwrap_or_default();
        return Err(format!("{}: {}{cause}", failure.stage, failure.reason).into());
    }
    let poster = args.output.with_extension("jpg");
    let poster =
        if poster == args.output { args.output.with_extension("poster.jpg") } else { poster };
    fetch(home, &keys::poster(job.id), &poster).await?;
    fetch(home, &keys::video(job.id), &args.output).await?;

    times.push(notify_time(home, job, &told).await?);
    if args.json {
        let done = json!({
            "event": "done", "jobId": job.id, "video": args.output, "poster": poster,
            "webhookId": told.id, "stages": times,
        });
        println!("{done}");
    } else {
        print_summary(&args.output, &poster, &told, &times);
    }
    Ok(())
}

/// From the end of the job to the verified message.
async fn notify_time(home: &Home, job: &Job, told: &Told) -> Result<StageTime, CommandError> {
    let deliveries = home.deliveries().of_job(job.id).await?;
    let its = deliveries.iter().find(|delivery| delivery.event.to_string() == told.id);
    let began = its.map_or(told.received_at, |delivery| delivery.first_at);
    let took = told.received_at.since(job.updated_at);
    let worked = told.received_at.since(began.min(told.received_at));
    Ok(StageTime::new(Stage::Notify, took, worked))
}

fn print_summary(video: &Path, poster: &Path, told: &Told, times: &[StageTime]) {
    let ms = |ms| humane(Duration::from_millis(ms));
    let mut rows = vec![["stage", "waited", "worked"].map(ToOwned::to_owned).to_vec()];
    rows.extend(times.iter().map(|t| vec![t.stage.to_string(), ms(t.waited_ms), ms(t.worked_ms)]));
    println!("\n{}\n", table(&rows));
    println!("video   {}", video.display());
    println!("poster  {}", poster.display());
    println!("told    {} {}, signature verified", told.body.kind, told.id);
}

/// Writes an object to a file that is whole or not there.
async fn fetch(home: &Home, key: &ObjectKey, to: &Path) -> Result<(), CommandError> {
    let part: TempPath = tempfile::Builder::new()
        .prefix(".stillmotion-")
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .tempfile_in(folder_of(to))?
        .into_temp_path();
    let fetched = home.bucket().fetch(key, &part).await;
    fetched.map_err(|error| Chain(&error).to_string())?;
    part.persist(to).map_err(|error| format!("{}: {}", to.display(), error.error))?;
    Ok(())
}
