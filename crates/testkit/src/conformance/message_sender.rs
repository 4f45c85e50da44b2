use std::future::Future;

use domain::TraceId;
use ports::MessageSender;

use super::{eventually, unique, unique_job};

/// Asserts the promises of [`MessageSender`]; `received` tells every body that has arrived so far,
/// and the trace that came with it.
///
/// # Panics
/// On the first broken promise.
pub async fn message_sender<F>(queue: &impl MessageSender, received: impl Fn() -> F)
where
    F: Future<Output = Vec<(String, Option<TraceId>)>>,
{
    let run = unique();
    let odd =
        format!(r#"{{"run":"{run}","title":"São 🏝 <&> \" \\ ","long":"{}"}}"#, "x".repeat(100_000));
    let trace = TraceId::of_job(unique_job().id);
    let messages = [(format!("1 {run}"), None), (format!("2 {run}"), Some(trace)), (odd, None)];
    for (body, trace) in &messages {
        queue.send(body, trace.as_ref()).await.expect("send");
    }

    let all = |seen: &Vec<_>| messages.iter().all(|message| seen.contains(message));
    eventually("messages", received, all).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RecordingQueue;

    #[tokio::test]
    async fn a_queue_in_memory() {
        let queue = RecordingQueue::default();

        message_sender(&queue, async || queue.messages()).await;
    }
}
