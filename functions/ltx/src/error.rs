//! Why an order could not be worked on. The record is delivered again.

use domain::IllegalAttemptState;
use events::InvalidLtxRequest;
use ports::{
    AdmissionError, CallOffError, ChronicleError, CollectError, LedgerError, LookError,
    RegisterError, RewrapError, Source, StoreError,
};

/// A fault. A refusal by the provider is not one: it is announced.
#[derive(Debug, thiserror::Error)]
pub enum LtxError {
    /// The order names no job.
    #[error("message of queue ltx")]
    Request(#[from] InvalidLtxRequest),
    /// The media bucket failed.
    #[error("media bucket")]
    Store(#[from] StoreError),
    /// The job could not be written or announced.
    #[error("job")]
    Chronicle(#[from] ChronicleError),
    /// The ledger failed.
    #[error("ledger")]
    Ledger(#[from] LedgerError),
    /// The attempt is not in a state from which this can follow.
    #[error("ledger")]
    Attempt(#[from] IllegalAttemptState),
    /// Another invocation wrote the attempt at the same time.
    #[error("another invocation is working on attempt {attempt}")]
    Contended {
        /// Which attempt.
        attempt: u32,
    },
    /// The provider has not answered the order, which is safe to make again.
    #[error("provider {provider}")]
    Submit {
        /// Its name.
        provider: &'static str,
        /// Why not.
        source: Source,
    },
    /// The attempt is with a provider that is not here any more.
    #[error("attempt {attempt} is with provider {provider:?}, which is not here")]
    NotHere {
        /// Which attempt.
        attempt: u32,
        /// Name of the provider.
        provider: String,
    },
    /// The work could not be looked at.
    #[error("provider")]
    Look(#[from] LookError),
    /// The clip could not be collected.
    #[error("provider")]
    Collect(#[from] CollectError),
    /// Work could not be called off.
    #[error("provider")]
    CallOff(#[from] CallOffError),
    /// What was delivered could not be judged, or is not the clip.
    #[error("clip")]
    Rewrap(#[from] RewrapError),
    /// No turn could be asked for or given up.
    #[error("admission")]
    Admission(#[from] AdmissionError),
    /// The stored clips could not be looked through.
    #[error("stored clips")]
    Register(#[from] RegisterError),
    /// There is no room for the clip on its way.
    #[error("temporary folder")]
    Work(#[from] std::io::Error),
}
