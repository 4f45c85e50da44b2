//! From a timer to a function.

use std::time::Duration;

use chrono::{SecondsFormat, Utc};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Invoke;
use super::invocation::run;
use crate::wire::Chain;

/// Invokes the function every `rate` until `stop`, the first time after one `rate`.
///
/// An invocation that takes longer than `function_timeout` has failed. One at a time; ticks that pass meanwhile are skipped. A failed invocation is logged
/// and not repeated: the next tick comes.
pub fn schedule(
    rate: Duration,
    function_timeout: Duration,
    invoke: Invoke,
    stop: CancellationToken,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        tokio::select! {
            () = tick(rate, function_timeout, &invoke) => {}
            () = stop.cancelled() => {}
        }
    })
}

async fn tick(rate: Duration, function_timeout: Duration, invoke: &Invoke) {
    let mut ticks = tokio::time::interval_at(Instant::now() + rate, rate);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        if let Err(error) = run(invoke, event(), function_timeout).await {
            tracing::warn!(error = %Chain(&error), "a scheduled invocation failed");
        }
    }
}

fn event() -> Value {
    json!({
        "version": "0",
        "id": Uuid::new_v4().to_string(),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "000000000000",
        "time": Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true),
        "region": "us-east-1",
        "resources": ["arn:aws:events:us-east-1:000000000000:rule/local-schedule"],
        "detail": {},
    })
}
