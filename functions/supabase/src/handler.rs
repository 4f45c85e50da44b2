//! From an event to the row.

use domain::{Job, JobId};
use events::BusEvent;
use ports::{HandleRecord, Handled, JobStore, about};

use crate::news::{self, Move, News};
use crate::{Progress, Row, Rows, RowsError, Seen, Status, SupabaseError, Urls};

/// How often a row is looked at anew because others changed it in between.
const LOOKS: usize = 4;

/// Keeps the row of every job.
#[derive(Debug)]
pub struct Supabase<T, J> {
    /// The user's table.
    pub rows: T,
    /// The jobs as they are, which is never behind a fact.
    pub jobs: J,
}

impl<T: Rows, J: JobStore> HandleRecord for Supabase<T, J> {
    type Record = BusEvent;
    type Error = SupabaseError;

    async fn handle(&self, event: &BusEvent) -> Result<Handled, SupabaseError> {
        let named = event.envelope().ok().and_then(|envelope| JobId::parse(&envelope.job_id).ok());
        if let Some(job) = named {
            about(job);
        }
        match news::read(event)? {
            News::Created(row) => self.create(&row).await?,
            News::Moved(step) => self.advance(&step).await?,
            News::Deleted(job) => self.rows.delete(job).await.map_err(of(job))?,
            News::Nothing => tracing::debug!("{} means nothing for the row", event.detail_type),
        }
        Ok(Handled::Done)
    }

    fn is_hopeless(fault: &SupabaseError) -> bool {
        matches!(fault, SupabaseError::Foreign { .. } | SupabaseError::Id(_))
    }

    async fn give_up(&self, event: &BusEvent, cause: &str) -> Result<(), SupabaseError> {
        let job = event.envelope().map(|envelope| envelope.job_id).unwrap_or_default();
        let detail_type = &event.detail_type;
        tracing::error!(
            job.id = job,
            error = cause,
            "the row of job {job} is left without {detail_type}"
        );
        Ok(())
    }
}

/// What a look at the row led to.
#[derive(Debug, PartialEq, Eq)]
enum Looked {
    /// All is said and done.
    Settled,
    /// The row has changed: the fact is tried again.
    Again,
}

impl<T: Rows, J: JobStore> Supabase<T, J> {
    /// Makes the row of a new job.
    async fn create(&self, row: &Row) -> Result<(), SupabaseError> {
        // A late creation must not bring back what is deleted.
        if self.job(row.id).await?.is_some() {
            self.insert(row).await?;
        }
        Ok(())
    }

    /// Makes the row unless there is one; whether it did.
    async fn insert(&self, row: &Row) -> Result<bool, SupabaseError> {
        let inserted = self.rows.insert(row).await.map_err(of(row.id))?;
        // The job may have been deleted in between, and its row before it was made.
        if self.job(row.id).await?.is_none() {
            self.rows.delete(row.id).await.map_err(of(row.id))?;
        }
        Ok(inserted)
    }

    /// The job, unless it was deleted.
    async fn job(&self, job: JobId) -> Result<Option<Job>, SupabaseError> {
        let job = self.jobs.get(job).await?;
        Ok(job.filter(|job| Status::of(job.state).is_some()))
    }

    async fn advance(&self, step: &Move) -> Result<(), SupabaseError> {
        let Move { job, from, progress } = step;
        for _ in 0..LOOKS {
            if self.rows.change(*job, from, progress).await.map_err(of(*job))?
                || self.look_into(step).await? == Looked::Settled
            {
                return Ok(());
            }
        }
        Err(SupabaseError::Contended { job: *job })
    }

    /// Finds out why a fact has changed nothing.
    async fn look_into(&self, step: &Move) -> Result<Looked, SupabaseError> {
        let Move { job, from, progress } = step;
        let Some(seen) = self.rows.get(*job).await.map_err(of(*job))? else {
            return self.make_up(step).await;
        };
        if let Some(newest) = seen.event_seq.filter(|newest| *newest >= progress.event_seq) {
            return self.complete(step, newest, &seen).await;
        }
        let status = seen.status.as_deref().and_then(Status::parse);
        if status.is_some_and(|status| from.contains(&status)) {
            return Ok(Looked::Again);
        }
        if let Some(status) = seen.status_of_ours() {
            return self.catch_up(step, status).await;
        }
        let (status, event_seq) = (seen.status.unwrap_or_default(), progress.event_seq);
        tracing::warn!(
            job.id = %job,
            status,
            event_seq,
            "the row of job {job} was changed by somebody else and is left alone"
        );
        Ok(Looked::Settled)
    }

    /// There is no row: its creation is late or lost. The job tells how it is.
    async fn make_up(&self, step: &Move) -> Result<Looked, SupabaseError> {
        let Some(row) = self.job(step.job).await?.as_ref().and_then(Row::of) else {
            tracing::debug!(job.id = %step.job, "job {} is not there, nor is its row", step.job);
            return Ok(Looked::Settled);
        };
        let inserted = self.insert(&row).await?;
        Ok(settled(inserted && row.progress.event_seq >= step.progress.event_seq))
    }

    /// The row is newer than the fact. What is newer may have left out what only the fact says: a
    /// failure does not tell of the clip.
    async fn complete(
        &self,
        step: &Move,
        newest: u64,
        seen: &Seen,
    ) -> Result<Looked, SupabaseError> {
        let lacks = seen.lacks(&step.progress.urls);
        if lacks == Urls::default() {
            return Ok(Looked::Settled);
        }
        self.rows.add(step.job, newest, &lacks).await.map_err(of(step.job)).map(settled)
    }

    /// The row is older, as we wrote it, and the fact may not follow: it has overtaken another one.
    /// The job tells how it is.
    async fn catch_up(&self, step: &Move, status: Status) -> Result<Looked, SupabaseError> {
        let job = step.job;
        let Some(progress) = self.job(job).await?.as_ref().and_then(Progress::of) else {
            tracing::debug!(job.id = %job, "job {job} is not there, its row is left alone");
            return Ok(Looked::Settled);
        };
        let changed = self.rows.change(job, &[status], &progress).await.map_err(of(job))?;
        Ok(settled(changed && progress.event_seq >= step.progress.event_seq))
    }
}

const fn settled(is_settled: bool) -> Looked {
    if is_settled { Looked::Settled } else { Looked::Again }
}

fn of(job: JobId) -> impl Fn(RowsError) -> SupabaseError {
    move |source| SupabaseError::Rows { job, source }
}
