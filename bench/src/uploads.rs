//! Uploads through the front door: an intent, and the bytes straight to the bucket.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::{JobId, JobState, keys};
use ports::{JobStore, ObjectStore};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use stillmotion::topology::physical;
use stillmotion::{Front, FrontConfig, Home};
use testkit::samples;
use tokio::task::JoinSet;

use crate::Error;
use crate::chain::percentile;
use crate::process::{Peak, cpu_secs};

/// Announces and uploads `rate` photos a second for `secs` seconds, whatever the answers take, and looks
/// for every one of them afterwards. No function runs: what is measured is the door and the bucket.
pub(crate) async fn through_the_door(rate: u32, secs: u32) -> Result<(), Error> {
    let data = tempfile::tempdir()?;
    let home = Home::start(&data.path().join("cloud"), None, &[]).await?;
    let config = FrontConfig {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        cors_origins: Vec::new(),
        project: None,
        work: data.path().to_owned(),
    };
    let front = Front::open(&home, config, unlimited).await?;
    let door = Arc::new(Door::to(&front));

    let pid = std::process::id();
    let (peak, cpu, began) = (Peak::of(pid), cpu_secs(pid), Instant::now());
    let mut under_way = JoinSet::new();
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / rate);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
    for _ in 0..rate * secs {
        ticks.tick().await;
        let door = door.clone();
        under_way.spawn(async move { door.upload().await });
    }
    let (mut jobs, mut took) = (Vec::new(), Vec::new());
    while let Some(uploaded) = under_way.join_next().await {
        let (job, times) = uploaded??;
        jobs.push(job);
        took.push(times);
    }
    let wall = began.elapsed();
    let cpu = cpu_secs(pid) - cpu;
    let memory = peak.take_mib();
    let lost = lost(&home, &jobs).await?;

    println!(
        "| uploads | per second | intent p50 | p99 | upload p50 | p99 | CPU | memory | lost |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let (intents, puts): (Vec<_>, Vec<_>) = took.into_iter().unzip();
    let [intent, put] = [intents, puts].map(|mut times| {
        times.sort();
        (percentile(&times, 50).as_millis(), percentile(&times, 99).as_millis())
    });
    let count = jobs.len();
    let per_second = f64::from(u32::try_from(count)?) / wall.as_secs_f64();
    println!(
        "| {count} | {per_second:.0} | {} ms | {} ms | {} ms | {} ms | {cpu:.0} s | {memory} MiB | {lost} |",
        intent.0, intent.1, put.0, put.1
    );
    front.close().await;
    home.stop().await;
    if lost > 0 { Err(format!("{lost} uploads were lost").into()) } else { Ok(()) }
}

/// Limits are not what is measured.
fn unlimited(name: &str) -> Option<String> {
    name.starts_with("API_").then(|| "1000000".to_owned())
}

/// Jobs without their row, their object, or their message to `ingest`.
async fn lost(home: &Home, jobs: &[JobId]) -> Result<usize, Error> {
    let (rows, bucket) = (home.jobs(), home.bucket());
    let mut lost = 0;
    for job in jobs {
        let row = rows.get(*job).await?;
        let upload = bucket.head(&keys::upload(*job, NAME)?).await?;
        let is_there = row.is_some_and(|row| row.state == JobState::Pending) && upload.is_some();
        lost += usize::from(!is_there);
    }
    let told = home.queue("ingest").waiting().await?;
    println!("{} messages wait in {}", told, physical("ingest"));
    Ok(lost.max(jobs.len().saturating_sub(usize::try_from(told)?)))
}

const NAME: &str = "villa.jpg";

/// A client of the door, as a frontend is one.
struct Door {
    http: Client,
    intents: String,
    photo: Vec<u8>,
    sha256: String,
}

impl Door {
    fn to(front: &Front) -> Self {
        let photo = samples::photo_jpeg(640, 480);
        Self {
            http: Client::new(),
            intents: format!("http://{}/api/media/upload-intent", front.address()),
            sha256: STANDARD.encode(Sha256::digest(&photo)),
            photo,
        }
    }

    /// One photo; how long its intent and its upload took.
    async fn upload(&self) -> Result<(JobId, (Duration, Duration)), Error> {
        let wanted = json!({
            "fileName": NAME,
            "contentType": "image/jpeg",
            "sizeBytes": self.photo.len(),
            "sha256": self.sha256,
            "title": "Villa Azul",
        });
        let began = Instant::now();
        let grant = self.http.post(&self.intents).json(&wanted).send().await?;
        let grant: Value = grant.error_for_status()?.json().await?;
        let intended = began.elapsed();

        let upload = &grant["upload"];
        let url = upload["url"].as_str().ok_or("no address to upload to")?;
        let headers = upload["headers"].as_object().ok_or("no headers")?;
        let with = |request: RequestBuilder, (name, value): (&String, &Value)| {
            request.header(name, value.as_str().unwrap_or_default())
        };
        let put = headers.iter().fold(self.http.put(url), with).body(self.photo.clone());
        put.send().await?.error_for_status()?;
        let job = JobId::parse(grant["jobId"].as_str().unwrap_or_default())?;
        Ok((job, (intended, began.elapsed().saturating_sub(intended))))
    }
}
