//! The ledger of paid work: rows with `job` and `attempt` (from 1), and beside `doc` the `state`, the
//! `revision`, and the `day` and `intendedAt` (ms), which index `by-day` has; while it is
//! unknown also `unknown` = `yes`, which makes index `unknown`, that has no other rows.
//!
//! Each is written together with the accounts that limit it: see [`Accounts`].

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::TransactWriteItem;
use aws_sdk_dynamodb::types::builders::PutBuilder;
use domain::{Account, Attempt, Booking, Caps, Day, JobId, OverCap};
use ports::{Ledger, LedgerError, Opened, Replaced, Source};
use tokio::time::Instant;

use super::accounts::Accounts;
use super::table::{Contended, Item, Table, Written, document, item, number, put, read_all, text};

/// How long a write is tried when others write the same accounts.
const PATIENCE: Duration = Duration::from_secs(3);
/// Time before the second try; it doubles with every further one.
const FIRST_WAIT: Duration = Duration::from_millis(10);
/// Longest time between tries.
const LONGEST_WAIT: Duration = Duration::from_millis(320);
/// How often an attempt is opened when what was in its way is gone by the time it is looked at.
const TRIES: u32 = 5;

/// The ledger of paid work.
#[derive(Clone, Debug)]
pub struct DynamoLedger {
    rows: Table,
    accounts: Accounts,
}

impl DynamoLedger {
    pub(crate) fn new(client: Client, ledger: String, accounts: String) -> Self {
        let accounts = Accounts(Table { client: client.clone(), name: accounts });
        Self { rows: Table { client, name: ledger }, accounts }
    }

    /// Whether both tables answer.
    ///
    /// # Errors
    /// What they, or the way to them, said.
    pub async fn reach(&self) -> Result<(), Source> {
        self.rows.reach(item([("job", text("reach")), ("attempt", number(0_u32))])).await?;
        self.accounts.reach().await
    }

    fn row(&self, attempt: &Attempt) -> Result<PutBuilder, Source> {
        let mut row = key(attempt);
        if attempt.is_unknown() {
            row.insert("unknown".to_owned(), text("yes"));
        }
        row.extend(item([
            ("state", text(&attempt.state)),
            ("revision", number(attempt.revision)),
            ("day", text(&attempt.intended_at.day())),
            ("intendedAt", number(attempt.intended_at.epoch_ms())),
            ("doc", document(attempt)?),
        ]));
        Ok(self.rows.put(row))
    }

    async fn write_new(&self, attempt: &Attempt, caps: &Caps) -> Result<Opened, Source> {
        let row = self
            .row(attempt)?
            .condition_expression("attribute_not_exists(#job)")
            .expression_attribute_names("#job", "job");
        let mut rows = vec![put(row)?];
        let (wanted, accounts) = (attempt.booking(), Account::of_attempt(attempt));
        if wanted != Booking::NONE {
            if let Some(over) = over_on_its_own(&accounts, caps, wanted) {
                return self.exists_or_over(attempt, caps, over).await;
            }
            for account in &accounts {
                rows.push(self.accounts.reserve(account, caps, wanted)?);
            }
        }
        for _ in 0..TRIES {
            match self.write(&rows).await? {
                Written::Done => return Ok(Opened::New),
                Written::Refused { row: 0 } => return Ok(Opened::Exists),
                _ => {}
            }
            if let Some(over) = self.accounts.over(&accounts, caps, wanted).await? {
                return Ok(Opened::Over(over));
            }
        }
        Err(Contended.into())
    }

    /// The answer where no account could hold the attempt, whatever it holds already.
    async fn exists_or_over(
        &self,
        attempt: &Attempt,
        caps: &Caps,
        over: OverCap,
    ) -> Result<Opened, Source> {
        if self.rows.get(key(attempt)).await?.is_some() {
            return Ok(Opened::Exists);
        }
        let accounts = Account::of_attempt(attempt);
        let first = self.accounts.over(&accounts, caps, attempt.booking()).await?;
        Ok(Opened::Over(first.unwrap_or(over)))
    }

