//! Causes, and how they are told.

use std::error::Error;
use std::fmt;

/// The cause of an error of ours, in the words of whoever it came from.
pub type Source = Box<dyn Error + Send + Sync>;

/// An error and its causes on one line, from the outside in.
#[derive(Debug)]
pub struct Chain<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut told = self.0.to_string();
        write!(f, "{told}")?;
        let mut next = self.0.source();
        while let Some(cause) = next {
            let text = cause.to_string();
            // Some libraries repeat their cause in their own sentence.
            if !told.ends_with(&text) {
                write!(f, ": {text}")?;
            }
            told = text;
            next = cause.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("media bucket")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn causes_are_told_on_one_line_and_once() {
        let error = Outer(std::io::Error::other("connection refused"));

        assert_eq!(Chain(&error).to_string(), "media bucket: connection refused");
    }
}
