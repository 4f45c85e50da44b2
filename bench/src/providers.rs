//! The real adapter of LTX before a fake that takes its time: what waiting costs, between looks and
//! in the line.

use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime};

use ::providers::{Provider, Registry, providers};
use domain::{Attempt, JobId, Timestamp};
use fake_providers::{Call, Endpoint, Fake, KEY_LTX, Name, Switches};
use film::Ffmpeg;
use ports::{History, Ledger};
use testkit::samples;

use crate::chain::{Bench, percentile};
use crate::process::Peak;
use crate::{Error, collect};

/// From the taking of an order until it is done.
const LATENCY: Duration = Duration::from_secs(2);
/// How many photos are uploaded at a time.
const UPLOADS: usize = 16;
/// The registry, as it is shipped.
const REGISTRY: &str = include_str!("../../crates/providers/registry.toml");

/// What the provider takes at once, and how often it is looked at.
#[derive(Clone, Copy)]
struct Pace {
    concurrency: u32,
    poll_secs: u64,
}

/// Prints what waiting for a provider costs, and what collecting a large clip does.
pub(crate) async fn waiting(jobs: usize) -> Result<(), Error> {
    // First: what the chain leaves allocated would count as memory of the collection.
    collect::beside_a_download().await?;

    println!(
        "\n| at once | poll pause | wall | jobs/s | ideal wall | looks/job | orders/job | 429 | \
         added p50 | added p99 | turn held p50 | turns in use | doubles | peak memory |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|");
    let mut doubles = 0;
    for concurrency in [2, 20] {
        for poll_secs in [5, 1] {
            doubles += run(jobs, Pace { concurrency, poll_secs }).await?;
        }
    }
    if doubles > 0 { Err(format!("{doubles} orders too many").into()) } else { Ok(()) }
}

/// The adapter of LTX before `fake`, with what `registry` has on offer.
pub(crate) fn ltx(fake: &Fake, registry: &Registry) -> Result<Provider, Error> {
    let setting = |name: &str| match name {
        "LTX_API_KEY" => Some(KEY_LTX.to_owned()),
        "LTX_BASE_URL" => Some(fake.base(Name::Ltx)),
        _ => None,
    };
    let all = providers(setting, registry, Ffmpeg::new("ffmpeg", "ffprobe"))?;
    all.into_iter().next().ok_or_else(|| "no provider".into())
}

/// The shipped registry, but for the pace of LTX.
fn registry(pace: Pace) -> Result<Registry, Error> {
    let text = REGISTRY
        .replacen("\nconcurrency = 2", &format!("\nconcurrency = {}", pace.concurrency), 1)
        .replacen("\npoll_every_secs = 5", &format!("\npoll_every_secs = {}", pace.poll_secs), 1);
    let registry = Registry::parse(&text)?;
    let entry = registry.entry("ltx").ok_or("there is no ltx")?;
    let is_so = entry.concurrency == Some(pace.concurrency)
        && entry.poll_every == Duration::from_secs(pace.poll_secs);
    if is_so { Ok(registry) } else { Err("the registry is written in another way by now".into()) }
}

/// All jobs at this pace, as a row; how many orders there were too many.
async fn run(jobs: usize, pace: Pace) -> Result<usize, Error> {
    let fake = Fake::start(vec![0; 1_000_000]).await?;
    let latency_ms = u64::try_from(LATENCY.as_millis())?;
    let concurrency = Some(pace.concurrency);
    fake.set(Name::Ltx, Switches { latency_ms, concurrency, ..Switches::default() });
    let mut bench = Bench::with(ltx(&fake, &registry(pace)?)?).await?;
    let peak = Peak::of(std::process::id());

    let began = Instant::now();
    let ids = bench.upload_all(jobs, UPLOADS, &samples::photo_jpeg(640, 480)).await?;
    bench.ended(&ids).await?;
    let wall = began.elapsed();
    let peak_mib = peak.take_mib();

    let waits = Waits::of(&bench, &ids, &fake).await?;
    bench.stop().await;
    let doubles = fake.orders(Name::Ltx).len().saturating_sub(jobs);
    row(jobs, pace, wall, &fake.calls(Name::Ltx), &waits, doubles, peak_mib);
    fake.stop().await;
    Ok(doubles)
}

fn row(
    jobs: usize,
    pace: Pace,
    wall: Duration,
    calls: &[Call],
    waits: &Waits,
    doubles: usize,
    peak_mib: u64,
) {
    let number = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    let per_job =
        |what| number(calls.iter().filter(|call| call.what == what).count()) / number(jobs);
    let too_many = calls.iter().filter(|call| call.status == 429).count();
    let turns = wall.as_secs_f64() * f64::from(pace.concurrency);
    let held: Duration = waits.held.iter().sum();
    println!(
        "| {} | {} s | {:.1} s | {:.2} | {:.0} s | {:.2} | {:.2} | {too_many} | {:.1} s | {:.1} s | \
         {:.1} s | {:.0} % | {doubles} | {peak_mib} MiB |",
        pace.concurrency,
        pace.poll_secs,
        wall.as_secs_f64(),
        number(jobs) / wall.as_secs_f64(),
        number(jobs) * LATENCY.as_secs_f64() / f64::from(pace.concurrency),
        per_job(Endpoint::Look),
        per_job(Endpoint::Submit),
        percentile(&waits.added, 50).as_secs_f64(),
        percentile(&waits.added, 99).as_secs_f64(),
        percentile(&waits.held, 50).as_secs_f64(),
        held.as_secs_f64() / turns * 100.0,
    );
}

/// Where the time of jobs went, each list in order of length.
struct Waits {
    /// From the clip being ready at the provider to its being stored.
    added: Vec<Duration>,
    /// From the intention to the end of the attempt: for so long nobody else has the turn.
    held: Vec<Duration>,
}

impl Waits {
    async fn of(bench: &Bench, jobs: &[JobId], fake: &Fake) -> Result<Self, Error> {
        let orders = fake.orders(Name::Ltx).into_iter();
        let taken: HashMap<String, SystemTime> = orders.map(|order| (order.id, order.at)).collect();
        let (mut added, mut held) = (Vec::new(), Vec::new());
        for &job in jobs {
            let stored = stored_at(bench, job).await?;
            for attempt in bench.home.ledger().attempts(job).await? {
                held.extend(attempt.settled_at.map(|end| end.since(attempt.intended_at)));
                added.extend(taken_at(&attempt, &taken)?.map(|at| stored.since(at.plus(LATENCY))));
            }
        }
        added.sort();
        held.sort();
        Ok(Self { added, held })
    }
}

/// When the clip of a job was stored, as its history has it.
async fn stored_at(bench: &Bench, job: JobId) -> Result<Timestamp, Error> {
    let history = bench.home.jobs().events(job).await?;
    let stored = history.iter().find(|event| event.detail_type == "LtxDone.v1");
    Ok(stored.ok_or_else(|| format!("job {job} has no clip"))?.occurred_at)
}

/// When the provider took the order of an attempt, by its own clock, which is ours; none if it took
/// none.
fn taken_at(
    attempt: &Attempt,
    taken: &HashMap<String, SystemTime>,
) -> Result<Option<Timestamp>, Error> {
    let Some(at) = attempt.provider_job.as_ref().and_then(|id| taken.get(id)) else {
        return Ok(None);
    };
    let since = at.duration_since(SystemTime::UNIX_EPOCH)?;
    Ok(Some(Timestamp::from_epoch_ms(u64::try_from(since.as_millis())?)))
}
