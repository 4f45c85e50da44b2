//! What may be used, and is counted: jobs in a day, and bytes that are stored.

use std::time::Duration;

use axum::http::StatusCode;
use domain::Day;
use ports::{MeterError, Metered, Meters, bytes_meter, jobs_meter};

use crate::idempotency::RequestKey;
use crate::{Api, Parts, Problem};

/// How long a day's meter is kept.
const DAY_KEPT_FOR: Duration = Duration::from_hours(48);

/// What a request uses. All that nobody in particular asks for counts as one user.
#[derive(Clone, Debug)]
pub(crate) struct Use {
    /// Who uses it, as meters are named.
    pub(crate) owner: String,
    /// Jobs that it begins.
    pub(crate) jobs: u64,
    /// Bytes that it stores.
    pub(crate) bytes: u64,
}

impl<P: Parts> Api<P> {
    /// Counts what a request uses, once however often it is sent under its key.
    ///
    /// After a crash between counting and settling, a repeat counts again: a meter may stand too high,
    /// and never lets more through than the limit.
    ///
    /// # Errors
    /// A [`Problem`] if it is more than may be used; nothing is counted then.
    pub(crate) async fn admit(
        &self,
        key: Option<&RequestKey>,
        wanted: &Use,
    ) -> Result<(), Problem> {
        let day = self.now().day();
        let Some(key) = key else { return self.count(wanted, day).await };
        let claim = self.claim(key).await?;
        if claim.settled {
            return Ok(());
        }
        if let Err(over) = self.count(wanted, day).await {
            // The same request, sent twice at once, may itself have used what was left.
            return if self.claim(key).await?.settled { Ok(()) } else { Err(over) };
        }
        if !self.settle(&claim).await? {
            self.give_back(wanted, day).await?;
        }
        Ok(())
    }

    async fn count(&self, wanted: &Use, day: Day) -> Result<(), Problem> {
        self.count_jobs(wanted, day).await?;
        let counted = self.count_bytes(wanted).await;
        if counted.is_err() {
            self.give_back(&Use { bytes: 0, ..wanted.clone() }, day).await?;
        }
        counted
    }

    async fn count_jobs(&self, wanted: &Use, day: Day) -> Result<(), Problem> {
        if wanted.jobs == 0 {
            return Ok(());
        }
        let meter = jobs_meter(&wanted.owner, day);
        let (limit, expires) = (self.rules.jobs_per_day, self.now().plus(DAY_KEPT_FOR));
        match self.meters.count(&meter, wanted.jobs, limit, Some(expires)).await? {
            Metered::Counted(_) => Ok(()),
            Metered::Over => Err(self.too_many_jobs(day)),
        }
    }

    async fn count_bytes(&self, wanted: &Use) -> Result<(), Problem> {
        if wanted.bytes == 0 {
            return Ok(());
        }
        let meter = bytes_meter(&wanted.owner);
        match self.meters.count(&meter, wanted.bytes, self.rules.bytes_stored, None).await? {
            Metered::Counted(_) => Ok(()),
            Metered::Over => {
                Err(self.too_many_bytes(wanted.bytes, self.meters.read(&meter).await?))
            }
        }
    }

    async fn give_back(&self, wanted: &Use, day: Day) -> Result<(), MeterError> {
        if wanted.jobs > 0 {
            self.meters.give_back(&jobs_meter(&wanted.owner, day), wanted.jobs).await?;
        }
        if wanted.bytes > 0 {
            self.meters.give_back(&bytes_meter(&wanted.owner), wanted.bytes).await?;
        }
        Ok(())
    }

    fn too_many_jobs(&self, day: Day) -> Problem {
        let limit = self.rules.jobs_per_day.unwrap_or_default();
        let resets = day.next().begins();
        let detail = format!(
            "the limit of {limit} jobs a day is reached; it resets on {} at 00:00 UTC",
            day.next()
        );
        let left = resets.since(self.now());
        let status = StatusCode::TOO_MANY_REQUESTS;
        let problem = Problem::new(status, "quota-exceeded", "Enough for today", detail);
        Problem { retry_after_secs: Some(left.as_secs().max(1)), ..problem }
    }

    fn too_many_bytes(&self, wanted: u64, used: u64) -> Problem {
        let limit = self.rules.bytes_stored.unwrap_or_default();
        let detail = format!(
            "{used} of {limit} bytes are used, so {wanted} more do not fit: delete jobs that are not \
             needed any more"
        );
        Problem::new(StatusCode::FORBIDDEN, "quota-exceeded", "No room left", detail)
    }
}
