//! `supabase` on AWS Lambda: read the settings, build the adapters, run the handler.

#![recursion_limit = "256"]

use aws::{Aws, bus_event, sqs};
use aws_lambda_events::event::sqs::SqsEvent;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use ports::{Refreshed, Secrets, SecretsConfig, SystemClock, environment};
use supabase::{Config, PostgRest, Project, Supabase};

#[tokio::main]
async fn main() -> Result<(), Error> {
    aws::telemetry::start("supabase");
    let (config, secrets) = (Config::from_env()?, SecretsConfig::from_env()?);
    let aws = Aws::from_env().await;

    let inbound = &sqs::Inbound {
        queue: &aws.queue(config.supabase_queue_url),
        dead_letters: &aws.queue(config.dead_letter_queue_url),
        policy: &sqs::RetryPolicy::up_to(config.max_receive_count),
    };
    let source = aws.secrets(secrets.ids);
    let jobs = aws.job_table(config.jobs_table);
    let make = move |secrets: &Secrets| {
        let project = Project::required_from_vars(secrets.over(environment))?;
        Ok(Supabase { rows: PostgRest::new(&project)?, jobs: jobs.clone() })
    };
    let supabase = &Refreshed::load(source, SystemClock, secrets.refresh_every, make).await?;

    lambda_runtime::run(service_fn(|batch: LambdaEvent<SqsEvent>| async move {
        let (supabase, parse) = (supabase.current().await, bus_event::parse);
        Ok::<_, Error>(sqs::each_record(batch.payload, &*supabase, parse, inbound).await)
    }))
    .await
}
