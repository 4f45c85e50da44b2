//! Small documents that several invocations share.

use std::future::Future;

use domain::Timestamp;

use crate::{Replaced, Source};

/// A register failed or could not be reached.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} register {name}")]
pub struct RegisterError {
    /// What was to be done.
    pub action: &'static str,
    /// Name of the register.
    pub name: String,
    /// What went wrong.
    pub source: Source,
}

/// What a register holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// The document.
    pub text: String,
    /// Grows with every write; a write names the one it has read.
    pub revision: u64,
}

/// Documents by name, each written as a whole. What was written is read by the next call.
pub trait Registers: Send + Sync {
    /// What is registered under `name`; none if nothing is, or it has expired.
    ///
    /// # Errors
    /// [`RegisterError`].
    fn read(
        &self,
        name: &str,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<Registered>, RegisterError>> + Send;

    /// Registers `text` under `name` if what is there still has the revision `before`; none:
    /// if nothing is there. After `expires` it counts as gone.
    ///
    /// # Errors
    /// [`RegisterError`].
    fn write(
        &self,
        name: &str,
        before: Option<u64>,
        text: &str,
        expires: Option<Timestamp>,
    ) -> impl Future<Output = Result<Replaced, RegisterError>> + Send;
}
