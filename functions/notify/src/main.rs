//! `notify` on AWS Lambda: read the settings, build the adapters, run the handler.

#![recursion_limit = "256"]

use aws::{Aws, bus_event, sqs};
use aws_lambda_events::event::sqs::SqsEvent;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use notify::{Config, Notify};
use ports::SystemClock;

#[tokio::main]
async fn main() -> Result<(), Error> {
    aws::telemetry::start("notify");
    let config = Config::from_env()?;
    let aws = Aws::from_env().await;

    let inbound = &sqs::Inbound {
        queue: &aws.queue(config.notify_queue_url),
        dead_letters: &aws.queue(config.dead_letter_queue_url),
        policy: &sqs::RetryPolicy::up_to(config.max_receive_count),
    };
    let notify = &Notify {
        log: aws.delivery_table(config.deliveries_table),
        endpoints: aws.endpoint_table(config.endpoints_table),
        queue: aws.queue(config.deliver_queue_url),
        clock: SystemClock,
    };

    lambda_runtime::run(service_fn(|batch: LambdaEvent<SqsEvent>| async move {
        let parse = bus_event::parse;
        Ok::<_, Error>(sqs::each_record(batch.payload, notify, parse, inbound).await)
    }))
    .await
}
