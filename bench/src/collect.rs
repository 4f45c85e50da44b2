//! A clip of 1 GiB, collected into the bucket, beside a plain download of it to a file.

use std::path::Path;
use std::time::{Duration, Instant};

use ::providers::{Provider, Registry};
use domain::{ClipOptions, JobId, ObjectKey};
use fake_providers::{Download, Fake, KEY_LTX, Name, Switches};
use futures::StreamExt as _;
use ports::{
    ClipOrder, Collected, ObjectMeta, ObjectStore, ProviderJob, Submitted, VideoGenerator,
};
use stillmotion::Home;
use testkit::samples;
use tokio::io::AsyncWriteExt as _;

use crate::Error;
use crate::process::Peak;
use crate::providers::ltx;

/// How large the clip is, in bytes and in megabytes.
const BYTES: u64 = 1 << 30;
const MEGABYTES: f64 = 1_073.741_824;
/// How often each is done, by turns.
const PAIRS: usize = 3;

/// What one run took.
struct Taken {
    wall: Duration,
    peak_mib: u64,
}

/// Collects and downloads by turns and prints medians.
pub(crate) async fn beside_a_download() -> Result<(), Error> {
    let folder = tempfile::tempdir()?;
    let home = Home::start(&folder.path().join("cloud"), None, &[]).await?;
    let fake = Fake::start(Vec::new()).await?;
    fake.set(Name::Ltx, Switches { download: Download::Sized(BYTES), ..Switches::default() });
    let provider = ltx(&fake, &Registry::built_in())?;
    let order = order(&provider, &folder.path().join("photo.jpg"))?;
    let Submitted::Accepted(job) = provider.submit(&order).await? else {
        return Err("the order was not taken".into());
    };

    let (mut plain, mut collected) = (Vec::new(), Vec::new());
    for _ in 0..PAIRS {
        let file = folder.path().join("plain.mp4");
        plain.push(measured(download(&fake, &job, &file)).await?);
        tokio::fs::remove_file(&file).await?;
        collected.push(measured(collect(&provider, &order, &job, &home)).await?);
    }
    fake.stop().await;
    home.stop().await;
    print(&plain, &collected);
    Ok(())
}

fn print(plain: &[Taken], collected: &[Taken]) {
    let rate = |runs: &[Taken]| {
        let mut walls: Vec<_> = runs.iter().map(|run| run.wall).collect();
        walls.sort();
        MEGABYTES / walls[walls.len() / 2].as_secs_f64()
    };
    let peak = |runs: &[Taken]| runs.iter().map(|run| run.peak_mib).max().unwrap_or_default();
    println!(
        "| 1 GiB, medians of {PAIRS} | download to a file | collect into the bucket | ratio |"
    );
    println!("|---|---|---|---|");
    let (a, b) = (rate(plain), rate(collected));
    println!("| MB/s | {a:.0} | {b:.0} | {:.2} |", b / a);
    println!("| highest memory | {} MiB | {} MiB | |", peak(plain), peak(collected));
}

async fn measured(run: impl Future<Output = Result<(), Error>>) -> Result<Taken, Error> {
    let peak = Peak::of(std::process::id());
    let began = Instant::now();
    run.await?;
    Ok(Taken { wall: began.elapsed(), peak_mib: peak.take_mib() })
}

fn order(provider: &Provider, photo: &Path) -> Result<ClipOrder, Error> {
    std::fs::write(photo, samples::photo_jpeg(640, 480))?;
    let quote = provider.quote(&ClipOptions::default()).map_err(|refusal| refusal.reason)?;
    Ok(ClipOrder {
        job: JobId::of_object("media", "uploads/villa.jpg", "e"),
        attempt: 1,
        prompt: "over the pool".to_owned(),
        spec: quote.spec,
        photo: photo.to_owned(),
        photo_url: None,
    })
}

/// As any program would: asks for the address and writes what comes to a file.
async fn download(fake: &Fake, job: &ProviderJob, to: &Path) -> Result<(), Error> {
    let client = reqwest::Client::new();
    let look = format!("{}/v2/image-to-video/{}", fake.base(Name::Ltx), job.id);
    let look = client.get(look).bearer_auth(KEY_LTX).send().await?.error_for_status()?;
    let look: serde_json::Value = look.json().await?;
    let address = look["result"]["video_url"].as_str().ok_or("there is no address")?;

    let mut bytes = client.get(address).send().await?.error_for_status()?.bytes_stream();
    let mut file = tokio::fs::File::create(to).await?;
    while let Some(piece) = bytes.next().await {
        file.write_all(&piece?).await?;
    }
    Ok(file.flush().await?)
}

/// As the function does: asks for the address and stores what comes as it comes.
async fn collect(
    provider: &Provider,
    order: &ClipOrder,
    job: &ProviderJob,
    home: &Home,
) -> Result<(), Error> {
    let collected = provider.collect(order, job, Path::new("nowhere")).await?;
    let Collected::Delivery(delivery) = collected else { return Err("no delivery".into()) };
    let key = ObjectKey::new("delivered/clip.mp4")?;
    let stored = home.bucket().put_stream(&key, delivery.bytes, &ObjectMeta::default()).await?;
    if stored == BYTES { Ok(()) } else { Err(format!("{stored} of {BYTES} bytes").into()) }
}
