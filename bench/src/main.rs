//! What is measured, as tables; see `bench/README.md`.

mod chain;
mod collect;
mod make;
mod process;
mod providers;
mod ready;
mod render;
mod uploads;

use clap::{Parser, Subcommand};

/// Any way in which a measurement can fail.
type Error = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, Parser)]
#[command(name = "bench", about = "Measures the chain and prints a table.")]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Our own share of a job's time: upload to delivered webhook, provider and encode time nought.
    Share {
        /// How many jobs, one after the other.
        #[arg(long, default_value_t = 200)]
        jobs: usize,
    },
    /// Jobs per second through the whole chain, and the memory it needs.
    Throughput {
        /// How many jobs.
        #[arg(long, default_value_t = 2000)]
        jobs: usize,
        /// How many uploads at a time.
        #[arg(long, default_value_t = 16)]
        uploads: usize,
    },
    /// Jobs at a provider that takes 2 s for each and only a few at once; the collection of 1 GiB.
    Providers {
        /// How many jobs.
        #[arg(long, default_value_t = 200)]
        jobs: usize,
    },
    /// The render of a 300-frame 1080p clip beside a pure transcode of it, in one run.
    Render {
        /// How many pairs, alternating.
        #[arg(long, default_value_t = 3)]
        pairs: usize,
    },
    /// Photos announced at the API and uploaded to the bucket, so many a second; none may be lost.
    Uploads {
        /// How many a second.
        #[arg(long, default_value_t = 300)]
        rate: u32,
        /// For how many seconds.
        #[arg(long, default_value_t = 60)]
        secs: u32,
    },
    /// `make` on the sample: wall, CPU and memory per stage.
    Make,
    /// From `up` to ready.
    Ready {
        /// How often.
        #[arg(long, default_value_t = 5)]
        times: usize,
    },
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    match Cli::parse().what {
        What::Share { jobs } => chain::share(jobs).await,
        What::Throughput { jobs, uploads } => chain::throughput(jobs, uploads).await,
        What::Providers { jobs } => providers::waiting(jobs).await,
        What::Render { pairs } => render::ratio(pairs).await,
        What::Uploads { rate, secs } => uploads::through_the_door(rate, secs).await,
        What::Make => make::stages(),
        What::Ready { times } => ready::up(times),
    }
}
