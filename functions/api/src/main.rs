//! `api` on AWS Lambda: read the settings, build the adapters, answer.

#![recursion_limit = "256"]

mod adapters;

use std::sync::Arc;
use std::time::Duration;

use adapters::{api, dependencies};
use api::{Config, Door, Peer, ServiceKeys, TokenConfig, any_service_key, router};
use aws::Aws;
use lambda_http::request::RequestContext;
use lambda_http::tower::ServiceExt;
use lambda_http::{Error, Request, RequestExt, run};
use ports::{Clock, SystemClock};

/// How long a call may take to begin its answer: less than the gateway waits.
const TIME_LIMIT: Duration = Duration::from_secs(27);

#[tokio::main]
async fn main() -> Result<(), Error> {
    aws::telemetry::start("api");
    let config = Config::from_env()?;
    let api = api(&Aws::from_env().await, &config);
    if config.tokens.is_none() && !any_service_key(&api.registers, SystemClock.now()).await? {
        let missing = "nobody could call: set SUPABASE_URL or SUPABASE_JWT_SECRET";
        return Err(missing.into());
    }
    let door = Door {
        tokens: config.tokens.as_ref().map(TokenConfig::verifier).transpose()?,
        service_keys: ServiceKeys::default(),
        development: None,
        cors_origins: config.cors_origins.clone(),
        is_behind_tls: config.is_behind_tls,
        limits: config.limits.limits(),
        dependencies: dependencies(&api, &config)?,
        time_limit: TIME_LIMIT,
    };

    run(router(Arc::new(api), door).map_request(with_peer)).await
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
