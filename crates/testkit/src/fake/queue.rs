use std::time::Duration;

use domain::TraceId;
use ports::{MessageSender, QueueError, Visibility};

use super::Shared;

#[derive(Debug, Default)]
struct Calls {
    sent: Vec<(String, Option<TraceId>)>,
    hidden: Vec<(String, Duration)>,
}

/// A queue that keeps what is asked of it.
#[derive(Clone, Debug, Default)]
pub struct RecordingQueue(Shared<Calls>);

impl RecordingQueue {
    /// Every body, in the order of sending.
    pub fn sent(&self) -> Vec<String> {
        self.0.lock().sent.iter().map(|(body, _)| body.clone()).collect()
    }

    /// Every body with its trace, in the order of sending.
    pub fn messages(&self) -> Vec<(String, Option<TraceId>)> {
        self.0.lock().sent.clone()
    }

    /// Every receipt handle that was hidden, and for how long, in order.
    pub fn hidden(&self) -> Vec<(String, Duration)> {
        self.0.lock().hidden.clone()
    }
}

impl MessageSender for RecordingQueue {
    async fn send(&self, body: &str, trace: Option<&TraceId>) -> Result<(), QueueError> {
        self.0.lock().sent.push((body.to_owned(), trace.cloned()));
        Ok(())
    }
}

impl Visibility for RecordingQueue {
    async fn hide(&self, receipt_handle: &str, after: Duration) -> Result<(), QueueError> {
        self.0.lock().hidden.push((receipt_handle.to_owned(), after));
        Ok(())
    }
}
