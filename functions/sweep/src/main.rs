//! `sweep` on AWS Lambda: read the settings, build the adapters, run the handler.

#![recursion_limit = "256"]

use aws::Aws;
use lambda_runtime::{Error, LambdaEvent, service_fn, tracing};
use ports::{Chronicle, SystemClock};
use sweep::{Config, Sweep};

#[tokio::main]
async fn main() -> Result<(), Error> {
    aws::telemetry::start("sweep");
    let config = Config::from_env()?;
    let aws = Aws::from_env().await;
    let (jobs, bus) = (aws.job_table(config.jobs_table), aws.event_bus(config.event_bus));

    let sweep = &Sweep {
        store: aws.bucket(config.media_bucket.clone()),
        bucket: config.media_bucket,
        chronicle: Chronicle { jobs, bus, clock: SystemClock },
        meters: aws.meter_table(config.meters_table),
        ledger: aws.ledger_table(config.ledger_table, config.accounts_table),
        caps: config.caps,
        fetch_queue: aws.queue(config.fetch_queue_url),
        ingest_queue: aws.queue(config.ingest_queue_url),
        ltx_queue: aws.queue(config.ltx_queue_url),
        render_queue: aws.queue(config.render_queue_url),
        patience: config.patience,
    };

    lambda_runtime::run(service_fn(|_: LambdaEvent<serde_json::Value>| async move {
        let swept = sweep.run().await?;
        tracing::info!(?swept, "swept");
        Ok::<_, Error>(())
    }))
    .await
}
