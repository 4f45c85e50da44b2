//! Operations that move dead letters.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::move_task::{Move, MoveTask};
use super::super::{Sqs, errors, names};
use crate::wire::{Answer, ApiError, parse, reply};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StartMessageMoveTask {
    source_arn: String,
    destination_arn: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListMessageMoveTasks {
    source_arn: String,
    max_results: Option<u32>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Told {
    task_handle: String,
    status: String,
    source_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_arn: Option<String>,
    approximate_number_of_messages_moved: u64,
    approximate_number_of_messages_to_move: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_reason: Option<String>,
    started_timestamp: i64,
}

impl From<MoveTask> for Told {
    fn from(task: MoveTask) -> Self {
        Self {
            task_handle: task.handle,
            status: task.status,
            source_arn: task.source_arn,
            destination_arn: task.destination_arn,
            approximate_number_of_messages_moved: task.moved,
            approximate_number_of_messages_to_move: task.to_move,
            failure_reason: task.failure,
            started_timestamp: task.started_ms,
        }
    }
}

impl Sqs {
    pub(super) fn start_message_move_task(&self, body: &[u8]) -> Answer {
        let request: StartMessageMoveTask = parse(body)?;
        let source = self.find_arn(&request.source_arn)?;
        if self.sources_of(&source.name).is_empty() {
            return Err(errors::unsupported(
                "Source queue must be configured as a dead-letter queue.",
            ));
        }
        let destination_arn = request.destination_arn.as_deref();
        let destination = destination_arn
            .map(|arn| self.find_arn(arn).map(|queue| (queue.id, arn)))
            .transpose()?;

        let source_arn = request.source_arn.as_str();
        let what = Move { source: source.id, source_arn, destination };
        let task = self.inner.engine.move_messages(what, self.inner.clock.now_ms())?;
        for queue in self.queues().values() {
            queue.changed.notify_waiters();
        }
        reply(&json!({ "TaskHandle": task.handle }))
    }

    pub(super) fn list_message_move_tasks(&self, body: &[u8]) -> Answer {
        let request: ListMessageMoveTasks = parse(body)?;
        self.find_arn(&request.source_arn)?;
        let limit = request.max_results.unwrap_or(1).clamp(1, 10);
        let tasks = self.inner.engine.move_tasks(&request.source_arn, limit)?;
        let told: Vec<_> = tasks.into_iter().map(Told::from).collect();
        reply(&json!({ "Results": told }))
    }

    fn find_arn(&self, arn: &str) -> Result<std::sync::Arc<super::super::Queue>, ApiError> {
        let queue = names::name_in_arn(arn).and_then(|name| self.find(name));
        queue.ok_or_else(|| errors::no_such_resource(arn))
    }
}
