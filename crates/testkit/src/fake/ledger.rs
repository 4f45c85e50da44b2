use std::collections::BTreeMap;

use domain::{Attempt, JobId};
use ports::{Created, Ledger, LedgerError, Replaced};

use super::Shared;

/// The ledger of paid work, in memory.
#[derive(Clone, Debug, Default)]
pub struct InMemoryLedger(Shared<BTreeMap<(JobId, u32), Attempt>>);

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

    async fn open(&self, attempt: &Attempt) -> Result<Created, LedgerError> {
        let mut rows = self.0.lock();
        let key = (attempt.job, attempt.number);
        if rows.contains_key(&key) {
            return Ok(Created::Exists);
        }
        rows.insert(key, attempt.clone());
        Ok(Created::New)
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
}
