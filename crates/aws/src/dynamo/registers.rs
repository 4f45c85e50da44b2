//! Registers: rows with `register`, and beside `doc` the `revision`, the `writer`, and `expiresAt` (in
//! seconds), by which the table forgets them.

use std::hash::{BuildHasher, RandomState};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use domain::Timestamp;
use futures::FutureExt as _;
use ports::{Clock, RegisterError, Registered, Registers, Replaced, Source, SystemClock};

use super::table::{Item, Table, expiry, item, number, parsed, text};

/// The row is not one of ours.
#[derive(Debug, thiserror::Error)]
#[error("the row has no text or no revision")]
struct NoRegister;

/// The table of registers.
#[derive(Clone, Debug)]
pub struct DynamoRegisters(Table);

impl DynamoRegisters {
    pub(crate) fn new(client: Client, name: String) -> Self {
        Self(Table { client, name })
    }

    /// Whether the table answers.
    ///
    /// # Errors
    /// What it, or the way to it, said.
    pub async fn reach(&self) -> Result<(), Source> {
        self.0.reach(key("reach")).await
    }

    async fn read_at(&self, name: &str, now: Timestamp) -> Result<Option<Registered>, Source> {
        let row = self.0.get(key(name)).await?.filter(|row| !is_gone(row, now));
        Ok(row.as_ref().map(registered).transpose()?)
    }

    /// A put and no transaction: of those who write at the same time one always succeeds. Whose write
    /// it was, where the answer to it was lost and the SDK repeats it, is told by the `writer`.
    async fn put(&self, row: Item, before: Option<u64>) -> Result<Replaced, Source> {
        let writer = row.get("writer").cloned();
        let request = self.0.client.put_item().table_name(&self.0.name).set_item(Some(row));
        let request = match before {
            None => if_none(request, SystemClock.now()),
            Some(revision) => if_still(request, revision),
        };
        let failure = ReturnValuesOnConditionCheckFailure::AllOld;
        match request.return_values_on_condition_check_failure(failure).send().boxed().await {
            Ok(_) => Ok(Replaced::Done),
            Err(error) => match there(&error) {
                Some(row) if row.get("writer") == writer.as_ref() => Ok(Replaced::Done),
                Some(_) => Ok(Replaced::Conflict),
                None => Err(error.into()),
            },
        }
    }
}

impl Registers for DynamoRegisters {
    async fn read(&self, name: &str, now: Timestamp) -> Result<Option<Registered>, RegisterError> {
        self.read_at(name, now).await.map_err(failed("read", name))
    }

    async fn write(
        &self,
        name: &str,
        before: Option<u64>,
        text: &str,
        expires: Option<Timestamp>,
    ) -> Result<Replaced, RegisterError> {
        let row = row(name, before.unwrap_or_default() + 1, text, expires);
        self.put(row, before).await.map_err(failed("write", name))
    }
}

fn failed(action: &'static str, name: &str) -> impl FnOnce(Source) -> RegisterError {
    move |source| RegisterError { action, name: name.to_owned(), source }
}

fn key(name: &str) -> Item {
    item([("register", text(name))])
}

fn row(name: &str, revision: u64, doc: &str, expires: Option<Timestamp>) -> Item {
    let writer = RandomState::new().hash_one(name);
    let mut row = key(name);
    row.extend(item([
        ("doc", text(doc)),
        ("revision", number(revision)),
        ("writer", text(&format!("{writer:016x}"))),
    ]));
    row.extend(expires.map(|at| ("expiresAt".to_owned(), expiry(at))));
    row
}

/// Where nothing is, or what is there has expired and was not deleted yet.
fn if_none(request: PutItemFluentBuilder, now: Timestamp) -> PutItemFluentBuilder {
    request
        .condition_expression("attribute_not_exists(#register) OR #expires <= :now")
        .expression_attribute_names("#register", "register")
        .expression_attribute_names("#expires", "expiresAt")
        .expression_attribute_values(":now", number(now.epoch_ms() / 1_000))
}

fn if_still(request: PutItemFluentBuilder, revision: u64) -> PutItemFluentBuilder {
    request
        .condition_expression("#revision = :before")
        .expression_attribute_names("#revision", "revision")
        .expression_attribute_values(":before", number(revision))
}

/// The row for whose sake nothing was written, as far as it is told; none: that is not what failed.
fn there(error: &SdkError<PutItemError>) -> Option<Item> {
    match error.as_service_error()? {
        PutItemError::ConditionalCheckFailedException(failed) => {
            Some(failed.item().cloned().unwrap_or_default())
        }
        _ => None,
    }
}

fn is_gone(row: &Item, now: Timestamp) -> bool {
    parsed(row.get("expiresAt")).is_some_and(|secs| now.epoch_ms() / 1_000 >= secs)
}

fn registered(row: &Item) -> Result<Registered, NoRegister> {
    let text = row.get("doc").and_then(|value| value.as_s().ok()).cloned();
    let revision = parsed(row.get("revision"));
    text.zip(revision).map(|(text, revision)| Registered { text, revision }).ok_or(NoRegister)
}
