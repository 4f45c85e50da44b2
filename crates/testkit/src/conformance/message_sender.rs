use std::future::Future;

use ports::MessageSender;

use super::{eventually, unique};

/// Asserts the promises of [`MessageSender`]; `received` tells every body that has arrived so far.
///
/// # Panics
/// On the first broken promise.
pub async fn message_sender<F>(queue: &impl MessageSender, received: impl Fn() -> F)
where
    F: Future<Output = Vec<String>>,
{
    let run = unique();
    let odd =
        format!(r#"{{"run":"{run}","title":"São 🏝 <&> \" \\ ","long":"{}"}}"#, "x".repeat(100_000));
    let bodies = [format!("1 {run}"), format!("2 {run}"), odd];
    for body in &bodies {
        queue.send(body).await.expect("send");
    }

    let all = |seen: &Vec<String>| bodies.iter().all(|body| seen.contains(body));
    eventually("messages", received, all).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RecordingQueue;

    #[tokio::test]
    async fn a_queue_in_memory() {
        let queue = RecordingQueue::default();

        message_sender(&queue, async || queue.sent()).await;
    }
}
