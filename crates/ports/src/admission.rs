//! Turns before providers that work on a limited number of orders at once.

use domain::{JobId, Line, Ticket, Timestamp, Turn};

use crate::{RegisterError, Registers, Replaced};

/// How often a line is written when others write it at the same time.
const TRIES: usize = 32;

/// A turn could not be asked for or given up.
#[derive(Debug, thiserror::Error)]
pub enum AdmissionError {
    /// The line could not be read or written.
    #[error("line before a provider")]
    Register(#[from] RegisterError),
    /// What is stored is no line.
    #[error("line before provider {provider} is unreadable")]
    Unreadable {
        /// Name of the provider.
        provider: String,
        /// Why.
        source: serde_json::Error,
    },
    /// Others kept writing it.
    #[error("the line before provider {0} keeps changing")]
    Contended(String),
}

/// The lines before providers, kept in registers.
#[derive(Clone, Debug)]
pub struct Admission<'a, R>(pub &'a R);

impl<R: Registers> Admission<'_, R> {
    /// Asks for a turn; see [`Line::enter`].
    ///
    /// # Errors
    /// [`AdmissionError`].
    pub async fn enter(
        &self,
        provider: &str,
        ticket: &Ticket,
        capacity: u32,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Turn, AdmissionError> {
        self.change(provider, now, |line| line.enter(ticket, capacity, now, until)).await
    }

    /// Gives up a turn or a place.
    ///
    /// # Errors
    /// [`AdmissionError`].
    pub async fn leave(
        &self,
        provider: &str,
        job: JobId,
        now: Timestamp,
    ) -> Result<(), AdmissionError> {
        self.change(provider, now, |line| line.leave(job)).await.map(drop)
    }

    async fn read(
        &self,
        provider: &str,
        now: Timestamp,
    ) -> Result<(Line, Option<u64>), AdmissionError> {
        let Some(registered) = self.0.read(&name(provider), now).await? else {
            return Ok((Line::default(), None));
        };
        let unreadable =
            |source| AdmissionError::Unreadable { provider: provider.to_owned(), source };
        let line = serde_json::from_str(&registered.text).map_err(unreadable)?;
        Ok((line, Some(registered.revision)))
    }

    async fn change<T>(
        &self,
        provider: &str,
        now: Timestamp,
        change: impl Fn(&mut Line) -> T,
    ) -> Result<T, AdmissionError> {
        for _ in 0..TRIES {
            let (before, revision) = self.read(provider, now).await?;
            let mut after = before.clone();
            let outcome = change(&mut after);
            if before == after {
                return Ok(outcome);
            }
            let unreadable =
                |source| AdmissionError::Unreadable { provider: provider.to_owned(), source };
            let text = serde_json::to_string(&after).map_err(unreadable)?;
            if self.0.write(&name(provider), revision, &text, None).await? == Replaced::Done {
                return Ok(outcome);
            }
        }
        Err(AdmissionError::Contended(provider.to_owned()))
    }
}

fn name(provider: &str) -> String {
    format!("line#{provider}")
}
