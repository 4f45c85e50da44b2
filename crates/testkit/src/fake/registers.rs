use std::collections::HashMap;

use domain::Timestamp;
use ports::{RegisterError, Registered, Registers, Replaced};

use super::Shared;

#[derive(Clone, Debug)]
struct Row {
    registered: Registered,
    expires: Option<Timestamp>,
}

impl Row {
    fn is_gone(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| now >= expires)
    }
}

#[derive(Debug, Default)]
struct Rows {
    by_name: HashMap<String, Row>,
    /// When something was last read: who writes has read before.
    now: Timestamp,
}

/// Registers in memory.
#[derive(Clone, Debug, Default)]
pub struct InMemoryRegisters(Shared<Rows>);

impl InMemoryRegisters {
    /// Every name, in order, of expired registers too.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.0.lock().by_name.keys().cloned().collect();
        names.sort();
        names
    }
}

impl Registers for InMemoryRegisters {
    async fn read(&self, name: &str, now: Timestamp) -> Result<Option<Registered>, RegisterError> {
        let mut rows = self.0.lock();
        rows.now = now;
        let row = rows.by_name.get(name).filter(|row| !row.is_gone(now));
        Ok(row.map(|row| row.registered.clone()))
    }

    async fn write(
        &self,
        name: &str,
        before: Option<u64>,
        text: &str,
        expires: Option<Timestamp>,
    ) -> Result<Replaced, RegisterError> {
        let mut rows = self.0.lock();
        let now = rows.now;
        let there = rows.by_name.get(name).filter(|row| !row.is_gone(now));
        if there.map(|row| row.registered.revision) != before {
            return Ok(Replaced::Conflict);
        }
        let revision = before.unwrap_or_default() + 1;
        let registered = Registered { text: text.to_owned(), revision };
        rows.by_name.insert(name.to_owned(), Row { registered, expires });
        Ok(Replaced::Done)
    }
}
