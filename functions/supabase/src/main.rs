//! `supabase` on AWS Lambda: read the settings, build the adapters, run the handler.

#![recursion_limit = "256"]

use aws::{Aws, bus_event, sqs};
use aws_lambda_events::event::sqs::SqsEvent;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use supabase::{Config, PostgRest, Supabase};

#[tokio::main]
async fn main() -> Result<(), Error> {
    aws::telemetry::start("supabase");
    let config = Config::from_env()?;
    let aws = Aws::from_env().await;

    let inbound = &sqs::Inbound {
        queue: &aws.queue(config.supabase_queue_url),
        dead_letters: &aws.queue(config.dead_letter_queue_url),
        policy: &sqs::RetryPolicy::up_to(config.max_receive_count),
    };
    let supabase = &Supabase {
        rows: PostgRest::new(&config.project)?,
        jobs: aws.job_table(config.jobs_table),
    };

    lambda_runtime::run(service_fn(|batch: LambdaEvent<SqsEvent>| async move {
        let parse = bus_event::parse;
        Ok::<_, Error>(sqs::each_record(batch.payload, supabase, parse, inbound).await)
    }))
    .await
}
