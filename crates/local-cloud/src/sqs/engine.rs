//! The messages of all queues, in one database.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use uuid::Uuid;

use super::message::{NewMessage, Received};
use super::receipt::Receipt;
use super::schema;

/// The messages of all queues. Every method is one transaction.
#[derive(Debug)]
pub(crate) struct Engine {
    connection: Mutex<Connection>,
}

/// What a receive asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) queue: i64,
    pub(crate) queue_name: &'a str,
    pub(crate) limit: u32,
    pub(crate) visibility_ms: i64,
    pub(crate) retention_ms: i64,
    pub(crate) dead_letters: Option<DeadLetters>,
}

/// Where a message goes that was received too often.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeadLetters {
    pub(crate) queue: i64,
    pub(crate) max_receive_count: u32,
}

/// What a receive got.
#[derive(Debug, Default)]
pub(crate) struct Got {
    pub(crate) messages: Vec<Received>,
    /// How many messages went to the dead-letter queue instead.
    pub(crate) given_up: usize,
}

/// How many messages a queue holds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) visible: u64,
    pub(crate) in_flight: u64,
    pub(crate) delayed: u64,
}

/// What became of a change of visibility.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// The message is visible at the new time.
    Done,
    /// The message is visible already.
    NotInFlight,
    /// There is no such message, or it was received again since.
    NotAvailable,
}

impl Engine {
    /// Opens the database at `path`.
    pub(crate) fn open(path: &Path) -> rusqlite::Result<Self> {
        Ok(Self { connection: Mutex::new(schema::open(path)?) })
    }

    /// The database, for the other half of this module.
    pub(super) fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic rolls its transaction back, so the connection stays good.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores `messages`, each `copies` times; visible at once, or after its own or the `delay_secs`.
    pub(crate) fn send(
        &self,
        queue: i64,
        messages: &[NewMessage],
        delay_secs: u32,
        copies: u32,
        now_ms: i64,
    ) -> rusqlite::Result<()> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        for message in messages {
            for _ in 0..copies {
                let delay_ms = i64::from(message.delay_secs.unwrap_or(delay_secs)) * 1000;
                insert(&transaction, queue, message, now_ms, now_ms + delay_ms)?;
            }
        }
        transaction.commit()
    }

    /// Receives what is visible; what was received too often goes to the dead-letter queue.
    pub(crate) fn receive(&self, ask: Ask<'_>, now_ms: i64) -> rusqlite::Result<Got> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        let mut got = Got::default();
        loop {
            let due = due(&transaction, ask, got.messages.len(), now_ms)?;
            let given_up_before = got.given_up;
            for message in due {
                match ask.dead_letters {
                    Some(dead) if message.receives_here >= dead.max_receive_count => {
                        give_up(&transaction, &message, ask.queue_name, dead, now_ms)?;
                        got.given_up += 1;
                    }
                    _ => got.messages.push(take(&transaction, message, ask, now_ms)?),
                }
            }
            if got.given_up == given_up_before {
                break;
            }
        }
        transaction.commit()?;
        Ok(got)
    }

    /// Makes every message visible that was received and neither deleted nor seen again, and takes
    /// that receive back: a receiver that is gone has given no verdict.
    pub(crate) fn release_in_flight(&self, now_ms: i64) -> rusqlite::Result<usize> {
        self.connection().execute(
            "UPDATE message SET visible_ms = ?1, receives = MAX(receives - 1, 0),
                receives_here = MAX(receives_here - 1, 0)
             WHERE receipt IS NOT NULL AND visible_ms > ?1",
            [now_ms],
        )
    }

    /// When the next message of `queue` becomes visible that is not visible now.
    pub(crate) fn next_visible_ms(&self, queue: i64, now_ms: i64) -> rusqlite::Result<Option<i64>> {
        self.connection()
            .prepare_cached(
                "SELECT MIN(visible_ms) FROM message WHERE queue = ?1 AND visible_ms > ?2",
            )?
            .query_row([queue, now_ms], |row| row.get(0))
    }

    /// Deletes the message of `receipt`; one that is gone is no error.
    pub(crate) fn delete(&self, receipts: &[Receipt]) -> rusqlite::Result<()> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        for receipt in receipts {
            transaction
                .prepare_cached("DELETE FROM message WHERE id = ?1 AND queue = ?2")?
                .execute([receipt.message, receipt.queue])?;
        }
        transaction.commit()
    }

    /// Makes the message of `receipt` visible at `visible_ms`, if it is in flight under that receipt.
    pub(crate) fn change_visibility(
        &self,
        receipt: Receipt,
        visible_ms: i64,
        now_ms: i64,
    ) -> rusqlite::Result<Change> {
        let connection = self.connection();
        let current: Option<(Option<i64>, i64)> = connection
            .prepare_cached("SELECT receipt, visible_ms FROM message WHERE id = ?1 AND queue = ?2")?
            .query_row([receipt.message, receipt.queue], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        match current {
            Some((nonce, _)) if nonce != Some(receipt.nonce) => Ok(Change::NotAvailable),
            Some((_, until_ms)) if until_ms <= now_ms => Ok(Change::NotInFlight),
            None => Ok(Change::NotAvailable),
            Some(_) => {
                connection
                    .prepare_cached("UPDATE message SET visible_ms = ?2 WHERE id = ?1")?
                    .execute([receipt.message, visible_ms])?;
                Ok(Change::Done)
            }
        }
    }

    /// How many messages `queue` holds that are younger than `retention_ms`.
    pub(crate) fn counts(
        &self,
        queue: i64,
        retention_ms: i64,
        now_ms: i64,
    ) -> rusqlite::Result<Counts> {
        self.connection()
            .prepare_cached(
                "SELECT COUNT(*) FILTER (WHERE visible_ms <= ?2),
                        COUNT(*) FILTER (WHERE visible_ms > ?2 AND receipt IS NOT NULL),
                        COUNT(*) FILTER (WHERE visible_ms > ?2 AND receipt IS NULL)
                 FROM message WHERE queue = ?1 AND sent_ms > ?3",
            )?
            .query_row([queue, now_ms, now_ms - retention_ms], |row| {
                Ok(Counts { visible: row.get(0)?, in_flight: row.get(1)?, delayed: row.get(2)? })
            })
    }

    /// Deletes the messages of `queue` that were sent at `before_ms` or earlier.
    pub(crate) fn delete_sent_before(&self, queue: i64, before_ms: i64) -> rusqlite::Result<usize> {
        self.connection()
            .prepare_cached("DELETE FROM message WHERE queue = ?1 AND sent_ms <= ?2")?
            .execute([queue, before_ms])
    }
}

