//! Meters: rows with `meter`, the `sum`, and `expiresAt` (in seconds), by which the table forgets them.
//!
//! Every write is an update of one row with a condition on it, so those who count at the same time are
//! all counted, and none passes the limit. An update whose answer is lost is repeated by the SDK and
//! then counts twice: a meter may stand too high by it, and be given back too much.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use domain::Timestamp;
use futures::FutureExt as _;
use ports::{Clock, MeterError, Metered, Meters, Source, SystemClock};

use super::table::{Contended, Item, Table, expiry, is_refused, item, number, parsed, text};

/// How often a meter is written when others begin it, or empty it, at the same time.
const TRIES: u32 = 6;

/// The row is not one of ours.
#[derive(Debug, thiserror::Error)]
#[error("the row has no sum")]
struct NoSum;

/// The table of meters.
#[derive(Clone, Debug)]
pub struct DynamoMeters(Table);

impl DynamoMeters {
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

    /// What the meter stands at; none: it has not begun.
    async fn sum(&self, name: &str) -> Result<Option<u64>, Source> {
        let Some(row) = self.0.get(key(name)).await? else { return Ok(None) };
        let now = seconds(SystemClock.now());
        if parsed(row.get("expiresAt")).is_some_and(|expires| expires <= now) {
            return Ok(None);
        }
        Ok(Some(parsed(row.get("sum")).ok_or(NoSum)?))
    }

    /// Makes one update and says what the meter stands at then; none: its condition does not hold.
    async fn update(
        &self,
        name: &str,
        change: impl FnOnce(UpdateItemFluentBuilder) -> UpdateItemFluentBuilder,
    ) -> Result<Option<u64>, Source> {
        let request = self.0.client.update_item().table_name(&self.0.name);
        let request = request
            .set_key(Some(key(name)))
            .expression_attribute_names("#sum", "sum")
            .return_values(ReturnValue::AllNew);
        match change(request).send().boxed().await {
            Ok(row) => {
                let row = row.attributes.unwrap_or_default();
                Ok(Some(parsed(row.get("sum")).ok_or(NoSum)?))
            }
            Err(error) if is_refused(&error) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Adds to a meter that has begun, if it then stands at `limit` at most.
    async fn add(&self, name: &str, amount: u64, limit: u64) -> Result<Option<u64>, Source> {
        let add = |request: UpdateItemFluentBuilder| {
            request
                .update_expression("ADD #sum :amount")
                .condition_expression(
                    "#sum <= :left AND (attribute_not_exists(#expires) OR #expires > :now)",
                )
                .expression_attribute_names("#expires", "expiresAt")
                .expression_attribute_values(":amount", number(amount))
                .expression_attribute_values(":left", number(limit - amount))
                .expression_attribute_values(":now", number(seconds(SystemClock.now())))
        };
        self.update(name, add).await
    }

    /// Begins a meter that is not there, or has expired and was not deleted yet.
    async fn begin(
        &self,
        name: &str,
        amount: u64,
        expires: Option<Timestamp>,
    ) -> Result<Option<u64>, Source> {
        let begin = |request: UpdateItemFluentBuilder| {
            let request = match expires {
                Some(at) => request
                    .update_expression("SET #sum = :amount, #expires = :expires")
                    .expression_attribute_values(":expires", expiry(at)),
                None => request.update_expression("SET #sum = :amount REMOVE #expires"),
            };
            request
                .condition_expression("attribute_not_exists(#sum) OR #expires <= :now")
                .expression_attribute_names("#expires", "expiresAt")
                .expression_attribute_values(":amount", number(amount))
                .expression_attribute_values(":now", number(seconds(SystemClock.now())))
        };
        self.update(name, begin).await
    }

    async fn count_up(
        &self,
        name: &str,
        amount: u64,
        limit: u64,
        expires: Option<Timestamp>,
    ) -> Result<Metered, Source> {
        if amount > limit {
            return Ok(Metered::Over);
        }
        for _ in 0..TRIES {
            if let Some(sum) = self.add(name, amount, limit).await? {
                return Ok(Metered::Counted(sum));
            }
            match self.sum(name).await? {
                Some(sum) if sum > limit - amount => return Ok(Metered::Over),
                // It was given back in between.
                Some(_) => {}
                None => {
                    if let Some(sum) = self.begin(name, amount, expires).await? {
                        return Ok(Metered::Counted(sum));
                    }
                }
            }
        }
        Err(Contended.into())
    }

    async fn count_down(&self, name: &str, amount: u64) -> Result<(), Source> {
        let subtract = |request: UpdateItemFluentBuilder| {
            request
                .update_expression("ADD #sum :less")
                .condition_expression("#sum >= :amount")
                .expression_attribute_values(":less", AttributeValue::N(format!("-{amount}")))
                .expression_attribute_values(":amount", number(amount))
        };
        let empty = |request: UpdateItemFluentBuilder| {
            request
                .update_expression("SET #sum = :none")
                .condition_expression("#sum < :amount")
                .expression_attribute_values(":none", number(0_u64))
                .expression_attribute_values(":amount", number(amount))
        };
        if amount == 0 {
            return Ok(());
        }
        for _ in 0..TRIES {
            let changed = self.update(name, subtract).await?;
            if changed.is_some() || self.sum(name).await?.is_none() {
                return Ok(());
            }
            if self.update(name, empty).await?.is_some() {
                return Ok(());
            }
        }
        Err(Contended.into())
    }
}

impl Meters for DynamoMeters {
    async fn count(
        &self,
        name: &str,
        amount: u64,
        limit: Option<u64>,
        expires: Option<Timestamp>,
    ) -> Result<Metered, MeterError> {
        let counted = self.count_up(name, amount, limit.unwrap_or(u64::MAX), expires).await;
        counted.map_err(failed("count up", name))
    }

    async fn give_back(&self, name: &str, amount: u64) -> Result<(), MeterError> {
        self.count_down(name, amount).await.map_err(failed("give back to", name))
    }

    async fn read(&self, name: &str) -> Result<u64, MeterError> {
        let sum = self.sum(name).await.map_err(failed("read", name))?;
        Ok(sum.unwrap_or_default())
    }
}

fn failed(action: &'static str, name: &str) -> impl FnOnce(Source) -> MeterError {
    move |source| MeterError { action, name: name.to_owned(), source }
}

fn key(name: &str) -> Item {
    item([("meter", text(name))])
}

const fn seconds(at: Timestamp) -> u64 {
    at.epoch_ms() / 1_000
}
