//! Which job the work at hand is about, in whatever is logged of it.

use domain::{JobId, ObjectKey, TraceId};
use tracing::Span;

use crate::{ObjectStore, StoreError};

/// Notes in the span of the record that is being handled which job it is about, so that every line
/// that is logged from here on has its `job.id` and `trace.id`.
pub fn about(job: JobId) {
    let span = Span::current();
    span.record("job.id", tracing::field::display(job));
    span.record("trace.id", TraceId::of_job(job).as_str());
}

/// Stores the object at `from`, with what went with it, at `to` too: for the job of `trace`, whichever
/// job it was stored for at first.
///
/// # Errors
/// [`StoreError::NotFound`] if there is nothing at `from`.
pub async fn copy_traced(
    store: &impl ObjectStore,
    from: &ObjectKey,
    to: &ObjectKey,
    trace: &TraceId,
) -> Result<(), StoreError> {
    let head = store.head(from).await?;
    let head = head.ok_or_else(|| StoreError::NotFound { key: from.clone() })?;
    store.copy(from, to, Some(&head.meta.traced(trace))).await
}
