use std::collections::HashMap;

use domain::Timestamp;
use ports::{Clock, MeterError, Metered, Meters};

use super::{Shared, TestClock};

#[derive(Clone, Copy, Debug, Default)]
struct Meter {
    sum: u64,
    expires: Option<Timestamp>,
}

/// Meters in memory.
#[derive(Clone, Debug, Default)]
pub struct InMemoryMeters {
    by_name: Shared<HashMap<String, Meter>>,
    clock: TestClock,
}

impl InMemoryMeters {
    /// Meters that expire by `clock`.
    pub fn timed_by(clock: &TestClock) -> Self {
        Self { by_name: Shared::default(), clock: clock.clone() }
    }
}

impl Meter {
    fn is_live(&self, now: Timestamp) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }
}

impl Meters for InMemoryMeters {
    async fn count(
        &self,
        name: &str,
        amount: u64,
        limit: Option<u64>,
        expires: Option<Timestamp>,
    ) -> Result<Metered, MeterError> {
        let mut meters = self.by_name.lock();
        let meter = meters.get(name).copied().filter(|meter| meter.is_live(self.clock.now()));
        let meter = meter.unwrap_or(Meter { sum: 0, expires });
        let sum = meter.sum.saturating_add(amount);
        if limit.is_some_and(|limit| sum > limit) {
            return Ok(Metered::Over);
        }
        meters.insert(name.to_owned(), Meter { sum, ..meter });
        Ok(Metered::Counted(sum))
    }

    async fn give_back(&self, name: &str, amount: u64) -> Result<(), MeterError> {
        if let Some(meter) = self.by_name.lock().get_mut(name) {
            meter.sum = meter.sum.saturating_sub(amount);
        }
        Ok(())
    }

    async fn read(&self, name: &str) -> Result<u64, MeterError> {
        let meter = self.by_name.lock().get(name).copied();
        Ok(meter.filter(|meter| meter.is_live(self.clock.now())).unwrap_or_default().sum)
    }
}
