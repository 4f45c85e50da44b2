//! What the tables have in common.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::builders::PutBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use domain::Timestamp;
use futures::FutureExt as _;
use ports::{Created, Replaced, Source};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A row, or its key.
pub(super) type Item = HashMap<String, AttributeValue>;

/// How often a row is created when others write it at the same time.
const TRIES: u32 = 6;
/// Time before the second try; it doubles with every further one.
const FIRST_WAIT: Duration = Duration::from_millis(10);

/// The row is not one of ours.
#[derive(Debug, thiserror::Error)]
#[error("the row has no document")]
struct NoDocument;

/// Others kept writing the row.
#[derive(Debug, thiserror::Error)]
#[error("others keep writing the row")]
pub(super) struct Contended;

/// The table takes no more writes now.
#[derive(Debug, thiserror::Error)]
#[error("too many writes at once")]
struct Throttled;

/// What became of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// All of it was stored.
    Done,
    /// None of it: a condition did not hold.
    Refused {
        /// Which row it is on, from 0: the first such.
        row: usize,
    },
    /// None of it: somebody else was writing one of the rows.
    Contended,
    /// None of it: there are too many writes.
    Throttled,
}

impl From<Written> for Replaced {
    fn from(written: Written) -> Self {
        match written {
            Written::Done => Self::Done,
            Written::Refused { .. } | Written::Contended | Written::Throttled => Self::Conflict,
        }
    }
}

/// One table.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) client: Client,
    pub(super) name: String,
}

impl Table {
    /// The row at `key`, as the newest write left it.
    pub(super) async fn get(&self, key: Item) -> Result<Option<Item>, Source> {
        let request = self.client.get_item().table_name(&self.name).consistent_read(true);
        Ok(request.set_key(Some(key)).send().boxed().await?.item)
    }

    /// Whether it can be read: looks for a row that is not there.
    pub(super) async fn reach(&self, key: Item) -> Result<(), Source> {
        self.get(key).await.map(drop)
    }

    /// Removes the row at `key`, if there is one.
    pub(super) async fn delete(&self, key: Item) -> Result<(), Source> {
        let request = self.client.delete_item().table_name(&self.name).set_key(Some(key));
        request.send().boxed().await?;
        Ok(())
    }

    /// Up to `limit` rows.
    pub(super) async fn query(
        &self,
        question: impl FnOnce(QueryFluentBuilder) -> QueryFluentBuilder,
        limit: usize,
    ) -> Result<Vec<Item>, Source> {
        let query = question(self.client.query().table_name(&self.name));
        let mut found = query.into_paginator().items().send();
        let mut items = Vec::new();
        while items.len() < limit
            && let Some(item) = found.try_next().await?
        {
            items.push(item);
        }
        Ok(items)
    }

    /// A put of `item`.
    pub(super) fn put(&self, item: Item) -> PutBuilder {
        Put::builder().table_name(&self.name).set_item(Some(item))
    }

    /// Creates the row at `key`, and `others` with it, unless it is there.
    pub(super) async fn create(
        &self,
        key: Item,
        row: PutBuilder,
        others: Vec<PutBuilder>,
    ) -> Result<Created, Source> {
        let name = key.keys().next().cloned().unwrap_or_default();
        let row = row
            .condition_expression("attribute_not_exists(#key)")
            .expression_attribute_names("#key", name);
        let mut wait = FIRST_WAIT;
        for _ in 0..TRIES {
            match self.write(row.clone(), others.clone()).await? {
                Written::Done => return Ok(Created::New),
                Written::Refused { .. } => return Ok(Created::Exists),
                Written::Contended if self.get(key.clone()).await?.is_some() => {
                    return Ok(Created::Exists);
                }
                Written::Contended | Written::Throttled => tokio::time::sleep(wait).await,
            }
            wait *= 2;
        }
        Err(Contended.into())
    }

    /// Puts `row` in the place of the one at `key` if the document of that is still `before`.
    pub(super) async fn replace<T>(
        &self,
        key: Item,
        row: PutBuilder,
        before: &T,
    ) -> Result<Replaced, Source>
    where
        T: Serialize + DeserializeOwned + PartialEq,
    {
        let still = |document: AttributeValue| {
            row.clone()
                .condition_expression("#doc = :before")
                .expression_attribute_names("#doc", "doc")
                .expression_attribute_values(":before", document)
        };
        let written = self.write(still(document(before)?), Vec::new()).await?;
        if !matches!(written, Written::Refused { .. }) {
            return Ok(written.into());
        }
        // It may be the same in the words of an older version, which knew fewer fields.
        match self.get(key).await?.and_then(|mut there| same(before, &mut there)) {
            Some(older) => Ok(self.write(still(older), Vec::new()).await?.into()),
            None => Ok(Replaced::Conflict),
        }
    }