    async fn write_next(&self, before: &Attempt, after: &Attempt) -> Result<Replaced, Source> {
        let row = self
            .row(after)?
            .condition_expression("#revision = :before")
            .expression_attribute_names("#revision", "revision")
            .expression_attribute_values(":before", number(before.revision));
        let mut rows = vec![put(row)?];
        let (held, holds) = (before.booking(), after.booking());
        if held != holds {
            for account in &Account::of_attempt(after) {
                rows.push(self.accounts.rebook(account, held, holds)?);
            }
        }
        Ok(self.write(&rows).await?.into())
    }

    /// Writes all rows or none; again and again, while somebody else is writing one of them.
    async fn write(&self, rows: &[TransactWriteItem]) -> Result<Written, Source> {
        let gives_up = Instant::now() + PATIENCE;
        let mut wait = FIRST_WAIT;
        loop {
            match self.rows.transact(rows.to_vec()).await? {
                written @ (Written::Done | Written::Refused { .. }) => return Ok(written),
                Written::Contended | Written::Throttled if Instant::now() >= gives_up => {
                    return Err(Contended.into());
                }
                Written::Contended | Written::Throttled => tokio::time::sleep(any(wait)).await,
            }
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    async fn read(&self, job: JobId) -> Result<Vec<Attempt>, Source> {
        let question = |query: QueryFluentBuilder| {
            query
                .consistent_read(true)
                .key_condition_expression("#job = :job")
                .expression_attribute_names("#job", "job")
                .expression_attribute_values(":job", text(&job))
        };
        read_all(&self.rows.query(question, usize::MAX).await?)
    }

    /// Costs as much as there are unknown attempts, however many others there are.
    async fn count_unknown(&self) -> Result<usize, Source> {
        let question = |query: QueryFluentBuilder| {
            query
                .index_name("unknown")
                .key_condition_expression("#unknown = :yes")
                .projection_expression("#job")
                .expression_attribute_names("#unknown", "unknown")
                .expression_attribute_names("#job", "job")
                .expression_attribute_values(":yes", text("yes"))
        };
        Ok(self.rows.query(question, usize::MAX).await?.len())
    }

    async fn read_day(&self, day: Day) -> Result<Vec<Attempt>, Source> {
        let question = |query: QueryFluentBuilder| {
            query
                .index_name("by-day")
                .key_condition_expression("#day = :day")
                .expression_attribute_names("#day", "day")
                .expression_attribute_values(":day", text(&day))
        };
        read_all(&self.rows.query(question, usize::MAX).await?)
    }
}

impl Ledger for DynamoLedger {
    async fn attempts(&self, job: JobId) -> Result<Vec<Attempt>, LedgerError> {
        self.read(job).await.map_err(failed("read", job))
    }

    async fn open(&self, attempt: &Attempt, caps: &Caps) -> Result<Opened, LedgerError> {
        self.write_new(attempt, caps).await.map_err(failed("open an attempt in", attempt.job))
    }

    async fn replace(&self, before: &Attempt, after: &Attempt) -> Result<Replaced, LedgerError> {
        self.write_next(before, after).await.map_err(failed("write to", after.job))
    }

    async fn of_day(&self, day: Day) -> Result<Vec<Attempt>, LedgerError> {
        self.read_day(day).await.map_err(failed("list", day))
    }

    async fn unknown(&self) -> Result<usize, LedgerError> {
        self.count_unknown().await.map_err(failed("count unknown attempts in", "all jobs"))
    }

    async fn booked(&self, account: &Account) -> Result<Booking, LedgerError> {
        self.accounts.booked(account).await.map_err(failed("read", &account.key))
    }
}

fn failed(action: &'static str, about: impl ToString) -> impl FnOnce(Source) -> LedgerError {
    move |source| LedgerError { action, about: about.to_string(), source }
}

fn key(attempt: &Attempt) -> Item {
    item([("job", text(&attempt.job)), ("attempt", number(attempt.number))])
}

/// The limit that is less than what is wanted, if there is one.
fn over_on_its_own(accounts: &[Account; 3], caps: &Caps, wanted: Booking) -> Option<OverCap> {
    accounts.iter().find_map(|account| account.check(caps, Booking::NONE, wanted).err())
}

/// A time up to `wait`, so that those who met once do not meet again.
fn any(wait: Duration) -> Duration {
    let chance = RandomState::new().hash_one(wait);
    // The share of `wait` that the upper half of the bits is of all that fit in it.
    wait * u32::try_from(chance >> 32).unwrap_or(u32::MAX) / u32::MAX
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::operation::get_item::GetItemOutput;
    use aws_sdk_dynamodb::operation::transact_write_items::{
        TransactWriteItemsError, TransactWriteItemsOutput,
    };
    use aws_sdk_dynamodb::types::CancellationReason;
    use aws_sdk_dynamodb::types::error::TransactionCanceledException;
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use domain::{Cap, MicroUsd, Window};
    use testkit::samples;

    use super::*;

    type Codes = [&'static str; 4];
    const CONFLICT: Codes = ["None", "None", "None", "TransactionConflict"];
    const THROTTLED: Codes = ["None", "ThrottlingError", "None", "None"];
    const EXISTS: Codes = ["ConditionalCheckFailed", "None", "ConditionalCheckFailed", "None"];
    const OVER: Codes = ["None", "None", "ConditionalCheckFailed", "None"];

    fn cancelled(codes: Codes) -> TransactWriteItemsError {
        let reasons = codes.map(|code| CancellationReason::builder().code(code).build());
        let cancelled = TransactionCanceledException::builder();
        let cancelled = cancelled.set_cancellation_reasons(Some(reasons.to_vec())).build();
        TransactWriteItemsError::TransactionCanceledException(cancelled)
    }

    /// Transactions are cancelled like this, one after the other, and then one is made.
    fn writes(answers: &[Codes]) -> Rule {
        let mut sequence = mock!(Client::transact_write_items).sequence();
        for codes in answers {
            let codes = *codes;
            sequence = sequence.error(move || cancelled(codes));
        }
        sequence.output(|| TransactWriteItemsOutput::builder().build()).build()
    }

    /// Every account holds so many clips.
    fn accounts(clips: u32) -> Rule {
        mock!(Client::get_item).then_output(move || {
            let row = item([("money", number(0_u64)), ("clips", number(clips))]);
            GetItemOutput::builder().set_item(Some(row)).build()
        })
    }

    async fn open(rules: &[&Rule]) -> Result<Opened, LedgerError> {
        let client = mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, rules);
        let ledger = DynamoLedger::new(client, "ledger".to_owned(), "accounts".to_owned());
        let caps = Caps { day: Cap { money: None, clips: Some(2) }, ..Caps::NONE };
        ledger.open(&samples::attempt(samples::job().id), &caps).await
    }

    #[tokio::test]
    async fn an_attempt_is_opened_however_often_others_write_its_accounts() {
        let writes = writes(&[CONFLICT, THROTTLED, CONFLICT]);

        let opened = open(&[&writes]).await;

        assert_eq!(opened.ok(), Some(Opened::New));
        assert_eq!(writes.num_calls(), 4);
    }

    #[tokio::test]
    async fn an_attempt_that_is_there_is_found_before_a_limit() {
        assert_eq!(open(&[&writes(&[EXISTS])]).await.ok(), Some(Opened::Exists));
    }

    #[tokio::test]
    async fn a_limit_that_is_reached_is_named() {
        let opened = open(&[&writes(&[OVER]), &accounts(2)]).await;

        assert!(
            matches!(opened, Ok(Opened::Over(OverCap { window: Window::Day, .. }))),
            "{opened:?}"
        );
    }

    #[tokio::test]
    async fn a_limit_from_which_something_was_freed_is_tried_again() {
        let opened = open(&[&writes(&[CONFLICT, OVER]), &accounts(1)]).await;

        assert_eq!(opened.ok(), Some(Opened::New));
    }

    #[tokio::test]
    async fn what_could_never_fit_is_not_asked_for() {
        let nothing = mock!(Client::get_item).then_output(|| GetItemOutput::builder().build());
        let client = mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, [&nothing]);
        let ledger = DynamoLedger::new(client, "ledger".to_owned(), "accounts".to_owned());
        let caps =
            Caps { month: Cap { money: Some(MicroUsd(359_999)), clips: None }, ..Caps::NONE };

        let opened = ledger.open(&samples::attempt(samples::job().id), &caps).await;

        assert!(
            matches!(opened, Ok(Opened::Over(OverCap { window: Window::Month, .. }))),
            "{opened:?}"
        );
    }
}
