use std::collections::BTreeMap;

use domain::{Account, Attempt, Booking, Caps, Day, JobId, OverCap};
use ports::{Ledger, LedgerError, Opened, Replaced};

use super::Shared;

type Rows = BTreeMap<(JobId, u32), Attempt>;

/// The ledger of paid work, in memory. What an account holds is added up when it is asked for.
#[derive(Clone, Debug, Default)]
pub struct InMemoryLedger(Shared<Rows>);

impl InMemoryLedger {
    /// The ledger with an attempt in it.
    #[must_use]
    pub fn with(self, attempt: &Attempt) -> Self {
        self.0.lock().insert((attempt.job, attempt.number), attempt.clone());
        self
    }

    /// Every attempt, by job and number.
    pub fn all(&self) -> Vec<Attempt> {
        self.0.lock().values().cloned().collect()
    }
}

impl Ledger for InMemoryLedger {
    async fn attempts(&self, job: JobId) -> Result<Vec<Attempt>, LedgerError> {
        let mut attempts = self.all();
        attempts.retain(|attempt| attempt.job == job);
        Ok(attempts)
    }

    async fn open(&self, attempt: &Attempt, caps: &Caps) -> Result<Opened, LedgerError> {
        let mut rows = self.0.lock();
        let key = (attempt.job, attempt.number);
        if rows.contains_key(&key) {
            return Ok(Opened::Exists);
        }
        if let Err(over) = check(&rows, attempt, caps) {
            return Ok(Opened::Over(over));
        }
        rows.insert(key, attempt.clone());
        Ok(Opened::New)
    }

    async fn replace(&self, before: &Attempt, after: &Attempt) -> Result<Replaced, LedgerError> {
        let mut rows = self.0.lock();
        match rows.get_mut(&(after.job, after.number)) {
            Some(row) if row.revision == before.revision => {
                *row = after.clone();
                Ok(Replaced::Done)
            }
            _ => Ok(Replaced::Conflict),
        }
    }

    async fn of_day(&self, day: Day) -> Result<Vec<Attempt>, LedgerError> {
        let mut attempts = self.all();
        attempts.retain(|attempt| attempt.intended_at.day() == day);
        attempts.sort_by_key(|attempt| attempt.intended_at);
        Ok(attempts)
    }

    async fn unknown(&self) -> Result<usize, LedgerError> {
        Ok(self.all().iter().filter(|attempt| attempt.is_unknown()).count())
    }

    async fn booked(&self, account: &Account) -> Result<Booking, LedgerError> {
        Ok(booked(&self.0.lock(), account))
    }
}

/// Whether the booking of a new attempt passes no limit.
fn check(rows: &Rows, attempt: &Attempt, caps: &Caps) -> Result<(), OverCap> {
    let wanted = attempt.booking();
    if wanted == Booking::NONE {
        return Ok(());
    }
    let accounts = Account::of_attempt(attempt);
    accounts.iter().try_for_each(|account| account.check(caps, booked(rows, account), wanted))
}

fn booked(rows: &Rows, account: &Account) -> Booking {
    let theirs = rows.values().filter(|attempt| Account::of_attempt(attempt).contains(account));
    theirs.map(Attempt::booking).fold(Booking::NONE, |sum, one| Booking {
        money: sum.money.plus(one.money),
        clips: sum.clips + one.clips,
    })
}
