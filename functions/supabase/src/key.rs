//! The key of the service role.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

/// What Supabase lets the service role write with. Its `Debug` prints nothing of it.
///
/// Source: Supabase documentation, "Understanding API keys".
#[derive(Clone, PartialEq, Eq)]
pub struct ServiceKey {
    key: String,
    is_token: bool,
}

#[derive(Deserialize)]
struct Claims {
    role: String,
}

impl ServiceKey {
    /// What a key should be, in words.
    pub(crate) const EXPECTED: &str = "a secret key (sb_secret_…) or the legacy service_role key";

    /// Takes a key as Supabase shows it: `sb_secret_…`, or the legacy JWT of the role `service_role`.
    /// None for the keys that browsers get.
    pub fn parse(key: &str) -> Option<Self> {
        let is_token = !key.starts_with("sb_secret_");
        let is_printable = key.bytes().all(|byte| byte.is_ascii_graphic());
        let is_of_service = !is_token || role(key)? == "service_role";
        (is_printable && is_of_service).then(|| Self { key: key.to_owned(), is_token })
    }

    /// The value of `apikey`.
    pub(crate) fn expose(&self) -> &str {
        &self.key
    }

    /// The value of `Authorization`. New keys are no tokens: the gateway makes one of them.
    pub(crate) fn bearer(&self) -> Option<String> {
        self.is_token.then(|| format!("Bearer {}", self.key))
    }
}

/// The role that a JWT is of. Whether it is genuine is for Supabase to say.
fn role(token: &str) -> Option<String> {
    let mut parts = token.split('.');
    let (Some(_), Some(claims), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let claims = URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
    serde_json::from_slice::<Claims>(&claims).ok().map(|claims| claims.role)
}

impl fmt::Debug for ServiceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServiceKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(role: &str) -> String {
        let claims = URL_SAFE_NO_PAD.encode(format!(r#"{{"iss":"supabase","role":"{role}"}}"#));
        format!("eyJhbGciOiJIUzI1NiJ9.{claims}.c2lnbmF0dXJl")
    }

    #[test]
    fn a_new_key_is_no_token_and_a_legacy_one_is() {
        let new = ServiceKey::parse("sb_secret_abc").expect("a key");
        let legacy = ServiceKey::parse(&token("service_role")).expect("a key");

        assert_eq!((new.expose(), new.bearer()), ("sb_secret_abc", None));
        assert_eq!(legacy.bearer(), Some(format!("Bearer {}", token("service_role"))));
    }

    #[test]
    fn a_key_for_browsers_is_not_taken() {
        assert_eq!(ServiceKey::parse("sb_publishable_abc"), None);
        assert_eq!(ServiceKey::parse(&token("anon")), None);
        assert_eq!(ServiceKey::parse("sb_secret_a b"), None);
        assert_eq!(ServiceKey::parse("a.b"), None);
        assert_eq!(ServiceKey::parse(""), None);
    }

    #[test]
    fn a_key_is_not_printed() {
        let key = ServiceKey::parse("sb_secret_abc");

        assert_eq!(format!("{key:?}"), "Some(ServiceKey)");
    }
}