/// A visible message that is about to be received.
struct Due {
    id: i64,
    receives_here: u32,
    received: Received,
}

fn due(
    transaction: &Transaction<'_>,
    ask: Ask<'_>,
    have: usize,
    now_ms: i64,
) -> rusqlite::Result<Vec<Due>> {
    let limit = i64::from(ask.limit) - i64::try_from(have).unwrap_or(i64::MAX);
    let mut statement = transaction.prepare_cached(
        "SELECT id, receives_here, message_id, md5, body, attributes, trace_header, sent_ms,
                first_receive_ms, receives, source
         FROM message WHERE queue = ?1 AND visible_ms <= ?2 AND sent_ms > ?3
         ORDER BY visible_ms, id LIMIT ?4",
    )?;
    let rows = statement
        .query_map(params![ask.queue, now_ms, now_ms - ask.retention_ms, limit], |row| {
            due_message(row, now_ms)
        })?;
    rows.collect()
}

fn due_message(row: &Row<'_>, now_ms: i64) -> rusqlite::Result<Due> {
    let attributes: Option<String> = row.get("attributes")?;
    let attributes = attributes.and_then(|json| serde_json::from_str(&json).ok());
    Ok(Due {
        id: row.get("id")?,
        receives_here: row.get("receives_here")?,
        received: Received {
            handle: String::new(),
            message_id: row.get("message_id")?,
            md5: row.get("md5")?,
            body: row.get("body")?,
            attributes: attributes.unwrap_or_default(),
            trace_header: row.get("trace_header")?,
            sent_ms: row.get("sent_ms")?,
            first_receive_ms: row.get::<_, Option<i64>>("first_receive_ms")?.unwrap_or(now_ms),
            receives: row.get("receives")?,
            source: row.get("source")?,
        },
    })
}

fn take(
    transaction: &Transaction<'_>,
    due: Due,
    ask: Ask<'_>,
    now_ms: i64,
) -> rusqlite::Result<Received> {
    let receipt = Receipt { queue: ask.queue, message: due.id, nonce: nonce() };
    transaction
        .prepare_cached(
            "UPDATE message SET receives = receives + 1, receives_here = receives_here + 1,
                    receipt = ?2, visible_ms = ?3, first_receive_ms = ?4 WHERE id = ?1",
        )?
        .execute([
            due.id,
            receipt.nonce,
            now_ms + ask.visibility_ms,
            due.received.first_receive_ms,
        ])?;
    Ok(Received {
        handle: receipt.to_handle(),
        receives: due.received.receives + 1,
        ..due.received
    })
}

fn give_up(
    transaction: &Transaction<'_>,
    due: &Due,
    source: &str,
    dead: DeadLetters,
    now_ms: i64,
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "UPDATE message SET queue = ?2, source = ?3, visible_ms = ?4, receives_here = 0,
                    receipt = NULL WHERE id = ?1",
        )?
        .execute(params![due.id, dead.queue, source, now_ms])?;
    Ok(())
}

/// Stores one message.
pub(super) fn insert(
    transaction: &Transaction<'_>,
    queue: i64,
    message: &NewMessage,
    now_ms: i64,
    visible_ms: i64,
) -> rusqlite::Result<()> {
    let attributes = (!message.attributes.is_empty())
        .then(|| serde_json::to_string(&message.attributes))
        .transpose()
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    transaction
        .prepare_cached(
            "INSERT INTO message
                 (queue, visible_ms, sent_ms, message_id, md5, attributes, trace_header, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            queue,
            visible_ms,
            now_ms,
            message.id.to_string(),
            message.md5,
            attributes,
            message.trace_header,
            message.body,
        ])?;
    Ok(())
}

/// A number that tells one receive from another.
fn nonce() -> i64 {
    i64::try_from(Uuid::new_v4().as_u64_pair().0 >> 1).unwrap_or(i64::MAX)
}
