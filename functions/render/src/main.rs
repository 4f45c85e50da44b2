//! `render` on AWS Lambda: read the settings, build the adapters, run the handler.

#![recursion_limit = "256"]

use aws::{Aws, s3_event, sqs};
use aws_lambda_events::event::sqs::SqsEvent;
use film::Ffmpeg;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use ports::{Chronicle, SystemClock};
use render::{Config, FilmRenderer, Render};

#[tokio::main]
async fn main() -> Result<(), Error> {
    aws::telemetry::start("render");
    let config = Config::from_env()?;
    let aws = Aws::from_env().await;
    let (jobs, bus) = (aws.job_table(config.jobs_table), aws.event_bus(config.event_bus));

    let inbound = &sqs::Inbound {
        queue: &aws.queue(config.render_queue_url),
        dead_letters: &aws.queue(config.dead_letter_queue_url),
        policy: &sqs::RetryPolicy::up_to(config.max_receive_count),
    };
    let render = &Render {
        store: aws.bucket(config.media_bucket),
        chronicle: Chronicle { jobs, bus, clock: SystemClock },
        renderer: FilmRenderer::new(Ffmpeg::find()?).with_fonts(config.fonts_folder),
        work: std::env::temp_dir(),
    };

    lambda_runtime::run(service_fn(|batch: LambdaEvent<SqsEvent>| async move {
        let parse = s3_event::objects_created;
        Ok::<_, Error>(sqs::each_record(batch.payload, render, parse, inbound).await)
    }))
    .await
}
