//! Who is calling.

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts as RequestParts;
use ports::NOBODY;

use crate::Problem;

/// Who is calling, as the door has found out. An extractor: a call that has one needs a known caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// A user, by the `sub` of a token.
    User(String),
    /// A server that acts for any user, by the name of its key.
    Service(String),
    /// Whoever develops on this machine, as this user or for any other.
    Developer(String),
}

impl Caller {
    /// The name under which its requests are counted and its idempotency keys are its own.
    pub fn name(&self) -> String {
        match self {
            Self::User(id) | Self::Developer(id) => format!("user#{id}"),
            Self::Service(name) => format!("service#{name}"),
        }
    }

    /// Whether it may act for any user.
    pub const fn acts_for_others(&self) -> bool {
        matches!(self, Self::Service(_) | Self::Developer(_))
    }

    /// The user that a request is for, which names `wanted`, or nobody.
    ///
    /// # Errors
    /// A [`Problem`] if a user names another.
    pub fn user(&self, wanted: Option<&str>) -> Result<Option<String>, Problem> {
        match (self, wanted) {
            (Self::User(own), Some(wanted)) if own != wanted => Err(Problem::new(
                StatusCode::FORBIDDEN,
                "not-your-user",
                "Not your user",
                "userId is not that of your token: leave it out, or use a service key",
            )),
            (Self::Service(_) | Self::Developer(_), Some(wanted)) => Ok(Some(wanted.to_owned())),
            (Self::User(own), _) | (Self::Developer(own), None) => Ok(Some(own.clone())),
            (Self::Service(_), None) => Ok(None),
        }
    }

    /// Whether it may see and touch what belongs to `owner`; none: to nobody in particular.
    pub fn may_touch(&self, owner: Option<&str>) -> bool {
        match self {
            Self::User(own) => owner == Some(own),
            Self::Service(_) | Self::Developer(_) => true,
        }
    }
}

/// The owner under which a user's jobs and meters are listed.
pub(crate) fn owner(user: Option<&str>) -> &str {
    user.unwrap_or(NOBODY)
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut RequestParts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            Problem::new(
                StatusCode::UNAUTHORIZED,
                "unauthenticated",
                "Not known",
                "send Authorization: Bearer with a token of Supabase or a service key",
            )
        })
    }
}
