//! Fields that cannot be used, all of them at once.

use std::fmt::Display;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::{FieldProblem, Problem};

/// Length of a SHA-256, in bytes.
const SHA256_BYTES: usize = 32;

/// Every field that cannot be used.
#[derive(Debug, Default)]
pub(crate) struct BadFields(Vec<FieldProblem>);

impl BadFields {
    /// `field`, a JSON pointer, cannot be used.
    pub(crate) fn note(&mut self, field: &str, detail: impl Display) {
        self.0.push(FieldProblem { field: field.to_owned(), detail: detail.to_string() });
    }

    /// What was read of `field`, if it can be used.
    pub(crate) fn take<T, E: Display>(&mut self, field: &str, read: Result<T, E>) -> Option<T> {
        read.map_err(|error| self.note(field, error)).ok()
    }

    /// Notes if `sha256` is no SHA-256 in base64.
    pub(crate) fn check_sha256(&mut self, field: &str, sha256: &str) {
        let bytes = STANDARD.decode(sha256).unwrap_or_default();
        if bytes.len() != SHA256_BYTES {
            self.note(field, "write the SHA-256 of the bytes in base64: 44 characters");
        }
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// A [`Problem`] that names every field that cannot be used.
    pub(crate) fn finish(self) -> Result<(), Problem> {
        if self.0.is_empty() { Ok(()) } else { Err(Problem::invalid(self.0)) }
    }
}
