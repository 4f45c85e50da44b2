//! The table in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use domain::JobId;
use serde::Serialize;
use serde_json::{Map, Value, json};
use testkit::Moment;

use crate::{Progress, Row, Rows, RowsError, Seen, Status, Urls};

#[derive(Debug, Default)]
struct Table {
    rows: BTreeMap<JobId, Map<String, Value>>,
    calls: Vec<&'static str>,
    break_at: Option<(usize, Moment)>,
    /// What somebody else writes right before the call of this number.
    meanwhile: Option<(usize, JobId, Value)>,
}

/// A table that keeps the promises of [`Rows`]. Clones are the same table.
#[derive(Clone, Debug, Default)]
pub(crate) struct InMemoryRows(Arc<Mutex<Table>>);

impl InMemoryRows {
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().expect("no call panics")
    }

    /// The row as JSON.
    pub(crate) fn row(&self, job: JobId) -> Option<Value> {
        self.lock().rows.get(&job).cloned().map(Value::Object)
    }

    /// Writes as somebody else does.
    pub(crate) fn edit(&self, job: JobId, columns: &Value) {
        merge(self.lock().rows.entry(job).or_default(), columns);
    }

    /// The calls that were made, in order.
    pub(crate) fn calls(&self) -> Vec<&'static str> {
        self.lock().calls.clone()
    }

    /// The `at`-th call from now fails, from 1.
    pub(crate) fn break_at(&self, at: usize, moment: Moment) {
        let mut table = self.lock();
        table.break_at = Some((table.calls.len() + at, moment));
    }

    /// Right before the `at`-th call from now, from 1, somebody else writes `columns`.
    pub(crate) fn meanwhile(&self, at: usize, job: JobId, columns: Value) {
        let mut table = self.lock();
        table.meanwhile = Some((table.calls.len() + at, job, columns));
    }

    fn call<R>(
        &self,
        name: &'static str,
        effect: impl FnOnce(&mut BTreeMap<JobId, Map<String, Value>>) -> R,
    ) -> Result<R, RowsError> {
        let mut table = self.lock();
        table.calls.push(name);
        let number = table.calls.len();
        if let Some((_, job, columns)) = table.meanwhile.take_if(|(at, ..)| *at == number) {
            merge(table.rows.entry(job).or_default(), &columns);
        }
        let breaks = table.break_at.take_if(|(at, _)| *at == number).map(|(_, moment)| moment);
        let broken = || RowsError::Unanswered("the line is cut".into());
        if breaks == Some(Moment::Before) {
            return Err(broken());
        }
        let answer = effect(&mut table.rows);
        if breaks == Some(Moment::After) { Err(broken()) } else { Ok(answer) }
    }
}

fn merge(row: &mut Map<String, Value>, columns: &(impl Serialize + ?Sized)) {
    let columns = serde_json::to_value(columns).expect("columns are JSON");
    row.extend(columns.as_object().expect("columns have names").clone());
}

fn is_at(row: &Map<String, Value>, from: &[Status]) -> bool {
    from.iter().any(|status| row.get("status") == Some(&json!(status)))
}

impl Rows for InMemoryRows {
    async fn insert(&self, row: &Row) -> Result<bool, RowsError> {
        self.call("insert", |rows| {
            let is_new = !rows.contains_key(&row.id);
            if is_new {
                merge(rows.entry(row.id).or_default(), row);
            }
            is_new
        })
    }

    async fn change(
        &self,
        job: JobId,
        from: &[Status],
        progress: &Progress,
    ) -> Result<bool, RowsError> {
        self.call("change", |rows| {
            let older = |row: &Map<String, Value>| {
                row.get("event_seq").and_then(Value::as_u64).is_none_or(|n| n < progress.event_seq)
            };
            let row = rows.get_mut(&job).filter(|row| is_at(row, from) && older(row));
            row.map(|row| merge(row, progress)).is_some()
        })
    }

    async fn add(&self, job: JobId, event_seq: u64, urls: &Urls) -> Result<bool, RowsError> {
        self.call("add", |rows| {
            let same = |row: &Map<String, Value>| row.get("event_seq") == Some(&json!(event_seq));
            let row = rows.get_mut(&job).filter(|row| same(row));
            row.map(|row| merge(row, urls)).is_some()
        })
    }

    async fn get(&self, job: JobId) -> Result<Option<Seen>, RowsError> {
        self.call("get", |rows| {
            let row = rows.get(&job).cloned().map(Value::Object);
            row.map(|row| serde_json::from_value(row).expect("a row"))
        })
    }

    async fn delete(&self, job: JobId) -> Result<(), RowsError> {
        self.call("delete", |rows| {
            rows.remove(&job);
        })
    }
}
