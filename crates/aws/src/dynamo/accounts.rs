//! The accounts that limit paid work: rows with `account`, and beside it `money` (micro-dollars) and
//! `clips`, and for people the `window` and the day of `resetsAt`.

use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};
use domain::{Account, Booking, Cap, Caps, MicroUsd, OverCap, Window};
use ports::Source;

use super::table::{Item, Table, item, number, text};

/// The row is not one of ours.
#[derive(Debug, thiserror::Error)]
#[error("attribute {0} of an account is not a sum")]
struct NotASum(&'static str);

/// The table of accounts.
#[derive(Clone, Debug)]
pub(super) struct Accounts(pub(super) Table);

impl Accounts {
    /// Whether the table answers.
    pub(super) async fn reach(&self) -> Result<(), Source> {
        self.0.reach(item([("account", text("reach"))])).await
    }

    /// An update by which `account` holds `wanted` more, if that passes no limit.
    pub(super) fn reserve(
        &self,
        account: &Account,
        caps: &Caps,
        wanted: Booking,
    ) -> Result<TransactWriteItem, Source> {
        let update = self.add(account, Booking::NONE, wanted);
        let Cap { money, clips } = caps.of(account.window);
        let money = money.map(|cap| ("money", cap.0.saturating_sub(wanted.money.0)));
        let clips = clips.map(|cap| ("clips", cap.saturating_sub(wanted.clips).into()));
        let left: Vec<(&str, u64)> = money.into_iter().chain(clips).collect();
        let terms = left
            .iter()
            .map(|(name, _)| format!("(attribute_not_exists(#{name}) OR #{name} <= :{name}_left)"));
        let terms: Vec<_> = terms.collect();
        let condition = (!terms.is_empty()).then(|| terms.join(" AND "));
        let limit = |update: UpdateBuilder, (name, left): &(&str, u64)| {
            update.expression_attribute_values(format!(":{name}_left"), number(*left))
        };
        finish(left.iter().fold(update.set_condition_expression(condition), limit))
    }

    /// An update by which `account` holds `holds` instead of `held`.
    pub(super) fn rebook(
        &self,
        account: &Account,
        held: Booking,
        holds: Booking,
    ) -> Result<TransactWriteItem, Source> {
        finish(self.add(account, held, holds))
    }

    fn add(&self, account: &Account, held: Booking, holds: Booking) -> UpdateBuilder {
        let money = difference(held.money.0, holds.money.0);
        let clips = difference(held.clips, holds.clips);
        Update::builder()
            .table_name(&self.0.name)
            .set_key(Some(key(account)))
            .update_expression(
                "SET #window = :window, #resets = :resets ADD #money :money, #clips :clips",
            )
            .expression_attribute_names("#window", "window")
            .expression_attribute_names("#resets", "resetsAt")
            .expression_attribute_names("#money", "money")
            .expression_attribute_names("#clips", "clips")
            .expression_attribute_values(":window", text(name(account.window)))
            .expression_attribute_values(":resets", text(&account.resets_at.day()))
            .expression_attribute_values(":money", money)
            .expression_attribute_values(":clips", clips)
    }

    /// What `account` holds.
    pub(super) async fn booked(&self, account: &Account) -> Result<Booking, Source> {
        let Some(row) = self.0.get(key(account)).await? else { return Ok(Booking::NONE) };
        Ok(Booking { money: MicroUsd(sum(&row, "money")?), clips: sum(&row, "clips")? })
    }

    /// The first limit that `wanted` would pass, if there is one.
    pub(super) async fn over(
        &self,
        accounts: &[Account],
        caps: &Caps,
        wanted: Booking,
    ) -> Result<Option<OverCap>, Source> {
        for account in accounts {
            if let Err(over) = account.check(caps, self.booked(account).await?, wanted) {
                return Ok(Some(over));
            }
        }
        Ok(None)
    }
}

fn finish(update: UpdateBuilder) -> Result<TransactWriteItem, Source> {
    Ok(TransactWriteItem::builder().update(update.build()?).build())
}

fn key(account: &Account) -> Item {
    item([("account", text(&account.key))])
}

const fn name(window: Window) -> &'static str {
    match window {
        Window::UserDay => "user's day",
        Window::Day => "day",
        Window::Month => "month",
    }
}

/// What is to be added, which may be less than nothing.
fn difference(held: impl Into<i128>, holds: impl Into<i128>) -> AttributeValue {
    AttributeValue::N((holds.into() - held.into()).to_string())
}

fn sum<N: std::str::FromStr>(row: &Item, name: &'static str) -> Result<N, Source> {
    let number = row.get(name).and_then(|value| value.as_n().ok());
    Ok(number.and_then(|number| number.parse().ok()).ok_or(NotASum(name))?)
}