    /// Puts all rows or none, of which the first has a condition.
    pub(super) async fn write(
        &self,
        row: PutBuilder,
        others: Vec<PutBuilder>,
    ) -> Result<Written, Source> {
        let rows = std::iter::once(row).chain(others).map(put).collect::<Result<_, _>>()?;
        match self.transact(rows).await? {
            Written::Throttled => Err(Throttled.into()),
            written => Ok(written),
        }
    }

    /// Writes all rows or none.
    ///
    /// A transaction even for one row: the SDK repeats one whose answer was lost under the same
    /// token, so that our own write is not taken for somebody else's.
    pub(super) async fn transact(&self, rows: Vec<TransactWriteItem>) -> Result<Written, Source> {
        let request = self.client.transact_write_items().set_transact_items(Some(rows));
        match request.send().boxed().await {
            Ok(_) => Ok(Written::Done),
            Err(error) => cancelled(&error).ok_or_else(|| error.into()),
        }
    }
}

/// Whether an update was not made because its condition does not hold.
pub(super) fn is_refused(error: &SdkError<UpdateItemError>) -> bool {
    let error = error.as_service_error();
    error.is_some_and(UpdateItemError::is_conditional_check_failed_exception)
}

/// The document of a row, if it reads as `before`.
fn same<T: DeserializeOwned + PartialEq>(before: &T, row: &mut Item) -> Option<AttributeValue> {
    let there: T = read(row).ok()?;
    (there == *before).then(|| row.remove("doc"))?
}

/// A row of a transaction.
pub(super) fn put(row: PutBuilder) -> Result<TransactWriteItem, Source> {
    Ok(TransactWriteItem::builder().put(row.build()?).build())
}

/// What a cancelled transaction means; none: it is a fault.
///
/// Source: Amazon `DynamoDB` API Reference, `TransactWriteItems`, "Cancellation reasons".
fn cancelled(error: &SdkError<TransactWriteItemsError>) -> Option<Written> {
    let TransactWriteItemsError::TransactionCanceledException(cancelled) =
        error.as_service_error()?
    else {
        return None;
    };
    let reasons = cancelled.cancellation_reasons().iter();
    let codes: Vec<_> = reasons.map(|reason| reason.code().unwrap_or("None")).collect();
    let refused = codes.iter().position(|code| *code == "ConditionalCheckFailed");
    match (codes.first(), refused) {
        // Whoever is writing the first row may be making its condition fail, which comes first.
        (Some(&"TransactionConflict"), Some(_)) => return Some(Written::Contended),
        (_, Some(row)) => return Some(Written::Refused { row }),
        _ => {}
    }
    let conflict = |code: &&str| *code == "TransactionConflict";
    let throttled =
        |code: &&str| matches!(*code, "ThrottlingError" | "ProvisionedThroughputExceeded");
    let harmless = |code: &&str| *code == "None" || conflict(code) || throttled(code);
    if !codes.iter().all(harmless) {
        return None;
    }
    if codes.iter().any(throttled) {
        return Some(Written::Throttled);
    }
    codes.iter().any(conflict).then_some(Written::Contended)
}

/// A text attribute.
pub(super) fn text(text: &(impl ToString + ?Sized)) -> AttributeValue {
    AttributeValue::S(text.to_string())
}

/// A number attribute.
pub(super) fn number(number: impl Into<u64>) -> AttributeValue {
    AttributeValue::N(number.into().to_string())
}

/// The number in an attribute, if there is one.
pub(super) fn parsed(number: Option<&AttributeValue>) -> Option<u64> {
    number?.as_n().ok()?.parse().ok()
}

/// When the table may forget a row: in seconds, which is all that it reads.
pub(super) fn expiry(at: Timestamp) -> AttributeValue {
    number(at.epoch_ms().div_ceil(1_000))
}

/// Attributes by name.
pub(super) fn item<const N: usize>(attributes: [(&str, AttributeValue); N]) -> Item {
    attributes.map(|(name, value)| (name.to_owned(), value)).into()
}

/// The attribute that holds a document.
pub(super) fn document(value: &impl Serialize) -> Result<AttributeValue, Source> {
    Ok(AttributeValue::S(serde_json::to_string(value)?))
}

