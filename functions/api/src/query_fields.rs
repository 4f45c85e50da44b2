//! Reads a query field by field, and keeps everything that is wrong with it.

use std::ops::RangeInclusive;

use domain::Timestamp;
use events::from_rfc3339;

use crate::{FieldProblem, Problem};

/// Longest id of a user, in characters: as in bodies.
pub(crate) const MAX_USER: usize = 200;

/// What is wrong with a query so far. What is empty counts as left out.
#[derive(Debug, Default)]
pub(crate) struct QueryFields(Vec<FieldProblem>);

impl QueryFields {
    /// Notes that `field` cannot be used.
    pub(crate) fn refuse(&mut self, field: &str, detail: impl Into<String>) {
        self.0.push(FieldProblem { field: field.to_owned(), detail: detail.into() });
    }

    /// What `read` makes of the text, if there is one; `expected` says what it should be.
    pub(crate) fn read<T>(
        &mut self,
        field: &str,
        text: Option<&str>,
        expected: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = text.filter(|text| !text.is_empty())?;
        let value = read(text);
        if value.is_none() {
            self.refuse(field, format!("it should be {expected}"));
        }
        value
    }

    /// An instant.
    pub(crate) fn instant(&mut self, field: &str, text: Option<&str>) -> Option<Timestamp> {
        self.read(field, text, "RFC 3339, such as 2026-11-20T10:00:00Z", from_rfc3339)
    }

    /// A whole number within `range`.
    pub(crate) fn number(
        &mut self,
        field: &str,
        text: Option<&str>,
        range: RangeInclusive<u64>,
    ) -> Option<u64> {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        let read = |text: &str| text.parse().ok().filter(|number| range.contains(number));
        self.read(field, text, &expected, read)
    }

    /// The id of a user.
    pub(crate) fn user(&mut self, text: Option<&str>) -> Option<String> {
        let expected = format!("the id of a user: at most {MAX_USER} characters");
        let fits = |id: &str| (id.chars().count() <= MAX_USER).then(|| id.to_owned());
        self.read("userId", text, &expected, fits)
    }

    /// How many are wanted at once: 1 to 100, 20 unless it is said.
    pub(crate) fn limit(&mut self, text: Option<&str>) -> usize {
        let limit = self.number("limit", text, 1..=100).unwrap_or(20);
        usize::try_from(limit).unwrap_or(usize::MAX)
    }

    /// Whether all of it can be used.
    ///
    /// # Errors
    /// A [`Problem`] that names every field that cannot.
    pub(crate) fn done(self) -> Result<(), Problem> {
        if self.0.is_empty() { Ok(()) } else { Err(Problem::invalid(self.0)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let mut fields = QueryFields::default();

        fields.instant("from", Some("yesterday"));
        fields.number("wait", Some("21"), 0..=20);
        let problem = fields.done().expect_err("two fields");

        assert_eq!(problem.detail, "these cannot be used: from, wait");
        assert_eq!(problem.errors[1].detail, "it should be a whole number from 0 to 20");
    }

    #[test]
    fn the_id_of_a_user_has_up_to_200_characters() {
        let mut fields = QueryFields::default();
        let (fits, long) = ("ü".repeat(200), "u".repeat(201));

        assert_eq!(fields.user(Some(&fits)), Some(fits));
        assert_eq!((fields.user(None), fields.user(Some(""))), (None, None));
        assert_eq!(fields.user(Some(&long)), None);
        assert_eq!(fields.done().expect_err("one field").errors[0].field, "userId");
    }

    #[test]
    fn what_is_empty_is_left_out() {
        let mut fields = QueryFields::default();

        assert_eq!((fields.limit(Some("")), fields.limit(None)), (20, 20));
        assert_eq!(fields.instant("since", Some("")), None);
        assert_eq!(fields.limit(Some("100")), 100);
        assert!(fields.done().is_ok());
    }
}
