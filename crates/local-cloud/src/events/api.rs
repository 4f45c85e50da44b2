//! The operations of `EventBridge`, JSON protocol 1.1.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Entry, Events, Refusal, Routed, Rule};
use crate::wire::{Answer, ApiError, parse, reply};

/// Most entries of a request.
const MAX_ENTRIES: usize = 10;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutEvents {
    #[serde(default)]
    entries: Vec<Entry>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PutEventsResult {
    failed_entry_count: usize,
    entries: Vec<EntryResult>,
}

#[derive(Serialize)]
#[serde(untagged, rename_all_fields = "PascalCase")]
enum EntryResult {
    Accepted { event_id: String },
    Refused { error_code: &'static str, error_message: String },
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct BusQuery {
    name: Option<String>,
    event_bus_name: Option<String>,
    name_prefix: String,
    rule: String,
}

impl BusQuery {
    fn bus(&self) -> &str {
        let name = self.name.as_deref().or(self.event_bus_name.as_deref()).unwrap_or("default");
        name.rsplit('/').next().unwrap_or(name)
    }
}

impl Events {
    /// Does `operation` as `body` asks.
    pub(crate) async fn call(&self, operation: &str, body: Bytes) -> Answer {
        let (events, operation) = (self.clone(), operation.to_owned());
        tokio::task::spawn_blocking(move || events.call_blocking(&operation, &body))
            .await
            .unwrap_or_else(|error| Err(ApiError::internal(&error)))
    }

    fn call_blocking(&self, operation: &str, body: &[u8]) -> Answer {
        match operation {
            "PutEvents" => self.put_events(body),
            "DescribeEventBus" => self.describe_event_bus(body),
            "ListRules" => self.list_rules(body),
            "ListTargetsByRule" => self.list_targets_by_rule(body),
            other => {
                let message = format!("{other} is not served by the embedded cloud.");
                Err(ApiError::sender("UnknownOperationException", message))
            }
        }
    }

    fn put_events(&self, body: &[u8]) -> Answer {
        let request: PutEvents = parse(body)?;
        if !(1..=MAX_ENTRIES).contains(&request.entries.len()) {
            let message = "1 validation error detected: Value at 'entries' failed to satisfy \
                           constraint: Member must have length between 1 and 10";
            return Err(ApiError::sender("ValidationException", message));
        }
        let mut routed = Routed::default();
        let entries: Vec<_> = request
            .entries
            .into_iter()
            .map(|entry| EntryResult::from(self.route(entry, &mut routed)))
            .collect();

        self.inner.store.accept(&routed.deliveries, self.inner.clock.now_ms())?;
        for target in routed.wake {
            target.notify_one();
        }
        let failed_entry_count = entries.iter().filter(|entry| entry.is_refused()).count();
        reply(&PutEventsResult { failed_entry_count, entries })
    }

    fn describe_event_bus(&self, body: &[u8]) -> Answer {
        let request: BusQuery = parse(body)?;
        self.rules_of(&request)?;
        reply(&json!({ "Name": request.bus(), "Arn": self.bus_arn(request.bus()) }))
    }

    fn list_rules(&self, body: &[u8]) -> Answer {
        let request: BusQuery = parse(body)?;
        let bus = request.bus();
        let rules: Vec<_> = self
            .rules_of(&request)?
            .iter()
            .filter(|rule| rule.name.starts_with(&request.name_prefix))
            .map(|rule| {
                json!({
                    "Name": rule.name,
                    "Arn": self.bus_arn(bus).replace("event-bus", "rule") + "/" + &rule.name,
                    "EventPattern": rule.pattern_json,
                    "State": "ENABLED",
                    "EventBusName": bus,
                })
            })
            .collect();
        reply(&json!({ "Rules": rules }))
    }

    fn list_targets_by_rule(&self, body: &[u8]) -> Answer {
        let request: BusQuery = parse(body)?;
        let rule = self.rules_of(&request)?.iter().find(|rule| rule.name == request.rule);
        let rule = rule.ok_or_else(|| not_found(&format!("Rule {}", request.rule)))?;
        let targets: Vec<_> = rule
            .targets
            .iter()
            .enumerate()
            .map(|(index, target)| json!({ "Id": index.to_string(), "Arn": target.arn }))
            .collect();
        reply(&json!({ "Targets": targets }))
    }

    fn rules_of(&self, query: &BusQuery) -> Result<&[Rule], ApiError> {
        let rules = self.inner.buses.get(query.bus()).map(Vec::as_slice);
        rules.ok_or_else(|| not_found(&format!("Event bus {}", query.bus())))
    }
}

impl EntryResult {
    fn is_refused(&self) -> bool {
        matches!(self, Self::Refused { .. })
    }
}

impl From<Result<String, Refusal>> for EntryResult {
    fn from(result: Result<String, Refusal>) -> Self {
        match result {
            Ok(event_id) => Self::Accepted { event_id },
            Err(refusal) => {
                Self::Refused { error_code: refusal.code, error_message: refusal.message }
            }
        }
    }
}

fn not_found(what: &str) -> ApiError {
    ApiError::sender("ResourceNotFoundException", format!("{what} does not exist."))
}
