//! The key that each provider accepts, unless it is told others, and how it is to be shown.

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};

use crate::name::Name;

/// The key of LTX.
pub const KEY_LTX: &str = "ltx-key-0f1e2d3c4b5a";
/// The key of Runway.
pub const KEY_RUNWAY: &str = "key_\
    0f1e2d3c4b5a69780f1e2d3c4b5a69780f1e2d3c4b5a69780f1e2d3c4b5a6978\
    0f1e2d3c4b5a69780f1e2d3c4b5a69780f1e2d3c4b5a69780f1e2d3c4b5a6978";
/// The key of Replicate.
pub const KEY_REPLICATE: &str = "r8_0123456789abcdef0123456789abcdef01234";
/// The key of fal.
pub const KEY_FAL: &str = "fal-id:fal-secret";
/// The version that Runway demands in `X-Runway-Version`.
pub const RUNWAY_VERSION: &str = "2024-11-06";
/// The account that fal names in its webhooks.
pub const FAL_USER: &str = "fal-user-1";

impl Name {
    /// The key that it accepts.
    pub fn key(self) -> &'static str {
        match self {
            Self::Ltx => KEY_LTX,
            Self::Runway => KEY_RUNWAY,
            Self::Replicate => KEY_REPLICATE,
            Self::Fal => KEY_FAL,
        }
    }

    /// The `Authorization` header that it accepts.
    pub fn authorization(self) -> String {
        self.authorization_with(self.key())
    }

    fn authorization_with(self, key: &str) -> String {
        let scheme = if self == Self::Fal { "Key" } else { "Bearer" };
        format!("{scheme} {key}")
    }

    /// Whether it is shown one of `keys`, or its own if there are none.
    pub(crate) fn admits(self, headers: &HeaderMap, keys: &[String]) -> bool {
        let own = [self.key().to_owned()];
        let keys = if keys.is_empty() { &own } else { keys };
        let accepts =
            |shown: &HeaderValue| keys.iter().any(|key| *shown == self.authorization_with(key));
        headers.get(AUTHORIZATION).is_some_and(accepts)
    }
}