/// The document of a row.
pub(super) fn read<T: DeserializeOwned>(row: &Item) -> Result<T, Source> {
    let document = row.get("doc").and_then(|value| value.as_s().ok()).ok_or(NoDocument)?;
    Ok(serde_json::from_str(document)?)
}

/// The documents of rows, in their order.
pub(super) fn read_all<T: DeserializeOwned>(rows: &[Item]) -> Result<Vec<T>, Source> {
    rows.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::operation::get_item::GetItemOutput;
    use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsOutput;
    use aws_sdk_dynamodb::types::CancellationReason;
    use aws_sdk_dynamodb::types::error::TransactionCanceledException;
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};

    use super::*;

    fn cancelled_for(codes: &'static [&'static str]) -> Rule {
        mock!(Client::transact_write_items).then_error(|| {
            let reasons =
                codes.iter().map(|code| CancellationReason::builder().code(*code).build());
            TransactWriteItemsError::TransactionCanceledException(
                TransactionCanceledException::builder()
                    .set_cancellation_reasons(Some(reasons.collect()))
                    .build(),
            )
        })
    }

    fn table(rules: &[&Rule]) -> Table {
        Table {
            client: mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, rules),
            name: "jobs".into(),
        }
    }

    async fn write(codes: &'static [&'static str]) -> Result<Written, Source> {
        let table = table(&[&cancelled_for(codes)]);
        table.write(table.put(Item::new()), vec![table.put(Item::new())]).await
    }

    #[tokio::test]
    async fn a_conflict_is_told_from_a_fault() {
        let refused = |row| Some(Written::Refused { row });
        assert_eq!(write(&["ConditionalCheckFailed", "None"]).await.ok(), refused(0));
        assert_eq!(write(&["None", "ConditionalCheckFailed"]).await.ok(), refused(1));
        assert_eq!(write(&["None", "TransactionConflict"]).await.ok(), Some(Written::Contended));
        assert!(write(&["ThrottlingError", "None"]).await.is_err());
        assert!(write(&["TransactionConflict", "ThrottlingError"]).await.is_err());
        assert!(write(&["None", "ValidationError"]).await.is_err());
        assert!(write(&[]).await.is_err());
    }

    #[tokio::test]
    async fn whether_the_first_row_is_there_is_known_before_the_others_count() {
        const CODES: [&str; 2] = ["TransactionConflict", "ConditionalCheckFailed"];

        assert_eq!(write(&CODES).await.ok(), Some(Written::Contended));
        let refused = write(&["ConditionalCheckFailed", "TransactionConflict"]).await.ok();
        assert_eq!(refused, Some(Written::Refused { row: 0 }));
    }

    #[tokio::test]
    async fn a_document_of_an_older_version_is_replaced_by_whoever_has_read_it() {
        #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        struct Known {
            a: u8,
            #[serde(default)]
            newer: u8,
        }
        let still = |document: &'static str| {
            mock!(Client::transact_write_items).match_requests(move |request| {
                let put = request.transact_items()[0].put().expect("a put");
                let before = put.expression_attribute_values().expect("values").get(":before");
                before == Some(&text(document))
            })
        };
        let refused = still(r#"{"a":1,"newer":0}"#).then_error(|| {
            let reason = CancellationReason::builder().code("ConditionalCheckFailed").build();
            let cancelled = TransactionCanceledException::builder().cancellation_reasons(reason);
            TransactWriteItemsError::TransactionCanceledException(cancelled.build())
        });
        let seen = mock!(Client::get_item)
            .then_output(|| GetItemOutput::builder().item("doc", text(r#"{"a":1}"#)).build());
        let done = still(r#"{"a":1}"#).then_output(|| TransactWriteItemsOutput::builder().build());
        let table = table(&[&refused, &seen, &done]);
        let before = Known { a: 1, newer: 0 };

        let replaced = table.replace(Item::new(), table.put(Item::new()), &before).await;

        assert_eq!(replaced.ok(), Some(Replaced::Done));
        assert_eq!(done.num_calls(), 1);
    }

    #[tokio::test]
    async fn a_row_that_somebody_else_is_creating_is_there_once_it_is_seen() {
        let key = || item([("pk", text("j"))]);
        let conflict = cancelled_for(&["TransactionConflict"]);
        let seen = mock!(Client::get_item)
            .then_output(move || GetItemOutput::builder().set_item(Some(key())).build());
        let table = table(&[&conflict, &seen]);

        let created = table.create(key(), table.put(key()), Vec::new()).await;

        assert_eq!(created.ok(), Some(Created::Exists));
    }
}
