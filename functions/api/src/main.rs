//! `api` on AWS Lambda: read the settings, build the adapters, answer.

#![recursion_limit = "256"]

mod adapters;
mod front;

use std::sync::Arc;

use adapters::api;
use api::{Config, Peer, any_service_key};
use aws::Aws;
use front::Front;
use lambda_http::request::RequestContext;
use lambda_http::tower::ServiceExt;
use lambda_http::{Error, Request, RequestExt, run, service_fn};
use ports::{Clock, Refreshed, Secrets, SecretsConfig, SystemClock, environment};

#[tokio::main]
async fn main() -> Result<(), Error> {
    aws::telemetry::start("api");
    let (config, secrets) = (Config::from_env()?, SecretsConfig::from_env()?);
    let aws = Aws::from_env().await;
    let api = Arc::new(api(&aws, &config));
    let (source, calls) = (aws.secrets(secrets.ids), api.clone());
    let make = move |secrets: &Secrets| Front::new(&calls, &config, secrets.over(environment));
    let front = &Refreshed::load(source, SystemClock, secrets.refresh_every, make).await?;
    let believes_tokens = front.current().await.believes_tokens;
    if !believes_tokens && !any_service_key(&api.registers, SystemClock.now()).await? {
        let missing = "nobody could call: set SUPABASE_URL or SUPABASE_JWT_SECRET";
        return Err(missing.into());
    }

    run(service_fn(|request: Request| async move {
        let router = front.current().await.router.clone();
        router.oneshot(with_peer(request)).await
    }))
    .await
}

/// Who the gateway says is at the other end. What headers say of it anybody can have written.
fn with_peer(mut request: Request) -> Request {
    let address = match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => context.http.source_ip.as_deref(),
        _ => None,
    };
    if let Some(address) = address.and_then(|address| address.parse().ok()) {
        request.extensions_mut().insert(Peer(address));
    }
    request
}
