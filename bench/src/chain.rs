//! The chain with a renderer, and mostly a provider, that are ready at once: what is left is ours.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use domain::{JobId, ObjectKey, keys};
use futures::{StreamExt as _, TryStreamExt as _};
use ports::{Content, ObjectMeta, ObjectStore, VideoGenerator, WebhookSecret};
use stillmotion::chain::{self, Crew, Pollers, Settings};
use stillmotion::{Home, Receiver};
use tempfile::TempDir;
use testkit::{PassThrough, ReadyClip, ReadyVideo, samples};

use crate::Error;
use crate::process::{Peak, cpu_secs};

const SECRET: &str = "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";

/// An embedded cloud with the whole chain on it, and a receiver that is told.
pub(crate) struct Bench {
    pub(crate) home: Home,
    pollers: Pollers,
    receiver: Receiver,
    _data: TempDir,
}

impl Bench {
    /// A chain whose clips are ready at once.
    async fn start() -> Result<Self, Error> {
        Self::with(ReadyClip::new(vec![0; 1_000_000])).await
    }

    /// A chain whose clips are filmed by `generator`.
    pub(crate) async fn with<G: VideoGenerator + 'static>(generator: G) -> Result<Self, Error> {
        let data = tempfile::tempdir()?;
        let home = Home::start(&data.path().join("cloud"), None, &[]).await?;
        let receiver = Receiver::start(SECRET).await?;
        let mut settings = Settings::new(data.path().to_owned());
        let secret = WebhookSecret::new(SECRET.to_owned());
        chain::register(&home, "bench", receiver.url(), &secret).await?;
        // Every job of a run has the same photo.
        settings.policy.reuse_for = None;
        let crew = Crew {
            generators: vec![generator],
            renderer: ReadyVideo::default(),
            rewrap: PassThrough::default(),
        };
        let pollers = chain::start(&home, &settings, crew)?;
        Ok(Self { home, pollers, receiver, _data: data })
    }

    async fn upload(&self, name: &str, photo: &[u8]) -> Result<JobId, Error> {
        let key = ObjectKey::new(format!("{}{name}", keys::UPLOADS))?;
        let user = HashMap::from([("prompt".to_owned(), "over the pool".to_owned())]);
        let meta = ObjectMeta { content_type: "image/jpeg".to_owned(), user };
        let etag = self.home.bucket().put(&key, Content::Bytes(photo), &meta).await?;
        Ok(JobId::of_object(&self.home.bucket_name(), key.as_str(), &etag))
    }

    /// Uploads a photo `jobs` times, at most `uploads` at a time.
    pub(crate) async fn upload_all(
        &self,
        jobs: usize,
        uploads: usize,
        photo: &[u8],
    ) -> Result<Vec<JobId>, Error> {
        let upload = |n| async move { self.upload(&format!("{n}.jpg"), photo).await };
        futures::stream::iter(0..jobs).map(upload).buffer_unordered(uploads).try_collect().await
    }

    /// Waits until the end of every one of these jobs was told.
    pub(crate) async fn ended(&mut self, jobs: &[JobId]) -> Result<(), Error> {
        let mut open: HashSet<_> = jobs.iter().map(ToString::to_string).collect();
        while !open.is_empty() {
            open.remove(&self.next_end().await?);
        }
        Ok(())
    }

    /// The next job whose end was told.
    async fn next_end(&mut self) -> Result<String, Error> {
        loop {
            let told = tokio::time::timeout(Duration::from_mins(2), self.receiver.next());
            let told = told.await?.ok_or("the receiver has stopped")?;
            if told.body.kind == "Rendered.v1" {
                return Ok(told.body.data["jobId"].as_str().unwrap_or_default().to_owned());
            }
            if told.body.kind == "JobFailed.v1" {
                return Err(format!("a job failed: {}", told.body.data).into());
            }
        }
    }

    pub(crate) async fn stop(self) {
        self.pollers.stop().await;
        self.home.stop().await;
    }
}

pub(crate) fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)]
}

/// One job after the other: from the first byte of the upload to the verified webhook.
pub(crate) async fn share(jobs: usize) -> Result<(), Error> {
    let small = samples::photo_jpeg(640, 480);
    let villa = std::fs::read("samples/villa.jpg")?;
    println!("| photo | jobs | p50 | p99 |\n|---|---|---|---|");
    for (name, photo) in [("640×480, 15 kB", &small), ("3000×2000, 1.1 MB", &villa)] {
        let mut bench = Bench::start().await?;
        let mut took = Vec::with_capacity(jobs);
        for n in 0..jobs {
            let began = Instant::now();
            let job = bench.upload(&format!("{n}.jpg"), photo).await?;
            let ended = bench.next_end().await?;
            took.push(began.elapsed());
            if ended != job.to_string() {
                return Err(format!("{ended} ended, {job} was uploaded").into());
            }
        }
        bench.stop().await;
        took.sort();
        let (p50, p99) = (percentile(&took, 50), percentile(&took, 99));
        println!("| {name} | {jobs} | {} ms | {} ms |", p50.as_millis(), p99.as_millis());
    }
    Ok(())
}

/// Many jobs at once, until the last has been told.
pub(crate) async fn throughput(jobs: usize, uploads: usize) -> Result<(), Error> {
    let photo = samples::photo_jpeg(640, 480);
    let mut bench = Bench::start().await?;
    let pid = std::process::id();
    let peak = Peak::of(pid);
    let (cpu, began) = (cpu_secs(pid), Instant::now());

    let started = bench.upload_all(jobs, uploads, &photo).await?;
    let uploaded = began.elapsed();
    bench.ended(&started).await?;
    let took = began.elapsed();
    let rate =
        |took: Duration| f64::from(u32::try_from(jobs).unwrap_or(u32::MAX)) / took.as_secs_f64();

    println!("| jobs | uploads/s | jobs/s | wall | CPU | peak memory | lost |");
    println!("|---|---|---|---|---|---|---|");
    println!(
        "| {jobs} | {:.0} | {:.1} | {:.1} s | {:.1} s | {} MiB | {} |",
        rate(uploaded),
        rate(took),
        took.as_secs_f64(),
        cpu_secs(pid) - cpu,
        peak.take_mib(),
        // The wait has an end only once every one was told.
        0,
    );
    bench.stop().await;
    Ok(())
}
