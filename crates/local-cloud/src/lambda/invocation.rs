//! Runs a function once, whatever it does.

use std::any::Any;
use std::error::Error;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt as _;
use serde_json::Value;

use super::Invoke;

/// An invocation gave no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum InvocationError {
    #[error("the function failed")]
    Failed(#[source] Box<dyn Error + Send + Sync>),
    #[error("the function panicked: {0}")]
    Panicked(String),
    #[error("the function timed out after {} ms", .0.as_millis())]
    TimedOut(Duration),
}

/// Runs the function with `event`; after `timeout` it is dropped.
pub(super) async fn run(
    invoke: &Invoke,
    event: Value,
    timeout: Duration,
) -> Result<Value, InvocationError> {
    // The call is inside, so that a panic before the first await is caught too.
    let invocation = AssertUnwindSafe(async { invoke(event).await }).catch_unwind();
    match tokio::time::timeout(timeout, invocation).await {
        Ok(Ok(Ok(answer))) => Ok(answer),
        Ok(Ok(Err(error))) => Err(InvocationError::Failed(error)),
        Ok(Err(panic)) => Err(InvocationError::Panicked(text(panic.as_ref()))),
        Err(_) => Err(InvocationError::TimedOut(timeout)),
    }
}

fn text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}
