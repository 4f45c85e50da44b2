//! `ingest` on AWS Lambda: read the settings, build the adapters, run the handler.

#![recursion_limit = "256"]

use aws::{Aws, s3_event, sqs};
use aws_lambda_events::event::sqs::SqsEvent;
use film::PhotoLimits;
use ingest::{Config, Ingest};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use ports::{Chronicle, SystemClock};

#[tokio::main]
async fn main() -> Result<(), Error> {
    aws::telemetry::start("ingest");
    let config = Config::from_env()?;
    let aws = Aws::from_env().await;
    let (jobs, bus) = (aws.job_table(config.jobs_table), aws.event_bus(config.event_bus));

    let inbound = &sqs::Inbound {
        queue: &aws.queue(config.ingest_queue_url),
        dead_letters: &aws.queue(config.dead_letter_queue_url),
        policy: &sqs::RetryPolicy::up_to(config.max_receive_count),
    };
    let ingest = &Ingest {
        store: aws.bucket(config.media_bucket),
        chronicle: Chronicle { jobs, bus, clock: SystemClock },
        ltx_queue: aws.queue(config.ltx_queue_url),
        limits: PhotoLimits { max_bytes: config.max_photo_bytes, ..PhotoLimits::default() },
    };

    lambda_runtime::run(service_fn(|batch: LambdaEvent<SqsEvent>| async move {
        let parse = s3_event::objects_created;
        Ok::<_, Error>(sqs::each_record(batch.payload, ingest, parse, inbound).await)
    }))
    .await
}
