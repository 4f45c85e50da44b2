//! `ltx` on AWS Lambda: read the settings, build the adapters, run the handler.

#![recursion_limit = "256"]

use aws::{Aws, ltx_request, sqs};
use aws_lambda_events::event::sqs::SqsEvent;
use film::Ffmpeg;
use lambda_runtime::{Error, LambdaEvent, service_fn, tracing};
use ltx::{Config, Ltx};
use ports::{Chronicle, SystemClock};
use providers::CameraMove;

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let config = Config::from_env()?;
    let aws = Aws::from_env().await;
    let limits = config.limits();
    let (jobs, bus) = (aws.job_table(config.jobs_table), aws.event_bus(config.event_bus));

    let inbound = &sqs::Inbound {
        queue: &aws.queue(config.ltx_queue_url),
        dead_letters: &aws.queue(config.dead_letter_queue_url),
        policy: &sqs::RetryPolicy::up_to(config.max_receive_count),
    };
    let ltx = &Ltx {
        store: aws.bucket(config.media_bucket),
        chronicle: Chronicle { jobs, bus, clock: SystemClock },
        ledger: aws.ledger_table(config.ledger_table),
        generators: vec![CameraMove::new(Ffmpeg::find()?)],
        limits,
        work: std::env::temp_dir(),
    };

    lambda_runtime::run(service_fn(|batch: LambdaEvent<SqsEvent>| async move {
        let parse = ltx_request::parse;
        Ok::<_, Error>(sqs::each_record(batch.payload, ltx, parse, inbound).await)
    }))
    .await
}
