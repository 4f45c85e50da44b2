//! `provider-webhook` on AWS Lambda: read the settings, build the adapters, run the handler.

#![recursion_limit = "256"]

use aws::Aws;
use lambda_http::{Body, Error, Request, Response, run, service_fn};
use ports::{ProviderPost, Refreshed, Secrets, SecretsConfig, SystemClock, environment};
use provider_webhook::{Config, MAX_BODY_BYTES, ProviderWebhook};
use providers::verifiers;

#[tokio::main]
async fn main() -> Result<(), Error> {
    aws::telemetry::start("provider-webhook");
    let (config, secrets) = (Config::from_env()?, SecretsConfig::from_env()?);
    let aws = Aws::from_env().await;
    let source = aws.secrets(secrets.ids);
    let make = move |secrets: &Secrets| {
        Ok(ProviderWebhook {
            jobs: aws.job_table(&config.jobs_table),
            ledger: aws.ledger_table(&config.ledger_table, &config.accounts_table),
            registers: aws.register_table(&config.registers_table),
            ltx_queue: aws.queue(&config.ltx_queue_url),
            clock: SystemClock,
            verifiers: verifiers(secrets.over(environment))?,
        })
    };
    let webhook = &Refreshed::load(source, SystemClock, secrets.refresh_every, make).await?;

    run(service_fn(|request: Request| async move {
        let webhook = webhook.current().await;
        let status = match post(&request) {
            Some(post) => webhook.hear(request.uri().path(), &post).await.status(),
            None => 413,
        };
        Ok::<_, Error>(Response::builder().status(status).body(Body::Empty)?)
    }))
    .await
}

/// The request as the handler takes it; none if its body is too large.
fn post(request: &Request) -> Option<ProviderPost> {
    let body = request.body().to_vec();
    let text =
        |(name, value): (&lambda_http::http::HeaderName, &lambda_http::http::HeaderValue)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        };
    let headers = request.headers().iter().filter_map(text).collect();
    (body.len() <= MAX_BODY_BYTES).then_some(ProviderPost { headers, body })
}
