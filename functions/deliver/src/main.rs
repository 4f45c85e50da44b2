//! `deliver` on AWS Lambda: read the settings, build the adapters, run the handler.

#![recursion_limit = "256"]

use aws::{Aws, delivery_request, sqs};
use aws_lambda_events::event::sqs::SqsEvent;
use deliver::{Config, Deliver, HttpSender};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use ports::SystemClock;

#[tokio::main]
async fn main() -> Result<(), Error> {
    aws::telemetry::start("deliver");
    let config = Config::from_env()?;
    let aws = Aws::from_env().await;

    let inbound = &sqs::Inbound {
        queue: &aws.queue(config.deliver_queue_url),
        dead_letters: &aws.queue(config.dead_letter_queue_url),
        policy: &sqs::RetryPolicy::up_to(config.max_receive_count),
    };
    let deliver = &Deliver {
        log: aws.delivery_table(config.deliveries_table),
        endpoints: aws.endpoint_table(config.endpoints_table),
        registers: aws.register_table(config.registers_table),
        sender: HttpSender::new(config.guard)?,
        bus: aws.event_bus(config.event_bus),
        clock: SystemClock,
        schedule: config.schedule,
    };

    lambda_runtime::run(service_fn(|batch: LambdaEvent<SqsEvent>| async move {
        let parse = delivery_request::parse;
        Ok::<_, Error>(sqs::each_record(batch.payload, deliver, parse, inbound).await)
    }))
    .await
}
