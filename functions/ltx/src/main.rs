//! `ltx` on AWS Lambda: read the settings, build the adapters, run the handler.

#![recursion_limit = "256"]

use aws::{Aws, S3, ltx_request, sqs};
use aws_lambda_events::event::sqs::SqsEvent;
use domain::ObjectKey;
use film::Ffmpeg;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use ltx::{Config, FilmRewrap, Ltx};
use ports::{Chronicle, ObjectStore, Refreshed, Secrets, SecretsConfig, SystemClock, environment};
use providers::{Registry, providers};

/// Largest registry that is read, in bytes.
const REGISTRY_LIMIT: u64 = 1 << 20;

#[tokio::main]
async fn main() -> Result<(), Error> {
    aws::telemetry::start("ltx");
    let (config, secrets) = (Config::from_env()?, SecretsConfig::from_env()?);
    let aws = Aws::from_env().await;
    let registry =
        registry(&aws.bucket(&config.media_bucket), config.registry_key.as_ref()).await?;
    let ffmpeg = Ffmpeg::find()?;

    let inbound = &sqs::Inbound {
        queue: &aws.queue(&config.ltx_queue_url),
        dead_letters: &aws.queue(&config.dead_letter_queue_url),
        policy: &sqs::RetryPolicy::up_to(config.max_receive_count),
    };
    let source = aws.secrets(secrets.ids);
    let make = move |secrets: &Secrets| {
        Ok(Ltx::<(_, _, _, _, _, _, _, _)> {
            store: aws.bucket(&config.media_bucket),
            chronicle: Chronicle {
                jobs: aws.job_table(&config.jobs_table),
                bus: aws.event_bus(&config.event_bus),
                clock: SystemClock,
            },
            ledger: aws.ledger_table(&config.ledger_table, &config.accounts_table),
            registers: aws.register_table(&config.registers_table),
            generators: providers(secrets.over(environment), &registry, ffmpeg.clone())?,
            rewrap: FilmRewrap::new(ffmpeg.clone()),
            policy: config.policy.clone(),
            work: std::env::temp_dir(),
        })
    };
    let ltx = &Refreshed::load(source, SystemClock, secrets.refresh_every, make).await?;

    lambda_runtime::run(service_fn(|batch: LambdaEvent<SqsEvent>| async move {
        let (ltx, parse) = (ltx.current().await, ltx_request::parse);
        Ok::<_, Error>(sqs::each_record(batch.payload, &*ltx, parse, inbound).await)
    }))
    .await
}

/// What providers can do and charge: as the operator says, else as it was when this was built.
async fn registry(store: &S3, key: Option<&ObjectKey>) -> Result<Registry, Error> {
    let Some(key) = key else { return Ok(Registry::built_in()) };
    let text = String::from_utf8(store.get(key, REGISTRY_LIMIT).await?)?;
    Ok(Registry::parse(&text)?)
}
