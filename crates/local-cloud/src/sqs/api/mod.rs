//! The operations of SQS, JSON protocol 1.0.

mod batches;
mod messages;
mod move_tasks;
mod queues;
mod receive;

use bytes::Bytes;

use super::{Sqs, errors};
use crate::wire::{Answer, ApiError};

impl Sqs {
    /// Does `operation` as `body` asks.
    pub(crate) async fn call(&self, operation: &str, body: Bytes) -> Answer {
        if operation == "ReceiveMessage" {
            return self.receive_message(&body).await;
        }
        let (queues, operation) = (self.clone(), operation.to_owned());
        tokio::task::spawn_blocking(move || queues.call_blocking(&operation, &body))
            .await
            .unwrap_or_else(|error| Err(ApiError::internal(&error)))
    }

    fn call_blocking(&self, operation: &str, body: &[u8]) -> Answer {
        match operation {
            "CreateQueue" => self.create_queue(body),
            "DeleteQueue" => self.delete_queue(body),
            "GetQueueAttributes" => self.get_queue_attributes(body),
            "GetQueueUrl" => self.get_queue_url(body),
            "ListDeadLetterSourceQueues" => self.list_dead_letter_source_queues(body),
            "ListQueues" => self.list_queues(body),
            "PurgeQueue" => self.purge_queue(body),
            "SetQueueAttributes" => self.set_queue_attributes(body),
            "SendMessage" => self.send_message(body),
            "SendMessageBatch" => self.send_message_batch(body),
            "DeleteMessage" => self.delete_message(body),
            "DeleteMessageBatch" => self.delete_message_batch(body),
            "ChangeMessageVisibility" => self.change_message_visibility(body),
            "ChangeMessageVisibilityBatch" => self.change_message_visibility_batch(body),
            "StartMessageMoveTask" => self.start_message_move_task(body),
            "ListMessageMoveTasks" => self.list_message_move_tasks(body),
            other => {
                Err(errors::unsupported(format!("{other} is not served by the embedded cloud.")))
            }
        }
    }
}

impl From<rusqlite::Error> for ApiError {
    fn from(error: rusqlite::Error) -> Self {
        Self::internal(&error)
    }
}
