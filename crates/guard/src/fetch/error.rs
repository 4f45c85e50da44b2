//! Why nothing was fetched.

use std::error::Error;
use std::io;
use std::time::Duration;

use ports::Source;

use super::MAX_REDIRECTS;
use crate::check::GuardRefusal;

/// Longest name of a media type that is repeated, in bytes.
const MAX_TYPE_BYTES: usize = 64;
const MIB: u64 = 1024 * 1024;

/// What is at an address could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// It cannot be used, however often it is asked for.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It did not come; trying again may help.
    #[error("the fetch broke")]
    Later {
        /// How long to wait, if the answer says so: 1 s to 1 h.
        retry_after: Option<Duration>,
        /// What went wrong.
        source: Source,
    },
}

/// Why what is at an address cannot be used, said so that whoever named it knows what to do. The
/// address is not told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The address, or one that it leads to, is not one to ask.
    #[error(transparent)]
    Address(#[from] GuardRefusal),
    /// The address leads from one place to the next.
    #[error("the address leads elsewhere more than {MAX_REDIRECTS} times")]
    Redirects,
    /// The address leads elsewhere, without saying where.
    #[error("the address leads nowhere")]
    Nowhere,
    /// There is an answer, but no file.
    #[error("the address answers with status {0} instead of a file")]
    Status(u16),
    /// There is something else.
    #[error("the file at the address is of type {came} and not {}", wanted.join(" or "))]
    Type {
        /// What it is, as far as it can be repeated.
        came: String,
        /// What it should be.
        wanted: &'static [&'static str],
    },
    /// There is too much.
    #[error("the file at the address has more than {}", size(*max_bytes))]
    TooLarge {
        /// Most that is taken, in bytes.
        max_bytes: u64,
    },
}

impl Refusal {
    /// The refusal of `came`. It is a stranger's text: what is not plainly a type is not repeated.
    pub(super) fn of_type(came: &str, wanted: &'static [&'static str]) -> Self {
        let is_type = |byte: u8| byte.is_ascii_alphanumeric() || b"/+-.".contains(&byte);
        let is_plain = (1..=MAX_TYPE_BYTES).contains(&came.len()) && came.bytes().all(is_type);
        Self::Type { came: if is_plain { came } else { "unknown" }.to_owned(), wanted }
    }
}

fn size(bytes: u64) -> String {
    if bytes >= MIB { format!("{} MiB", bytes / MIB) } else { format!("{bytes} bytes") }
}

impl FetchError {
    /// The fetch that broke among the causes of another error, such as that of the store which the
    /// bytes went to.
    pub fn within<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        causes(error).find_map(<dyn Error>::downcast_ref)
    }

    /// There is no answer, or no end of it.
    pub(super) fn unanswered(error: reqwest::Error) -> Self {
        let refusal = causes(&error).find_map(<dyn Error>::downcast_ref::<GuardRefusal>);
        match refusal.copied() {
            Some(refusal) => Refusal::from(refusal).into(),
            // Nothing was asked: the address holds something that HTTP has no word for.
            None if error.is_builder() => Refusal::from(GuardRefusal::NotAnAddress).into(),
            None => Self::Later { retry_after: None, source: error.without_url().into() },
        }
    }
}

impl From<GuardRefusal> for FetchError {
    fn from(refusal: GuardRefusal) -> Self {
        Self::Refused(refusal.into())
    }
}

impl From<Trouble> for FetchError {
    fn from(trouble: Trouble) -> Self {
        Self::Later { retry_after: None, source: trouble.into() }
    }
}

/// What may be better another time.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error("status {0} instead of a file")]
    Status(u16),
    #[error("nothing came for {0:?}")]
    Idle(Duration),
    #[error("it took too long")]
    Total,
}

/// An error and its causes, from the outside in.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    // An I/O error tells the causes of what is in it, but not what is in it.
    let cause = |error: &&'a (dyn Error + 'static)| -> Option<&'a (dyn Error + 'static)> {
        let error = *error;
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(held) => Some(held),
            None => error.source(),
        }
    };
    std::iter::successors(Some(error), cause)
}
