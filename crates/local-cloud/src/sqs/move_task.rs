//! Moving dead letters back, or to another queue.

use rusqlite::{Row, Transaction, params};
use uuid::Uuid;

use super::engine::Engine;

/// A finished move. Moves happen at once here, whatever rate was asked for.
#[derive(Clone, Debug)]
pub(crate) struct MoveTask {
    pub(crate) handle: String,
    pub(crate) source_arn: String,
    pub(crate) destination_arn: Option<String>,
    pub(crate) status: String,
    pub(crate) failure: Option<String>,
    pub(crate) to_move: u64,
    pub(crate) moved: u64,
    pub(crate) started_ms: i64,
}

/// What to move.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Move<'a> {
    pub(crate) source: i64,
    pub(crate) source_arn: &'a str,
    /// To each message's own source if none.
    pub(crate) destination: Option<(i64, &'a str)>,
}

impl Engine {
    /// Moves every visible message and writes down that it did; the messages count as new.
    pub(crate) fn move_messages(&self, what: Move<'_>, now_ms: i64) -> rusqlite::Result<MoveTask> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        let to_move = visible(&transaction, what.source, now_ms)?;
        let mut moved = 0;
        for (message, source) in &to_move {
            let destination = match what.destination {
                Some((queue, _)) => Some(queue),
                None => queue_id(&transaction, source.as_deref())?,
            };
            if let Some(queue) = destination {
                renew(&transaction, *message, queue, now_ms)?;
                moved += 1;
            }
        }
        let task = task(what, to_move.len() as u64, moved, now_ms);
        record(&transaction, &task)?;
        transaction.commit()?;
        Ok(task)
    }

    /// The moves out of the queue `source_arn`, the newest first.
    pub(crate) fn move_tasks(
        &self,
        source_arn: &str,
        limit: u32,
    ) -> rusqlite::Result<Vec<MoveTask>> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(
            "SELECT handle, source_arn, destination_arn, status, failure, to_move, moved, started_ms
             FROM move_task WHERE source_arn = ?1 ORDER BY started_ms DESC, rowid DESC LIMIT ?2",
        )?;
        statement.query_map(params![source_arn, limit], stored)?.collect()
    }
}

fn visible(
    transaction: &Transaction<'_>,
    queue: i64,
    now_ms: i64,
) -> rusqlite::Result<Vec<(i64, Option<String>)>> {
    let mut statement = transaction.prepare_cached(
        "SELECT id, source FROM message WHERE queue = ?1 AND visible_ms <= ?2 ORDER BY id",
    )?;
    statement.query_map([queue, now_ms], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

fn queue_id(transaction: &Transaction<'_>, name: Option<&str>) -> rusqlite::Result<Option<i64>> {
    use rusqlite::OptionalExtension as _;
    transaction
        .prepare_cached("SELECT id FROM queue WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()
}

fn renew(
    transaction: &Transaction<'_>,
    message: i64,
    queue: i64,
    now_ms: i64,
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "UPDATE message SET queue = ?2, message_id = ?3, sent_ms = ?4, visible_ms = ?4,
                    receives = 0, receives_here = 0, receipt = NULL, first_receive_ms = NULL,
                    source = NULL WHERE id = ?1",
        )?
        .execute(params![message, queue, Uuid::new_v4().to_string(), now_ms])?;
    Ok(())
}

fn task(what: Move<'_>, to_move: u64, moved: u64, now_ms: i64) -> MoveTask {
    let complete = moved == to_move;
    MoveTask {
        handle: Uuid::new_v4().to_string(),
        source_arn: what.source_arn.to_owned(),
        destination_arn: what.destination.map(|(_, arn)| arn.to_owned()),
        status: if complete { "COMPLETED" } else { "FAILED" }.to_owned(),
        failure: (!complete).then(|| "CouldNotDetermineMessageSource".to_owned()),
        to_move,
        moved,
        started_ms: now_ms,
    }
}

fn record(transaction: &Transaction<'_>, task: &MoveTask) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("INSERT INTO move_task VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?
        .execute(params![
            task.handle,
            task.source_arn,
            task.destination_arn,
            task.status,
            task.failure,
            task.to_move,
            task.moved,
            task.started_ms,
        ])?;
    Ok(())
}

fn stored(row: &Row<'_>) -> rusqlite::Result<MoveTask> {
    Ok(MoveTask {
        handle: row.get(0)?,
        source_arn: row.get(1)?,
        destination_arn: row.get(2)?,
        status: row.get(3)?,
        failure: row.get(4)?,
        to_move: row.get(5)?,
        moved: row.get(6)?,
        started_ms: row.get(7)?,
    })
}
