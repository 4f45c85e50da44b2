//! Why an event could not be written to the table. The record is delivered again.

use domain::{InvalidId, JobId};
use ports::JobStoreError;

use crate::RowsError;

/// A fault. A fact that comes late is not one: the row is newer already.
#[derive(Debug, thiserror::Error)]
pub enum SupabaseError {
    /// The event is not of this project.
    #[error("detail of {detail_type}")]
    Foreign {
        /// Its `detail-type`.
        detail_type: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The event names something that is no id.
    #[error("detail of an event")]
    Id(#[from] InvalidId),
    /// The table could not be read or written.
    #[error("row of job {job}")]
    Rows {
        /// The job.
        job: JobId,
        /// Why.
        source: RowsError,
    },
    /// The job could not be looked up.
    #[error("table of jobs")]
    Jobs(#[from] JobStoreError),
    /// Others changed the row whenever it was looked at.
    #[error("row of job {job}: changed by others all the time")]
    Contended {
        /// The job.
        job: JobId,
    },
}
