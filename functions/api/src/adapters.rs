//! The adapters of the function, and how they are asked whether they answer.

use api::{Api, Config, Dependency, HttpKeys, Queues, TokenConfig, temporary_disk};
use aws::Aws;
use ports::{Chronicle, SystemClock};

/// The ports on AWS.
pub(crate) type OnAws = (
    aws::S3,
    aws::DynamoJobs,
    aws::EventBridge,
    SystemClock,
    aws::DynamoLedger,
    aws::DynamoRegisters,
    aws::DynamoDeliveries,
    aws::DynamoEndpoints,
    aws::DynamoMeters,
    aws::SqsQueue,
);

/// The calls, on what the settings name.
pub(crate) fn api(aws: &Aws, config: &Config) -> Api<OnAws> {
    Api {
        bucket: config.media_bucket.clone(),
        store: aws.bucket(&config.media_bucket),
        chronicle: Chronicle {
            jobs: aws.job_table(&config.jobs_table),
            bus: aws.event_bus(&config.event_bus),
            clock: SystemClock,
        },
        ledger: aws.ledger_table(&config.ledger_table, &config.accounts_table),
        registers: aws.register_table(&config.registers_table),
        deliveries: aws.delivery_table(&config.deliveries_table),
        endpoints: aws.endpoint_table(&config.endpoints_table),
        meters: aws.meter_table(&config.meters_table),
        queues: Queues {
            ingest: aws.queue(&config.ingest_queue_url),
            ltx: aws.queue(&config.ltx_queue_url),
            render: aws.queue(&config.render_queue_url),
            deliver: aws.queue(&config.deliver_queue_url),
        },
        rules: config.rules.clone(),
    }
}

/// Everything that the calls cannot do without.
pub(crate) fn dependencies(
    api: &Api<OnAws>,
    tokens: Option<&TokenConfig>,
) -> Result<Vec<Dependency>, reqwest::Error> {
    let queue = |name, queue: &aws::SqsQueue| {
        Dependency::of(name, queue.clone(), |it| async move { it.reach().await })
    };
    let keys_url = tokens.and_then(|tokens| tokens.keys_url.clone());
    Ok(vec![
        Dependency::of("media bucket", api.store.clone(), |it| async move { it.reach().await }),
        Dependency::of(
            "table jobs",
            api.chronicle.jobs.clone(),
            |it| async move { it.reach().await },
        ),
        Dependency::of("table ledger", api.ledger.clone(), |it| async move { it.reach().await }),
        Dependency::of(
            "table registers",
            api.registers.clone(),
            |it| async move { it.reach().await },
        ),
        Dependency::of(
            "table deliveries",
            api.deliveries.clone(),
            |it| async move { it.reach().await },
        ),
        Dependency::of(
            "table endpoints",
            api.endpoints.clone(),
            |it| async move { it.reach().await },
        ),
        Dependency::of("table meters", api.meters.clone(), |it| async move { it.reach().await }),
        queue("queue ingest", &api.queues.ingest),
        queue("queue ltx", &api.queues.ltx),
        queue("queue render", &api.queues.render),
        queue("queue deliver", &api.queues.deliver),
        Dependency::of(
            "event bus",
            api.chronicle.bus.clone(),
            |it| async move { it.reach().await },
        ),
        HttpKeys::dependency(keys_url)?,
        temporary_disk(std::env::temp_dir()),
    ])
}
