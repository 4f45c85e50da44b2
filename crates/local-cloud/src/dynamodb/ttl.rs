//! Deletes items whose time has come.

use std::time::Duration;

use dynoxide::DynoxideError;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use super::DynamoDb;

/// How often expired items are looked for; AWS takes hours.
const SWEEP: Duration = Duration::from_mins(1);
/// Items that are looked at in one hold of the database.
const PAGE: u32 = 200;
/// What expired longer ago is left alone, as `DynamoDB` does.
const OLDEST_SECS: i64 = 5 * 365 * 24 * 60 * 60;

impl DynamoDb {
    /// Deletes expired items now and then, until the cloud stops.
    ///
    /// Not the sweep of `dynoxide`, which cannot be given our clock.
    pub(crate) async fn expire_items(self, stop: CancellationToken) {
        let pause_ms = i64::try_from(SWEEP.as_millis()).unwrap_or(i64::MAX);
        loop {
            let due_ms = self.clock.now_ms() + pause_ms;
            tokio::select! {
                () = self.clock.sleep_until(Some(due_ms)) => {}
                () = stop.cancelled() => return,
            }
            let tables = self.clone();
            let swept = tokio::task::spawn_blocking(move || tables.sweep()).await;
            if let Ok(Err(error)) = swept {
                tracing::error!(%error, "cannot delete expired items");
            }
        }
    }

    fn sweep(&self) -> Result<(), DynoxideError> {
        let tables = self.ask("ListTables", &json!({}))?;
        for table in tables["TableNames"].as_array().into_iter().flatten() {
            let ttl = self.ask("DescribeTimeToLive", &json!({ "TableName": table }))?;
            let ttl = &ttl["TimeToLiveDescription"];
            if ttl["TimeToLiveStatus"] == "ENABLED" {
                self.sweep_table(table, &ttl["AttributeName"])?;
            }
        }
        Ok(())
    }

    fn sweep_table(&self, table: &Value, attribute: &Value) -> Result<(), DynoxideError> {
        let key = self.key_attributes(table)?;
        let mut after = Value::Null;
        loop {
            let mut scan = json!({
                "TableName": table,
                "Limit": PAGE,
                "FilterExpression": "#ttl BETWEEN :oldest AND :now",
                "ExpressionAttributeNames": { "#ttl": attribute },
                "ExpressionAttributeValues": self.bounds(),
            });
            if !after.is_null() {
                scan["ExclusiveStartKey"] = after;
            }
            let mut page = self.ask("Scan", &scan)?;
            for item in page["Items"].as_array().into_iter().flatten() {
                self.delete_expired(table, attribute, &key, item)?;
            }
            after = page["LastEvaluatedKey"].take();
            if after.is_null() {
                return Ok(());
            }
        }
    }

    /// Deletes `item` unless its time was changed since it was read.
    fn delete_expired(
        &self,
        table: &Value,
        attribute: &Value,
        key: &[String],
        item: &Value,
    ) -> Result<(), DynoxideError> {
        let key: Map<_, _> = key.iter().map(|name| (name.clone(), item[name].clone())).collect();
        let deletion = json!({
            "TableName": table,
            "Key": key,
            "ConditionExpression": "#ttl BETWEEN :oldest AND :now",
            "ExpressionAttributeNames": { "#ttl": attribute },
            "ExpressionAttributeValues": self.bounds(),
        });
        match self.ask("DeleteItem", &deletion) {
            Ok(_) | Err(DynoxideError::ConditionalCheckFailedException(..)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn bounds(&self) -> Value {
        let now_secs = self.clock.now_ms() / 1000;
        let oldest_secs = now_secs - OLDEST_SECS;
        json!({ ":now": { "N": now_secs.to_string() }, ":oldest": { "N": oldest_secs.to_string() } })
    }

    fn key_attributes(&self, table: &Value) -> Result<Vec<String>, DynoxideError> {
        let described = self.ask("DescribeTable", &json!({ "TableName": table }))?;
        let schema = described["Table"]["KeySchema"].as_array().into_iter().flatten();
        let names = schema.filter_map(|part| part["AttributeName"].as_str());
        Ok(names.map(str::to_owned).collect())
    }
}
