//! The table, as the handler needs it.

use std::fmt;
use std::future::Future;

use domain::JobId;
use ports::Source;

use crate::{Progress, Row, Seen, Status, Urls};

/// What the table said when it said no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Status of the answer.
    pub status: u16,
    /// Code of `PostgREST` or of `PostgreSQL`; empty if somebody else answered.
    pub code: String,
    /// In its words, without the key.
    pub message: String,
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        [&self.code, &self.message]
            .into_iter()
            .filter(|text| !text.is_empty())
            .try_for_each(|text| write!(f, " {text}"))
    }
}

/// The table was not read or not written. No key and no address is told.
#[derive(Debug, thiserror::Error)]
pub enum RowsError {
    /// There was no answer; whether it was done is not known.
    #[error("no answer from Supabase")]
    Unanswered(#[source] Source),
    /// It cannot now.
    #[error("Supabase cannot answer now: {0}")]
    Unavailable(Said),
    /// The key is not taken.
    #[error("Supabase does not take the key: {0}; see SUPABASE_URL and SUPABASE_SERVICE_KEY")]
    Key(Said),
    /// Table, columns or rights are not as they should be.
    #[error("the table is not as it should be: {0}; apply infra/supabase/migrations")]
    Schema(Said),
    /// It refuses for another reason.
    #[error("Supabase refuses: {0}")]
    Refused(Said),
    /// The answer is no answer of `PostgREST`.
    #[error("an answer of Supabase that is not understood")]
    NotUnderstood(#[source] Source),
}

/// The rows of jobs in the user's table. Everything may be repeated.
pub trait Rows: Send + Sync {
    /// Stores the row unless there is one of this job, which stays as it is; whether it did.
    ///
    /// # Errors
    /// [`RowsError`].
    fn insert(&self, row: &Row) -> impl Future<Output = Result<bool, RowsError>> + Send;

    /// Changes the row if its status is one of `from` and its newest fact is none or older than
    /// `progress`, checked and written as one; whether it did. While others change the row it may
    /// not, and the caller looks again.
    ///
    /// # Errors
    /// [`RowsError`].
    fn change(
        &self,
        job: JobId,
        from: &[Status],
        progress: &Progress,
    ) -> impl Future<Output = Result<bool, RowsError>> + Send;

    /// Adds `urls` if the newest fact of the row is still `event_seq`; whether it did.
    ///
    /// # Errors
    /// [`RowsError`].
    fn add(
        &self,
        job: JobId,
        event_seq: u64,
        urls: &Urls,
    ) -> impl Future<Output = Result<bool, RowsError>> + Send;

    /// The row, if there is one.
    ///
    /// # Errors
    /// [`RowsError`].
    fn get(&self, job: JobId) -> impl Future<Output = Result<Option<Seen>, RowsError>> + Send;

    /// Removes the row, if there is one.
    ///
    /// # Errors
    /// [`RowsError`].
    fn delete(&self, job: JobId) -> impl Future<Output = Result<(), RowsError>> + Send;
}
